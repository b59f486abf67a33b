"""Metrics by name: what each needs of an estimator, which way is better, and when it has no value."""

from __future__ import annotations

import difflib
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn import metrics as sk
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import column_or_1d

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["Metric", "Predictions", "get_metric", "measure", "predictions_of", "score"]


@frozen(kw_only=True, eq=False)
class Predictions:
    """What an estimator says about data, computed once for all metrics.

    Attributes
    ----------
    kind : str
        ``"classification"`` or ``"regression"``.
    truth, predicted : ndarray of shape (n_samples,), for values also (n_samples, n_outputs)
    classes : ndarray of shape (n_classes,) or None
        Columns of `probabilities`; None for values.
    probabilities : ndarray of shape (n_samples, n_classes) or None
        None if the estimator gives none.
    """

    kind: str
    truth: NDArray[Any]
    predicted: NDArray[Any]
    classes: NDArray[Any] | None
    probabilities: NDArray[np.floating] | None


def predictions_of(estimator: Any, X: Any, y: Any) -> Predictions:
    """Predict `X`; `y` is the truth.

    Raises
    ------
    InvalidOptionError
        If `estimator` is neither a classifier nor a regressor.
    """
    if is_classifier(estimator):
        classes = getattr(estimator, "classes_", None)
        known = isinstance(classes, np.ndarray) and hasattr(estimator, "predict_proba")
        return Predictions(
            kind="classification",
            truth=column_or_1d(y, warn=True),
            predicted=column_or_1d(estimator.predict(X)),
            classes=classes if known else None,
            probabilities=np.asarray(estimator.predict_proba(X)) if known else None,
        )
    if is_regressor(estimator):
        return Predictions(
            kind="regression",
            truth=np.asarray(y),
            predicted=np.asarray(estimator.predict(X)),
            classes=None,
            probabilities=None,
        )
    raise InvalidOptionError(
        f"{type(estimator).__name__} is neither a classifier nor a regressor: no metric here measures it"
    )


def _balanced_accuracy(p: Predictions) -> float:
    # As balanced_accuracy_score, which also warns where a class was predicted that the truth lacks.
    labels = np.unique(p.truth)
    return float(sk.recall_score(p.truth, p.predicted, labels=labels, average="macro", zero_division=0))


def _macro(function: Callable[..., Any]) -> Callable[[Predictions], float]:
    return lambda p: float(function(p.truth, p.predicted, average="macro", zero_division=0))


def _normalized(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Make each row sum to 1 as closely as scikit-learn asks, which float32 cannot."""
    values = probabilities.astype(np.float64)
    values /= values.sum(axis=1, keepdims=True)
    return values


def _log_loss(p: Predictions) -> float:
    if p.probabilities is None or p.classes is None or not np.isin(p.truth, p.classes).all():
        return math.nan
    return float(sk.log_loss(p.truth, _normalized(p.probabilities), labels=p.classes))


def _roc_auc(p: Predictions) -> float:
    if p.probabilities is None or p.classes is None or not np.array_equal(np.unique(p.truth), p.classes):
        return math.nan
    if p.probabilities.shape[1] == 2:  # noqa: PLR2004 - the second class is the positive one
        return float(sk.roc_auc_score(p.truth, p.probabilities[:, 1]))
    return float(sk.roc_auc_score(p.truth, _normalized(p.probabilities), multi_class="ovr", labels=p.classes))


def _r2(p: Predictions) -> float:
    return float(sk.r2_score(p.truth, p.predicted)) if len(p.truth) > 1 else math.nan


_CLASSIFICATION: Mapping[str, Callable[[Predictions], float]] = MappingProxyType(
    {
        "accuracy": lambda p: float(sk.accuracy_score(p.truth, p.predicted)),
        "balanced_accuracy": _balanced_accuracy,
        "f1_macro": _macro(sk.f1_score),
        "precision_macro": _macro(sk.precision_score),
        "recall_macro": _macro(sk.recall_score),
        "log_loss": _log_loss,
        "roc_auc": _roc_auc,
    }
)
_REGRESSION: Mapping[str, Callable[[Predictions], float]] = MappingProxyType(
    {
        "mse": lambda p: float(sk.mean_squared_error(p.truth, p.predicted)),
        "rmse": lambda p: float(sk.root_mean_squared_error(p.truth, p.predicted)),
        "mae": lambda p: float(sk.mean_absolute_error(p.truth, p.predicted)),
        "r2": _r2,
    }
)
_LOWER_IS_BETTER = frozenset({"log_loss", "mse", "rmse", "mae"})


def _metrics_of(kind: str) -> Mapping[str, Callable[[Predictions], float]]:
    return _REGRESSION if kind == "regression" else _CLASSIFICATION


def measure(predictions: Predictions) -> dict[str, float]:
    """Measure predictions by each metric of their kind; NaN for what has no value here."""
    return {name: function(predictions) for name, function in _metrics_of(predictions.kind).items()}


@frozen
class Metric:
    """How good predictions are, as a number; made by :func:`get_metric`.

    Attributes
    ----------
    name : str
    greater_is_better : bool
    """

    name: str
    greater_is_better: bool

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        """Measure a fitted estimator on data.

        Raises
        ------
        InvalidOptionError
            If the metric is for another kind of estimator or has no value here: the estimator gives no
            probabilities, `y` lacks a class, or there are too few samples.
        """
        if self.name not in _CLASSIFICATION and self.name not in _REGRESSION:
            return float(sk.get_scorer(self.name)(estimator, X, y))
        predictions = predictions_of(estimator, X, y)
        table = _metrics_of(predictions.kind)
        if self.name not in table:
            raise InvalidOptionError(
                f"{self.name} does not measure {predictions.kind}: take one of {', '.join(table)}"
            )
        value = table[self.name](predictions)
        if math.isnan(value):
            raise InvalidOptionError(
                f"{self.name} has no value here: log_loss and roc_auc need predict_proba and no class in y "
                "that the model does not know, roc_auc also each class in y, r2 two samples"
            )
        return value


def get_metric(name: str) -> Metric:
    """Look a metric up.

    Parameters
    ----------
    name : str
        For classes ``"accuracy"``, ``"balanced_accuracy"``, ``"f1_macro"``, ``"precision_macro"``,
        ``"recall_macro"``, ``"log_loss"``, ``"roc_auc"`` (more than two classes: one against the rest, their
        mean); for values ``"mse"``, ``"rmse"``, ``"mae"``, ``"r2"``; or any of scikit-learn's scorer names,
        such as ``"neg_mean_absolute_percentage_error"``.

    Raises
    ------
    InvalidOptionError
        If there is no such metric; the message names close ones.
    """
    known = sorted({*_CLASSIFICATION, *_REGRESSION, *sk.get_scorer_names()})
    if name not in known:
        close = difflib.get_close_matches(str(name), known)
        hint = f"did you mean {' or '.join(close)}?" if close else "see get_metric for what there is"
        raise InvalidOptionError(f"there is no metric {name!r}: {hint}")
    return Metric(name, name not in _LOWER_IS_BETTER)


def score(estimator: Any, X: Any, y: Any, metric: str) -> float:
    """Measure a fitted estimator so that greater is better: metrics that are losses come out negative.

    Parameters
    ----------
    estimator : classifier or regressor
        Fitted.
    X, y : array-like
        Data that it was not trained on.
    metric : str
        As for :func:`get_metric`.

    Raises
    ------
    InvalidOptionError
        If there is no such metric, or it has no value here.

    Examples
    --------
    >>> from maas_sdk.learning import LinearRegressor
    >>> regressor = LinearRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 1.0, 1.0])
    >>> score(regressor, [[3.0]], [2.0], "mae")
    -1.0
    """
    found = get_metric(metric)
    value = found(estimator, X, y)
    return value if found.greater_is_better else -value
