"""Fits and measures folds, one after the other or on an executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import _safe_split

from maas_sdk.learning._cross_validation._folds import make_splits, make_splitter
from maas_sdk.learning._cross_validation._result import CrossValidation, FoldPredictions
from maas_sdk.learning._metrics import measure, metrics_by_name, predictions_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import AnyMetric, Metric, Predictions

__all__ = ["cross_validate"]


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    metrics: Sequence[AnyMetric] | Mapping[str, AnyMetric] | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    random_state: int | np.random.RandomState | None = None,
    executor: Executor | None = None,
    return_predictions: bool = False,
) -> CrossValidation:
    """Fit copies of an estimator on all folds but one and measure each on the one left out.

    Parameters
    ----------
    estimator : classifier or regressor
        It is cloned; whether it was fitted does not matter.
    X, y : array-like
        Data to learn from.
    cv : int, str, splitter or iterable of (train, test), default=5
        How many folds, in random order and stratified by class for a classifier; ``"stratified"``,
        ``"grouped"`` (groups are kept together, for a classifier stratified besides) or ``"time_series"``
        (training data come before what they are tested on) for five such folds; any of scikit-learn's
        splitters, such as ``GroupKFold(10)``; or the rows of each fold.
    metrics : sequence of str or scorers, or mapping of str to these, default=None
        As for :func:`evaluate`; None takes all that have a value in each fold.
    groups : array-like of shape (n_samples,), default=None
        For splitters that keep groups together.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each row counts, in fitting and in measuring.
    random_state : int, RandomState instance or None, default=None
        For the order of the samples. An int gives the same folds each time.
    executor : concurrent.futures.Executor, default=None
        Who fits the folds at the same time; the result is the same. The estimator, the data and the metrics
        are sent to where it works.
    return_predictions : bool, default=False
        Whether to keep what was predicted of the rows left out.

    Raises
    ------
    InvalidOptionError
        If an option is wrong, or one of `metrics` has no value in a fold.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from maas_sdk.learning import LogisticClassifier
    >>> result = cross_validate(LogisticClassifier(), *load_iris(return_X_y=True), random_state=0)
    >>> result.mean["accuracy"] > 0.9
    True
    """
    chosen = None if metrics is None else metrics_by_name(metrics)
    check_consistent_length(X, y, groups, sample_weight)
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    splitter = make_splitter(estimator, cv, random_state)
    splits = make_splits(splitter, X, y, groups)
    tasks = (
        (clone(estimator), *_parts(estimator, X, y, weights, train, test), chosen, return_predictions)
        for train, test in splits
    )
    if executor is None:
        results = [_fit_and_measure(*task) for task in tasks]
    else:
        futures = [executor.submit(_fit_and_measure, *task) for task in tasks]
        try:
            results = [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
    names = list(results[0][0])
    scores = {name: np.asarray([values[name] for values, _ in results]) for name in names}
    return CrossValidation(
        scores={name: values for name, values in scores.items() if not np.isnan(values).any()},
        n_samples=tuple(len(test) for _, test in splits),
        n_train=tuple(len(train) for train, _ in splits),
        predictions=_joined([test for _, test in splits], results) if return_predictions else None,
    )


def _parts(
    estimator: Any,
    X: Any,
    y: Any,
    weights: NDArray[np.float64] | None,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> tuple[Any, ...]:
    """Give what a fold is fitted and measured on: X, y and weights, twice."""
    X_train, y_train = _safe_split(estimator, X, y, train)
    X_test, y_test = _safe_split(estimator, X, y, test, train)
    if weights is None:
        return X_train, y_train, None, X_test, y_test, None
    return X_train, y_train, weights[train], X_test, y_test, weights[test]


def _fit_and_measure(
    estimator: Any,
    X_train: Any,
    y_train: Any,
    w_train: Any,
    X_test: Any,
    y_test: Any,
    w_test: Any,
    metrics: Mapping[str, Metric] | None,
    keep: bool,
) -> tuple[dict[str, float], Any]:
    """Fit one fold; give its figures, and if asked what it predicted: all that an executor sends back."""
    weights = {} if w_train is None else {"sample_weight": w_train}
    estimator.fit(X_train, y_train, **weights)
    known: Predictions | None = None
    if metrics is None:
        known = predictions_of(estimator, X_test, y_test, sample_weight=w_test)
        values = measure(known)
    else:
        values = {
            name: metric(estimator, X_test, y_test, sample_weight=w_test) for name, metric in metrics.items()
        }
    if not keep:
        return values, None
    # Rows of weight 0 are predicted, too.
    if known is None or known.weighted:
        known = predictions_of(estimator, X_test, y_test)
    return values, (known.predicted, known.classes, known.probabilities)


def _joined(
    tests: Sequence[NDArray[np.intp]], results: Sequence[tuple[dict[str, float], Any]]
) -> FoldPredictions:
    kept = [predicted for _, predicted in results]
    classes = probabilities = None
    if all(columns is not None for _, columns, _ in kept):
        classes = np.unique(np.concatenate([columns for _, columns, _ in kept]))
    if classes is not None and all(proba is not None for *_, proba in kept):
        aligned = []
        for _, columns, proba in kept:
            row = np.zeros((len(proba), len(classes)), dtype=proba.dtype)
            row[:, np.searchsorted(classes, columns)] = proba
            aligned.append(row)
        probabilities = np.concatenate(aligned)
    return FoldPredictions(
        rows=np.concatenate(tests),
        fold=np.repeat(np.arange(len(tests)), [len(test) for test in tests]),
        predicted=np.concatenate([predicted for predicted, *_ in kept]),
        classes=classes,
        probabilities=probabilities,
    )
