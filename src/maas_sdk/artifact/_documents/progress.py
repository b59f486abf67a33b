"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Progress", "no_progress"]

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the stage, the bytes that are done, and how many there are in all (None: not known)."""


def no_progress(_stage: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""
