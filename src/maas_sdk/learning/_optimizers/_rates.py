"""The learning rate of an optimizer: a number, or a schedule whose state is part of the optimizer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Schedule
from maas_sdk.learning._optimizers._substates import part, prefixed
from maas_sdk.learning._options import check_real

if TYPE_CHECKING:
    from attrs import Attribute

__all__ = [
    "Scheduled",
    "check_no_momentum",
    "check_rate",
    "current_momentum",
    "current_rate",
    "first_momentum",
    "schedule_state",
]

_PREFIX = "schedule."


def check_rate(_: object, attribute: Attribute[Any], value: Any) -> None:
    """Raise `InvalidOptionError` unless `value` is a finite number greater than 0 or a schedule."""
    if isinstance(value, float):
        check_real(attribute.name, value, above=0)
    elif isinstance(value, type) or not isinstance(value, Schedule):
        raise InvalidOptionError(
            f"{attribute.name} must be a finite number > 0 or a schedule such as CosineSchedule(0.1, "
            f"n_steps=1000), not {value!r}"
        )


def schedule_state(rate: float | Schedule) -> dict[str, Any]:
    """Give what the schedule of an optimizer adds to its state."""
    return {} if isinstance(rate, float) else prefixed(_PREFIX, rate.init())


def current_rate(rate: float | Schedule, state: dict[str, Any]) -> float:
    """Give the learning rate of the next step."""
    if isinstance(rate, float):
        return rate
    return float(rate.rate(state["step"], part(state, _PREFIX)))


def current_momentum(rate: float | Schedule, state: dict[str, Any], default: float) -> float:
    """Give the momentum of the next step: the schedule's, if it has one, or else `default`."""
    if isinstance(rate, float) or not hasattr(rate, "momentum"):
        return default
    momentum = rate.momentum(state["step"], part(state, _PREFIX))
    return default if momentum is None else float(momentum)


def first_momentum(rate: float | Schedule) -> float | None:
    """Give the momentum of the first step by the schedule; None where it leaves momentum alone."""
    if isinstance(rate, float) or not hasattr(rate, "momentum"):
        return None
    momentum: float | None = rate.momentum(0, rate.init())
    return momentum


def check_no_momentum(optimizer: Any) -> None:
    """Raise `InvalidOptionError` if the schedule wants to set a momentum that `optimizer` does not have."""
    if first_momentum(optimizer.learning_rate) is not None:
        raise InvalidOptionError(
            f"{optimizer.learning_rate!r} sets the momentum, which {type(optimizer).__name__} does not have: "
            "pass cycle_momentum=False to the schedule"
        )


class Scheduled:
    """What optimizers with a learning rate share: a schedule that listens is told how training goes."""

    __slots__ = ()

    learning_rate: float | Schedule

    def observe_(self, value: float, state: dict[str, Any]) -> None:
        """Tell the schedule what should become small, such as an epoch's loss; `state` changes in place."""
        if hasattr(self.learning_rate, "observe_"):
            own = part(state, _PREFIX)
            self.learning_rate.observe_(value, own)
            state.update(prefixed(_PREFIX, own))
