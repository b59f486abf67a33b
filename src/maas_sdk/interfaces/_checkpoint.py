"""The contract of checkpoints: where long work leaves what it needs to go on after a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Checkpoint", "CheckpointStore"]


@runtime_checkable
class Checkpoint(Protocol):
    """The place of one piece of work; it holds nothing, or the state that was saved last.

    A state is plain: dicts with string keys, lists, None, booleans, integers, floats, strings, and numpy
    arrays of numbers, booleans or texts (not of objects), nested as one likes.
    """

    def load(self) -> dict[str, Any] | None:
        """Give the state that was saved last, or None; `CheckpointError` where it is damaged."""
        ...

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep `state` in place of what was there, as a whole or not at all."""
        ...

    def clear(self) -> None:
        """Forget what was saved: the work is done, or is to begin anew."""
        ...


@runtime_checkable
class CheckpointStore(Protocol):
    """Places for many pieces of work."""

    def at(self, key: str) -> Checkpoint:
        """Give the place with that name, any text."""
        ...
