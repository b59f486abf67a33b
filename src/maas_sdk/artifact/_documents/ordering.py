"""The order of versions as text, and ranges as intervals of it: what lets a database find versions.

A database compares text byte by byte. `order_text` writes a version so that this is SemVer's precedence;
where that is equal the text of the version decides, as in `maas_sdk.artifact._documents.names.version_order`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = [
    "EVERYTHING",
    "EVERY_RELEASE",
    "Interval",
    "intervals",
    "is_prerelease",
    "matcher",
    "order_text",
]

EVERYTHING: Final = "*"
"""The range of a bare name: all versions but pre-releases."""

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([^+]*))?(?:\+.*)?", re.ASCII)
_FIRST, _LAST, _RELEASE = "", "\x7f", "~"  # before all text of versions, after it, and after any pre-release


@frozen
class Interval:
    """Versions between two texts.

    Attributes
    ----------
    low, high : str
        The first text, and the one after the last.
    prerelease : bool
        Whether it is about pre-releases alone, or about releases alone.
    """

    low: str
    high: str
    prerelease: bool


EVERY_RELEASE: Final = Interval(_FIRST, _LAST, prerelease=False)
"""The interval of `EVERYTHING`."""


def order_text(version: str) -> str:
    """Write a well-formed version so that texts sort as versions do."""
    match = _VERSION.fullmatch(version)
    assert match is not None
    *numbers, prerelease = match.groups()
    return _precedence(numbers, prerelease.split(".") if prerelease else ()) + version


def is_prerelease(version: str) -> bool:
    """Whether a well-formed version is a pre-release."""
    return "-" in version.partition("+")[0]


def intervals(range_: str) -> list[Interval]:
    """Give intervals with every version that may be in a range of npm's notation; not all in them are.

    `semantic_version` says which: it knows that a pre-release is in a range only when the range names one of
    the same three numbers.
    """
    import semantic_version  # noqa: PLC0415 - slow to import, and whoever verifies needs no range

    return list(_intervals(semantic_version.NpmSpec(range_).clause))


def matcher(range_: str) -> Callable[[str], bool]:
    """Give what tells whether a version is in a range."""
    if range_ == EVERYTHING:
        return lambda version: not is_prerelease(version)
    import semantic_version  # noqa: PLC0415 - as above

    spec = semantic_version.NpmSpec(range_)
    return lambda version: bool(spec.match(semantic_version.Version(version)))


def _intervals(clause: Any) -> Iterator[Interval]:
    if type(clause).__name__ == "AnyOf":
        for alternative in clause.clauses:
            yield from _intervals(alternative)
    else:
        yield from _common(getattr(clause, "clauses", (clause,)))


def _common(ranges: Iterable[Any]) -> Iterator[Interval]:
    """Give what all of some comparisons with a version have in common."""
    low, high = _FIRST, _LAST
    bases = set()
    for each in ranges:
        target = each.target
        bases.add((target.major, target.minor, target.patch))
        first = _precedence(_numbers(target), target.prerelease or ())
        after = first + _LAST
        if each.operator in {">=", ">", "=="}:
            low = max(low, after if each.operator == ">" else first)
        if each.operator in {"<=", "<", "=="}:
            high = min(high, first if each.operator == "<" else after)
    if low < high:
        yield Interval(low, high, prerelease=False)
    for base in sorted(bases):
        numbers = _digits(map(str, base))
        inside = Interval(max(low, numbers), min(high, numbers + _RELEASE), prerelease=True)
        if inside.low < inside.high:
            yield inside


def _numbers(target: Any) -> list[str]:
    return [str(target.major), str(target.minor), str(target.patch)]


def _digits(numbers: Iterable[str]) -> str:
    return "".join(f"{len(number):03d}{number}" for number in numbers)


def _precedence(numbers: Iterable[str], prerelease: Sequence[str]) -> str:
    """Write SemVer's precedence; what follows it is in any case after a space.

    A space sorts before any identifier (fewer of them come first), ``!`` before any character of one.
    """
    if not prerelease:
        return f"{_digits(numbers)}{_RELEASE} "
    return f"{_digits(numbers)}{''.join(_identifier(each) for each in prerelease)} "


def _identifier(text: str) -> str:
    return f"0{len(text):03d}{text}!" if text.isdigit() else f"1{text}!"
