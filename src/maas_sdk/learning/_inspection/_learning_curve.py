"""The learning curve: how a metric grows with the rows that an estimator is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen
from sklearn import model_selection

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import Line, line_chart
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._cross_validation import make_splits, make_splitter
from maas_sdk.learning._metrics import metrics_by_name
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import AnyMetric
    from maas_sdk.learning._report import Rows

__all__ = ["LearningCurve", "learning_curve"]

_same = cmp_using(eq=np.array_equal)


@frozen(kw_only=True)
class LearningCurve(Report):
    """What :func:`learning_curve` found. ``str()`` gives a table; a notebook shows one, and a chart.

    Attributes
    ----------
    metric : str
    greater_is_better : bool
    train_sizes : ndarray of shape (n_sizes,), dtype intp
        Rows trained on.
    train_scores, test_scores : ndarray of shape (n_sizes, n_folds), dtype float64
        The metric on the rows trained on, and on the fold left out.
    """

    metric: str
    greater_is_better: bool
    train_sizes: NDArray[np.intp] = field(eq=_same)
    train_scores: NDArray[np.float64] = field(eq=_same)
    test_scores: NDArray[np.float64] = field(eq=_same)

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "train_sizes": self.train_sizes.tolist(),
            "train_scores": self.train_scores.tolist(),
            "test_scores": self.test_scores.tolist(),
        }

    def _tables(self) -> list[tuple[str, Rows]]:
        columns = (self.train_sizes.tolist(), self.train_scores, self.test_scores)
        rows = [
            [str(size), *(f"{figure(values.mean())} ± {values.std():.2g}" for values in scores)]
            for size, *scores in zip(*columns, strict=True)
        ]
        return [(f"Learning curve: {self.metric}", [["training rows", "training", "validation"], *rows])]

    def _charts(self) -> dict[str, str]:
        lines = [
            Line(
                name,
                self.train_sizes.tolist(),
                scores.mean(axis=1).tolist(),
                (scores.mean(axis=1) - scores.std(axis=1)).tolist(),
                (scores.mean(axis=1) + scores.std(axis=1)).tolist(),
                dots=True,
            )
            for name, scores in (("training", self.train_scores), ("validation", self.test_scores))
        ]
        title = f"Learning curve: {self.metric}"
        return {"learning": line_chart(title, lines, x_label="training rows", y_label=self.metric)}


def learning_curve(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    metric: AnyMetric,
    train_sizes: Sequence[float] = (0.1, 0.325, 0.55, 0.775, 1.0),
    cv: Any = 5,
    groups: Any = None,
    random_state: int | np.random.RandomState | None = None,
) -> LearningCurve:
    """Fit copies of an estimator on more and more rows, and measure each on a fold left out.

    Parameters
    ----------
    estimator : classifier or regressor
        It is cloned; whether it was fitted does not matter.
    X, y : array-like
        Data to learn from.
    metric : str or scorer
        As one of :func:`evaluate`'s `metrics`.
    train_sizes : sequence of float or int, default=(0.1, 0.325, 0.55, 0.775, 1.0)
        Shares of the rows that a fold leaves for training, or numbers of rows.
    cv : default=5
        As for :func:`cross_validate`. Rows are taken in random order, for time series in theirs.
    groups : array-like of shape (n_samples,), default=None
        For splitters that keep groups together.
    random_state : int, RandomState instance or None, default=None
        For the order of the samples.

    Raises
    ------
    InvalidOptionError
        If an option is wrong, or the metric has no value, such as on few rows that lack a class.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from maas_sdk.learning import LogisticClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> curve = learning_curve(LogisticClassifier(), X, y, metric="accuracy", random_state=0)
    >>> curve.train_sizes.tolist()
    [12, 39, 66, 93, 120]
    """
    [(name, chosen)] = metrics_by_name([metric]).items()
    splitter = make_splitter(estimator, cv, random_state)
    in_order = isinstance(splitter, model_selection.TimeSeriesSplit)
    splits = make_splits(splitter, X, y, groups)
    sizes = _checked(train_sizes, len(splits[0][0]))
    try:
        sizes, train, test = model_selection.learning_curve(
            estimator,
            X,
            y,
            cv=splits,
            train_sizes=sizes,
            scoring=chosen,
            shuffle=not in_order,
            random_state=random_state,
            error_score="raise",
        )
    except InvalidOptionError as exc:
        raise InvalidOptionError(f"the learning curve cannot be measured: {exc}") from exc
    return LearningCurve(
        metric=name,
        greater_is_better=chosen.greater_is_better,
        train_sizes=sizes,
        train_scores=train,
        test_scores=test,
    )


def _checked(train_sizes: Sequence[float], most: int) -> NDArray[Any]:
    """Give shares as they are, and numbers of rows as integers."""
    sizes = np.asarray(train_sizes)
    if sizes.ndim == 1 and len(sizes) and sizes.dtype.kind in "iuf":
        if sizes.dtype.kind == "f" and ((sizes > 0) & (sizes <= 1)).all():
            return sizes
        if ((sizes >= 1) & (sizes <= most) & (sizes == np.floor(sizes))).all():
            return sizes.astype(np.intp)
    raise InvalidOptionError(
        f"train_sizes must be shares above 0 and up to 1, or numbers of rows from 1 to {most}, "
        f"not {train_sizes!r}"
    )
