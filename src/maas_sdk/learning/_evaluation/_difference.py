"""Whether one fitted estimator is better than another on the same rows, by the paired bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import cmp_using, field, frozen
from sklearn.utils import check_random_state

from maas_sdk._internal.chart_parts import figure
from maas_sdk._internal.charts import Line, line_chart
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._evaluation._bootstrap import Interval, n_units, resampled_weights
from maas_sdk.learning._metrics import metrics_by_name, predictions_of
from maas_sdk.learning._options import check_integer, check_real
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import AnyMetric
    from maas_sdk.learning._report import Rows

__all__ = ["PairedDifference", "paired_difference"]


@frozen(kw_only=True)
class PairedDifference(Report):
    """How much better the first of two estimators is, and how sure that is.

    Attributes
    ----------
    metric : str
    greater_is_better : bool
    n_samples : int
    first, second : float
        The metric of each.
    difference : float
        How much better the first is: first - second, for a loss second - first.
    interval : Interval
        Of the difference.
    p_value : float
        Two-sided: how likely a difference as far from 0 would be if there were none. At least
        2 / (n_resamples + 1).
    resamples : ndarray of shape (n_resamples,), dtype float64
        The difference on each resample, sorted.
    """

    metric: str
    greater_is_better: bool
    n_samples: int
    first: float
    second: float
    difference: float
    interval: Interval
    p_value: float
    resamples: NDArray[np.float64] = field(eq=cmp_using(eq=np.array_equal), repr=False)

    def upper_bound(self, level: float = 0.95) -> float:
        """Give what the first is better by at most, with this confidence (one-sided).

        Parameters
        ----------
        level : float, default=0.95
            Between 0 and 1.
        """
        return float(np.quantile(self.resamples, check_real("level", level, above=0, below=1)))

    def lower_bound(self, level: float = 0.95) -> float:
        """Give what the first is better by at least, with this confidence (one-sided)."""
        return float(np.quantile(self.resamples, 1 - check_real("level", level, above=0, below=1)))

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, without the resamples."""
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "n_samples": self.n_samples,
            "first": self.first,
            "second": self.second,
            "difference": self.difference,
            "interval": self.interval.to_dict(),
            "p_value": self.p_value,
            "n_resamples": len(self.resamples),
        }

    def _tables(self) -> list[tuple[str, Rows]]:
        level = f"{100 * self.interval.level:g} % interval"
        rows = [
            ["first", figure(self.first)],
            ["second", figure(self.second)],
            ["first better by", figure(self.difference)],
            [level, f"{figure(self.interval.low)} to {figure(self.interval.high)}"],
            ["p", figure(self.p_value)],
        ]
        return [(f"Difference of {self.metric} on {self.n_samples} samples", [["", self.metric], *rows])]

    def _charts(self) -> dict[str, str]:
        shares = np.linspace(0.005, 0.995, 100)
        line = Line("resamples", np.quantile(self.resamples, shares).tolist(), shares.tolist())
        title = f"How much better the first is by {self.metric}"
        return {
            "difference": line_chart(
                title, [line], x_label="difference", y_label="share of resamples below", y_range=(0.0, 1.0)
            )
        }


def paired_difference(
    first: Any,
    second: Any,
    X: Any,
    y: Any,
    *,
    metric: AnyMetric,
    sample_weight: Any = None,
    positive: Any = None,
    groups: Any = None,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    random_state: int | np.random.RandomState | None = None,
) -> PairedDifference:
    """Compare two fitted estimators on the same rows, none of which they were trained on.

    Parameters
    ----------
    first, second : classifier or regressor
        Fitted, both of the same kind.
    X, y : array-like
        As for :func:`evaluate`.
    metric : str or scorer
        As one of :func:`evaluate`'s `metrics`.
    sample_weight, positive, groups : default=None
        As for :func:`evaluate`.
    confidence : float, default=0.95
        Level of the interval.
    n_resamples : int, default=2000
    random_state : int, RandomState instance or None, default=None
        For the resamples.

    Raises
    ------
    InvalidOptionError
        If an option is wrong, the metric has no value here, or there are less than two rows (or groups).

    Notes
    -----
    Each resample draws the same rows for both, so that what is hard for both cancels out. The p-value is the
    smallest for which the percentile interval of level 1 - p excludes 0.

    References
    ----------
    Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapters 13 and 15.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from maas_sdk.learning import LinearRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> good, poor = (LinearRegressor(alpha=a).fit(X[:300], y[:300]) for a in (1e-4, 1.0))
    >>> found = paired_difference(good, poor, X[300:], y[300:], metric="mae", random_state=0)
    >>> found.difference > 0, found.p_value < 0.05
    (True, True)
    """
    level = check_real("confidence", confidence, above=0, below=1)
    check_integer("n_resamples", n_resamples, minimum=1)
    [(name, chosen)] = metrics_by_name([metric]).items()
    options = {"sample_weight": sample_weight, "positive": positive, "groups": groups}
    one, other = (predictions_of(estimator, X, y, **options) for estimator in (first, second))
    if one.kind != other.kind or n_units(one) < 2 or not chosen.can_be_resampled(one.kind):  # noqa: PLR2004 - to vary
        raise InvalidOptionError(
            f"{name} of these two cannot be compared: both must be of one kind, there must be two rows or "
            "groups at least, and the metric must be no extreme"
        )
    values = [float(chosen.measure(predictions)[0]) for predictions in (one, other)]
    rng = check_random_state(random_state)
    sign = 1.0 if chosen.greater_is_better else -1.0
    parts = [
        chosen.measure(one, weights) - chosen.measure(other, weights)
        for weights in resampled_weights(one, n_resamples, rng)
    ]
    resamples = np.sort(sign * np.concatenate(parts))
    resamples = resamples[~np.isnan(resamples)]
    if not len(resamples):
        raise InvalidOptionError(f"{name} has no value on any resample")
    resamples.setflags(write=False)
    low, high = np.quantile(resamples, [(1 - level) / 2, (1 + level) / 2])
    below, above = (resamples <= 0).sum(), (resamples >= 0).sum()
    return PairedDifference(
        metric=name,
        greater_is_better=chosen.greater_is_better,
        n_samples=len(one.truth),
        first=values[0],
        second=values[1],
        difference=sign * (values[0] - values[1]),
        interval=Interval(float(low), float(high), level),
        p_value=float(min(1.0, 2 * (min(below, above) + 1) / (len(resamples) + 1))),
        resamples=resamples,
    )
