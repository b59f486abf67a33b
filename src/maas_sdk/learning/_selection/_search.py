"""Searches as generators: each gives the trials that it needs next and is sent their outcomes.

So several searches, such as those within the folds of a nested cross-validation, share one executor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import Factory, define, evolve, frozen
from sklearn.base import clone

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._selection._candidates import seed_of
from maas_sdk.learning._selection._halving import rungs_of, survivors
from maas_sdk.learning._selection._result import NestedFold
from maas_sdk.learning._selection._runner import Trial
from maas_sdk.learning._selection._splits import Fold, in_order_of_use

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from maas_sdk.learning._metrics import Metric
    from maas_sdk.learning._selection._candidates import Candidate
    from maas_sdk.learning._selection._halving import Halving
    from maas_sdk.learning._selection._trial import Outcome

__all__ = ["Search", "Standing", "nested_fold", "run_together"]

_FEWEST_ROWS = 10


@frozen(eq=False)
class Rung:
    """What came of a candidate on one rung; without halving there is one, and it has everything.

    Attributes
    ----------
    folds : sequence of Fold
    outcomes : list of Outcome
        One for each fold.
    resource : int or None
        How much of it there was; None without halving.
    """

    folds: Sequence[Fold]
    outcomes: list[Outcome]
    resource: int | None


@define(eq=False)
class Standing:
    """How far a candidate came.

    Attributes
    ----------
    candidate : Candidate
    estimator : estimator
        As it was tried last.
    rungs : list of Rung
    """

    candidate: Candidate
    estimator: Any
    rungs: list[Rung] = Factory(list)

    @property
    def error(self) -> str | None:
        """Why it has no mean, if it has none."""
        for number, outcome in enumerate(self.rungs[-1].outcomes, 1):
            if outcome.error is not None:
                return f"fold {number}: {outcome.error}"
        return None

    @property
    def mean(self) -> float:
        """Of the last rung; NaN where a fold failed."""
        scores = [outcome.score for outcome in self.rungs[-1].outcomes]
        return float(np.mean([math.nan if score is None else score for score in scores]))


@frozen(eq=False)
class Search:
    """What searches have in common.

    Attributes
    ----------
    candidates : sequence of Candidate
        With their seeds.
    metric : Metric
    y : array-like
        For shares of the classes.
    stratify : bool
    halving : Halving or None
    random_state : int
    key : callable
        Gives what a trial of an estimator on a fold is kept under.
    """

    candidates: Sequence[Candidate]
    metric: Metric
    y: Any
    stratify: bool
    halving: Halving | None
    random_state: int
    key: Callable[[Any, Fold], str | None]

    def over(self, folds: Sequence[Fold]) -> Generator[list[Trial], list[Outcome], list[Standing]]:
        """Try the candidates and give all, the best first."""
        standings = [Standing(each, each.estimator) for each in self.candidates]
        if self.halving is None:
            yield from self._rung(standings, folds, None, None)
            return self.ranked(standings)
        budgets = self._budgets(folds)
        by_rows = self.halving.resource == "n_samples"
        orders = [self._order(fold, number) for number, fold in enumerate(folds)] if by_rows else []
        left: Sequence[Standing] = standings
        for rung, budget in enumerate(budgets):
            shares = folds
            if by_rows and budget < _fewest(folds):
                shares = [_share(fold, order, budget) for fold, order in zip(folds, orders, strict=True)]
            if not by_rows:
                for standing in left:
                    standing.estimator = _with(standing, self.halving.resource, budget)
            yield from self._rung(left, shares, rung, budget)
            alive = [each for each in self.ranked(left) if each.error is None]
            if not alive:
                break
            left = survivors(alive, self.halving.factor)
        return self.ranked(standings)

    def ranked(self, standings: Sequence[Standing]) -> list[Standing]:
        """Sort: who came further, and then who is better, comes first; what failed last; else as given."""
        sign = -1 if self.metric.greater_is_better else 1

        def place(standing: Standing) -> tuple[bool, int, float]:
            failed = standing.error is not None
            return failed, -len(standing.rungs), 0.0 if failed else sign * standing.mean

        return sorted(standings, key=place)

    def trial(self, standing: Standing, fold: Fold, number: int, rung: int | None) -> Trial:
        """Make the trial of one candidate on one fold."""
        return Trial(
            name=standing.candidate.name,
            estimator=standing.estimator,
            fold=fold,
            number=number,
            rung=rung,
            key=self.key(standing.estimator, fold),
        )

    def _rung(
        self, standings: Sequence[Standing], folds: Sequence[Fold], rung: int | None, budget: int | None
    ) -> Generator[list[Trial], list[Outcome], None]:
        outcomes = yield [
            self.trial(standing, fold, number, rung)
            for standing in standings
            for number, fold in enumerate(folds)
        ]
        for place, standing in enumerate(standings):
            own = outcomes[place * len(folds) : (place + 1) * len(folds)]
            standing.rungs.append(Rung(folds, own, budget))

    def _budgets(self, folds: Sequence[Fold]) -> list[int]:
        assert self.halving is not None
        n_classes = len(np.unique(np.asarray(self.y))) if self.stratify else 0
        return rungs_of(
            self.halving,
            n_candidates=len(self.candidates),
            n_rows=_fewest(folds),
            fewest_rows=max(_FEWEST_ROWS, 2 * n_classes),
        )

    def _order(self, fold: Fold, number: int) -> NDArray[np.intp]:
        seed = seed_of(self.random_state, f"rows of fold {number}")
        return in_order_of_use(fold.train, self.y, stratify=self.stratify, seed=seed)


def _fewest(folds: Sequence[Fold]) -> int:
    return min(len(fold.train) for fold in folds)


def _share(fold: Fold, order: NDArray[np.intp], budget: int) -> Fold:
    # In their own order: the rows of a time series stay one.
    return evolve(fold, train=np.sort(order[:budget]))


def _with(standing: Standing, resource: str, budget: int) -> Any:
    try:
        return clone(standing.estimator).set_params(**{resource: budget})
    except (AttributeError, TypeError, ValueError) as exc:
        raise InvalidOptionError(
            f"resource={resource!r} is no parameter of {standing.candidate.name}: {exc}"
        ) from exc


def nested_fold(
    search: Search, outer: Fold, inner: Sequence[Fold], number: int
) -> Generator[list[Trial], list[Outcome], NestedFold]:
    """Select within an outer fold's training rows, and measure the winner on the rows left out."""
    standings = yield from search.over(inner)
    best = standings[0]
    if best.error is not None:
        return NestedFold(winner=None, score=None, reason=f"every candidate failed: {best.error}")
    (outcome,) = yield [search.trial(best, outer, number, None)]
    return NestedFold(winner=best.candidate.name, score=outcome.score, reason=outcome.error)


def run_together(
    searches: Sequence[Generator[list[Trial], list[Outcome], Any]],
    run: Callable[[list[Trial]], list[Outcome]],
) -> list[Any]:
    """Run searches in step, all their trials of a step together; give what each returns."""
    results: list[Any] = [None] * len(searches)
    wanted: dict[int, list[Trial]] = {}

    def advance(index: int, outcomes: list[Outcome] | None) -> None:
        try:
            search = searches[index]
            wanted[index] = next(search) if outcomes is None else search.send(outcomes)
        except StopIteration as end:
            results[index] = end.value

    for index in range(len(searches)):
        advance(index, None)
    while wanted:
        step, wanted = wanted, {}
        outcomes = run([trial for trials in step.values() for trial in trials])
        start = 0
        for index, trials in step.items():
            advance(index, outcomes[start : start + len(trials)])
            start += len(trials)
    return results
