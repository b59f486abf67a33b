"""The schedule that listens: the rate falls when training no longer improves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.learning._optimizers._fields import choice, integer, real

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReduceOnPlateauSchedule"]


@frozen
class ReduceOnPlateauSchedule:
    r"""A rate that falls when there was no improvement for some epochs, as torch's ``ReduceLROnPlateau``.

    What is observed, once an epoch, should become small: the loss, or minus the validation score. After more
    than `patience` observations in a row without improvement the rate is multiplied by `factor`.

    Parameters
    ----------
    learning_rate : float, default=1e-3
        Where it begins, greater than 0.
    factor : float, default=0.1
        Greater than 0 and below 1.
    patience : int, default=10
        Observations without improvement that are let pass, at least 0.
    threshold : float, default=1e-4
        By how much an observation must be below the best one to be an improvement, at least 0.
    threshold_mode : {"rel", "abs"}, default="rel"
        Whether the threshold is a share of the best one's size. For values below 0, such as minus a score,
        that is torch's rule in its mode ``"max"`` for the score.
    cooldown : int, default=0
        Observations after a fall that are not counted, at least 0.
    min_learning_rate : float, default=0.0
        Where it ends, at least 0.
    epsilon : float, default=1e-8
        A fall by no more than this is left out, at least 0.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds.
    """

    learning_rate: float = real(1e-3, above=0)
    factor: float = real(0.1, above=0, below=1, kw_only=True)
    patience: int = integer(10, minimum=0)
    threshold: float = real(1e-4, minimum=0, kw_only=True)
    threshold_mode: str = choice("rel", "rel", "abs")
    cooldown: int = integer(0, minimum=0)
    min_learning_rate: float = real(0.0, minimum=0, kw_only=True)
    epsilon: float = real(1e-8, minimum=0, kw_only=True)

    def init(self) -> dict[str, Any]:
        """Make the state: the rate, the best observation so far, and two counts."""
        worst = np.finfo(np.float64).max  # finite, so that states can be checked for what is not
        return {
            "rate": np.array(self.learning_rate),
            "best": np.array(worst),
            "n_idle": 0,
            "n_cooling": 0,
        }

    def rate(self, step: int, state: Mapping[str, Any]) -> float:  # noqa: ARG002 - observations decide
        """Give the learning rate after what was observed so far."""
        return float(state["rate"])

    def observe_(self, value: float, state: dict[str, Any]) -> None:
        """Take what an epoch came to; `state` changes in place."""
        if value < self._to_beat(float(state["best"])):
            state["best"][...] = value
            state["n_idle"] = 0
        else:
            state["n_idle"] += 1
        if state["n_cooling"]:
            state["n_cooling"] -= 1
            state["n_idle"] = 0
        if state["n_idle"] > self.patience:
            self._reduce(state["rate"])
            state["n_cooling"], state["n_idle"] = self.cooldown, 0

    def _to_beat(self, best: float) -> float:
        if self.threshold_mode == "abs":
            return best - self.threshold
        return best * (1 - self.threshold if best > 0 else 1 + self.threshold)

    def _reduce(self, rate: np.ndarray[Any, Any]) -> None:
        reduced = max(float(rate) * self.factor, self.min_learning_rate)
        if float(rate) - reduced > self.epsilon:
            rate[...] = reduced
