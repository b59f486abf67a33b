"""Timestamps in files: RFC 3339, UTC, whole seconds, ``2026-11-23T22:00:00Z`` and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["is_timestamp", "moment"]

_TIMESTAMP: Final = re.compile(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def is_timestamp(text: object) -> bool:
    """Whether `text` is a timestamp in the one accepted form, of a moment that exists."""
    if not isinstance(text, str) or not _TIMESTAMP.fullmatch(text):
        return False
    try:
        moment(text)
    except ValueError:
        return False
    return True


def moment(timestamp: str) -> datetime:
    """Read a well-formed timestamp."""
    day, _, time = timestamp.rstrip("Z").partition("T")
    year, month, of_month = map(int, day.split("-"))
    hour, minute, second = map(int, time.split(":"))  # strptime costs 4 ms to import
    return datetime(year, month, of_month, hour, minute, second, tzinfo=UTC)
