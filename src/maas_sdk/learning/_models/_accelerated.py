"""The default optimizer of the linear models: accelerated gradient descent with restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["AcceleratedDescent", "largest_eigenvalue"]

_POWER_ITERATIONS = 30
_FORGET = 0.98  # of the curvature measured before, after each step


@frozen
class AcceleratedDescent:
    """Nesterov's accelerated gradient descent with adaptive restart, for smooth convex losses.

    The momentum grows from step to step and is dropped when it points uphill; no constant has to fit the
    conditioning of the problem. Y. Nesterov, "A method of solving a convex programming problem with
    convergence rate O(1/k²)", 1983; B. O'Donoghue, E. Candès, "Adaptive Restart for Accelerated Gradient
    Schemes", 2015, the gradient scheme.

    Parameters
    ----------
    learning_rate : float
        At most the inverse of the largest curvature that there is anywhere.
    local : bool, default=False
        Whether steps follow the curvature that the last ones have met, which may be far below the largest: a
        smoothed kink is steep, but few rows lie in it at a time.
    """

    learning_rate: float
    local: bool = False
    full_batch: ClassVar[bool] = True

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, which hold the point ahead; the state holds the one behind."""
        state = {"step": 0, "age": 0, "behind": params.copy(), "move": np.zeros_like(params)}
        if self.local:
            state |= {"rate": np.array([self.learning_rate]), "gradient": np.zeros_like(params)}
            state["place"] = params.copy()
        return state

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place."""
        behind, move = state["behind"], state["move"]
        rate = self._local_rate(params, grads, state) if self.local else self.learning_rate
        np.multiply(grads, rate, out=move)
        np.subtract(params, move, out=params)
        np.subtract(params, behind, out=move)
        uphill = float(np.dot(grads, move)) > 0
        behind[:] = params
        state["age"] = 0 if uphill else state["age"] + 1
        state["step"] += 1
        np.multiply(move, state["age"] / (state["age"] + 3), out=move)
        np.add(params, move, out=params)

    def _local_rate(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> float:
        """Give the inverse of the curvature between this place and the last, or of what is left of others."""
        gradient, place, rate = state["gradient"], state["place"], state["rate"]
        if state["step"]:
            np.subtract(params, place, out=place)
            np.subtract(grads, gradient, out=gradient)
            moved, turned = float(np.linalg.norm(place)), float(np.linalg.norm(gradient))
            rate[0] = max(self.learning_rate, min(rate[0] / _FORGET, moved / turned if turned else np.inf))
        place[:] = params
        gradient[:] = grads
        return float(rate[0])


def largest_eigenvalue(
    product: Callable[[NDArray[np.float64]], NDArray[np.float64]], n_columns: int
) -> float:
    """Estimate the largest eigenvalue of a positive matrix by power iteration, a little from below.

    Parameters
    ----------
    product : callable
        Multiplies the matrix by a vector of shape (n_columns,).
    n_columns : int
    """
    vector = np.linspace(1, 2, n_columns)  # not orthogonal to what sums or contrasts features
    value = 0.0
    for _ in range(_POWER_ITERATIONS):
        vector = product(vector / (np.linalg.norm(vector) or 1))
        value = float(np.linalg.norm(vector))
    return value
