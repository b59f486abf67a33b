"""Metrics of values; of several outputs the mean over them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from maas_sdk.learning._metrics._entry import Entry
from maas_sdk.learning._metrics._weighted import divide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics._weighted import Weighted

__all__ = ["VALUES"]


def _errors(view: Weighted) -> NDArray[np.float64]:
    """Give what is missing of the truth, (n_samples, n_outputs)."""
    p = view.predictions
    return np.asarray((p.truth - p.predicted).reshape(len(p.truth), -1))


def _mse(view: Weighted) -> NDArray[np.float64]:
    return np.asarray(view.mean(_errors(view) ** 2).mean(axis=1))


def _rmse(view: Weighted) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(view.mean(_errors(view) ** 2)).mean(axis=1))


def _mae(view: Weighted) -> NDArray[np.float64]:
    return np.asarray(view.mean(np.abs(_errors(view))).mean(axis=1))


def _median_absolute_error(view: Weighted) -> NDArray[np.float64]:
    medians = []
    for errors in np.abs(_errors(view)).T:
        order = np.argsort(errors)
        ranked, sums = errors[order], np.cumsum(view.weights[:, order], axis=1)
        half = sums[:, -1:] / 2
        # The first row that reaches half of the weight, and the first that exceeds it: two where a row ends
        # exactly there, as between the two middle ones of an even number.
        last = len(ranked) - 1
        lower = ranked[np.minimum((sums < half).sum(axis=1), last)]
        upper = ranked[np.minimum((sums <= half).sum(axis=1), last)]
        medians.append((lower + upper) / 2)
    return np.asarray(np.mean(medians, axis=0))


def _max_error(view: Weighted) -> NDArray[np.float64]:
    worst = np.abs(_errors(view)).max(axis=1)
    return np.asarray((worst * (view.weights > 0)).max(axis=1))


def _r2(view: Weighted) -> NDArray[np.float64]:
    p = view.predictions
    if len(p.truth) < 2:  # noqa: PLR2004 - one value has no variance
        return np.full(len(view.weights), np.nan)
    truth = p.truth.reshape(len(p.truth), -1)
    constant = truth.min(axis=0) == truth.max(axis=0)
    # Centred first, so that little is lost where the mean is large; and exactly 0 for a constant.
    centred = np.where(constant, 0.0, truth - np.average(truth, axis=0, weights=p.weights))
    squares = view.mean(centred**2)
    spread = squares - view.mean(centred) ** 2
    spread[spread <= np.finfo(np.float64).eps * squares] = 0
    unexplained = view.mean(_errors(view) ** 2)
    # A constant is explained if it is met, as scikit-learn has it.
    r2 = 1 - divide(unexplained, spread, 0.0)
    r2[(spread == 0) & (unexplained > 0)] = 0.0
    return np.asarray(r2.mean(axis=1))


VALUES: Mapping[str, Entry] = MappingProxyType(
    {
        "mse": Entry(_mse, greater_is_better=False),
        "rmse": Entry(_rmse, greater_is_better=False),
        "mae": Entry(_mae, greater_is_better=False),
        "median_absolute_error": Entry(_median_absolute_error, greater_is_better=False),
        "max_error": Entry(_max_error, greater_is_better=False, resampled=False),
        "r2": Entry(_r2, needs="two rows"),
    }
)
