"""Whether two candidates differ: the corrected paired t-test over the folds on which both were measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import asdict, frozen
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Comparison", "compare", "interval_of_mean"]

_LEVEL = 0.05


@frozen(kw_only=True)
class Comparison:
    """What a paired test says of the first and the second of a leaderboard. ``str()`` says it in a sentence.

    Attributes
    ----------
    first, second : str
        Their names.
    difference : float
        Mean over the folds of how much better the first is: positive also where a smaller metric is better.
    interval : tuple of (float, float)
        Of the difference, at 95 %.
    statistic : float
        Student's t, with the variance corrected for training sets that overlap.
    p_value : float
        Of no difference, two-sided.
    n_folds : int
    n_candidates : int
        Of how many they are the best two; the more, the more the first owes to luck, which `p_value` does
        not know of.

    References
    ----------
    Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003.
    """

    first: str
    second: str
    difference: float
    interval: tuple[float, float]
    statistic: float
    p_value: float
    n_folds: int
    n_candidates: int

    def __str__(self) -> str:
        p = "p < .001" if self.p_value < 1e-3 else f"p = {self.p_value:.2g}".replace("0.", ".", 1)  # noqa: PLR2004 - a usual way to write it
        among = f", the best of {self.n_candidates}," if self.n_candidates > 2 else ""  # noqa: PLR2004 - then it was chosen
        if self.p_value < _LEVEL:
            return f"{self.first}{among} is better than {self.second} ({p})"
        return f"no evidence that {self.first} and {self.second} differ ({p})"

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        plain = asdict(self) | {"interval": list(self.interval), "sentence": str(self)}
        # What no number can tell, JSON cannot either.
        return plain | {"statistic": self.statistic if math.isfinite(self.statistic) else None}


def compare(
    names: tuple[str, str],
    differences: Sequence[float],
    *,
    test_shares: Sequence[float],
    n_candidates: int,
) -> Comparison | None:
    """Test whether paired differences are zero in the mean.

    Parameters
    ----------
    differences : sequence of float
        Of each fold: how much better the first is.
    test_shares : sequence of float
        Of each fold: rows that were measured, divided by rows that were learnt from.

    Returns
    -------
    Comparison or None
        None with fewer than two folds.
    """
    interval = interval_of_mean(differences, test_shares)
    if interval is None:
        return None
    mean, error = _mean_and_error(differences, test_shares)
    certain = math.copysign(math.inf, mean) if mean else 0.0
    statistic = mean / error if error > 0 else certain
    return Comparison(
        first=names[0],
        second=names[1],
        difference=mean,
        interval=interval,
        statistic=statistic,
        p_value=float(2 * stats.t.sf(abs(statistic), len(differences) - 1)),
        n_folds=len(differences),
        n_candidates=n_candidates,
    )


def interval_of_mean(values: Sequence[float], test_shares: Sequence[float]) -> tuple[float, float] | None:
    """Give the interval of the mean at 95 %, for training sets that overlap; None for one value."""
    if len(values) < 2:  # noqa: PLR2004 - no variance
        return None
    mean, error = _mean_and_error(values, test_shares)
    half = float(stats.t.ppf(1 - _LEVEL / 2, len(values) - 1)) * error
    return mean - half, mean + half


def _mean_and_error(values: Sequence[float], test_shares: Sequence[float]) -> tuple[float, float]:
    variance = float(np.var(values, ddof=1)) * (1 / len(values) + float(np.mean(test_shares)))
    return float(np.mean(values)), math.sqrt(variance)
