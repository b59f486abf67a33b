"""The sum of clipped gradients of single rows, at the price of little more than one plain gradient.

In a dense layer the gradient of one row is the outer product of its input (a, 1) and its delta: its squared
norm is ‖delta‖² (‖a‖² + 1), and the matrix itself is never made. I. Goodfellow, "Efficient Per-Example
Gradient Computations", 2015, arXiv:1510.01799; X. Li et al., "Large Language Models Can Be Strong
Differentially Private Learners" (ghost clipping), ICLR 2022, arXiv:2110.05679.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.learning._nets._network import Workspace, multiply_by_transposed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._nets._losses import Loss
    from maas_sdk.learning._nets._network import Network

__all__ = ["ClippingWorkspace"]


class ClippingWorkspace(Workspace):
    """A `Workspace` that can clip the gradient of each row by itself.

    Parameters
    ----------
    network, loss, params, alpha, dropout, dropout_rng
        As of `Workspace`. What dropout draws for a row depends on no other row.
    max_rows : int
        Rows that a sample has on the average; there is room for some more.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        params: NDArray[np.floating],
        *,
        max_rows: int,
        alpha: float | NDArray[np.floating],
        dropout: float = 0.0,
        dropout_rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            network,
            loss,
            params,
            max_rows=max_rows + math.ceil(4 * math.sqrt(max_rows)),
            alpha=alpha,
            dropout=dropout,
            dropout_rng=dropout_rng,
        )
        # Going back through an activation overwrites its output, which is needed after that.
        self._outputs = [np.empty_like(layer.values) for layer in self._hidden]

    def clipped_gradient(self, X: NDArray[np.floating], target: NDArray[Any], max_norm: float) -> float:
        """Write the sum of the rows' clipped gradients into `grads`; give the sum of their losses.

        The penalty has no part in it.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), of the parameters' dtype; n_rows at most `max_rows`
        target : ndarray
            As the loss takes it.
        max_norm : float
            A row whose gradient is longer, over all layers, counts with one of that length in its direction.
            One with a gradient too long for a number counts for nothing.
        """
        n_rows = len(X)
        hidden, raw, delta = self._forward(X)
        loss = self._loss.value_and_gradient(raw, target, out=delta)
        np.multiply(delta, n_rows, out=delta)  # the loss is a mean, but here each row is by itself
        inputs = [X, *(copy[:n_rows] for copy in self._outputs)]
        deltas = [*(layer.delta for layer in hidden), delta]
        squares = np.zeros(n_rows)
        for index in reversed(range(len(deltas))):
            if index:
                np.copyto(inputs[index], hidden[index - 1].values)
            squares += _squares(deltas[index]) * (_squares(inputs[index]) + 1)
            if index:
                multiply_by_transposed(deltas[index], self._weights[index], out=deltas[index - 1])
                hidden[index - 1].multiply_by_slope_()
        factors = max_norm / np.maximum(np.sqrt(squares), max_norm)
        if not np.isfinite(squares).all():
            _leave_out_(~np.isfinite(squares), factors, [*inputs[1:], *deltas])
        column = factors.astype(delta.dtype)[:, None]
        for index, (values, delta_of_layer) in enumerate(zip(inputs, deltas, strict=True)):
            np.multiply(delta_of_layer, column, out=delta_of_layer)
            np.matmul(values.T, delta_of_layer, out=self._weight_grads[index])
            np.matmul(self._ones[:n_rows], delta_of_layer, out=self._bias_grads[index])
        return loss * n_rows


def _squares(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give the squared norm of each row."""
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", rows, rows).astype(np.float64)
    return squares


def _leave_out_(rows: NDArray[np.bool_], factors: NDArray[np.float64], arrays: list[Any]) -> None:
    """Make rows that are not finite, or whose squares are not, count for nothing."""
    factors[rows] = 0
    for array in arrays:
        array[rows] = 0
