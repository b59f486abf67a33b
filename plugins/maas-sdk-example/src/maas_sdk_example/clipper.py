"""Clips each feature to the range that it had in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Clipper"]


class Clipper(TransformerMixin, BaseEstimator):
    """Keeps outliers out of what comes after: a value outside the range of training becomes its nearer end.

    Parameters
    ----------
    margin : float, default=0.0
        How far outside a value may lie, as a share of the range; 0 or more.
    """

    def __init__(self, *, margin: float = 0.0) -> None:
        self.margin = margin  # stored only: `fit` checks it, so that sklearn.base.clone works

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - the contract's
        """Learn the ranges from `X` of shape (n_samples, n_features).

        Raises
        ------
        InvalidOptionError
            When `margin` is not a number, or is negative.
        """
        if not _is_margin(self.margin):
            raise InvalidOptionError(f"margin must be a number, 0 or more, not {self.margin!r}")
        X = validate_data(self, X, dtype=np.float64)
        low, high = X.min(axis=0), X.max(axis=0)
        room = self.margin * (high - low)
        self.low_, self.high_ = low - room, high + room
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Clip `X`, which is not changed."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        clipped: NDArray[np.float64] = np.clip(X, self.low_, self.high_)
        return clipped


def _is_margin(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
