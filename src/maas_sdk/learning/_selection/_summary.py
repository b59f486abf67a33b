"""From standings to what is told: leaderboard, comparison of first and second, nested scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maas_sdk.learning._selection._comparison import compare, interval_of_mean
from maas_sdk.learning._selection._result import LeaderboardRow, NestedScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.learning._metrics import Metric
    from maas_sdk.learning._selection._comparison import Comparison
    from maas_sdk.learning._selection._result import NestedFold
    from maas_sdk.learning._selection._search import Standing
    from maas_sdk.learning._selection._splits import Fold

__all__ = ["comparison_of", "leaderboard_of", "nested_score"]


def leaderboard_of(standings: Sequence[Standing], *, halved: bool) -> tuple[LeaderboardRow, ...]:
    """Give the rows; `standings` have the best first."""
    last = max(len(standing.rungs) for standing in standings)
    return tuple(_row(rank, standing, last, halved=halved) for rank, standing in enumerate(standings, 1))


def _row(rank: int, standing: Standing, last: int, *, halved: bool) -> LeaderboardRow:
    rung = standing.rungs[-1]
    scores = tuple(outcome.score for outcome in rung.outcomes)
    error = standing.error
    known = [score for score in scores if score is not None]
    came = "finished" if len(standing.rungs) == last else "eliminated"
    return LeaderboardRow(
        rank=rank,
        name=standing.candidate.name,
        params=standing.candidate.params,
        mean=float(np.mean(known)) if error is None else None,
        std=float(np.std(known)) if error is None else None,
        scores=scores,
        status=came if error is None else "failed",
        rung=len(standing.rungs) if halved else None,
        resource=rung.resource,
        reason=error,
    )


def comparison_of(standings: Sequence[Standing], metric: Metric) -> Comparison | None:
    """Compare first and second on the last rung that both were on."""
    if len(standings) < 2 or standings[1].error is not None:  # noqa: PLR2004 - nothing to compare with
        return None
    first, second = standings[:2]
    common = min(len(first.rungs), len(second.rungs)) - 1
    one, other = first.rungs[common], second.rungs[common]
    sign = 1 if metric.greater_is_better else -1
    differences = [
        sign * (a.score - b.score)
        for a, b in zip(one.outcomes, other.outcomes, strict=True)
        if a.score is not None and b.score is not None
    ]
    return compare(
        (first.candidate.name, second.candidate.name),
        differences,
        test_shares=_test_shares(one.folds),
        n_candidates=len(standings),
    )


def nested_score(results: Sequence[NestedFold], folds: Sequence[Fold]) -> NestedScore:
    """Sum up the outer folds."""
    scores = [result.score for result in results if result.score is not None]
    if len(scores) < len(results):
        return NestedScore(folds=tuple(results), mean=None, interval=None)
    return NestedScore(
        folds=tuple(results),
        mean=float(np.mean(scores)),
        interval=interval_of_mean(scores, _test_shares(folds)),
    )


def _test_shares(folds: Sequence[Fold]) -> list[float]:
    return [len(fold.test) / len(fold.train) for fold in folds]
