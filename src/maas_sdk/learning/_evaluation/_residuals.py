"""Residuals of predicted values: how they are spread, and whether they depend on what was predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import scatter_chart
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import Predictions
    from maas_sdk.learning._report import Rows

__all__ = ["Residuals", "residuals_of"]

_MOST_POINTS = 500
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BINS = 10
_ROWS_A_BIN = 10
_same = cmp_using(eq=np.array_equal)


@frozen(kw_only=True)
class Residuals(Report):
    """What is left of the truth after what was predicted.

    Attributes
    ----------
    predicted, residuals : ndarray of shape (n_points,), dtype float64
        Of at most 500 rows, evenly chosen, for the chart. `to_dict` leaves them out: they are the rows'
        own values, which a model card must not give away.
    quantiles : mapping of float to float
        Of the residuals of all rows, by share: 0.05, 0.25, 0.5, 0.75, 0.95.
    bins : tuple of (float, float, float)
        Tenths of the rows by what was predicted (fewer of less than 100 rows, none of less than 20): mean
        prediction, mean residual and deviation of the residual.
    """

    predicted: NDArray[np.float64] = field(eq=_same)
    residuals: NDArray[np.float64] = field(eq=_same)
    quantiles: Mapping[float, float]
    bins: tuple[tuple[float, float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, without the values of single rows."""
        return {
            "quantiles": {f"{share:g}": value for share, value in self.quantiles.items()},
            "bins": [list(row) for row in self.bins],
        }

    def _tables(self) -> list[tuple[str, Rows]]:
        quantiles = [[f"{share:.0%}", figure(value)] for share, value in self.quantiles.items()]
        tables = [("Residuals (true - predicted)", [["quantile", "value"], *quantiles])]
        if self.bins:
            rows = [[figure(value) for value in row] for row in self.bins]
            tables.append(("Residuals by prediction", [["mean predicted", "mean", "deviation"], *rows]))
        return tables

    def _charts(self) -> dict[str, str]:
        return {
            "residuals": scatter_chart(
                "Residuals", self.predicted.tolist(), self.residuals.tolist(),
                x_label="predicted", y_label="true - predicted", zero_line=True,
            )
        }  # fmt: skip


def residuals_of(predictions: Predictions) -> Residuals | None:
    """Summarize residuals; None for several outputs. Weights play no part."""
    predicted = predictions.predicted.reshape(len(predictions.predicted), -1)
    if predicted.shape[1] != 1:
        return None
    predicted = predicted[:, 0]
    residuals = predictions.truth.reshape(-1) - predicted
    some = slice(None, None, max(1, -(-len(predicted) // _MOST_POINTS)))
    points = (predicted[some].copy(), residuals[some].copy())
    for column in points:
        column.setflags(write=False)
    n_bins = min(_BINS, len(predicted) // _ROWS_A_BIN)
    parts = np.array_split(np.argsort(predicted, kind="stable"), n_bins) if n_bins > 1 else []
    return Residuals(
        predicted=points[0],
        residuals=points[1],
        quantiles=dict(zip(_QUANTILES, np.quantile(residuals, _QUANTILES).tolist(), strict=True)),
        bins=tuple(
            (float(predicted[rows].mean()), float(residuals[rows].mean()), float(residuals[rows].std()))
            for rows in parts
        ),
    )
