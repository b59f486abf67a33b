"""What a selection found, as a value: leaderboard, comparison, nested scores; a table and a chart of them."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from maas_sdk._internal.charts import bar_chart
from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.learning._report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.learning._report import Rows
    from maas_sdk.learning._selection._comparison import Comparison

__all__ = ["LeaderboardRow", "NestedFold", "NestedScore", "Selection"]

_MOST_ROWS = 30
_MOST_FOLDS = 10
_LONGEST_REASON = 80


def _plain(value: Any) -> Any:
    """Give a parameter's value as JSON can hold it: what is no plain data as its text."""
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return repr(value)


@frozen(kw_only=True)
class LeaderboardRow:
    """One candidate's place.

    Attributes
    ----------
    rank : int
        From 1; equal candidates keep the order in which they were given.
    name : str
    params : mapping
        What a search space set; empty for a candidate that came alone.
    mean, std : float or None
        Over the folds, as the metric is (losses are positive); None where a fold failed.
    scores : tuple of float or None
        Of each fold; None where it failed.
    status : str
        ``"finished"``, ``"eliminated"`` by successive halving, or ``"failed"``.
    rung : int or None
        The last of successive halving that it was on, from 1.
    resource : int or None
        What it had there: rows of the smallest fold, or the parameter.
    reason : str or None
        Why it failed.
    """

    rank: int
    name: str
    params: Mapping[str, Any] = field(eq=_plain)
    mean: float | None
    std: float | None
    scores: tuple[float | None, ...]
    status: str
    rung: int | None = None
    resource: int | None = None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain data; a parameter that is none as its text."""
        return {
            "rank": self.rank,
            "name": self.name,
            "params": _plain(dict(self.params)),
            "mean": self.mean,
            "std": self.std,
            "scores": list(self.scores),
            "status": self.status,
            "rung": self.rung,
            "resource": self.resource,
            "reason": self.reason,
        }


@frozen(kw_only=True)
class NestedFold:
    """One outer fold: who won the selection on its training rows, and the score on the rows left out.

    Attributes
    ----------
    winner : str or None
        None where every candidate failed.
    score : float or None
        None where there is none.
    reason : str or None
        Why there is none.
    """

    winner: str | None
    score: float | None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {"winner": self.winner, "score": self.score, "reason": self.reason}


@frozen(kw_only=True)
class NestedScore:
    """How good what the selection gives is, measured on rows that the selection never saw.

    Attributes
    ----------
    folds : tuple of NestedFold
    mean : float or None
        Of the outer folds, as the metric is; None where one failed.
    interval : tuple of (float, float) or None
        Of the mean at 95 %, for training sets that overlap; None where there is none.
    """

    folds: tuple[NestedFold, ...]
    mean: float | None
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        winners = [fold.winner for fold in self.folds if fold.winner is not None]
        won = ", ".join(f"{name} won {winners.count(name)}" for name in dict.fromkeys(winners))
        if self.mean is None:
            reason = next(fold.reason for fold in self.folds if fold.score is None)
            return f"nested cross-validation failed: {reason}"
        between = (
            "" if self.interval is None else f" (95 %: {self.interval[0]:.4g} to {self.interval[1]:.4g})"
        )
        return f"nested cross-validation in {len(self.folds)} folds: {self.mean:.4g}{between}; {won}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {
            "folds": [fold.to_dict() for fold in self.folds],
            "mean": self.mean,
            "interval": None if self.interval is None else list(self.interval),
        }


@frozen(kw_only=True)
class Selection(Report):
    """What :func:`maas_sdk.select` found. ``str()`` gives a table; a notebook shows one, and a chart.

    Two selections are equal if they found the same, wherever and in however many attempts they ran.

    Attributes
    ----------
    metric : str
    greater_is_better : bool
    leaderboard : tuple of LeaderboardRow
        The best first.
    comparison : Comparison or None
        Whether first and second differ; None where there is no second, or one fold alone.
    nested : NestedScore or None
        None where it was not asked for.
    n_trials : int
        Trials that this rests on.
    resumed : int
        How many of them were found in the store and not run.
    retried : int
        How often a trial was tried again because its worker had died.
    best_estimator : fitted estimator or None
        The best candidate, fitted on all rows; None with ``refit=False``.
    """

    metric: str
    greater_is_better: bool
    leaderboard: tuple[LeaderboardRow, ...]
    comparison: Comparison | None
    nested: NestedScore | None
    n_trials: int
    resumed: int = field(default=0, eq=False)
    retried: int = field(default=0, eq=False)
    best_estimator: Any = field(default=None, eq=False, repr=False)

    @property
    def best(self) -> LeaderboardRow:
        """The first of the leaderboard."""
        return self.leaderboard[0]

    def to_dict(self) -> dict[str, Any]:
        """Give plain data that JSON can hold; not the estimator."""
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "leaderboard": [row.to_dict() for row in self.leaderboard],
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "nested": None if self.nested is None else self.nested.to_dict(),
            "n_trials": self.n_trials,
            "resumed": self.resumed,
            "retried": self.retried,
        }

    def _tables(self) -> list[tuple[str, Rows]]:
        n_folds = len(self.best.scores) if len(self.best.scores) <= _MOST_FOLDS else 0
        halved = any(row.rung is not None for row in self.leaderboard)
        header = ["", "candidate", "mean ± std", *map(str, range(1, n_folds + 1))]
        header += (["rung", "resource"] if halved else []) + ["status"]
        rows = []
        for row in self.leaderboard[:_MOST_ROWS]:
            mean = "-" if row.mean is None else f"{row.mean:.4g} ± {row.std:.2g}"
            scores = ["-" if score is None else f"{score:.4g}" for score in row.scores[:n_folds]]
            rung = [str(row.rung), str(row.resource)] if halved else []
            reason = "" if row.reason is None else f": {_short(row.reason)}"
            rows.append([str(row.rank), row.name, mean, *scores, *rung, row.status + reason])
        way = "greater" if self.greater_is_better else "smaller"
        title = f"Selection by {self.metric} ({way} is better), {self.n_trials} trials"
        return [(title, [header, *rows])]

    def _charts(self) -> dict[str, str]:
        bars = [
            (row.name, row.mean, row.std)
            for row in self.leaderboard[:_MOST_ROWS]
            if row.mean is not None and row.std is not None
        ]
        drawn = bar_chart(
            f"{self.metric}: mean and deviation over the folds",
            [(name, mean) for name, mean, _ in bars],
            intervals={name: (mean - std, mean + std) for name, mean, std in bars},
            scale=None,
        )
        return {"leaderboard": drawn}

    def _sentences(self) -> list[str]:
        more = len(self.leaderboard) - _MOST_ROWS
        told = [f"… and {more} more"] if more > 0 else []
        return told + [str(each) for each in (self.comparison, self.nested) if each is not None]

    def __str__(self) -> str:
        ((title, rows),) = self._tables()
        return "\n".join([title, text_table(rows[0], rows[1:], right=_numbers(rows)), *self._sentences()])

    def _repr_html_(self) -> str:
        ((title, rows),) = self._tables()
        table = html_table(rows[0], rows[1:], right=_numbers(rows), caption=title)
        told = "".join(f"<p>{escape(sentence)}</p>" for sentence in self._sentences())
        return table + told + "".join(self._charts().values())


def _numbers(rows: Rows) -> list[int]:
    """Give the columns that are no text."""
    return [0, *range(2, len(rows[0]) - 1)]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"
