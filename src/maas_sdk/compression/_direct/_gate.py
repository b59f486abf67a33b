"""Lets pass the rows that no check of scikit-learn's would refuse, warn of or change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NARROW", "WIDE", "Gate", "has_nan", "is_below"]

# Bounds of the sum of squares: below them every number is finite in that dtype.
WIDE = 1e300
NARROW = 1e76
_EXACT = 2.0**106
"""Of integers: each is below 2**53, so that float64 holds it."""

_SMALL = 4096
"""Numbers; of more, BLAS would wake its threads for a product of vectors."""


def is_below(rows: NDArray[Any], bound: float) -> bool:
    """Tell whether the squares of all numbers are below a bound; NaN is below nothing.

    For a few rows, one product of vectors tells what `isfinite` on each number would in three times as long.
    """
    if rows.size <= _SMALL:
        return float(np.vdot(rows, rows)) < bound
    largest = math.sqrt(bound)
    return float(rows.max()) < largest and float(rows.min()) > -largest


def has_nan(rows: NDArray[Any]) -> bool:
    """Tell whether a value is missing."""
    return math.isnan(np.vdot(rows, rows) if rows.size <= _SMALL else rows.max())


class Gate:
    """Decides whether rows are plain: what it holds back goes to scikit-learn, with its checks and errors.

    Parameters
    ----------
    n_features : int
    names : ndarray of str or None
        As `feature_names_in_`: then rows must be a table with these columns.
    bound : float
        `WIDE`, or `NARROW` where the rows are computed with as float32.
    allow_nan : bool
    """

    def __init__(
        self, n_features: int, names: NDArray[Any] | None, *, bound: float = WIDE, allow_nan: bool = False
    ) -> None:
        self._n_features = n_features
        self._names = None if names is None else list(names)
        self._bound = bound
        self._allow_nan = allow_nan

    def __call__(self, X: Any) -> NDArray[Any] | None:
        """Give `X` as float64 or float32 array of shape (n_samples, n_features), or None."""
        if type(X) is not np.ndarray or self._names is not None:
            X = self._from_table(X)
            if X is None:
                return None
        shape = X.shape
        if len(shape) != 2 or shape[1] != self._n_features or not shape[0]:  # noqa: PLR2004 - rows and columns
            return None
        dtype, bound = X.dtype, self._bound
        if dtype.char not in "df" or not dtype.isnative:
            if dtype.kind not in "iu":
                return None
            X, bound = X.astype(np.float64), min(bound, _EXACT)
        if is_below(X, bound) or (self._allow_nan and _is_finite_or_nan(X, bound)):
            rows: NDArray[Any] = X
            return rows
        return None

    def _from_table(self, X: Any) -> NDArray[Any] | None:
        """Give the numbers of a table of one dtype with the columns that were fitted on."""
        if self._names is None or not hasattr(X, "columns") or not hasattr(X, "to_numpy"):
            return None
        if list(X.columns) != self._names:
            return None
        kinds = {str(kind).lower() for kind in X.dtypes}
        if kinds not in ({"float64"}, {"float32"}):
            return None
        numbers = X.to_numpy()
        return numbers if type(numbers) is np.ndarray else None


def _is_finite_or_nan(X: NDArray[Any], bound: float) -> bool:
    known = np.where(np.isnan(X), 0, X)
    return is_below(known, bound)
