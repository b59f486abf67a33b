"""What an estimator says about data, asked once for all metrics and all resamples."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import _safe_indexing, check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Predictions", "predictions_of"]

_TWO = 2


@frozen(kw_only=True, eq=False)
class Predictions:
    """What an estimator says about data, computed once for all metrics. Rows of weight 0 are not in it.

    Attributes
    ----------
    kind : str
        ``"classification"``, ``"multilabel"`` or ``"regression"``.
    truth, predicted : ndarray of shape (n_samples,), or (n_samples, n_outputs)
        For several labels 0 and 1, dtype bool.
    weights : ndarray of shape (n_samples,), dtype float64
        1 where none were given.
    weighted : bool
        Whether weights were given.
    classes : ndarray of shape (n_classes,) or None
        Columns of `probabilities`; for several labels their names; None for values and where the estimator
        names none.
    probabilities : ndarray of shape (n_samples, n_classes) or None
        None if the estimator gives none.
    scores : ndarray of shape (n_samples,), for several labels (n_samples, n_classes), or None
        Decision values, where there are two classes or several labels, and no probabilities.
    groups : ndarray of shape (n_samples,), dtype intp, or None
        Numbers of groups that are resampled as wholes.
    given_positive : object
        The positive class of two that was asked for; None is the second.
    """

    kind: str
    truth: NDArray[Any]
    predicted: NDArray[Any]
    weights: NDArray[np.float64]
    weighted: bool = False
    classes: NDArray[Any] | None = None
    probabilities: NDArray[np.floating] | None = None
    scores: NDArray[np.floating] | None = None
    groups: NDArray[np.intp] | None = None
    given_positive: Any = None

    @cached_property
    def _coded(self) -> tuple[NDArray[Any], NDArray[np.intp]]:
        known = [] if self.classes is None else [self.classes]
        labels, codes = np.unique(np.concatenate([self.truth, self.predicted, *known]), return_inverse=True)
        return labels, codes.reshape(-1)

    @property
    def labels(self) -> NDArray[Any]:
        """Classes that the estimator knows or that occur, sorted."""
        return self._coded[0]

    @property
    def truth_codes(self) -> NDArray[np.intp]:
        """Places of the true classes in `labels`."""
        return self._coded[1][: len(self.truth)]

    @property
    def predicted_codes(self) -> NDArray[np.intp]:
        """Places of the predicted classes in `labels`."""
        return self._coded[1][len(self.truth) : 2 * len(self.truth)]

    @cached_property
    def positive(self) -> Any:
        """The positive class of two, or None where there are not two."""
        if self.kind != "classification":
            return None
        classes = self.labels if self.classes is None else self.classes
        if len(classes) != _TWO:
            return None
        return classes[1] if self.given_positive is None else self.given_positive

    @cached_property
    def is_positive(self) -> NDArray[np.bool_]:
        """Which rows are of the positive class."""
        return np.asarray(self.truth == self.positive)

    @cached_property
    def positive_scores(self) -> NDArray[np.floating] | None:
        """What ranks rows for the positive class: probabilities, or else decision values."""
        if self.positive is None or self.classes is None:
            return None
        second = bool(self.positive == self.classes[1])
        if self.probabilities is not None:
            return self.probabilities[:, int(second)]
        if self.scores is None:
            return None
        return self.scores if second else -self.scores

    @cached_property
    def class_probabilities(self) -> NDArray[np.float64] | None:
        """Probabilities whose rows sum to 1 as closely as float64 can; None without, or of one class."""
        if self.kind != "classification" or self.probabilities is None or self.probabilities.shape[1] < _TWO:
            return None
        values = self.probabilities.astype(np.float64)
        values /= values.sum(axis=1, keepdims=True)
        return values

    @cached_property
    def columns(self) -> NDArray[np.intp] | None:
        """Places of the true classes in `classes`; None if one is unknown to the estimator."""
        if self.classes is None or not np.isin(self.truth, self.classes).all():
            return None
        return np.searchsorted(self.classes, self.truth)

    @cached_property
    def has_all_classes(self) -> bool:
        """Whether the truth has each class that the estimator knows, and no other."""
        return self.classes is not None and np.array_equal(np.unique(self.truth), self.classes)


def predictions_of(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    positive: Any = None,
) -> Predictions:
    """Predict `X`; `y` is the truth.

    Raises
    ------
    InvalidOptionError
        If `estimator` is neither a classifier nor a regressor, or an option does not fit the data.
    """
    if not is_classifier(estimator) and not is_regressor(estimator):
        raise InvalidOptionError(
            f"{type(estimator).__name__} is neither a classifier nor a regressor: no metric here measures it"
        )
    check_consistent_length(X, y)
    facts: dict[str, Any] = {"weighted": sample_weight is not None, "given_positive": positive}
    names = [str(name) for name in y.columns] if hasattr(y, "columns") else None
    y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    weights = _weights(sample_weight, len(y))
    if groups is not None:
        facts["groups"] = _group_numbers(groups, len(y))
    if not weights.all():
        keep = np.flatnonzero(weights)
        X, y, weights = _safe_indexing(X, keep), y[keep], weights[keep]
        if groups is not None:
            facts["groups"] = facts["groups"][keep]
    facts["weights"] = weights
    if is_regressor(estimator):
        found = _of_values(estimator, X, y, facts)
    elif y.ndim == _TWO and y.shape[1] > 1:
        found = _of_several_labels(estimator, X, y, names, facts)
    else:
        found = _of_classes(estimator, X, y, facts)
    if positive is not None:
        _check_positive(found)
    check_consistent_length(found.truth, found.predicted)
    return found


def _weights(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(n_samples)
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, copy=True, input_name="sample_weight"
    )
    if weights.shape != (n_samples,) or (weights < 0).any() or not weights.any():
        raise InvalidOptionError(
            f"sample_weight must be {n_samples} numbers, one a row: none negative, not all 0"
        )
    return np.asarray(weights)


def _group_numbers(groups: Any, n_samples: int) -> NDArray[np.intp]:
    values = np.asarray(groups)
    if values.shape != (n_samples,):
        raise InvalidOptionError(
            f"groups must have one entry a row, {n_samples}; its shape is {values.shape}"
        )
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.intp)


def _check_positive(predictions: Predictions) -> None:
    if predictions.positive is None:
        raise InvalidOptionError("positive names one of two classes; this is no classifier of two classes")
    known = predictions.labels if predictions.classes is None else predictions.classes
    if predictions.positive not in known.tolist():
        raise InvalidOptionError(f"positive must be one of {known.tolist()}, not {predictions.positive!r}")


def _of_values(estimator: Any, X: Any, y: NDArray[Any], facts: dict[str, Any]) -> Predictions:
    truth = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    predicted = check_array(
        estimator.predict(X), ensure_2d=False, dtype=np.float64, input_name="what the estimator predicts"
    )
    if truth.shape != predicted.shape and truth.size == predicted.size:
        predicted = predicted.reshape(truth.shape)  # a column of values, and values
    if truth.shape != predicted.shape:
        raise InvalidOptionError(
            f"the estimator predicts an array of shape {predicted.shape}; y has the shape {truth.shape}"
        )
    return Predictions(kind="regression", truth=truth, predicted=predicted, **facts)


def _of_classes(estimator: Any, X: Any, y: NDArray[Any], facts: dict[str, Any]) -> Predictions:
    classes = getattr(estimator, "classes_", None)
    classes = classes if isinstance(classes, np.ndarray) and classes.ndim == 1 else None
    probabilities = scores = None
    if classes is not None and hasattr(estimator, "predict_proba"):
        probabilities = check_array(estimator.predict_proba(X), input_name="what predict_proba gives")
    elif classes is not None and len(classes) == _TWO and hasattr(estimator, "decision_function"):
        scores = check_array(
            estimator.decision_function(X), ensure_2d=False, input_name="what decision_function gives"
        ).reshape(-1)
    return Predictions(
        kind="classification",
        truth=column_or_1d(y, warn=True),
        predicted=column_or_1d(estimator.predict(X)),
        classes=classes,
        probabilities=probabilities,
        scores=scores,
        **facts,
    )


def _of_several_labels(
    estimator: Any, X: Any, y: NDArray[Any], names: list[str] | None, facts: dict[str, Any]
) -> Predictions:
    if type_of_target(y) != "multilabel-indicator":
        raise InvalidOptionError(
            "y has several columns: to measure a classifier of several labels they must be 0 or 1"
        )
    predicted = estimator.predict(X)
    predicted = predicted.toarray() if hasattr(predicted, "toarray") else np.asarray(predicted)
    if predicted.shape != y.shape:
        raise InvalidOptionError(
            f"the estimator predicts an array of shape {predicted.shape}; y has the shape {y.shape}"
        )
    probabilities = scores = None
    if hasattr(estimator, "predict_proba"):
        probabilities = _label_probabilities(estimator, X)
    elif hasattr(estimator, "decision_function"):
        scores = check_array(estimator.decision_function(X))
    return Predictions(
        kind="multilabel",
        truth=y.astype(bool),
        predicted=predicted.astype(bool),
        classes=np.asarray(names if names is not None else range(y.shape[1])),
        probabilities=probabilities,
        scores=scores,
        **facts,
    )


def _label_probabilities(estimator: Any, X: Any) -> NDArray[np.floating]:
    """Give the probability that each label is there; forests give two columns a label."""
    given = estimator.predict_proba(X)
    if not isinstance(given, list):
        return np.asarray(check_array(given))
    columns = []
    for values, classes in zip(given, estimator.classes_, strict=True):
        there = np.asarray(classes) == 1
        columns.append(values[:, there].sum(axis=1))  # 0 for a label that was never there in training
    return np.stack(columns, axis=1)
