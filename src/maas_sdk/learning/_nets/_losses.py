"""Losses on a network's raw output, with their gradients; no network, no data.

Each is a mean over rows of the row's weight times the sum over its outputs. ``value_and_gradient`` computes
both at once, since the gradient needs what the value needed; it leaves `raw` as it is and writes the gradient
into a buffer of the caller's. What it allocates is of the size of `raw`, which is narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from attrs import field, frozen
from scipy.special import expit

from maas_sdk.learning._options import check_boolean, check_real, plain_real

if TYPE_CHECKING:
    from attrs import Attribute
    from numpy.typing import NDArray

__all__ = [
    "AbsoluteLoss",
    "BinaryLogLoss",
    "HingeLoss",
    "HuberLoss",
    "Loss",
    "MultinomialLogLoss",
    "SquaredLoss",
]


class Loss(Protocol):
    """What a network is trained to make small.

    Attributes
    ----------
    curvature : float or None
        Upper bound of the second derivative of one row's loss, of weight 1, by its raw output, in any
        direction. None where the slope jumps, so that there is no bound.
    """

    @property
    def curvature(self) -> float | None: ...

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        r"""Give :math:`\frac{1}{n}\sum_i w_i \ell_i` and write its gradient by `raw` into `out`.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_outputs), float32 or float64
            What the last layer gives, before any link function.
        target : ndarray
            What it should give; shape and dtype are the loss's own.
        out : ndarray of the shape and dtype of `raw`
            Receives the gradient; must not overlap `raw`.
        sample_weight : ndarray of shape (n_samples,), of the dtype of `raw`, default=None
            The :math:`w_i`, not divided by their sum: the caller scales them to a mean of 1 over all data, so
            that a batch of heavy rows counts for more than one of light rows. None weighs each row 1.
        """
        ...


@frozen
class SquaredLoss:
    r""":math:`\ell_i = \frac{1}{2}\lVert \hat y_i - y_i\rVert^2`; `target` has the shape of `raw`."""

    curvature: ClassVar[float] = 1.0

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the weighted mean loss and write its gradient by `raw` into `out`; see `Loss`."""
        error = raw - target
        np.multiply(error, _row_factors(len(raw), sample_weight), out=out)
        return _dot(out, error) / 2


@frozen
class AbsoluteLoss:
    r""":math:`\ell_i = \lVert \hat y_i - y_i\rVert_1`; `target` has the shape of `raw`.

    Where an output is exactly right, the gradient is 0.
    """

    curvature: ClassVar[None] = None

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the weighted mean loss and write its gradient by `raw` into `out`; see `Loss`."""
        error = raw - target
        np.sign(error, out=out)
        np.multiply(out, _row_factors(len(raw), sample_weight), out=out)
        return _dot(out, error)


def _check_delta(_: object, attribute: Attribute[Any], value: Any) -> None:
    check_real(attribute.name, value, above=0)


@frozen
class HuberLoss:
    r"""Squared for small errors, absolute for large ones; `target` has the shape of `raw`.

    :math:`\ell_i = \sum_k h(\hat y_{ik} - y_{ik})` with :math:`h(r) = \frac{1}{2} r^2` where
    :math:`|r| \le \delta` and :math:`\delta\,(|r| - \frac{1}{2}\delta)` elsewhere.

    Parameters
    ----------
    delta : float, default=1.0
        :math:`\delta`, greater than 0: the error from which on the slope stays the same.

    Raises
    ------
    InvalidOptionError
        If `delta` is no finite number greater than 0.

    References
    ----------
    P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics, 1964.
    """

    delta: float = field(default=1.0, converter=plain_real, validator=_check_delta)
    curvature: ClassVar[float] = 1.0

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the weighted mean loss and write its gradient by `raw` into `out`; see `Loss`."""
        error = raw - target
        slope = np.clip(error, -self.delta, self.delta)
        np.multiply(slope, _row_factors(len(raw), sample_weight), out=out)
        # h(r) = s (r - s/2), where s is the slope: both cases in one, and no square of a large error.
        np.multiply(slope, 0.5, out=slope)
        np.subtract(error, slope, out=error)
        return _dot(out, error)


@frozen
class BinaryLogLoss:
    r""":math:`\ell_i = \sum_k \log(1 + e^{z_{ik}}) - y_{ik} z_{ik}`; `target` has the shape of `raw`.

    `target` holds 0 and 1 (or a probability between), `raw` the log-odds :math:`z`: one column for two
    classes, several for labels that do not exclude each other. Computed so that no exponential overflows:
    :math:`\log(1 + e^z) = \max(z, 0) + \log(1 + e^{-|z|})`.
    """

    curvature: ClassVar[float] = 0.25

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the weighted mean loss and write its gradient by `raw` into `out`; see `Loss`."""
        factors = _row_factors(len(raw), sample_weight)
        loss = np.abs(raw)
        np.negative(loss, out=loss)
        np.log1p(np.exp(loss, out=loss), out=loss)
        np.add(loss, np.maximum(raw, 0), out=loss)
        np.subtract(loss, raw * target, out=loss)
        value = float(np.multiply(loss, factors, out=loss).sum())
        expit(raw, out=out)
        np.subtract(out, target, out=out)
        np.multiply(out, factors, out=out)
        return value


@frozen
class MultinomialLogLoss:
    r""":math:`\ell_i = \log\sum_k e^{z_{ik}} - z_{i y_i}`, the cross-entropy of a softmax.

    `target` has shape (n_samples,) and holds the classes' indices as ``np.intp``. The largest output of each
    row is subtracted first, so that no exponential overflows. For the bound of the curvature see
    D. Böhning, "Multinomial logistic regression algorithm", 1992.
    """

    curvature: ClassVar[float] = 0.5

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the weighted mean loss and write its gradient by `raw` into `out`; see `Loss`."""
        # Classes first, so that what goes over the classes goes along rows that are contiguous.
        shares = np.array(raw.T, order="C")
        flat = shares.reshape(-1)
        true = target * len(raw) + np.arange(len(raw))
        factors = 1 / len(raw) if sample_weight is None else sample_weight / len(raw)
        np.subtract(shares, shares.max(axis=0), out=shares)
        loss = flat[true]
        np.exp(shares, out=shares)
        total = shares.sum(axis=0)
        np.subtract(np.log(total), loss, out=loss)
        value = float(np.multiply(loss, factors, out=loss).sum())
        np.multiply(shares, factors / total, out=shares)
        flat[true] -= factors
        np.copyto(out, shares.T)
        return value


def _check_squared(_: object, attribute: Attribute[Any], value: Any) -> None:
    check_boolean(attribute.name, value)


@frozen
class HingeLoss:
    r""":math:`\ell_i = \sum_k \max(0, 1 - y_{ik} z_{ik})`, of a linear support vector machine, or its square.

    `target` has the shape of `raw` and holds -1 and 1: one column for two classes, for more one column a
    class, which tells it from the rest. Where a row lies exactly on the margin, the gradient is 0.

    Parameters
    ----------
    squared : bool, default=False
        Whether each term is squared, which makes the loss smooth.

    Raises
    ------
    InvalidOptionError
        If `squared` is neither True nor False.

    References
    ----------
    C. Cortes, V. Vapnik, "Support-Vector Networks", Machine Learning, 1995.
    """

    squared: bool = field(default=False, validator=_check_squared)

    @property
    def curvature(self) -> float | None:
        """2 if squared, else None: the slope jumps at the margin."""
        return 2.0 if self.squared else None

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the weighted mean loss and write its gradient by `raw` into `out`; see `Loss`."""
        shortfall = 1 - raw * target
        np.maximum(shortfall, 0, out=shortfall)
        slope = 2 * shortfall if self.squared else np.sign(shortfall)
        np.multiply(slope, _row_factors(len(raw), sample_weight), out=out)
        value = _dot(out, shortfall) / (2 if self.squared else 1)
        np.multiply(out, target, out=out)
        np.negative(out, out=out)
        return value


def _row_factors(n_samples: int, sample_weight: NDArray[np.floating] | None) -> Any:
    """Give what each row's loss is multiplied by: a number, or a column of them."""
    return 1 / n_samples if sample_weight is None else (sample_weight / n_samples)[:, None]


def _dot(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    return float(np.dot(one.reshape(-1), other.reshape(-1)))
