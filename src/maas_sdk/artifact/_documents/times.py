"""Timestamps out of what callers give, and of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from maas_sdk._internal.times import is_timestamp
from maas_sdk.errors import InvalidOptionError

__all__ = ["as_timestamp", "now"]

_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"


def now() -> str:
    """Give the present moment, fractions of the second cut off."""
    return datetime.now(UTC).strftime(_FORM)


def as_timestamp(value: str | datetime, *, what: str) -> str:
    """Give a timestamp for what a caller gave.

    Parameters
    ----------
    value : str or datetime
        A timestamp in the accepted form, or a moment with a time zone; fractions of the second are cut off.
    what : str
        The name of the argument, for the message.

    Raises
    ------
    InvalidOptionError
        When it is neither.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).strftime(_FORM)
    if not is_timestamp(value):
        raise InvalidOptionError(
            f"{what} is {value!r}; give a datetime with a time zone or a text like 2026-11-23T22:00:00Z"
        )
    return str(value)
