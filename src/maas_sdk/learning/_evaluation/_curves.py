"""The curves of two classes, bounded in points and exact in area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import Line, line_chart
from maas_sdk.learning._metrics import Weighted
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import Predictions
    from maas_sdk.learning._report import Rows

__all__ = ["Curve", "precision_recall_curve", "roc_curve"]

_MOST_POINTS = 200
_PRINTED = 10
_same = cmp_using(eq=np.array_equal)


@frozen(kw_only=True)
class Curve(Report):
    """What is won and lost at each threshold.

    Attributes
    ----------
    name : str
        ``"ROC"`` or ``"precision and recall"``.
    x_label, y_label : str
    x, y : ndarray of shape (n_points,), dtype float64
        At most 200 points of the curve, the first and the last among them.
    thresholds : ndarray of shape (n_points,), dtype float64
        Rows that score at least so much are called positive; the first is infinite: none is.
    area : float
        Of the whole curve, not of these points: ROC AUC, or average precision.
    """

    name: str
    x_label: str
    y_label: str
    x: NDArray[np.float64] = field(eq=_same)
    y: NDArray[np.float64] = field(eq=_same)
    thresholds: NDArray[np.float64] = field(eq=_same)
    area: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain data; an infinite threshold is None."""
        return {
            "name": self.name,
            "x_label": self.x_label,
            "y_label": self.y_label,
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "thresholds": [t if np.isfinite(t) else None for t in self.thresholds.tolist()],
            "area": self.area,
        }

    def _tables(self) -> list[tuple[str, Rows]]:
        head = ["threshold", self.x_label, self.y_label]
        some = np.unique(np.linspace(0, len(self.x) - 1, _PRINTED).round().astype(int))
        rows = [[figure(v) for v in (self.thresholds[i], self.x[i], self.y[i])] for i in some]
        return [(f"{self.name}: area {figure(self.area)}", [head, *rows])]

    def _charts(self) -> dict[str, str]:
        title = f"{self.name}: area {figure(self.area)}"
        line = Line(self.name, self.x.tolist(), self.y.tolist())
        unit = (0.0, 1.0)
        drawn = line_chart(
            title, [line], x_label=self.x_label, y_label=self.y_label, x_range=unit, y_range=unit,
            diagonal=self.name == _ROC,
        )  # fmt: skip
        return {"curve": drawn}


_ROC = "ROC"


def roc_curve(predictions: Predictions) -> Curve | None:
    """Give the ROC curve, or None if one class is missing or nothing ranks the rows."""
    ranked = _ranked(predictions)
    if ranked is None:
        return None
    hits, misses, thresholds, area = ranked
    return _bounded(
        _ROC, ("false positive rate", misses / misses[-1]), ("true positive rate", hits / hits[-1]),
        thresholds, float(area.roc_auc(*_columns(predictions))[0]),
    )  # fmt: skip


def precision_recall_curve(predictions: Predictions) -> Curve | None:
    """Give the curve of precision over recall, or None if one class is missing or nothing ranks the rows."""
    ranked = _ranked(predictions)
    if ranked is None:
        return None
    hits, misses, thresholds, area = ranked
    precision = np.r_[1.0, hits[1:] / (hits[1:] + misses[1:])]
    return _bounded(
        "precision and recall", ("recall", hits / hits[-1]), ("precision", precision),
        thresholds, float(area.average_precision(*_columns(predictions))[0]),
    )  # fmt: skip


def _columns(predictions: Predictions) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    assert predictions.positive_scores is not None
    return predictions.positive_scores, predictions.is_positive


def _ranked(p: Predictions) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], Weighted] | None:
    if p.positive_scores is None or not p.has_all_classes:
        return None
    view = Weighted.once(p)
    hits, misses, thresholds = view.ranking(*_columns(p))
    return hits[0], misses[0], np.r_[np.inf, thresholds.astype(np.float64)], view


def _bounded(
    name: str,
    x: tuple[str, NDArray[np.float64]],
    y: tuple[str, NDArray[np.float64]],
    thresholds: NDArray[np.float64],
    area: float,
) -> Curve:
    """Make a curve of as many points as one can see."""
    keep = np.arange(len(thresholds))
    if len(keep) > _MOST_POINTS:
        keep = _evenly(x[1], y[1])
    columns = (x[1][keep], y[1][keep], thresholds[keep])
    for column in columns:
        column.setflags(write=False)
    return Curve(
        name=name, x_label=x[0], y_label=y[0], x=columns[0], y=columns[1], thresholds=columns[2], area=area
    )


def _evenly(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.intp]:
    """Choose points about equally far from each other along the curve, the first and the last among them."""
    along = np.r_[0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    wanted = np.searchsorted(along, np.linspace(0, along[-1], _MOST_POINTS - 1))
    last = len(along) - 1
    return np.unique(np.r_[np.minimum(wanted, last), last])
