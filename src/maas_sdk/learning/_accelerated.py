"""The default optimizer of the linear models: accelerated gradient descent with restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AcceleratedDescent", "largest_eigenvalue"]

_POWER_ITERATIONS = 30


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
        At most the inverse of the largest curvature.
    """

    learning_rate: float
    full_batch: ClassVar[bool] = True

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, which hold the point ahead; the state holds the one behind."""
        return {"step": 0, "age": 0, "behind": params.copy(), "move": np.zeros_like(params)}

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` is overwritten."""
        behind, move = state["behind"], state["move"]
        np.multiply(grads, self.learning_rate, out=move)
        np.subtract(params, move, out=params)
        np.subtract(params, behind, out=move)
        uphill = float(np.dot(grads, move)) > 0
        behind[:] = params
        state["age"] = 0 if uphill else state["age"] + 1
        state["step"] += 1
        np.multiply(move, state["age"] / (state["age"] + 3), out=move)
        np.add(params, move, out=params)


def largest_eigenvalue(X: NDArray[np.floating]) -> float:
    """Estimate the largest eigenvalue of XᵀX / n_samples by power iteration, a little from below."""
    vector = np.linspace(1, 2, X.shape[1])  # not orthogonal to what sums or contrasts features
    value = 0.0
    for _ in range(_POWER_ITERATIONS):
        vector = vector / (np.linalg.norm(vector) or 1)
        vector = X.T @ (X @ vector) / len(X)
        value = float(np.linalg.norm(vector))
    return value
