"""Cross-validation: an unfitted estimator's metrics on each fold, with mean and deviation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen
from sklearn import model_selection
from sklearn.base import is_classifier

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._metrics import get_metric, measure, predictions_of
from maas_sdk.learning._options import check_integer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["CrossValidation", "cross_validate"]


def _same_scores(one: Mapping[str, NDArray[np.float64]], other: Mapping[str, NDArray[np.float64]]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


@frozen(kw_only=True)
class CrossValidation:
    """What :func:`cross_validate` found. ``str()`` gives a table; a notebook shows one too.

    Attributes
    ----------
    scores : mapping of str to ndarray of shape (n_folds,)
        Each metric's value on each fold, as the metric is: losses are positive.
    n_samples : tuple of int
        Samples that each fold was measured on.
    """

    scores: Mapping[str, NDArray[np.float64]] = field(eq=cmp_using(eq=_same_scores))
    n_samples: tuple[int, ...]

    @property
    def mean(self) -> dict[str, float]:
        """Mean over the folds of each metric."""
        return {name: float(np.mean(values)) for name, values in self.scores.items()}

    @property
    def std(self) -> dict[str, float]:
        """Deviation over the folds of each metric, divided by n_folds."""
        return {name: float(np.std(values)) for name, values in self.scores.items()}

    def to_dict(self) -> dict[str, Any]:
        """Give plain data: mappings, lists, strings and numbers."""
        return {
            "n_folds": len(self.n_samples),
            "n_samples": list(self.n_samples),
            "scores": {name: values.tolist() for name, values in self.scores.items()},
            "mean": self.mean,
            "std": self.std,
        }

    def _table(self) -> tuple[str, list[list[str]]]:
        folds = [str(fold) for fold in range(1, len(self.n_samples) + 1)]
        mean, std = self.mean, self.std
        rows = [
            [name, f"{mean[name]:.4g} ± {std[name]:.2g}", *(f"{value:.4g}" for value in values)]
            for name, values in self.scores.items()
        ]
        return f"Cross-validation in {len(folds)} folds", [["metric", "mean ± std", *folds], *rows]

    def __str__(self) -> str:
        title, rows = self._table()
        return f"{title}\n{text_table(rows[0], rows[1:], right=range(1, len(rows[0])))}"

    def _repr_html_(self) -> str:
        title, rows = self._table()
        return html_table(rows[0], rows[1:], right=range(1, len(rows[0])), caption=title)


def _splitter(estimator: Any, cv: Any, random_state: Any) -> Any:
    if hasattr(cv, "get_n_splits"):
        return cv
    n_splits = check_integer("cv", cv, minimum=2)
    kind = model_selection.StratifiedKFold if is_classifier(estimator) else model_selection.KFold
    return kind(n_splits, shuffle=True, random_state=random_state)


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    metrics: Sequence[str] | None = None,
    groups: Any = None,
    random_state: int | np.random.RandomState | None = None,
) -> CrossValidation:
    """Fit copies of an estimator on all folds but one and measure each on the one left out.

    Parameters
    ----------
    estimator : classifier or regressor
        It is cloned; whether it was fitted does not matter.
    X, y : array-like
        Data to learn from.
    cv : int or splitter, default=5
        How many folds, in random order and stratified by class for a classifier; or any of scikit-learn's
        splitters, such as ``GroupKFold()`` or ``TimeSeriesSplit()``.
    metrics : sequence of str, default=None
        As for :func:`get_metric`; None takes all that have a value in each fold.
    groups : array-like of shape (n_samples,), default=None
        For splitters that keep groups together.
    random_state : int, RandomState instance or None, default=None
        For the order of the samples. An int gives the same folds each time.

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
    if isinstance(metrics, str):
        raise InvalidOptionError(f"metrics must be a sequence of names, such as [{metrics!r}]")
    chosen = None if metrics is None else [get_metric(name) for name in metrics]

    def measure_fold(fitted: Any, X_fold: Any, y_fold: Any) -> dict[str, float]:
        if chosen is None:
            return measure(predictions_of(fitted, X_fold, y_fold))
        return {metric.name: metric(fitted, X_fold, y_fold) for metric in chosen}

    result = model_selection.cross_validate(
        estimator,
        X,
        y,
        groups=groups,
        scoring=measure_fold,
        cv=_splitter(estimator, cv, random_state),
        return_indices=True,
        error_score="raise",
    )
    scores = {key.removeprefix("test_"): values for key, values in result.items() if key.startswith("test_")}
    return CrossValidation(
        scores={name: values for name, values in scores.items() if not any(map(math.isnan, values))},
        n_samples=tuple(len(rows) for rows in result["indices"]["test"]),
    )
