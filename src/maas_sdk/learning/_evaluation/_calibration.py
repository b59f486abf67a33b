"""Calibration: whether what is predicted with a probability comes true as often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import Line, line_chart
from maas_sdk.learning._metrics import Weighted, calibration_bins, confidences
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import Predictions
    from maas_sdk.learning._report import Rows

__all__ = ["Calibration", "calibration_of"]

_same = cmp_using(eq=np.array_equal)


@frozen(kw_only=True)
class Calibration(Report):
    """Probabilities in bins of equal width against what came true. Empty bins are left out.

    Of two classes the probability of the positive one; of more the highest probability of each row against
    whether that class was the true one.

    Attributes
    ----------
    positive : object
        The positive class; None for more than two.
    n_bins : int
        Bins that 0 to 1 was divided into.
    mean_predicted, observed : ndarray of shape (n_filled_bins,), dtype float64
        Mean probability, and share that came true.
    weights : ndarray of shape (n_filled_bins,), dtype float64
        Rows in each bin, or the sum of their weights.
    expected_error : float
        Mean distance of both, weighted by rows (ECE; Naeini, Cooper and Hauskrecht 2015).
    maximum_error : float
        The largest of them (MCE).
    brier : float
        Mean square of probability minus what came true, 1 or 0.
    reliability, resolution, uncertainty : float
        The parts of `brier`, reliability - resolution + uncertainty (Murphy 1973), up to what varies within
        bins: how far off the bins are, how much they differ, and how uncertain it is without a model.
    """

    positive: Any
    n_bins: int
    mean_predicted: NDArray[np.float64] = field(eq=_same)
    observed: NDArray[np.float64] = field(eq=_same)
    weights: NDArray[np.float64] = field(eq=_same)
    expected_error: float
    maximum_error: float
    brier: float
    reliability: float
    resolution: float
    uncertainty: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        numbers = ("expected_error", "maximum_error", "brier", "reliability", "resolution", "uncertainty")
        return {
            "positive": self.positive,
            "n_bins": self.n_bins,
            "mean_predicted": self.mean_predicted.tolist(),
            "observed": self.observed.tolist(),
            "weights": self.weights.tolist(),
            **{name: getattr(self, name) for name in numbers},
        }

    def _tables(self) -> list[tuple[str, Rows]]:
        columns = (self.mean_predicted, self.observed, self.weights)
        rows = [[figure(p), figure(o), f"{w:.6g}"] for p, o, w in zip(*columns, strict=True)]
        parts = ("brier", "reliability", "resolution", "uncertainty")
        errors = [
            ["expected error", figure(self.expected_error)],
            ["maximum error", figure(self.maximum_error)],
        ]
        return [
            ("Calibration", [["measure", "value"], *errors, *([p, figure(getattr(self, p))] for p in parts)]),
            ("By bin", [["mean predicted", "observed", "rows"], *rows]),
        ]

    def _charts(self) -> dict[str, str]:
        title = f"Calibration: expected error {figure(self.expected_error)}"
        line = Line("observed", self.mean_predicted.tolist(), self.observed.tolist(), dots=True)
        what = "probability" if self.positive is None else f"probability of {self.positive}"
        unit = (0.0, 1.0)
        return {
            "calibration": line_chart(
                title, [line], x_label=f"predicted {what}", y_label="share that came true",
                x_range=unit, y_range=unit, diagonal=True,
            )
        }  # fmt: skip


def calibration_of(predictions: Predictions, n_bins: int) -> Calibration | None:
    """Compare probabilities with what came true; None where there are none, or classes are unknown."""
    found = confidences(predictions)
    if found is None or predictions.columns is None:
        return None
    view = Weighted.once(predictions)
    sums = calibration_bins(view, n_bins)
    assert sums is not None
    counts, expected, came_true = (each[0][sums[0][0] > 0] for each in sums)
    total, predicted, observed = counts.sum(), expected / counts, came_true / counts
    gaps, overall = np.abs(observed - predicted), came_true.sum() / total
    for column in (counts, predicted, observed):
        column.setflags(write=False)
    positive = predictions.positive
    return Calibration(
        positive=positive.item() if isinstance(positive, np.generic) else positive,
        n_bins=n_bins,
        mean_predicted=predicted,
        observed=observed,
        weights=counts,
        expected_error=float((counts * gaps).sum() / total),
        maximum_error=float(gaps.max()),
        brier=float(view.mean((found[0] - found[1]) ** 2)[0]),
        reliability=float((counts * gaps**2).sum() / total),
        resolution=float((counts * (observed - overall) ** 2).sum() / total),
        uncertainty=float(overall * (1 - overall)),
    )
