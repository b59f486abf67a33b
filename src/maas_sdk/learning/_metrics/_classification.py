"""Metrics of classifiers: of one class a row, and of several labels a row."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from maas_sdk.learning._metrics._entry import Entry
from maas_sdk.learning._metrics._weighted import divide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics._predictions import Predictions
    from maas_sdk.learning._metrics._weighted import Weighted

__all__ = ["DEFAULT_BINS", "MULTILABEL", "ONE_CLASS", "calibration_bins", "confidences"]

DEFAULT_BINS = 10


def _missing(view: Weighted) -> NDArray[np.float64]:
    return np.full(len(view.weights), np.nan)


# --- one class a row --------------------------------------------------------------------------------------


def _accuracy(view: Weighted) -> NDArray[np.float64]:
    return view.mean(view.predictions.truth_codes == view.predictions.predicted_codes)


def _balanced_accuracy(view: Weighted) -> NDArray[np.float64]:
    # Of the classes that occur: a class that was predicted only has no recall.
    _, support, _ = view.by_label
    return divide(view.recall().sum(axis=1), (support > 0).sum(axis=1), np.nan)


def _macro(of_each: Callable[[Weighted], NDArray[np.float64]]) -> Callable[[Weighted], NDArray[np.float64]]:
    def mean(view: Weighted) -> NDArray[np.float64]:
        if view.predictions.kind == "multilabel":
            return np.asarray(of_each(view).mean(axis=1))
        # As scikit-learn: over the classes that occur or are predicted, whatever else the estimator knows.
        _, support, predicted = view.by_label
        return divide(of_each(view).sum(axis=1), ((support > 0) | (predicted > 0)).sum(axis=1), np.nan)

    return mean


def _of_positive(
    of_each: Callable[[Weighted], NDArray[np.float64]],
) -> Callable[[Weighted], NDArray[np.float64]]:
    def one(view: Weighted) -> NDArray[np.float64]:
        p = view.predictions
        if p.positive is None:
            return _missing(view)
        return of_each(view)[:, int(np.flatnonzero(p.labels == p.positive)[0])]

    return one


def _log_loss(view: Weighted) -> NDArray[np.float64]:
    p = view.predictions
    if p.class_probabilities is None or p.columns is None:
        return _missing(view)
    true = np.take_along_axis(p.class_probabilities, p.columns[:, np.newaxis], axis=1)[:, 0]
    tiny = np.finfo(np.float64).eps
    return view.mean(-np.log(np.clip(true, tiny, 1 - tiny)))


def _brier(view: Weighted) -> NDArray[np.float64]:
    p = view.predictions
    if p.class_probabilities is None or p.columns is None:
        return _missing(view)
    if p.positive is not None and p.positive_scores is not None:
        return view.mean((p.positive_scores - p.is_positive) ** 2)
    true = p.columns[:, np.newaxis] == np.arange(p.class_probabilities.shape[1])
    return view.mean(((p.class_probabilities - true) ** 2).sum(axis=1))


def _one_against_rest(
    view: Weighted, area: Callable[[NDArray[np.floating], NDArray[np.bool_]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    p = view.predictions
    if not p.has_all_classes:
        return _missing(view)
    if p.positive_scores is not None:
        return area(p.positive_scores, p.is_positive)
    if p.class_probabilities is None or p.probabilities is None or p.columns is None:
        return _missing(view)
    # As they are: to divide by their sums would tear ties apart.
    each = [area(column, p.columns == place) for place, column in enumerate(p.probabilities.T)]
    return np.asarray(np.mean(each, axis=0))


def confidences(p: Predictions) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Give what is to be calibrated and whether it came true; None without probabilities.

    Of two classes the probability of the positive one; of more the highest probability of each row, and
    whether its class is the true one.
    """
    if p.class_probabilities is None or p.classes is None:
        return None
    if p.positive is not None:
        second = int(bool(p.positive == p.classes[1]))
        return p.class_probabilities[:, second], p.is_positive
    top = p.class_probabilities.argmax(axis=1)
    return p.class_probabilities.max(axis=1), np.asarray(p.classes[top] == p.truth)


def calibration_bins(
    view: Weighted, n_bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Sum up weight, probability and what came true in bins of equal width, each (n_sets, n_bins)."""
    found = confidences(view.predictions)
    if found is None:
        return None
    confidence, came_true = found
    inner = np.linspace(0, 1, n_bins + 1)[1:-1]
    member = np.searchsorted(inner, confidence)[:, np.newaxis] == np.arange(n_bins)
    parts = (member, member * confidence[:, np.newaxis], member & came_true[:, np.newaxis])
    counts, expected, observed = (view.weights @ part.astype(np.float64) for part in parts)
    return counts, expected, observed


def _calibration_error(view: Weighted) -> NDArray[np.float64]:
    bins = calibration_bins(view, DEFAULT_BINS)
    if bins is None:
        return _missing(view)
    _, expected, observed = bins
    return np.asarray(np.abs(observed - expected).sum(axis=1) / view.total)


_PROBABILITIES = "predict_proba of two classes or more, and no class in y that the model does not know"
_ALL_CLASSES = "probabilities (of two classes: or decision values), and in y each class that the model knows"
_TWO_CLASSES = "two classes; take f1_macro, precision_macro or recall_macro for more"

ONE_CLASS: Mapping[str, Entry] = MappingProxyType(
    {
        "accuracy": Entry(_accuracy),
        "balanced_accuracy": Entry(_balanced_accuracy),
        "f1_macro": Entry(_macro(lambda view: view.f1())),
        "precision_macro": Entry(_macro(lambda view: view.precision())),
        "recall_macro": Entry(_macro(lambda view: view.recall())),
        "f1": Entry(_of_positive(lambda view: view.f1()), needs=_TWO_CLASSES),
        "precision": Entry(_of_positive(lambda view: view.precision()), needs=_TWO_CLASSES),
        "recall": Entry(_of_positive(lambda view: view.recall()), needs=_TWO_CLASSES),
        "log_loss": Entry(_log_loss, greater_is_better=False, needs=_PROBABILITIES),
        "roc_auc": Entry(lambda view: _one_against_rest(view, view.roc_auc), needs=_ALL_CLASSES),
        "average_precision": Entry(
            lambda view: _one_against_rest(view, view.average_precision), needs=_ALL_CLASSES
        ),
        "brier": Entry(_brier, greater_is_better=False, needs=_PROBABILITIES),
        "calibration_error": Entry(_calibration_error, greater_is_better=False, needs=_PROBABILITIES),
    }
)


# --- several labels a row ---------------------------------------------------------------------------------


def _subset_accuracy(view: Weighted) -> NDArray[np.float64]:
    p = view.predictions
    return view.mean((p.truth == p.predicted).all(axis=1))


def _hamming_loss(view: Weighted) -> NDArray[np.float64]:
    p = view.predictions
    return view.mean((p.truth != p.predicted).mean(axis=1))


def _f1_micro(view: Weighted) -> NDArray[np.float64]:
    hits, support, predicted = (each.sum(axis=1) for each in view.by_label)
    return divide(2 * hits, support + predicted, 0.0)


def _f1_samples(view: Weighted) -> NDArray[np.float64]:
    p = view.predictions
    hits = (p.truth & p.predicted).sum(axis=1)
    return view.mean(divide(2 * hits, p.truth.sum(axis=1) + p.predicted.sum(axis=1), 0.0))


def _over_labels(
    view: Weighted, area: Callable[[NDArray[np.floating], NDArray[np.bool_]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    p = view.predictions
    ranking = p.probabilities if p.probabilities is not None else p.scores
    if ranking is None:
        return _missing(view)
    columns = zip(ranking.T, p.truth.T, strict=True)
    return np.asarray(np.mean([area(column, true) for column, true in columns], axis=0))


_LABELS = "probabilities or decision values, and rows in y with and without each label"

MULTILABEL: Mapping[str, Entry] = MappingProxyType(
    {
        "accuracy": Entry(_subset_accuracy),
        "hamming_loss": Entry(_hamming_loss, greater_is_better=False),
        "f1_micro": Entry(_f1_micro),
        "f1_macro": Entry(_macro(lambda view: view.f1())),
        "f1_samples": Entry(_f1_samples),
        "precision_macro": Entry(_macro(lambda view: view.precision())),
        "recall_macro": Entry(_macro(lambda view: view.recall())),
        "roc_auc": Entry(lambda view: _over_labels(view, view.roc_auc), needs=_LABELS),
        "average_precision": Entry(lambda view: _over_labels(view, view.average_precision), needs=_LABELS),
    }
)
