"""Permutation importance: how much worse a fitted estimator gets when a feature's values are mixed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen
from sklearn import inspection

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import bar_chart
from maas_sdk.learning._inspection._features import feature_names
from maas_sdk.learning._metrics import metrics_by_name
from maas_sdk.learning._options import check_integer
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import AnyMetric
    from maas_sdk.learning._report import Rows

__all__ = ["PermutationImportance", "permutation_importance"]

_MOST_SHOWN = 30


@frozen(kw_only=True)
class PermutationImportance(Report):
    """What :func:`permutation_importance` found; tables and charts have the most important features first.

    Attributes
    ----------
    metric : str
    greater_is_better : bool
    features : tuple of str
        In the data's order.
    importances : ndarray of shape (n_features, n_repeats), dtype float64
        How much worse the metric got, whichever way is better; about 0 for a feature that does not matter.
    """

    metric: str
    greater_is_better: bool
    features: tuple[str, ...]
    importances: NDArray[np.float64] = field(eq=cmp_using(eq=np.array_equal))

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over the repeats, (n_features,)."""
        return np.asarray(self.importances.mean(axis=1))

    @property
    def std(self) -> NDArray[np.float64]:
        """Deviation over the repeats, (n_features,)."""
        return np.asarray(self.importances.std(axis=1))

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "features": list(self.features),
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "importances": self.importances.tolist(),
        }

    def _ranked(self) -> tuple[str, list[tuple[str, float, float]]]:
        mean, std = self.mean, self.std
        order = np.argsort(-mean, kind="stable")[:_MOST_SHOWN]
        title = f"Permutation importance: how much worse {self.metric} gets"
        if len(order) < len(self.features):
            title += f" ({len(order)} of {len(self.features)} features)"
        return title, [(self.features[i], float(mean[i]), float(std[i])) for i in order]

    def _tables(self) -> list[tuple[str, Rows]]:
        title, ranked = self._ranked()
        rows = [[name, f"{figure(mean)} ± {std:.2g}"] for name, mean, std in ranked]
        return [(title, [["feature", "mean ± std"], *rows])]

    def _charts(self) -> dict[str, str]:
        title, ranked = self._ranked()
        whiskers = {name: (mean - std, mean + std) for name, mean, std in ranked}
        bars = [(name, mean) for name, mean, _ in ranked]
        return {"importance": bar_chart(title, bars, intervals=whiskers, scale=None)}


def permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    metric: AnyMetric,
    n_repeats: int = 5,
    sample_weight: Any = None,
    random_state: int | np.random.RandomState | None = None,
) -> PermutationImportance:
    """Mix up one feature after the other among the rows, and measure how much worse the predictions get.

    Parameters
    ----------
    estimator : classifier or regressor
        Fitted.
    X : array-like or frame of shape (n_samples, n_features)
        Data that it was not trained on.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    metric : str or scorer
        As one of :func:`evaluate`'s `metrics`.
    n_repeats : int, default=5
        How often each feature is mixed up.
    sample_weight : array-like of shape (n_samples,), default=None
    random_state : int, RandomState instance or None, default=None
        For how they are mixed up.

    Raises
    ------
    InvalidOptionError
        If an option is wrong, or the metric has no value here.

    Notes
    -----
    Of features that say the same each looks unimportant: the other one is still there. The chart's
    whiskers are one deviation over the repeats.

    References
    ----------
    Breiman, "Random forests", Machine Learning 45, 2001.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from maas_sdk.learning import LogisticClassifier
    >>> iris = load_iris(as_frame=True)
    >>> model = LogisticClassifier().fit(iris.data, iris.target)
    >>> found = permutation_importance(model, iris.data, iris.target, metric="accuracy", random_state=0)
    >>> str(found.features[found.mean.argmax()]).startswith("petal")
    True
    """
    check_integer("n_repeats", n_repeats, minimum=1)
    [(name, chosen)] = metrics_by_name([metric]).items()
    sign = 1.0 if chosen.greater_is_better else -1.0

    def goodness(fitted: Any, X_mixed: Any, truth: Any, **weights: Any) -> float:
        return sign * chosen(fitted, X_mixed, truth, **weights)

    data = X if hasattr(X, "shape") else np.asarray(X)
    found = inspection.permutation_importance(
        estimator,
        data,
        y,
        scoring=goodness,
        n_repeats=n_repeats,
        random_state=random_state,
        sample_weight=sample_weight,
    )
    return PermutationImportance(
        metric=name,
        greater_is_better=chosen.greater_is_better,
        features=feature_names(estimator, data),
        importances=found["importances"],
    )
