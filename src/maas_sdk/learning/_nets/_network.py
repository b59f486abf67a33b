"""A fully connected network over one flat parameter buffer: forward for prediction, gradient for training."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define

from maas_sdk.learning._nets._activations import ACTIVATIONS, activate_, multiply_by_slope_, needs_slope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maas_sdk.learning._nets._losses import Loss

__all__ = ["ACTIVATIONS", "Network", "Workspace", "forward", "multiply_by_transposed"]


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
            activate_(activation, values)
        values = np.matmul(values, coef)
        values += intercept
    return values


class Network:
    """Shapes of the layers, and where each lies in the flat buffer: all weights first, then all biases.

    Parameters
    ----------
    sizes : sequence of int
        Features, units of each hidden layer, outputs.
    activation : {"gelu", "relu", "tanh"}
        Of the hidden layers; the output is linear. GELU is x·Φ(x) with the normal distribution's Φ, not one
        of its approximations (D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", 2016).
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


@define
class _Hidden:
    """One hidden layer's buffers for a batch, and what is done in them."""

    activation: str
    dropout: float
    values: NDArray[np.floating]
    delta: NDArray[np.floating]
    slope: NDArray[np.floating] | None
    kept: NDArray[np.floating] | None

    @classmethod
    def of(cls, shape: tuple[int, int], dtype: Any, activation: str, dropout: float) -> _Hidden:
        """Make buffers of `shape` (n_rows, n_units)."""
        values, delta = np.empty(shape, dtype), np.empty(shape, dtype)
        slope = np.empty(shape, dtype) if needs_slope(activation) else None
        return cls(activation, dropout, values, delta, slope, np.empty(shape, dtype) if dropout else None)

    def first(self, n_rows: int) -> _Hidden:
        """Give the buffers' first rows, which are views."""
        return _Hidden(
            self.activation,
            self.dropout,
            self.values[:n_rows],
            self.delta[:n_rows],
            None if self.slope is None else self.slope[:n_rows],
            None if self.kept is None else self.kept[:n_rows],
        )

    def activate_(self, rng: np.random.Generator | None) -> None:
        """Turn the layer's sums into its outputs, some of them dropped."""
        activate_(self.activation, self.values, self.slope)
        if self.kept is not None:
            assert rng is not None
            rng.random(dtype=self.kept.dtype.type, out=self.kept)
            np.greater_equal(self.kept, self.dropout, out=self.kept)
            np.multiply(self.kept, 1 / (1 - self.dropout), out=self.kept)
            np.multiply(self.values, self.kept, out=self.values)

    def multiply_by_slope_(self) -> None:
        """Turn the gradient by the outputs into that by the sums; the outputs have served."""
        if self.kept is not None:
            np.multiply(self.delta, self.kept, out=self.delta)
            # The slope is that of the outputs before. Where one was dropped, it does not matter.
            np.multiply(self.values, 1 - self.dropout, out=self.values)
        multiply_by_slope_(self.activation, self.delta, self.values, self.slope)


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
    alpha : float or ndarray of shape (n_weights,)
        Strength of the L2 penalty ½·Σ alpha·weight², biases spared; an array has one for each weight.
    dropout : float, default=0.0
        Probability with which an output of a hidden layer is taken as 0; those that are kept are divided by
        1 - dropout, so that prediction needs no correction. N. Srivastava et al., "Dropout: A Simple Way to
        Prevent Neural Networks from Overfitting", JMLR 2014.
    dropout_rng : numpy.random.Generator, default=None
        Draws what is dropped; needed if `dropout` is not 0.
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
        assert not dropout or dropout_rng is not None
        self.params = params
        self.grads = np.zeros_like(params)
        self.max_rows = max_rows
        self.dropout_rng = dropout_rng
        self._network, self._loss = network, loss
        self._alpha = np.asarray(alpha, params.dtype) if np.any(alpha) else None
        self._penalty = np.empty(0 if self._alpha is None else network.n_weights, params.dtype)
        self._weights, self._biases = network.views(params)
        self._weight_grads, self._bias_grads = network.views(self.grads)
        *hidden, outputs = ((max_rows, n_units) for n_units in network.sizes[1:])
        self._hidden = [
            _Hidden.of(shape, params.dtype, network.activation, float(dropout)) for shape in hidden
        ]
        self._raw, self._raw_delta = (np.empty(outputs, params.dtype) for _ in range(2))
        self._ones = np.ones(max_rows, params.dtype)

    @property
    def largest_product(self) -> int:
        """Multiplications of the largest matrix product that a batch needs."""
        return self.max_rows * max(weight.size for weight in self._weights)

    def loss_and_gradient(
        self,
        X: NDArray[np.floating],
        target: NDArray[Any],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the penalized loss of a batch; its gradient is in `grads` afterwards.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), of the parameters' dtype; n_rows at most `max_rows`
        target : ndarray
            As the loss takes it.
        sample_weight : ndarray of shape (n_rows,), of the parameters' dtype, default=None
            As the loss takes it.
        """
        hidden, raw, delta = self._forward(X)
        loss = self._loss.value_and_gradient(raw, target, out=delta, sample_weight=sample_weight)
        self._backward(X, hidden, delta)
        return loss + self.add_penalty_()

    def _forward(
        self, X: NDArray[np.floating]
    ) -> tuple[list[_Hidden], NDArray[np.floating], NDArray[np.floating]]:
        """Give the hidden layers with their outputs, the raw output, and where its gradient belongs."""
        n_rows = len(X)
        hidden = [layer.first(n_rows) for layer in self._hidden]
        raw, delta = self._raw[:n_rows], self._raw_delta[:n_rows]
        values = X
        for layer, weight, bias in zip(hidden, self._weights, self._biases, strict=False):
            np.matmul(values, weight, out=layer.values)
            np.add(layer.values, bias, out=layer.values)
            layer.activate_(self.dropout_rng)
            values = layer.values
        np.matmul(values, self._weights[-1], out=raw)
        np.add(raw, self._biases[-1], out=raw)
        return hidden, raw, delta

    def _backward(self, X: NDArray[np.floating], hidden: list[_Hidden], delta: NDArray[np.floating]) -> None:
        for index in reversed(range(len(self._weights))):
            below = hidden[index - 1] if index else None
            np.matmul((below.values if below else X).T, delta, out=self._weight_grads[index])
            np.matmul(self._ones[: len(X)], delta, out=self._bias_grads[index])
            if below:
                multiply_by_transposed(delta, self._weights[index], out=below.delta)
                below.multiply_by_slope_()
                delta = below.delta

    def add_penalty_(self) -> float:
        """Add the penalty's gradient to `grads`; give its value."""
        if self._alpha is None:
            return 0.0
        weights = self.params[: self._network.n_weights]
        grads = self.grads[: self._network.n_weights]
        np.multiply(weights, self._alpha, out=self._penalty)
        np.add(grads, self._penalty, out=grads)
        return float(np.dot(weights, self._penalty)) / 2


def multiply_by_transposed(
    delta: NDArray[np.floating], weight: NDArray[np.floating], *, out: NDArray[np.floating]
) -> None:
    """Give the gradient by a layer's inputs of that by its sums."""
    if delta.shape[1] == 1:  # BLAS is slow where the sum has one term
        np.multiply(delta, weight.T, out=out)
    else:
        np.matmul(delta, weight.T, out=out)
