"""Predictions seen under several sets of weights at once: what makes a thousand resamples cheap."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._metrics._predictions import Predictions

__all__ = ["Weighted", "divide"]


def divide(numerator: NDArray[Any], denominator: NDArray[Any], otherwise: float) -> NDArray[np.float64]:
    """Divide, and give `otherwise` where there is nothing to divide by."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    out = np.full(numerator.shape, otherwise, dtype=np.float64)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def _sums(codes: NDArray[np.intp], weights: NDArray[np.float64], n_codes: int) -> NDArray[np.float64]:
    """Sum up each set's weights by code, (n_sets, n_codes)."""
    return np.asarray([np.bincount(codes, row, n_codes) for row in weights], dtype=np.float64)


@frozen(eq=False)
class Weighted:
    """Predictions under sets of weights.

    A resample of rows is a set of whole weights: how often each row was drawn. So a metric that is written
    for a matrix of weights measures the data and all its resamples by the same few array operations.

    Attributes
    ----------
    predictions : Predictions
    weights : ndarray of shape (n_sets, n_samples), dtype float64
    """

    predictions: Predictions
    weights: NDArray[np.float64]

    @classmethod
    def once(cls, predictions: Predictions) -> Weighted:
        """Take the predictions' own weights, as the only set."""
        return cls(predictions, predictions.weights[np.newaxis])

    @cached_property
    def total(self) -> NDArray[np.float64]:
        """Sum of the weights, shape (n_sets,)."""
        return np.asarray(self.weights.sum(axis=1))

    def mean(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Weighted mean over rows of `values`, shape (n_samples, …); gives (n_sets, …)."""
        sums = self.weights @ values.astype(np.float64, copy=False)
        return np.asarray(sums / self.total.reshape(-1, *[1] * (values.ndim - 1)))

    @cached_property
    def confusion(self) -> NDArray[np.float64]:
        """Weight of each true class (rows) predicted as each class, (n_sets, n_labels, n_labels)."""
        p = self.predictions
        n = len(p.labels)
        return _sums(p.truth_codes * n + p.predicted_codes, self.weights, n * n).reshape(-1, n, n)

    @cached_property
    def by_label(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """True positives, support, and weight of what was predicted, each of shape (n_sets, n_labels)."""
        p = self.predictions
        if p.kind == "multilabel":
            both = (p.truth & p.predicted, p.truth, p.predicted)
            hits, support, predicted = (self.weights @ values.astype(np.float64) for values in both)
            return hits, support, predicted
        # Not from `confusion`, which is large for many classes and many sets.
        right = self.weights * (p.truth_codes == p.predicted_codes)
        n = len(p.labels)
        return (
            _sums(p.truth_codes, right, n),
            _sums(p.truth_codes, self.weights, n),
            _sums(p.predicted_codes, self.weights, n),
        )

    def precision(self) -> NDArray[np.float64]:
        """Precision of each label, 0 where it was never predicted; (n_sets, n_labels)."""
        hits, _, predicted = self.by_label
        return divide(hits, predicted, 0.0)

    def recall(self) -> NDArray[np.float64]:
        """Recall of each label, 0 where it does not occur; (n_sets, n_labels)."""
        hits, support, _ = self.by_label
        return divide(hits, support, 0.0)

    def f1(self) -> NDArray[np.float64]:
        """F1 of each label, 0 where it neither occurs nor is predicted; (n_sets, n_labels)."""
        hits, support, predicted = self.by_label
        return divide(2 * hits, support + predicted, 0.0)

    def ranking(
        self, scores: NDArray[Any], positive: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any]]:
        """Count what is above each threshold.

        Parameters
        ----------
        scores : ndarray of shape (n_samples,)
        positive : ndarray of shape (n_samples,), dtype bool

        Returns
        -------
        true_positives, false_positives : ndarray of shape (n_sets, n_thresholds + 1), dtype float64
            Weight of rows at or above each threshold; the first column is 0.
        thresholds : ndarray of shape (n_thresholds,)
            The distinct scores, falling.
        """
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        ends = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]
        weights, hits = self.weights[:, order], positive[order]
        both = []
        for chosen in (hits, ~hits):
            sums = np.zeros((len(weights), len(ends) + 1))
            sums[:, 1:] = np.cumsum(weights * chosen, axis=1)[:, ends]
            both.append(sums)
        return both[0], both[1], ranked[ends]

    def roc_auc(self, scores: NDArray[Any], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Area under the ROC curve, NaN where one of both classes is missing; (n_sets,)."""
        hits, misses, _ = self.ranking(scores, positive)
        area = (np.diff(misses, axis=1) * (hits[:, 1:] + hits[:, :-1])).sum(axis=1) / 2
        return divide(area, hits[:, -1] * misses[:, -1], np.nan)

    def average_precision(self, scores: NDArray[Any], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Mean precision over the recall gained at each threshold, NaN without positives; (n_sets,)."""
        hits, misses, _ = self.ranking(scores, positive)
        precision = divide(hits[:, 1:], hits[:, 1:] + misses[:, 1:], 0.0)
        return divide((np.diff(hits, axis=1) * precision).sum(axis=1), hits[:, -1], np.nan)
