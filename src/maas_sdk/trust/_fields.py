"""What the fields of a policy may hold: validators and converters for attrs; it knows no rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from maas_sdk.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["as_tuple", "check_whole", "is_alias", "is_pattern", "is_publisher", "must_be"]

_SEGMENT: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
# Nothing but a whole first word may stand before the star: "sklearn*" would allow "sklearn_evil.Model" too.
_PATTERN: Final = re.compile(rf"\*|{_WORD}(?:\.{_WORD}){{0,15}}(?:\.(?:{_WORD})?\*)?", re.ASCII)


def is_publisher(text: object) -> bool:
    """Whether `text` is what may stand before the slash of a name."""
    return isinstance(text, str) and _SEGMENT.fullmatch(text) is not None


def is_alias(text: object) -> bool:
    """Whether `text` may be an alias."""
    return isinstance(text, str) and _SEGMENT.fullmatch(text) is not None


def is_pattern(text: object) -> bool:
    """Whether `text` means components or classes: ``acme.zstd``, ``sklearn.*``, ``*``."""
    return isinstance(text, str) and _PATTERN.fullmatch(text) is not None


def must_be(kind: type, expected: str) -> Callable[[Any, Any, Any], None]:
    """Make a validator for one exact type."""

    def check(_instance: object, attribute: Any, value: object) -> None:
        if type(value) is not kind:
            raise PolicyError(f"{attribute.name} is {value!r}; it must be {expected}")

    return check


def as_tuple(values: Iterable[Any], what: str, expected: str) -> tuple[Any, ...]:
    """Make a tuple; a text, which is a likely mistake, makes none."""
    if isinstance(values, str):
        raise PolicyError(f"{what} is the text {values[:160]!r}; it must be {expected}")
    try:
        return tuple(values)
    except TypeError as exc:
        raise PolicyError(f"{what} is {values!r}; it must be {expected}") from exc


def check_whole(what: str, value: object, highest: int) -> None:
    """Refuse what is no whole number from 1 to `highest`."""
    if type(value) is not int or not 1 <= value <= highest:
        raise PolicyError(f"{what} is {value!r}; it must be a whole number from 1 to {highest}")
