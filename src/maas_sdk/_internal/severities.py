"""How grave what leaves with a model is: four words in one order, for scans, statements and policies."""

from __future__ import annotations

from typing import Final, Literal, TypeGuard, get_args

__all__ = ["LEVELS", "Level", "gravest", "is_graver", "is_level"]

Level = Literal["none", "low", "medium", "high"]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""The least grave first; ``"none"`` is what a scan without findings found."""


def is_level(value: object) -> TypeGuard[Level]:
    """Whether `value` is one of the words."""
    return isinstance(value, str) and value in LEVELS


def is_graver(level: str, than: str) -> bool:
    """Whether a level is above another."""
    return LEVELS.index(level) > LEVELS.index(than)


def gravest(levels: list[str]) -> Level:
    """Give the highest of some levels; ``"none"`` of none."""
    return LEVELS[max((LEVELS.index(level) for level in levels), default=0)]
