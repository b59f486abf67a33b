"""The bootstrap: metrics of many resamples of the rows, and the interval that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import Metric, Predictions

__all__ = ["Interval", "n_units", "percentile_interval", "resample", "resampled_weights"]

_CELLS = 2_000_000
"""Weights held at a time: 16 MB."""

_SHARE_WITH_VALUE = 0.9
"""Of the resamples; below it a metric has no interval."""


@frozen
class Interval:
    """Where a value lies, with a confidence.

    Attributes
    ----------
    low, high : float
    level : float
        The confidence, between 0 and 1.
    """

    low: float
    high: float
    level: float

    def to_dict(self) -> dict[str, float]:
        """Give plain data."""
        return {"low": self.low, "high": self.high, "level": self.level}


def resampled_weights(
    predictions: Predictions, n_resamples: int, rng: np.random.RandomState
) -> Iterator[NDArray[np.float64]]:
    """Draw rows with replacement, as often as there are rows, `n_resamples` times.

    Of a classifier each class is drawn from by itself, so that none vanishes and none grows; groups are
    drawn as wholes.

    Yields
    ------
    ndarray of shape (n_sets, n_samples), dtype float64
        How often each row was drawn, times its own weight.
    """
    n_samples = len(predictions.truth)
    at_once = max(1, _CELLS // n_samples)
    for start in range(0, n_resamples, at_once):
        n_sets = min(at_once, n_resamples - start)
        if predictions.groups is not None:
            n_groups = int(predictions.groups.max()) + 1
            counts = _draw(np.zeros(n_groups, dtype=np.intp), n_sets, rng)[:, predictions.groups]
        elif predictions.kind == "classification":
            counts = _draw(predictions.truth_codes, n_sets, rng)
        else:
            counts = _draw(np.zeros(n_samples, dtype=np.intp), n_sets, rng)
        yield counts * predictions.weights


def _draw(strata: NDArray[np.intp], n_sets: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Count how often each unit is drawn, from its own stratum; (n_sets, n_units)."""
    n_units = len(strata)
    order = np.argsort(strata, kind="stable")
    _, first, sizes = np.unique(strata[order], return_index=True, return_counts=True)
    start, size = np.repeat(first, sizes), np.repeat(sizes, sizes)
    drawn = (rng.random_sample((n_sets, n_units)) * size).astype(np.intp) + start
    drawn += n_units * np.arange(n_sets)[:, np.newaxis]
    counts = np.bincount(drawn.ravel(), minlength=n_sets * n_units).reshape(n_sets, n_units)
    by_unit = np.empty_like(counts)
    by_unit[:, order] = counts
    return by_unit


def n_units(predictions: Predictions) -> int:
    """Count what is drawn: rows or groups."""
    return len(predictions.truth) if predictions.groups is None else int(predictions.groups.max()) + 1


def resample(
    predictions: Predictions, metrics: list[Metric], n_resamples: int, rng: np.random.RandomState
) -> list[NDArray[np.float64]]:
    """Measure resamples; for each metric its values, (n_resamples,)."""
    parts = [
        [metric.measure(predictions, weights) for metric in metrics]
        for weights in resampled_weights(predictions, n_resamples, rng)
    ]
    return [np.concatenate(values) for values in zip(*parts, strict=True)]


def percentile_interval(values: NDArray[np.float64], level: float) -> Interval | None:
    """Give the interval that leaves out the same share of the resamples on both sides; None for too few."""
    known = values[~np.isnan(values)]
    if len(known) < _SHARE_WITH_VALUE * len(values):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)
