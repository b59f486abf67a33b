"""Runs trials, finds those that were run before, and keeps each when it has ended."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

from maas_sdk._internal.workers import Lost, Task, Workers
from maas_sdk.errors import CheckpointError
from maas_sdk.learning._selection._trial import Outcome, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maas_sdk.interfaces import CheckpointStore
    from maas_sdk.learning._selection._splits import Fold
    from maas_sdk.learning._selection._trial import Data

__all__ = ["Runner", "Trial", "TrialReport"]


@frozen(eq=False)
class Trial:
    """One thing to do.

    Attributes
    ----------
    name : str
        Of the candidate.
    estimator : estimator
    fold : Fold
        Rows to learn from and to measure on.
    number : int
        Of the fold, from 0.
    rung : int or None
        Of successive halving, from 0.
    key : str or None
        What it is kept under.
    """

    name: str
    estimator: Any
    fold: Fold
    number: int
    rung: int | None
    key: str | None


@frozen
class TrialReport:
    """What a callback is told of each trial that has ended.

    Attributes
    ----------
    name : str
        The candidate.
    fold : int
        From 0.
    rung : int or None
        Of successive halving, from 0.
    score : float or None
        As the metric is; None if the trial failed.
    error : str or None
        Why there is no score.
    resumed : bool
        Whether it was found in the store and not run.
    done, planned : int
        Trials that have ended, and those that are known to be needed so far.
    """

    name: str
    fold: int
    rung: int | None
    score: float | None
    error: str | None
    resumed: bool
    done: int
    planned: int


@define(eq=False)
class Runner:
    """Runs batches of trials and counts what happened.

    Attributes
    ----------
    data : Data
    metric : str
    workers : Workers
    store : CheckpointStore or None
        Where scores are kept, failures are not: they are tried again.
    callback : callable or None
        Called with a `TrialReport` in the thread that selects.
    """

    data: Data
    metric: str
    workers: Workers
    store: CheckpointStore | None
    callback: Callable[[TrialReport], object] | None
    done: int = 0
    planned: int = 0
    resumed: int = 0

    def run(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Give the outcome of each trial, in their order.

        Raises
        ------
        ComponentError
            If the executor cannot run trials, or is broken and cannot be replaced.
        """
        self.planned += len(trials)
        outcomes: list[Outcome | None] = [None] * len(trials)
        missing: list[int] = []
        for index, trial in enumerate(trials):
            kept = self._kept(trial)
            if kept is None:
                missing.append(index)
            else:
                outcomes[index] = kept
                self.resumed += 1
                self._report(trial, kept, resumed=True)
        tasks = [self._task(trials[index]) for index in missing]

        def keep(number: int, result: Any) -> None:
            self._keep(trials[missing[number]], _outcome(result))

        with contextlib.closing(self.workers.run(tasks, ended_late=keep)) as ended:
            for number, result in ended:
                index = missing[number]
                outcomes[index] = outcome = _outcome(result)
                keep(number, result)
                self._report(trials[index], outcome, resumed=False)
        return [outcome for outcome in outcomes if outcome is not None]

    def _kept(self, trial: Trial) -> Outcome | None:
        if self.store is None or trial.key is None:
            return None
        try:
            state = self.store.at(trial.key).load()
        except CheckpointError:
            return None  # damaged: what it held can be computed again
        return None if state is None else Outcome(score=float(state["score"]))

    def _keep(self, trial: Trial, outcome: Outcome) -> None:
        if self.store is not None and trial.key is not None and outcome.score is not None:
            self.store.at(trial.key).save({"score": outcome.score})

    def _report(self, trial: Trial, outcome: Outcome, *, resumed: bool) -> None:
        self.done += 1
        if self.callback is not None:
            self.callback(
                TrialReport(
                    name=trial.name,
                    fold=trial.number,
                    rung=trial.rung,
                    score=outcome.score,
                    error=outcome.error,
                    resumed=resumed,
                    done=self.done,
                    planned=self.planned,
                )
            )

    def _task(self, trial: Trial) -> Task:
        fold = trial.fold
        return Task(trial.name, run_trial, (self.data, trial.estimator, self.metric, fold.train, fold.test))


def _outcome(result: Any) -> Outcome:
    if isinstance(result, Lost):
        return Outcome(error=result.reason)
    found: Outcome = result
    return found
