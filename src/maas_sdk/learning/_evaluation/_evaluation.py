"""What was measured on data, as one value that prints and draws itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import asdict, cmp_using, field, frozen

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import bar_chart
from maas_sdk._internal.heat_map import heat_map
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_choice
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._evaluation._bootstrap import Interval
    from maas_sdk.learning._evaluation._calibration import Calibration
    from maas_sdk.learning._evaluation._curves import Curve
    from maas_sdk.learning._evaluation._residuals import Residuals
    from maas_sdk.learning._report import Rows

__all__ = ["ClassMetrics", "Evaluation"]

_MOST_PRINTED_CLASSES = 20
_MOST_DRAWN_CLASSES = 40


@frozen
class ClassMetrics:
    """How good predictions are for one class, or one of several labels.

    Attributes
    ----------
    label : object
        A Python string, integer, float or boolean.
    precision, recall, f1 : float
        0 where there is nothing to divide by.
    support : int or float
        Samples whose true class it is; the sum of their weights where weights were given.
    """

    label: Any
    precision: float
    recall: float
    f1: float
    support: float


@frozen(kw_only=True)
class Evaluation(Report):
    """What :func:`evaluate` found. ``str()`` gives tables; a notebook shows them, and charts.

    Attributes
    ----------
    kind : str
        ``"classification"``, ``"multilabel"`` or ``"regression"``.
    n_samples : int
        Rows of weight 0 do not count.
    metrics : mapping of str to float
        Those asked for, or all of :func:`get_metric`'s own names that have a value here.
    labels : tuple
        Classes that the model knows or that occur, sorted; several labels' names; empty for values.
    confusion : ndarray of shape (n_labels, n_labels) or None
        How many samples of the row's class were predicted as the column's; the sum of their weights where
        weights were given; None for values and several labels.
    per_class : tuple of ClassMetrics
        In the order of `labels`.
    intervals : mapping of str to Interval
        By metric, if a confidence was asked for.
    positive : object
        The positive one of two classes; None otherwise.
    calibration : Calibration or None
        If there are probabilities and no class that the model does not know.
    roc, precision_recall : Curve or None
        Of two classes that both occur.
    residuals : Residuals or None
        Of values with one output.
    """

    kind: str
    n_samples: int
    metrics: Mapping[str, float]
    labels: tuple[Any, ...] = ()
    confusion: NDArray[Any] | None = field(default=None, eq=cmp_using(eq=np.array_equal))
    per_class: tuple[ClassMetrics, ...] = ()
    intervals: Mapping[str, Interval] = field(factory=dict)
    positive: Any = None
    calibration: Calibration | None = None
    roc: Curve | None = None
    precision_recall: Curve | None = None
    residuals: Residuals | None = None

    def normalized_confusion(self, by: str = "true") -> NDArray[np.float64]:
        """Give shares instead of counts.

        Parameters
        ----------
        by : {"true", "predicted", "all"}, default="true"
            What sums to 1: each row, each column, or all. What sums to 0 stays 0.

        Raises
        ------
        InvalidOptionError
            For another `by`, and where there is no confusion matrix.
        """
        check_choice("by", by, ("true", "predicted", "all"))
        if self.confusion is None:
            raise InvalidOptionError(f"{self.kind} has no confusion matrix")
        axis = {"true": 1, "predicted": 0, "all": None}[by]
        counts = self.confusion.astype(np.float64)
        sums = counts.sum(axis=axis, keepdims=True)
        return np.asarray(counts / np.where(sums == 0, 1.0, sums))

    def to_dict(self) -> dict[str, Any]:
        """Give plain data: mappings, lists, strings, numbers and None. It names no single row's values."""
        plain: dict[str, Any] = {
            "kind": self.kind,
            "n_samples": self.n_samples,
            "metrics": dict(self.metrics),
        }
        if self.intervals:
            plain["intervals"] = {name: interval.to_dict() for name, interval in self.intervals.items()}
        if self.kind != "regression":
            plain["labels"] = list(self.labels)
            plain["per_class"] = [asdict(row) for row in self.per_class]
        if self.confusion is not None:
            plain["confusion"] = self.confusion.tolist()
        if self.positive is not None:
            plain["positive"] = self.positive
        for name in ("calibration", "roc", "precision_recall", "residuals"):
            part = getattr(self, name)
            if part is not None:
                plain[name] = part.to_dict()
        return plain

    def _tables(self) -> list[tuple[str, Rows]]:
        tables = [(f"Evaluation on {self.n_samples} samples", self._metric_rows())]
        if self.per_class:
            rows = [
                [str(c.label), figure(c.precision), figure(c.recall), figure(c.f1), f"{c.support:.10g}"]
                for c in self.per_class
            ]
            what = "label" if self.kind == "multilabel" else "class"
            tables.append((f"By {what}", [[what, "precision", "recall", "f1", "support"], *rows]))
        if self.confusion is not None and len(self.labels) <= _MOST_PRINTED_CLASSES:
            head = ["true \\ predicted", *map(str, self.labels)]
            rows = [
                [str(label), *(f"{count:.10g}" for count in row)]
                for label, row in zip(self.labels, self.confusion, strict=True)
            ]
            tables.append(("Confusion", [head, *rows]))
        return tables

    def _metric_rows(self) -> Rows:
        if not self.intervals:
            return [["metric", "value"], *([name, figure(value)] for name, value in self.metrics.items())]
        level = next(iter(self.intervals.values())).level
        rows = []
        for name, value in self.metrics.items():
            interval = self.intervals.get(name)
            told = "" if interval is None else f"{figure(interval.low)} to {figure(interval.high)}"
            rows.append([name, figure(value), told])
        return [["metric", "value", f"{100 * level:g} % interval"], *rows]

    def _charts(self) -> dict[str, str]:
        charts = {}
        if self.confusion is not None and len(self.labels) <= _MOST_DRAWN_CLASSES:
            names = [str(label) for label in self.labels]
            charts["confusion"] = heat_map("Confusion", names, self.confusion.tolist())
        if self.per_class and len(self.per_class) <= _MOST_DRAWN_CLASSES:
            title = "F1 by label" if self.kind == "multilabel" else "F1 by class"
            charts["per_class"] = bar_chart(title, [(str(row.label), row.f1) for row in self.per_class])
        for name in ("calibration", "roc", "precision_recall", "residuals"):
            part = getattr(self, name)
            if part is not None:
                charts[name] = next(iter(part._charts().values()))  # noqa: SLF001 - of the same base
        return charts
