"""The contract of a learning-rate schedule: a pure description that gives the rate of each optimizer step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Schedule"]


@runtime_checkable
class Schedule(Protocol):
    """Gives the learning rate of each step of an optimizer, which takes it in place of a number.

    The object holds options only and is never changed. A schedule that depends on how training goes keeps
    what it needs in its state, a plain dict of arrays and integers, which the optimizer saves with its own.

    Two powers are optional. ``observe_(value, state)`` is called after each epoch with what should become
    small (the loss, or minus the validation score) and changes the state in place. ``momentum(step, state)``
    gives the momentum of each step, which replaces the optimizer's `momentum` or `beta_1`, or always None.
    """

    def init(self) -> dict[str, Any]:
        """Make the state; empty where the rate depends on the step alone."""
        ...

    def rate(self, step: int, state: Mapping[str, Any]) -> float:
        """Give the learning rate, at least 0, of the step before which `step` steps were taken."""
        ...
