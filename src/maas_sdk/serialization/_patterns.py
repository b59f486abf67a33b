r"""Regular expressions from files: which of them no text can make take forever.

Python's engine tries one way after another where a pattern leaves a choice. Allowed are patterns whose
choices the next character decides, so that a wrong way ends at once; and, because people write
``\b\w*[a-z]\w*\b``, one loop over characters of words that goes on or not, where a pattern starts at the
starts of words. What may fail after a long run is kept from running over white space: so the time depends on
the longest word of a text, and at most on its square, and not on the text.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from attrs import define

__all__ = ["why_not"]

_LATIN = 256  # characters that have a bit of their own; all others share one
_OTHERS = 1 << _LATIN
_ALL = 2 * _OTHERS - 1
_MAX_LENGTH = 500
_MAX_RUN = 16  # a longer one counts as a loop
_MAX_OVERLAPS = 4
_OTHER_FLAGS = "it has flags other than i, m, s, u and x"
_TOO_MANY_WAYS = "it can read the same text in too many ways"
# Widely used: words with a letter. Its choices are two, but it starts at the start of a word alone.
_KNOWN = re.compile(r"(\(\?[iu]+\))?\\b\\w\*\[(a-z|a-zA-Z|A-Za-z)\]\+\\w\*\\b")
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.UNICODE | re.VERBOSE


def _mask(*tests: Any) -> int:
    return sum(1 << code for code in range(_LATIN) if any(test(chr(code)) for test in tests))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


_SPACE = _mask(str.isspace)
_WORD = _mask(_is_word) | _OTHERS
_CATEGORIES = {
    "CATEGORY_DIGIT": _mask(str.isdecimal) | _OTHERS,
    "CATEGORY_NOT_DIGIT": _ALL & ~_mask(str.isdecimal),
    "CATEGORY_SPACE": _SPACE | _OTHERS,
    "CATEGORY_NOT_SPACE": _ALL & ~_SPACE,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_NOT_WORD": _ALL & ~_mask(_is_word),
}
_LOOPS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_BOUNDARY = "BOUNDARY"
_ASSERTIONS = ("ASSERT", "ASSERT_NOT")
_POINTS = ("AT", _BOUNDARY, *_ASSERTIONS)  # where a match may stand; nothing is read
_CHARACTERS = ("LITERAL", "NOT_LITERAL", "ANY", "IN")


class _TooHardError(Exception):
    """A pattern that we do not allow; says why."""


def why_not(pattern: str) -> str:
    """Tell why a pattern is not allowed; empty if it is."""
    if len(pattern) > _MAX_LENGTH:
        return f"a pattern of more than {_MAX_LENGTH} characters"
    if _KNOWN.fullmatch(pattern):
        return ""
    try:
        _check(importlib.import_module("re._parser").parse(pattern))
    except (re.error, OverflowError, RecursionError, ValueError) as exc:
        return f"no pattern: {exc}"
    except _TooHardError as exc:
        return f"a pattern that is not allowed, because {exc}"
    return ""


def _check(tree: Any) -> None:
    flags, groups = tree.state.flags, tree.state.groups
    if flags & ~_FLAGS:
        raise _TooHardError(_OTHER_FLAGS)
    if groups > 2:  # noqa: PLR2004 - the whole and one
        raise _TooHardError("it has more than one group")
    items = _items(tree, fold=bool(flags & re.IGNORECASE))
    starts_words = bool(items) and items[0].name == _BOUNDARY
    _Walk(starts_words).visit(items, 0, last=True, inside=False)


@define
class _Item:
    """One part of a pattern: what it is, the characters that it reads, the parts in it."""

    name: str
    characters: int = 0
    low: int = 1
    high: int = 1
    branches: tuple[list[_Item], ...] = ()

    def reads(self) -> int:
        """Give all characters that it may read."""
        masks = [item.reads() for branch in self.branches for item in branch]
        return _union([self.characters, *masks])


def _items(tree: Any, *, fold: bool) -> list[_Item]:
    return [_item(str(name), value, fold=fold) for name, value in tree]


def _item(name: str, value: Any, *, fold: bool) -> _Item:
    if name in _CHARACTERS:
        return _Item(name, _characters(name, value, fold=fold))
    if name == "AT":
        return _Item(_BOUNDARY if str(value) == "AT_BOUNDARY" else name)
    low, high = (int(value[0]), int(value[1])) if name in _LOOPS else (1, 1)
    if name == "SUBPATTERN":
        _, added, removed, _ = value
        if (added | removed) & ~_FLAGS:
            raise _TooHardError(_OTHER_FLAGS)
        fold = (fold or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE
    branches = tuple(_items(branch, fold=fold) for branch in _inner(name, value))
    return _Item(name, low=low, high=high, branches=branches)


def _inner(name: str, value: Any) -> Any:
    """Give the alternatives in a part; of most, one."""
    if name == "BRANCH":
        return value[1]
    if name == "ATOMIC_GROUP":
        return [value]
    if name in (*_LOOPS, *_ASSERTIONS, "SUBPATTERN"):
        return [value[-1]]
    raise _TooHardError("it refers back to what it has read")


def _characters(name: str, value: Any, *, fold: bool) -> int:
    """Give at least the characters that one part reads, as bits."""
    if name == "ANY":
        return _ALL
    if name == "NOT_LITERAL":
        return _ALL & ~_range(value, value)
    if name == "LITERAL":
        return _folded(_range(value, value), fold=fold)
    negated = str(value[0][0]) == "NEGATE"
    mask = _union(_member(str(kind), member) for kind, member in value[int(negated) :])
    return _ALL & ~(mask & ~_OTHERS) if negated else _folded(mask, fold=fold)


def _member(kind: str, value: Any) -> int:
    if kind == "CATEGORY":
        return _CATEGORIES[str(value)]
    return _range(*value) if kind == "RANGE" else _range(value, value)


def _range(first: int, last: int) -> int:
    mask = 0 if first >= _LATIN else (1 << min(last + 1, _LATIN)) - (1 << first)
    return mask | (_OTHERS if last >= _LATIN else 0)


def _folded(mask: int, *, fold: bool) -> int:
    if not fold:
        return mask
    for code in range(_LATIN):
        if mask >> code & 1:
            for other in (chr(code).lower(), chr(code).upper()):
                mask |= _range(ord(other[0]), ord(other[0]))
    return mask | _OTHERS  # the long s is an s, and the sign of Kelvin a k


def _union(masks: Any) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _first(items: list[_Item]) -> tuple[int, bool]:
    """Give the characters that may come first, and whether there may be none."""
    mask = 0
    for item in items:
        starts, empty = _first_of(item)
        mask |= starts
        if not empty:
            return mask, False
    return mask, True


def _first_of(item: _Item) -> tuple[int, bool]:
    if item.name in _CHARACTERS:
        return item.characters, False
    if item.name in _POINTS:
        return 0, True
    starts = [_first(branch) for branch in item.branches]
    return _union(mask for mask, _ in starts), item.low == 0 or any(empty for _, empty in starts)


@define
class _Walk:
    """Looks at each choice of a pattern.

    Attributes
    ----------
    may_leave_open : bool
        Whether one loop may end at an earlier or a later character, which costs its length once more: if the
        pattern starts where words do, and not at each of their characters.
    overlaps : int
        Alternatives that start as others do.
    """

    may_leave_open: bool
    overlaps: int = 0

    def visit(self, items: list[_Item], follow: int, *, last: bool, inside: bool) -> None:
        """Check parts in sequence.

        Parameters
        ----------
        items : list of _Item
        follow : int
            The characters that may come afterwards.
        last : bool
            Whether nothing afterwards can fail.
        inside : bool
            Whether they are repeated.
        """
        for index, item in enumerate(items):
            after, empty = _first(items[index + 1 :])
            rest = after | (follow if empty else 0)
            ends = last and index + 1 == len(items)
            if item.name in _LOOPS:
                self._loop(item, rest, last=ends, inside=inside)
            elif item.name in _ASSERTIONS:
                if inside and any(_has_loop(part) for part in item.branches[0]):
                    raise _TooHardError("it looks ahead again and again")
                self.visit(item.branches[0], 0, last=False, inside=True)
            else:
                self._branches(item, rest, last=ends, inside=inside)

    def _branches(self, item: _Item, follow: int, *, last: bool, inside: bool) -> None:
        seen = 0
        for branch in item.branches:
            starts, empty = _first(branch)
            starts |= follow if empty else 0
            if starts & seen:
                self.overlaps += 1
                if inside or self.overlaps > _MAX_OVERLAPS:
                    raise _TooHardError(_TOO_MANY_WAYS)
            seen |= starts
            self.visit(branch, follow, last=last, inside=inside)

    def _loop(self, item: _Item, follow: int, *, last: bool, inside: bool) -> None:
        (body,) = item.branches
        starts, empty = _first(body)
        again = item.high > 1
        if empty and again:
            raise _TooHardError("it repeats what may be nothing")
        if item.low != item.high and starts & follow:
            simple = len(body) == 1 and body[0].name in _CHARACTERS
            if inside or not simple or starts & ~_WORD or not self.may_leave_open:
                raise _TooHardError(_TOO_MANY_WAYS)
            self.may_leave_open = False
        if item.high > _MAX_RUN and not last and item.reads() & _SPACE:
            raise _TooHardError("it may fail after a run over white space")
        self.visit(
            body,
            follow | (starts if again else 0),
            last=last and item.low <= 1,
            inside=inside or again,
        )


def _has_loop(item: _Item) -> bool:
    return item.low != item.high or any(_has_loop(part) for branch in item.branches for part in branch)
