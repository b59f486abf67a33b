"""Losses on a network's raw output, with their gradients: squared and logistic, binary and multinomial.

Each is a mean over rows. ``value_and_gradient`` computes both at once, since the gradient needs what the
value needed; it leaves `raw` as it is and writes the gradient into a buffer of the caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BinaryLogLoss", "Loss", "MultinomialLogLoss", "SquaredLoss"]


class Loss(Protocol):
    """What a network is trained to make small.

    Attributes
    ----------
    curvature : float
        Upper bound of the second derivative of one row's loss by its raw output, in any direction.
    """

    curvature: ClassVar[float]

    def value_and_gradient(
        self, raw: NDArray[np.floating], target: NDArray[Any], *, out: NDArray[np.floating]
    ) -> float:
        """Give the mean loss and write its gradient by `raw` into `out`.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_outputs), float32 or float64
            What the last layer gives, before any link function.
        target : ndarray
            What it should give; shape and dtype are the loss's own.
        out : ndarray of the shape and dtype of `raw`
            Receives the gradient; must not overlap `raw`.
        """
        ...


@frozen
class SquaredLoss:
    r""":math:`\frac{1}{2n}\sum_i \lVert \hat y_i - y_i\rVert^2`; `target` has the shape of `raw`."""

    curvature: ClassVar[float] = 1.0

    def value_and_gradient(
        self, raw: NDArray[np.floating], target: NDArray[Any], *, out: NDArray[np.floating]
    ) -> float:
        """Give the mean loss and write its gradient by `raw` into `out`."""
        n_samples = raw.shape[0]
        np.subtract(raw, target, out=out)
        flat = out.reshape(-1)
        value: float = float(np.dot(flat, flat)) / (2 * n_samples)
        np.multiply(out, 1 / n_samples, out=out)
        return value


@frozen
class BinaryLogLoss:
    r""":math:`\frac{1}{n}\sum_i \log(1 + e^{z_i}) - y_i z_i`; `raw` and `target` have shape (n_samples, 1).

    `target` holds 0 and 1 (or a probability between), `raw` the log-odds. Computed so that no exponential
    overflows: :math:`\log(1 + e^z) = \max(z, 0) + \log(1 + e^{-|z|})`.
    """

    curvature: ClassVar[float] = 0.25

    def value_and_gradient(
        self, raw: NDArray[np.floating], target: NDArray[Any], *, out: NDArray[np.floating]
    ) -> float:
        """Give the mean loss and write its gradient by `raw` into `out`."""
        n_samples = raw.shape[0]
        decay = np.exp(-np.abs(raw))
        value = float(np.mean(np.maximum(raw, 0) - raw * target + np.log1p(decay)))
        np.copyto(out, np.where(raw >= 0, 1, decay) / (1 + decay))
        np.subtract(out, target, out=out)
        np.multiply(out, 1 / n_samples, out=out)
        return value


@frozen
class MultinomialLogLoss:
    r""":math:`\frac{1}{n}\sum_i \log\sum_k e^{z_{ik}} - z_{i y_i}`, the cross-entropy of a softmax.

    `target` has shape (n_samples,) and holds the classes' indices as ``np.intp``. The largest output of each
    row is subtracted first, so that no exponential overflows. For the bound of the curvature see
    D. Böhning, "Multinomial logistic regression algorithm", 1992.
    """

    curvature: ClassVar[float] = 0.5

    def value_and_gradient(
        self, raw: NDArray[np.floating], target: NDArray[Any], *, out: NDArray[np.floating]
    ) -> float:
        """Give the mean loss and write its gradient by `raw` into `out`."""
        n_samples = raw.shape[0]
        rows = np.arange(n_samples)
        np.subtract(raw, raw.max(axis=1, keepdims=True), out=out)
        true = out[rows, target]
        np.exp(out, out=out)
        total = out.sum(axis=1)
        value = float(np.mean(np.log(total) - true))
        np.divide(out, (total * n_samples)[:, None], out=out)
        out[rows, target] -= 1 / n_samples
        return value
