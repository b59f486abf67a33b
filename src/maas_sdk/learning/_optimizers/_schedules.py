"""Schedules whose rate depends on the step alone: constant, step, exponential, cosine, and a warm-up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk.learning._optimizers._fields import integer, real
from maas_sdk.learning._optimizers._rates import check_rate
from maas_sdk.learning._options import plain_real

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.interfaces import Schedule

__all__ = [
    "ConstantSchedule",
    "CosineSchedule",
    "ExponentialSchedule",
    "LinearWarmupSchedule",
    "StepSchedule",
]


class _Stateless:
    """A schedule that remembers nothing."""

    __slots__ = ()

    def init(self) -> dict[str, Any]:
        """Make the state, which is empty."""
        return {}


@frozen
class ConstantSchedule(_Stateless):
    """The same rate in each step; a number in its place does the same.

    Parameters
    ----------
    learning_rate : float, default=1e-3
        Greater than 0.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.
    """

    learning_rate: float = real(1e-3, above=0)

    def rate(self, step: int, state: Mapping[str, Any]) -> float:  # noqa: ARG002 - it is constant
        """Give the learning rate of the step before which `step` steps were taken."""
        return self.learning_rate


@frozen
class StepSchedule(_Stateless):
    r"""A rate that falls at once every so many steps, as ``torch.optim.lr_scheduler.StepLR``.

    :math:`\eta_t = \eta_0\, \gamma^{\lfloor t / n \rfloor}`.

    Parameters
    ----------
    learning_rate : float, default=1e-3
        :math:`\eta_0`, greater than 0.
    n_steps : int
        :math:`n`, optimizer steps between two falls, at least 1.
    factor : float, default=0.1
        :math:`\gamma`, greater than 0.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.
    """

    learning_rate: float = real(1e-3, above=0)
    n_steps: int = integer(minimum=1)
    factor: float = real(0.1, above=0, kw_only=True)

    def rate(self, step: int, state: Mapping[str, Any]) -> float:  # noqa: ARG002 - the step is enough
        """Give the learning rate of the step before which `step` steps were taken."""
        return self.learning_rate * self.factor ** (step // self.n_steps)


@frozen
class ExponentialSchedule(_Stateless):
    r"""A rate that falls by the same factor in each step, as ``torch.optim.lr_scheduler.ExponentialLR``.

    :math:`\eta_t = \eta_0\, \gamma^t`.

    Parameters
    ----------
    learning_rate : float, default=1e-3
        :math:`\eta_0`, greater than 0.
    factor : float, default=0.999
        :math:`\gamma`, for each optimizer step, greater than 0 and below 1.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.
    """

    learning_rate: float = real(1e-3, above=0)
    factor: float = real(0.999, above=0, below=1, kw_only=True)

    def rate(self, step: int, state: Mapping[str, Any]) -> float:  # noqa: ARG002 - the step is enough
        """Give the learning rate of the step before which `step` steps were taken."""
        return self.learning_rate * self.factor**step


@frozen
class CosineSchedule(_Stateless):
    r"""A rate that falls along half a cosine, as ``torch.optim.lr_scheduler.CosineAnnealingLR``.

    :math:`\eta_t = \eta_{\min} + \tfrac12 (\eta_0 - \eta_{\min}) (1 + \cos(\pi \min(t, n) / n))`. After
    :math:`n` steps it stays at its end, where torch's would rise again.

    Parameters
    ----------
    learning_rate : float, default=1e-3
        :math:`\eta_0`, greater than 0.
    n_steps : int
        :math:`n`, optimizer steps until the end, at least 1.
    min_learning_rate : float, default=0.0
        :math:`\eta_{\min}`, at least 0.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
    arXiv:1608.03983.
    """

    learning_rate: float = real(1e-3, above=0)
    n_steps: int = integer(minimum=1)
    min_learning_rate: float = real(0.0, minimum=0, kw_only=True)

    def rate(self, step: int, state: Mapping[str, Any]) -> float:  # noqa: ARG002 - the step is enough
        """Give the learning rate of the step before which `step` steps were taken."""
        share = (1 + math.cos(math.pi * min(step, self.n_steps) / self.n_steps)) / 2
        return self.min_learning_rate + (self.learning_rate - self.min_learning_rate) * share


@frozen
class LinearWarmupSchedule:
    r"""A rate that first rises in a line, then follows a number or another schedule.

    For :math:`n` steps :math:`\eta_t = \eta'_0\, (s + (1 - s)\, t / n)`, then :math:`\eta'_{t - n}`, where
    :math:`\eta'` is the rate of `after`: ``SequentialLR`` of a ``LinearLR`` and `after` in torch.

    Parameters
    ----------
    after : float or Schedule, default=1e-3
        :math:`\eta'`, whose first step comes when the rate has risen. While it rises, the momentum is that of
        the first step of `after`, if it sets one; if it listens to epochs, it does so from the beginning.
    n_steps : int
        :math:`n`, optimizer steps that the rise takes, at least 1.
    start_factor : float, default=1/3
        :math:`s`, greater than 0 and below 1.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    References
    ----------
    P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, arXiv:1706.02677.
    """

    after: float | Schedule = field(default=1e-3, converter=plain_real, validator=check_rate)
    n_steps: int = integer(minimum=1)
    start_factor: float = real(1 / 3, above=0, below=1, kw_only=True)

    def init(self) -> dict[str, Any]:
        """Make the state, which is that of `after`."""
        return {} if isinstance(self.after, float) else self.after.init()

    def rate(self, step: int, state: Mapping[str, Any]) -> float:
        """Give the learning rate of the step before which `step` steps were taken."""
        remaining = max(step - self.n_steps, 0)
        rate = self.after if isinstance(self.after, float) else self.after.rate(remaining, state)
        if step >= self.n_steps:
            return rate
        return rate * (self.start_factor + (1 - self.start_factor) * step / self.n_steps)

    def momentum(self, step: int, state: Mapping[str, Any]) -> float | None:
        """Give the momentum of a step, if `after` sets one."""
        if not hasattr(self.after, "momentum"):
            return None
        momentum: float | None = self.after.momentum(max(step - self.n_steps, 0), state)
        return momentum

    def observe_(self, value: float, state: dict[str, Any]) -> None:
        """Tell `after`, if it listens, what an epoch came to."""
        if hasattr(self.after, "observe_"):
            self.after.observe_(value, state)
