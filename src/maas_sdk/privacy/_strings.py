"""Which texts name a place on somebody's computer or a person; it repeats none of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from maas_sdk.privacy._rules import MAILS, PATHS, USERS

if TYPE_CHECKING:
    from maas_sdk.privacy._rules import Rule

__all__ = ["strings_in", "told_by"]

_MAX_DEPTH: Final = 6
_BEFORE: Final = r"(?<![\w./:\\<-])"
_PATTERNS: Final = (
    (
        USERS,
        re.compile(
            _BEFORE
            + r"(?:file://)?(?:(?:/var)?/home/[\w.-]|/Users/[\w.-]|/root/|~[\w.-]*/|[A-Za-z]:[\\/]+Users[\\/]+[\w.-])"
        ),
    ),
    (MAILS, re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b")),
    (
        PATHS,
        re.compile(_BEFORE + r"(?:file:///?|/[\w.-]+/[\w.-]|[A-Za-z]:\\+[\w.-]|\\\\[\w.-]+\\[\w.-])"),
    ),
)


def told_by(text: str) -> list[Rule]:
    """Give the rules that a text falls under: it names a user, an address or else a place."""
    found = [rule for rule, pattern in _PATTERNS if pattern.search(text)]
    return [rule for rule in found if rule is not PATHS or USERS not in found]


def strings_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Give the texts and paths in a parameter: itself, or in lists, tuples, sets and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, os.PathLike):
        yield os.fspath(value)
    elif depth < _MAX_DEPTH:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from strings_in(key, depth + 1)
                yield from strings_in(item, depth + 1)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for item in value:
                yield from strings_in(item, depth + 1)
