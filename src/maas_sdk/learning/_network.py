"""A fully connected network over one flat parameter buffer: forward for prediction, gradient for training."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maas_sdk.learning._losses import Loss

__all__ = ["ACTIVATIONS", "Network", "Workspace", "forward"]

ACTIVATIONS = ("relu", "tanh")


def forward(
    X: NDArray[np.floating],
    coefs: Sequence[NDArray[np.floating]],
    intercepts: Sequence[NDArray[np.floating]],
    activation: str,
) -> NDArray[np.floating]:
    """Give the raw output, shape (n_samples, n_outputs); shares no buffer, so any thread may call it."""
    values = X
    for layer, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        if layer:
            _activate_(activation, values)
        values = np.matmul(values, coef)
        values += intercept
    return values


def _activate_(activation: str, values: NDArray[np.floating]) -> None:
    if activation == "relu":
        np.maximum(values, 0, out=values)
    else:
        np.tanh(values, out=values)


class Network:
    """Shapes of the layers, and where each lies in the flat buffer: all weights first, then all biases.

    Parameters
    ----------
    sizes : sequence of int
        Features, units of each hidden layer, outputs.
    activation : {"relu", "tanh"}
        Of the hidden layers; the output is linear.
    """

    def __init__(self, sizes: Sequence[int], activation: str = "relu") -> None:
        self.sizes = tuple(sizes)
        self.activation = activation
        self.n_weights = sum(rows * columns for rows, columns in pairwise(self.sizes))
        self.n_parameters = self.n_weights + sum(self.sizes[1:])

    def views(
        self, flat: NDArray[np.floating]
    ) -> tuple[list[NDArray[np.floating]], list[NDArray[np.floating]]]:
        """Give weights (n_inputs, n_units) and biases (n_units,) of each layer as views into `flat`."""
        weights, biases = [], []
        weight, bias = 0, self.n_weights
        for rows, columns in pairwise(self.sizes):
            weights.append(flat[weight : weight + rows * columns].reshape(rows, columns))
            biases.append(flat[bias : bias + columns])
            weight += rows * columns
            bias += columns
        return weights, biases

    def random_parameters(self, rng: np.random.RandomState, dtype: Any) -> NDArray[np.floating]:
        """Draw weights and biases of each layer uniformly within ±√(6 / (n_inputs + n_units)).

        X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
        AISTATS 2010.
        """
        flat = np.empty(self.n_parameters, dtype)
        for weight, bias in zip(*self.views(flat), strict=True):
            bound = (6 / sum(weight.shape)) ** 0.5
            weight[:] = rng.uniform(-bound, bound, weight.shape)
            bias[:] = rng.uniform(-bound, bound, bias.shape)
        return flat


class Workspace:
    """Buffers for the gradient of one batch; after the first batch a call allocates next to nothing.

    Parameters
    ----------
    network : Network
    loss : Loss
    params : ndarray of shape (n_parameters,)
        The flat buffer that an optimizer changes in place.
    max_rows : int
        Rows of the largest batch.
    alpha : float
        Strength of the L2 penalty ½·alpha·‖weights‖², biases spared.
    """

    def __init__(
        self, network: Network, loss: Loss, params: NDArray[np.floating], *, max_rows: int, alpha: float
    ) -> None:
        self._network, self._loss, self._alpha = network, loss, float(alpha)
        self.params = params
        self.grads = np.zeros_like(params)
        self._weights, self._biases = network.views(params)
        self._weight_grads, self._bias_grads = network.views(self.grads)
        units = network.sizes[1:]
        self._values = [np.empty((max_rows, n_units), params.dtype) for n_units in units]
        self._deltas = [np.empty((max_rows, n_units), params.dtype) for n_units in units]
        self._masks = [np.empty((max_rows, n_units), np.bool_) for n_units in units[:-1]]
        self._ones = np.ones(max_rows, params.dtype)
        self._penalty = np.empty(network.n_weights if alpha else 0, params.dtype)

    @property
    def largest_product(self) -> int:
        """Multiplications of the largest matrix product that a batch needs."""
        return len(self._ones) * max(weight.size for weight in self._weights)

    def loss_and_gradient(self, X: NDArray[np.floating], target: NDArray[Any]) -> float:
        """Give the penalized loss of a batch; its gradient is in `grads` afterwards.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), of the parameters' dtype; n_rows at most `max_rows`
        target : ndarray
            As the loss takes it.
        """
        n_rows = X.shape[0]
        inputs = [X, *(values[:n_rows] for values in self._values)]
        for layer, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            if layer:
                _activate_(self._network.activation, inputs[layer])
            np.matmul(inputs[layer], weight, out=inputs[layer + 1])
            np.add(inputs[layer + 1], bias, out=inputs[layer + 1])
        loss = self._loss.value_and_gradient(inputs[-1], target, out=self._deltas[-1][:n_rows])
        self._backward(inputs, n_rows)
        return loss + self._add_penalty()

    def _backward(self, inputs: list[NDArray[np.floating]], n_rows: int) -> None:
        ones = self._ones[:n_rows]
        for layer in reversed(range(len(self._weights))):
            delta = self._deltas[layer][:n_rows]
            np.matmul(inputs[layer].T, delta, out=self._weight_grads[layer])
            np.matmul(ones, delta, out=self._bias_grads[layer])
            if layer:
                below = self._deltas[layer - 1][:n_rows]
                np.matmul(delta, self._weights[layer].T, out=below)
                self._multiply_by_slope_(below, inputs[layer], self._masks[layer - 1][:n_rows])

    def _multiply_by_slope_(
        self, delta: NDArray[np.floating], values: NDArray[np.floating], mask: NDArray[np.bool_]
    ) -> None:
        """Multiply by the activation's derivative; `values`, its output, has served and is overwritten."""
        if self._network.activation == "relu":
            np.greater(values, 0, out=mask)
            np.multiply(delta, mask, out=delta)
        else:
            np.multiply(values, values, out=values)
            np.subtract(1, values, out=values)
            np.multiply(delta, values, out=delta)

    def _add_penalty(self) -> float:
        if not self._alpha:
            return 0.0
        weights = self.params[: self._network.n_weights]
        grads = self.grads[: self._network.n_weights]
        np.multiply(weights, self._alpha, out=self._penalty)
        np.add(grads, self._penalty, out=grads)
        return self._alpha / 2 * float(np.dot(weights, weights))
