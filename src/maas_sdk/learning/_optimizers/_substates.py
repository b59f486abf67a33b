"""States within a flat state: their entries carry a prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["part", "prefixed"]


def prefixed(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Give a state with `prefix` before each key."""
    return {prefix + name: value for name, value in state.items()}


def part(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Undo `prefixed`, leaving out what has another prefix; the arrays are the same objects."""
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
