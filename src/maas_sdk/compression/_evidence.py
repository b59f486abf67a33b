"""How much worse a compressed chain is on some rows, and how much worse it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk.learning import paired_difference

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._rows import Rows

__all__ = ["Evidence", "evidence_of"]


@frozen(kw_only=True)
class Evidence:
    """What some rows say of a compressed chain against the original.

    Attributes
    ----------
    before, after : float
        The metric of the original and of the compressed one.
    drop : float
        By how much it got worse, whichever way is better; negative when it got better.
    bound : float
        What the drop is at most, one-sided, with the confidence that was asked for.
    """

    before: float
    after: float
    drop: float
    bound: float

    @property
    def risk(self) -> float:
        """How much worse it may be, were it not better than the original: no less than the bound.

        A gain that was seen on few rows may be luck. How far the bound is from it tells how often the two
        predict something else.
        """
        return max(self.bound, self.bound - self.drop)


def evidence_of(
    original: Pipeline, compressed: Pipeline, rows: Rows, *, metric: str, confidence: float, seed: int
) -> Evidence:
    """Compare by the paired bootstrap.

    Raises
    ------
    InvalidOptionError
        When the metric has no value on these rows, or is one that cannot be resampled.
    """
    found: Any = paired_difference(original, compressed, rows.X, rows.y, metric=metric, random_state=seed)
    return Evidence(
        before=found.first,
        after=found.second,
        drop=found.difference,
        bound=found.upper_bound(confidence),
    )
