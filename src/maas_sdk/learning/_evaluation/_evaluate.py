"""Measures a fitted estimator: predicts once and derives everything from that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._evaluation._bootstrap import n_units, percentile_interval, resample
from maas_sdk.learning._evaluation._calibration import calibration_of
from maas_sdk.learning._evaluation._curves import precision_recall_curve, roc_curve
from maas_sdk.learning._evaluation._evaluation import ClassMetrics, Evaluation
from maas_sdk.learning._evaluation._residuals import residuals_of
from maas_sdk.learning._metrics import Weighted, get_metric, measure, metrics_by_name, predictions_of
from maas_sdk.learning._options import check_integer, check_real

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.learning._evaluation._bootstrap import Interval
    from maas_sdk.learning._metrics import AnyMetric, Metric, Predictions

__all__ = ["evaluate"]


def evaluate(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    metrics: Sequence[AnyMetric] | Mapping[str, AnyMetric] | None = None,
    sample_weight: Any = None,
    positive: Any = None,
    groups: Any = None,
    confidence: float | None = None,
    n_resamples: int = 1000,
    n_bins: int = 10,
    random_state: int | np.random.RandomState | None = None,
) -> Evaluation:
    """Measure a fitted estimator on data that it was not trained on.

    Parameters
    ----------
    estimator : classifier or regressor
        Fitted; scikit-learn's conventions.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,), or (n_samples, n_outputs)
        The truth; several columns for values with several outputs, and of 0 and 1 for several labels a row.
    metrics : sequence of str or scorers, or mapping of str to these, default=None
        Names as for :func:`get_metric`; a scorer is a callable of (estimator, X, y), as scikit-learn's
        `make_scorer` gives, with a name of its own or that of the mapping. None takes all of
        :func:`get_metric`'s own names that have a value here.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each row counts. Whole weights are as good as repeated rows.
    positive : object, default=None
        The positive one of two classes; None takes the second of the sorted ones.
    groups : array-like of shape (n_samples,), default=None
        Rows that belong together, such as those of one patient: intervals draw them as wholes.
    confidence : float, default=None
        Such as 0.95, for bootstrap intervals of that level; None leaves them out.
    n_resamples : int, default=1000
        For the intervals.
    n_bins : int, default=10
        For the calibration curve.
    random_state : int, RandomState instance or None, default=None
        For the resamples.

    Raises
    ------
    InvalidOptionError
        If `estimator` is neither a classifier nor a regressor, an option is wrong, or one of `metrics` has no
        value here.

    Notes
    -----
    The intervals are percentiles of metrics of rows that are drawn with replacement, from each class by
    itself. They say how much the figure varies with the test rows, not with the training. Of few rows
    they are somewhat too narrow, and of an extreme such as ``max_error`` the bootstrap says nothing: it has
    no interval.

    References
    ----------
    Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13.

    Examples
    --------
    >>> from maas_sdk.learning import LogisticClassifier
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], ["low", "low", "high", "high"]
    >>> evaluate(LogisticClassifier().fit(X, y), X, y).metrics["accuracy"]
    1.0
    """
    chosen = None if metrics is None else metrics_by_name(metrics)
    level = None if confidence is None else check_real("confidence", confidence, above=0, below=1)
    check_integer("n_resamples", n_resamples, minimum=1)
    check_integer("n_bins", n_bins, minimum=1)
    predictions = predictions_of(
        estimator, X, y, sample_weight=sample_weight, groups=groups, positive=positive
    )
    if chosen is None:
        values = {name: value for name, value in measure(predictions).items() if not math.isnan(value)}
        chosen = {name: get_metric(name) for name in values}
    else:
        values = {name: _value(name, metric, predictions) for name, metric in chosen.items()}
    intervals = (
        {} if level is None
        else _intervals(chosen, predictions, level, n_resamples, check_random_state(random_state))
    )  # fmt: skip
    return Evaluation(
        kind=predictions.kind,
        n_samples=len(predictions.truth),
        metrics=values,
        intervals=intervals,
        **_details(predictions, n_bins),
    )


def _value(name: str, metric: Metric, predictions: Predictions) -> float:
    value = float(metric.measure(predictions)[0])
    if not math.isfinite(value):
        raise InvalidOptionError(f"{name} has no value here: it is {value}")
    return value


def _intervals(
    metrics: Mapping[str, Metric],
    predictions: Predictions,
    level: float,
    n_resamples: int,
    rng: np.random.RandomState,
) -> dict[str, Interval]:
    names = [name for name, metric in metrics.items() if metric.can_be_resampled(predictions.kind)]
    if not names or n_units(predictions) < 2:  # noqa: PLR2004 - one row does not vary
        return {}
    values = resample(predictions, [metrics[name] for name in names], n_resamples, rng)
    found = {name: percentile_interval(row, level) for name, row in zip(names, values, strict=True)}
    return {name: interval for name, interval in found.items() if interval is not None}


def _details(predictions: Predictions, n_bins: int) -> dict[str, Any]:
    if predictions.kind == "regression":
        return {"residuals": residuals_of(predictions)}
    several = predictions.kind == "multilabel"
    labels = predictions.classes if several else predictions.labels
    assert labels is not None
    details: dict[str, Any] = {
        "labels": tuple(labels.tolist()),
        "per_class": _per_class(predictions, labels.tolist()),
    }
    if several:
        return details
    confusion = Weighted.once(predictions).confusion[0]
    if not predictions.weighted:
        confusion = confusion.astype(np.intp)
    confusion.setflags(write=False)
    positive = predictions.positive
    return {
        **details,
        "confusion": confusion,
        "positive": positive.item() if isinstance(positive, np.generic) else positive,
        "calibration": calibration_of(predictions, n_bins),
        "roc": roc_curve(predictions),
        "precision_recall": precision_recall_curve(predictions),
    }


def _per_class(predictions: Predictions, labels: list[Any]) -> tuple[ClassMetrics, ...]:
    view = Weighted.once(predictions)
    support = view.by_label[1][0]
    if not predictions.weighted:
        support = support.astype(np.intp)
    columns = (view.precision()[0], view.recall()[0], view.f1()[0], support)
    return tuple(
        ClassMetrics(*row) for row in zip(labels, *(column.tolist() for column in columns), strict=True)
    )
