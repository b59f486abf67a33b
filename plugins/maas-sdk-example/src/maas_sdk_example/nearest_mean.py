"""Classifies by the nearest mean."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from maas_sdk.errors import InvalidOptionError

__all__ = ["NearestMean"]


class NearestMean(ClassifierMixin, BaseEstimator):
    """Predicts the class whose mean is nearest.

    Parameters
    ----------
    shrinkage : float, default=0.0
        How far the means are moved towards the mean of all, from 0 to 1.
    """

    def __init__(self, *, shrinkage: float = 0.0) -> None:
        self.shrinkage = shrinkage  # stored only: `fit` checks it, so that sklearn.base.clone works

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the means from `X` of shape (n_samples, n_features) and labels `y` of shape (n_samples,).

        Raises
        ------
        InvalidOptionError
            When `shrinkage` is not a number from 0 to 1.
        """
        if not _is_share(self.shrinkage):
            raise InvalidOptionError(f"shrinkage must be a number from 0 to 1, not {self.shrinkage!r}")
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, index = np.unique(y, return_inverse=True)
        means = np.stack([X[index == label].mean(axis=0) for label in range(len(self.classes_))])
        self.means_ = (1 - self.shrinkage) * means + self.shrinkage * X.mean(axis=0)
        return self

    def predict(self, X: Any) -> Any:
        """Predict a label for each row."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        squares = ((X[:, np.newaxis, :] - self.means_) ** 2).sum(axis=2)
        return self.classes_[squares.argmin(axis=1)]


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
