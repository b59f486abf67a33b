"""What cross-validation found: figures by fold, what they say about the mean, and predictions if asked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen
from scipy.stats import t as student

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import bar_chart
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._evaluation import Interval
from maas_sdk.learning._options import check_real
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._report import Rows

__all__ = ["CrossValidation", "FoldPredictions"]

_same = cmp_using(eq=np.array_equal)


def _same_scores(one: Mapping[str, NDArray[np.float64]], other: Mapping[str, NDArray[np.float64]]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


@frozen(kw_only=True)
class FoldPredictions:
    """What was predicted of rows by estimators that were not trained on them, fold by fold.

    Attributes
    ----------
    rows : ndarray of shape (n_predicted,), dtype intp
        Places in the data; a row is there as often as the folds have it, for time series not always once.
    fold : ndarray of shape (n_predicted,), dtype intp
        From 0.
    predicted : ndarray of shape (n_predicted,) or (n_predicted, n_outputs)
    classes : ndarray of shape (n_classes,) or None
        Columns of `probabilities`: all classes that any fold's estimator knew.
    probabilities : ndarray of shape (n_predicted, n_classes) or None
        0 for classes that were not in a fold's training data; None if a fold's estimator gave none.
    """

    rows: NDArray[np.intp] = field(eq=_same)
    fold: NDArray[np.intp] = field(eq=_same)
    predicted: NDArray[Any] = field(eq=_same)
    classes: NDArray[Any] | None = field(default=None, eq=_same)
    probabilities: NDArray[np.floating] | None = field(default=None, eq=_same)


@frozen(kw_only=True)
class CrossValidation(Report):
    """What :func:`cross_validate` found. ``str()`` gives a table; a notebook shows one, and a chart.

    Attributes
    ----------
    scores : mapping of str to ndarray of shape (n_folds,)
        Each metric's value on each fold, as the metric is: losses are positive.
    n_samples : tuple of int
        Samples that each fold was measured on.
    n_train : tuple of int
        Samples that each fold's estimator was trained on.
    predictions : FoldPredictions or None
        If they were asked for.
    """

    scores: Mapping[str, NDArray[np.float64]] = field(eq=cmp_using(eq=_same_scores))
    n_samples: tuple[int, ...]
    n_train: tuple[int, ...] = ()
    predictions: FoldPredictions | None = None

    @property
    def mean(self) -> dict[str, float]:
        """Mean over the folds of each metric."""
        return {name: float(np.mean(values)) for name, values in self.scores.items()}

    @property
    def std(self) -> dict[str, float]:
        """Deviation over the folds of each metric, divided by n_folds."""
        return {name: float(np.std(values)) for name, values in self.scores.items()}

    def intervals(self, level: float = 0.95) -> dict[str, Interval]:
        """Give an interval for the mean of each metric.

        Parameters
        ----------
        level : float, default=0.95
            The confidence, between 0 and 1.

        Raises
        ------
        InvalidOptionError
            If `level` is wrong, or there is but one fold.

        Notes
        -----
        Student's t with the corrected variance of Nadeau and Bengio: the folds' training data overlap, so
        their figures vary less than independent ones would. The variance over n folds is multiplied by
        1/n + n_test/n_train instead of 1/n.

        References
        ----------
        Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
        """
        level = check_real("level", level, above=0, below=1)
        n_folds = len(self.n_samples)
        if n_folds < 2 or not self.n_train:  # noqa: PLR2004 - one figure has no deviation
            raise InvalidOptionError(
                "an interval of the mean needs two folds, and how many rows trained each"
            )
        factor = math.sqrt(1 / n_folds + np.mean(self.n_samples) / np.mean(self.n_train))
        reach = float(student.ppf((1 + level) / 2, n_folds - 1)) * factor
        found = {}
        for name, values in self.scores.items():
            mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
            found[name] = Interval(mean - reach * deviation, mean + reach * deviation, level)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give plain data: mappings, lists, strings and numbers, without the predictions of rows."""
        return {
            "n_folds": len(self.n_samples),
            "n_samples": list(self.n_samples),
            "n_train": list(self.n_train),
            "scores": {name: values.tolist() for name, values in self.scores.items()},
            "mean": self.mean,
            "std": self.std,
        }

    def _tables(self) -> list[tuple[str, Rows]]:
        folds = [str(fold) for fold in range(1, len(self.n_samples) + 1)]
        mean, std = self.mean, self.std
        rows = [
            [name, f"{mean[name]:.4g} ± {std[name]:.2g}", *(f"{value:.4g}" for value in values)]
            for name, values in self.scores.items()
        ]
        return [(f"Cross-validation in {len(folds)} folds", [["metric", "mean ± std", *folds], *rows])]

    def _charts(self) -> dict[str, str]:
        return {
            name: bar_chart(
                f"{name} by fold: {figure(float(np.mean(values)))}",
                [(f"fold {fold}", value) for fold, value in enumerate(values.tolist(), start=1)],
                scale=None,
            )
            for name, values in list(self.scores.items())[:1]
        }
