"""Whether a compressed chain predicts what the original does, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._measurement import n_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.pipeline import Pipeline

__all__ = ["difference"]

_METHODS = ("predict", "predict_proba", "decision_function")


def difference(original: Pipeline, compressed: Pipeline, data: Sequence[Any]) -> str | None:
    """Compare all that two chains predict of some rows.

    Parameters
    ----------
    original, compressed : sklearn.pipeline.Pipeline
    data : sequence of array-like
        Rows in several tables.

    Returns
    -------
    str or None
        Where they differ first; None when every bit is equal.
    """
    for method in _METHODS:
        if not hasattr(original, method):
            continue
        if not hasattr(compressed, method):
            return f"{method} is gone"
        for X in data:
            before, after = (_outputs(getattr(chain, method)(X)) for chain in (original, compressed))
            if len(before) != len(after):
                return f"{method} gives {len(after)} tables instead of {len(before)}"
            for old, new in zip(before, after, strict=True):
                if (old.dtype, old.shape) != (new.dtype, new.shape):
                    return f"{method} gives {new.dtype} of shape {new.shape}, not {old.dtype} of {old.shape}"
                if changed := _changed(old, new):
                    return f"{method} differs on {changed} of {n_rows(X)} rows"
    return None


def _outputs(predicted: Any) -> list[np.ndarray[Any, Any]]:
    several = predicted if isinstance(predicted, list) else [predicted]
    return [np.asarray(each) for each in several]


def _changed(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> int:
    """Count rows that differ; by their bits, so that NaN equals itself and 0.0 is not -0.0."""
    if old.dtype.kind in "fc":
        kind = np.dtype(f"V{old.dtype.itemsize}")
        old, new = (np.ascontiguousarray(each).view(kind) for each in (old, new))
    unequal = (old != new).reshape(len(old), -1)
    return int(unequal.any(axis=1).sum())
