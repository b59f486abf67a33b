"""A metric looked up by name, of our tables or of scikit-learn's scorers, or made of a scorer."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn import metrics as sk

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._metrics._predictions import predictions_of
from maas_sdk.learning._metrics._replay import Replay
from maas_sdk.learning._metrics._tables import LOWER_IS_BETTER, OWN_NAMES, is_foreign, table_of
from maas_sdk.learning._metrics._weighted import Weighted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._metrics._predictions import Predictions

__all__ = ["AnyMetric", "Metric", "get_metric", "metrics_by_name", "score"]

AnyMetric = str | Callable[..., Any]
"""A name, as for :func:`get_metric`, or a scorer: a callable of (estimator, X, y), the greater the better."""


@frozen
class Metric:
    """How good predictions are, as a number; made by :func:`get_metric`.

    Attributes
    ----------
    name : str
    greater_is_better : bool
    scorer : callable or None
        Who computes it, where neither a table of ours nor scikit-learn has its name.
    """

    name: str
    greater_is_better: bool
    scorer: Callable[..., Any] | None = None

    def __call__(
        self, estimator: Any, X: Any, y: Any, *, sample_weight: Any = None, positive: Any = None
    ) -> float:
        """Measure a fitted estimator on data.

        Raises
        ------
        InvalidOptionError
            If the metric is for another kind of estimator or has no value here: the estimator gives no
            probabilities, `y` lacks a class, or there are too few samples.
        """
        if self.scorer is None and self.name in OWN_NAMES:
            predictions = predictions_of(estimator, X, y, sample_weight=sample_weight, positive=positive)
            return float(self.measure(predictions)[0])
        if positive is not None:
            raise InvalidOptionError(f"{self.name} takes no positive class")
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(self._scorer()(estimator, X, y, **weights))

    def measure(
        self, predictions: Predictions, weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Measure predictions under sets of weights.

        Parameters
        ----------
        predictions : Predictions
        weights : ndarray of shape (n_sets, n_samples), dtype float64, or None
            None takes the predictions' own, as one set, and refuses a metric that has no value.

        Returns
        -------
        ndarray of shape (n_sets,), dtype float64
            NaN for a set under which the metric has no value.

        Raises
        ------
        InvalidOptionError
            As when called.
        """
        entry = None if self.scorer is not None else table_of(predictions.kind).get(self.name)
        if entry is None:
            self._check_kind(predictions.kind)
            return self._measure_rows(predictions, weights)
        view = Weighted.once(predictions) if weights is None else Weighted(predictions, weights)
        values = entry.compute(view)
        if weights is None and math.isnan(values[0]):
            raise InvalidOptionError(f"{self.name} has no value here: it needs {entry.needs}")
        return values

    def can_be_resampled(self, kind: str) -> bool:
        """Whether the bootstrap says something about it."""
        entry = None if self.scorer is not None else table_of(kind).get(self.name)
        return entry is None or entry.resampled

    def _check_kind(self, kind: str) -> None:
        if self.scorer is not None:
            return
        # Scikit-learn's scorer of one of our names measures what our table lacks: f1_micro of classes.
        unknown = self.name in OWN_NAMES and self.name not in sk.get_scorer_names()
        if unknown or is_foreign(self.name, kind):
            raise InvalidOptionError(
                f"{self.name} does not measure {kind}: take one of {', '.join(table_of(kind))}"
            )

    def _measure_rows(
        self, predictions: Predictions, weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Let a scorer measure each set of weights, one after the other."""
        replay, scorer = Replay(predictions), self._scorer()
        truth = predictions.truth.astype(int) if predictions.kind == "multilabel" else predictions.truth
        every = np.arange(len(truth))
        if weights is None:
            given = {"sample_weight": predictions.weights} if predictions.weighted else {}
            return np.asarray([float(scorer(replay, every, truth, **given))])
        values = []
        for row in weights:
            drawn = np.repeat(every, np.rint(row / predictions.weights).astype(np.intp))
            given = {"sample_weight": predictions.weights[drawn]} if predictions.weighted else {}
            values.append(float(scorer(replay, drawn, truth[drawn], **given)))
        return np.asarray(values)

    def _scorer(self) -> Callable[..., Any]:
        found: Callable[..., Any] = sk.get_scorer(self.name) if self.scorer is None else self.scorer
        return found


def get_metric(name: str) -> Metric:
    """Look a metric up.

    Parameters
    ----------
    name : str
        For classes ``"accuracy"``, ``"balanced_accuracy"``, ``"f1_macro"``, ``"precision_macro"``,
        ``"recall_macro"``, ``"log_loss"``, ``"roc_auc"`` and ``"average_precision"`` (more than two classes:
        one against the rest, their mean), ``"brier"``, ``"calibration_error"``, and of the positive one of
        two classes ``"f1"``, ``"precision"``, ``"recall"``; for several labels a row ``"accuracy"`` (all of
        them right), ``"hamming_loss"``, ``"f1_micro"``, ``"f1_macro"``, ``"f1_samples"``,
        ``"precision_macro"``, ``"recall_macro"``, ``"roc_auc"``, ``"average_precision"``; for values
        ``"mse"``, ``"rmse"``, ``"mae"``, ``"median_absolute_error"``, ``"max_error"``, ``"r2"``; or any of
        scikit-learn's scorer names, such as ``"neg_mean_absolute_percentage_error"``.

    Raises
    ------
    InvalidOptionError
        If there is no such metric; the message names close ones.
    """
    known = sorted({*OWN_NAMES, *sk.get_scorer_names()})
    if name not in known:
        close = difflib.get_close_matches(str(name), known)
        hint = f"did you mean {' or '.join(close)}?" if close else "see get_metric for what there is"
        raise InvalidOptionError(f"there is no metric {name!r}: {hint}")
    return Metric(name, name not in LOWER_IS_BETTER)


def metrics_by_name(metrics: Sequence[AnyMetric] | Mapping[str, AnyMetric]) -> dict[str, Metric]:
    """Look metrics up: names, scorers that have a name, or a mapping that gives them names.

    Raises
    ------
    InvalidOptionError
        If one is unknown, or a scorer has no name.
    """
    if isinstance(metrics, str) or not isinstance(metrics, (Sequence, Mapping)):
        raise InvalidOptionError(f"metrics must be a sequence of names, such as ['r2'], not {metrics!r}")
    if isinstance(metrics, Mapping):
        return {str(name): _named(metric, str(name)) for name, metric in metrics.items()}
    found = [_named(metric, None) for metric in metrics]
    return {metric.name: metric for metric in found}


def _named(metric: AnyMetric, name: str | None) -> Metric:
    if isinstance(metric, Metric) or not callable(metric):
        return metric if isinstance(metric, Metric) else get_metric(metric)
    name = name or getattr(metric, "__name__", None)
    if name is None:
        raise InvalidOptionError(f"give the scorer a name: metrics={{'a name': {metric!r}}}")
    return Metric(name, greater_is_better=True, scorer=metric)


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
