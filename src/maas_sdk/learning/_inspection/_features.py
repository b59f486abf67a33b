"""Names of features, as the data or the estimator has them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["feature_names"]


def feature_names(estimator: Any, X: Any) -> tuple[str, ...]:
    """Give the columns' names, those that the estimator was fitted with, or ``x0``, ``x1``, …."""
    if hasattr(X, "columns"):
        return tuple(str(name) for name in X.columns)
    n_features = X.shape[1] if hasattr(X, "shape") else np.shape(X)[1]
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is not None and len(fitted) == n_features:
        return tuple(str(name) for name in fitted)
    return tuple(f"x{place}" for place in range(n_features))
