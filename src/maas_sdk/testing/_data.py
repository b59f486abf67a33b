"""Small data sets and fitted chains for components to work on; the same ones each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

__all__ = ["SEED", "data_for", "seeded"]

SEED = 0
_ROWS = 90
_FEATURES = 4
_CLASSES = 3


def data_for(estimator: Any) -> tuple[Any, Any]:
    """Give `X` of shape (90, 4), float64, and a `y` that fits the estimator: labels, values or None."""
    rng = np.random.default_rng(SEED)
    labels = np.arange(_ROWS) % _CLASSES
    X = rng.normal(size=(_ROWS, _FEATURES)) + labels[:, None] * np.array([2.0, -2.0, 1.0, 0.0])
    if is_classifier(estimator):
        return X, labels
    if is_regressor(estimator):
        return X, X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * rng.normal(size=_ROWS)
    return X, None


def seeded(estimator: Any) -> Any:
    """Set `random_state`, where the estimator has one."""
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=SEED)
    return estimator
