"""Timestamps in files: RFC 3339, UTC, whole seconds, ``2026-11-23T22:00:00Z`` and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["is_timestamp", "moment"]

_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"
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
    return datetime.strptime(timestamp, _FORM).replace(tzinfo=UTC)
