"""Weighted means, deviations and covariances of data that come in blocks, in one pass and without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Moments"]


class Moments:
    """What is known of the columns of the blocks so far.

    Each block is centred before its squares are taken and then joined to the others, so that neither a large
    mean nor data that drifts costs digits. T. Chan, G. Golub, R. LeVeque, "Algorithms for Computing the
    Sample Variance", 1983.

    Parameters
    ----------
    products : bool, default=False
        Whether to keep the products of all pairs of columns, for `covariance`.
    """

    def __init__(self, *, products: bool = False) -> None:
        self.weight = 0.0
        self._products = products
        self._shift: NDArray[np.float64] | None = None
        self._mean: Any = 0.0  # less the shift
        self._squares: Any = 0.0  # sums of squares, or of all products, about the mean

    def add(self, values: NDArray[Any], weight: NDArray[np.floating] | None = None) -> None:
        """Take a block of shape (n_rows, n_columns), with weights (n_rows,) or None for 1 each.

        Weights are not negative, and none or all of the blocks have some.
        """
        if self._shift is None:
            self._shift = values[0].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            self._add(values - self._shift, weight)

    def _add(self, values: NDArray[np.float64], weight: NDArray[np.floating] | None) -> None:
        total = float(len(values) if weight is None else weight.sum(dtype=np.float64))
        weighted = values if weight is None else values * weight[:, None]
        mean = weighted.sum(axis=0) / total
        values -= mean
        weighted = values if weight is None else values * weight[:, None]
        squares = weighted.T @ values if self._products else np.einsum("ij,ij->j", weighted, values)
        apart = mean - self._mean
        share = total / (self.weight + total)
        between = np.outer(apart, apart) if self._products else apart * apart
        self._squares = self._squares + squares + between * (self.weight * share)
        self._mean = self._mean + apart * share
        self.weight += total

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean of each column."""
        mean: NDArray[np.float64] = self._shift + self._mean
        return mean

    @property
    def deviation(self) -> NDArray[np.float64]:
        """The standard deviation of each column; 1 for one that is constant up to rounding.

        Raises
        ------
        InvalidOptionError
            If the values are so large that their squares overflow.
        """
        squares = np.diagonal(self._squares) if self._products else self._squares
        deviation: NDArray[np.float64] = np.sqrt(squares / self.weight)
        if not np.isfinite(deviation).all():
            raise InvalidOptionError(
                "values are too large: their squares overflow float64; scale them down first"
            )
        deviation[deviation <= 10 * np.finfo(np.float64).eps * np.abs(self.mean)] = 1
        return deviation

    def covariance(self, scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the covariances (n_columns, n_columns) of the columns over `scale`; needs `products`."""
        covariance: NDArray[np.float64] = self._squares / self.weight / scale / scale[:, None]
        return covariance
