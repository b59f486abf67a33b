"""The one-cycle schedule: the rate rises and falls once, the momentum the other way round."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._optimizers._fields import boolean, choice, integer, real

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OneCycleSchedule"]


@frozen
class OneCycleSchedule:
    r"""A rate that rises to its maximum and falls far below its start, as torch's ``OneCycleLR``.

    From `max_learning_rate` / `div_factor` it rises to `max_learning_rate` and then falls to 1 /
    `final_div_factor` of where it began; in three phases it first comes back to where it began. Meanwhile the
    momentum (`beta_1` of Adam and Lion) goes from `max_momentum` to `base_momentum` and back. After `n_steps`
    steps both stay at their end, where torch's would raise an error.

    Parameters
    ----------
    max_learning_rate : float, default=1e-2
        Greater than 0.
    n_steps : int
        Optimizer steps of the cycle, at least 2: epochs times batches.
    pct_start : float, default=0.3
        Share of the steps in which the rate rises, at least 0 and below 1; in three phases at most 0.5.
    anneal_strategy : {"cos", "linear"}, default="cos"
        How values go from one end of a phase to the other.
    cycle_momentum : bool, default=True
        Whether the momentum takes part; if so, the optimizer's own `momentum` or `beta_1` is not used.
    base_momentum, max_momentum : float, default=0.85 and 0.95
        Its bounds, at least 0 and below 1.
    div_factor : float, default=25.0
        At least 1.
    final_div_factor : float, default=1e4
        At least 1.
    three_phase : bool, default=False
        Whether the rate falls to where it began, as fast as it rose, before it falls to its end.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.

    References
    ----------
    L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2018, arXiv:1708.07120.
    """

    max_learning_rate: float = real(1e-2, above=0)
    n_steps: int = integer(minimum=2)
    pct_start: float = real(0.3, minimum=0, below=1, kw_only=True)
    anneal_strategy: str = choice("cos", "cos", "linear")
    cycle_momentum: bool = boolean(True, kw_only=True)
    base_momentum: float = real(0.85, minimum=0, below=1, kw_only=True)
    max_momentum: float = real(0.95, minimum=0, below=1, kw_only=True)
    div_factor: float = real(25.0, minimum=1, kw_only=True)
    final_div_factor: float = real(1e4, minimum=1, kw_only=True)
    three_phase: bool = boolean(False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.three_phase and self.pct_start > 0.5:  # noqa: PLR2004 - two phases of that length
            raise InvalidOptionError(f"pct_start must be at most 0.5 in three phases, not {self.pct_start:g}")
        if self.base_momentum > self.max_momentum:
            raise InvalidOptionError(
                f"base_momentum must be at most max_momentum ({self.max_momentum:g}), not "
                f"{self.base_momentum:g}"
            )

    def init(self) -> dict[str, Any]:
        """Make the state, which is empty."""
        return {}

    def rate(self, step: int, state: Mapping[str, Any]) -> float:  # noqa: ARG002 - the step is enough
        """Give the learning rate of the step before which `step` steps were taken."""
        first = self.max_learning_rate / self.div_factor
        last = first / self.final_div_factor
        if self.three_phase:
            return self._between((first, self.max_learning_rate, first, last), step)
        return self._between((first, self.max_learning_rate, last), step)

    def momentum(self, step: int, state: Mapping[str, Any]) -> float | None:  # noqa: ARG002 - likewise
        """Give the momentum of the step before which `step` steps were taken; None if it does not cycle."""
        if not self.cycle_momentum:
            return None
        low, high = self.base_momentum, self.max_momentum
        return self._between((high, low, high, high) if self.three_phase else (high, low, high), step)

    def _between(self, values: tuple[float, ...], step: int) -> float:
        """Give the value of a step that goes through `values`, one at each end of a phase."""
        step = min(step, self.n_steps - 1)
        rise = self.pct_start * self.n_steps
        ends = [rise - 1, *([2 * rise - 2] if self.three_phase else []), self.n_steps - 1]
        begin = 0.0
        for end, start, stop in zip(ends, values, values[1:], strict=False):
            if step <= end:
                share = (step - begin) / (end - begin) if end > begin else 1.0
                if self.anneal_strategy == "linear":
                    return start + (stop - start) * share
                return stop + (start - stop) / 2 * (1 + math.cos(math.pi * share))
            begin = end
        return values[-1]
