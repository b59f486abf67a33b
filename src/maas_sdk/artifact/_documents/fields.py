"""What the fields of signed statements may hold: validators for attrs; it knows no statement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from maas_sdk._internal.digests import is_digest
from maas_sdk._internal.times import is_timestamp
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "MAX_NUMBER",
    "check_digest",
    "check_digests",
    "check_fingerprints",
    "check_metrics",
    "check_number",
    "check_text",
    "check_timestamp",
    "checked_by",
]

MAX_NUMBER: Final = 2**53 - 1
"""The highest number: the highest integer that every JSON reader takes exactly."""

_MAX_LABEL: Final = 200
_MAX_METRICS: Final = 256


def checked_by(check: Callable[[Any], object]) -> Any:
    """Make a validator of a function that raises."""
    return lambda _instance, _attribute, value: check(value)


def check_number(_instance: object, attribute: Any, value: int) -> None:
    """Accept a number from 1 on."""
    if type(value) is not int or not 1 <= value <= MAX_NUMBER:
        raise InvalidOptionError(f"{attribute.name} is {value!r}; it counts from 1 to 2**53 - 1")


def check_digest(_instance: object, attribute: Any, value: Any) -> None:
    """Accept a digest, or None."""
    if value is not None and not is_digest(value):
        raise InvalidOptionError(f"{attribute.name} is {value!r}, not sha256: and 64 hexadecimal digits")


def check_timestamp(_instance: object, attribute: Any, value: Any) -> None:
    """Accept a timestamp, or None."""
    if value is not None and not is_timestamp(value):
        raise InvalidOptionError(f"{attribute.name} is {value!r}, not a time like 2026-11-23T22:00:00Z")


def check_digests(_instance: object, attribute: Any, value: Sequence[str]) -> None:
    """Accept digests, sorted, each once; or none at all."""
    if list(value) != sorted(set(value)):
        raise InvalidOptionError(f"{attribute.name} must be sorted, each once")
    for digest in value:
        if not is_digest(digest):
            raise InvalidOptionError(f"{attribute.name} holds {digest!r}, which is not sha256:…")


def check_fingerprints(instance: object, attribute: Any, value: Sequence[str]) -> None:
    """Accept fingerprints, sorted, each once, one at least."""
    if not value:
        raise InvalidOptionError(f"{attribute.name} is empty; one fingerprint at least is needed")
    check_digests(instance, attribute, value)


def check_text(longest: int, *, empty: bool = False) -> Any:
    """Make a validator for text of one line that people read; it has no control characters."""

    def check(_instance: object, attribute: Any, value: Any) -> None:
        if not isinstance(value, str) or len(value) > longest or not (value.strip() or (empty and not value)):
            raise InvalidOptionError(
                f"{attribute.name} must be a text of {0 if empty else 1} to {longest} characters, "
                f"not {str(value)[:80]!r}"
            )
        if not value.isprintable():
            raise InvalidOptionError(
                f"{attribute.name} has a control character or a line break: {value[:80]!r}"
            )

    return check


def check_metrics(_instance: object, attribute: Any, value: Mapping[Any, Any]) -> None:
    """Accept finite numbers under names that people read."""
    if len(value) > _MAX_METRICS:
        raise InvalidOptionError(f"{attribute.name} has {len(value)} entries; {_MAX_METRICS} are allowed")
    for name, number in value.items():
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_LABEL or not name.isprintable():
            raise InvalidOptionError(f"{attribute.name} has the malformed name {str(name)[:80]!r}")
        if type(number) is not float or not math.isfinite(number):
            raise InvalidOptionError(f"{attribute.name}[{name!r}] is {number!r}; it must be a finite float")
