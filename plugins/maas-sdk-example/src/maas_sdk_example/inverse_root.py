"""A learning rate that falls with the root of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attrs import Attribute

__all__ = ["InverseRootSchedule"]


def _check(_schedule: InverseRootSchedule, option: Attribute[float], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidOptionError(f"{option.name} must be a finite number above 0, not {value!r}")


@frozen
class InverseRootSchedule:
    """The rate of step t is ``learning_rate / (1 + t / n_steps) ** 0.5``.

    The object holds options only. One that depends on how training goes has a method `observe_` as well, and
    keeps in the state what it observed.

    Parameters
    ----------
    learning_rate : float, default=0.01
        The rate of the first step; above 0.
    n_steps : float, default=100.0
        Steps after which the rate is 0.7 of the first; above 0.
    """

    learning_rate: float = field(default=0.01, validator=_check)
    n_steps: float = field(default=100.0, validator=_check)

    def init(self) -> dict[str, Any]:
        """Make the state, which is empty."""
        return {}

    def rate(self, step: int, state: Mapping[str, Any]) -> float:  # noqa: ARG002 - the step is enough
        """Give the learning rate of the step before which `step` steps were taken."""
        return float(self.learning_rate / (1 + step / self.n_steps) ** 0.5)
