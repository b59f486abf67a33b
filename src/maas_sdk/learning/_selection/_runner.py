"""Runs trials wherever an executor does: bounded, retried when a worker dies, each kept when it has ended."""

from __future__ import annotations

import contextlib
from collections import deque
from concurrent import futures
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from maas_sdk.errors import CheckpointError, ComponentError
from maas_sdk.learning._selection._trial import Outcome, run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import Executor, Future

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
class _Job:
    """A trial on its way."""

    index: int
    trial: Trial
    losses: int = 0


@define(eq=False)
class Runner:
    """Runs batches of trials and counts what happened.

    Attributes
    ----------
    data : Data
    metric : str
    executor : Executor, callable that gives one, or None
        None runs here, one after the other. What a callable gave is replaced when it breaks, and closed.
    store : CheckpointStore or None
        Where scores are kept, failures are not: they are tried again.
    retries : int
        How often a trial whose worker died is tried again.
    in_flight : int
        Most trials that are with the executor at a time.
    callback : callable or None
        Called with a `TrialReport` in the thread that selects.
    """

    data: Data
    metric: str
    executor: Executor | Callable[[], Executor] | None
    store: CheckpointStore | None
    retries: int
    in_flight: int
    callback: Callable[[TrialReport], object] | None
    done: int = 0
    planned: int = 0
    resumed: int = 0
    retried: int = 0
    _pool: Any = field(default=None, init=False)

    def run(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Give the outcome of each trial, in their order.

        Raises
        ------
        ComponentError
            If the executor cannot run trials, or is broken and cannot be replaced.
        """
        self.planned += len(trials)
        outcomes: list[Outcome | None] = [None] * len(trials)
        missing = []
        for index, trial in enumerate(trials):
            kept = self._kept(trial)
            if kept is None:
                missing.append(_Job(index, trial))
            else:
                outcomes[index] = kept
                self.resumed += 1
                self._report(trial, kept, resumed=True)
        with contextlib.closing(self._ended(missing)) as ended:
            for job, outcome in ended:
                outcomes[job.index] = outcome
                self._keep(job.trial, outcome)
                self._report(job.trial, outcome, resumed=False)
        return [outcome for outcome in outcomes if outcome is not None]

    def close(self) -> None:
        """Shut an executor down that was made here; one that was given is left to whoever gave it."""
        if self._pool is not None and self._replaceable:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

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

    def _arguments(self, trial: Trial) -> tuple[Any, ...]:
        return self.data, trial.estimator, self.metric, trial.fold.train, trial.fold.test

    def _ended(self, jobs: Sequence[_Job]) -> Generator[tuple[_Job, Outcome], None, None]:
        """Give each job with its outcome as soon as it has ended, in any order."""
        if self.executor is None:
            return ((job, run_trial(*self._arguments(job.trial))) for job in jobs)
        return self._elsewhere(deque(jobs))

    def _elsewhere(self, waiting: deque[_Job]) -> Generator[tuple[_Job, Outcome], None, None]:
        running: dict[Future[Outcome], _Job] = {}
        try:
            while waiting or running:
                self._submit(waiting, running)
                done, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
                for future in done:
                    job = running.pop(future)
                    outcome = self._outcome(future, job)
                    if outcome is not None:
                        yield job, outcome
                    else:
                        self.retried += 1
                        waiting.appendleft(job)
        finally:
            # Also after Ctrl-C: what has ended meanwhile is kept, what has not begun never begins.
            for future, job in running.items():
                if not future.cancel():
                    self._keep_if_ended(future, job.trial)

    def _submit(self, waiting: deque[_Job], running: dict[Future[Outcome], _Job]) -> None:
        """Hand trials over until enough are in flight."""
        while waiting and len(running) < self.in_flight:
            # A trial that has lost its worker runs alone: if it is what kills, no other is lost by it.
            alone = waiting[0].losses or any(job.losses for job in running.values())
            if alone and running:
                return
            job = waiting.popleft()
            is_new = self._pool is None
            try:
                future = self._open_pool().submit(run_trial, *self._arguments(job.trial))
            except Exception as exc:
                waiting.appendleft(job)
                if running:
                    return  # they will tell what happened to them
                if is_new or not self._replaceable:
                    raise self._broken(exc) from exc
                self.close()
            else:
                running[future] = job

    @property
    def _replaceable(self) -> bool:
        return not hasattr(self.executor, "submit")

    def _open_pool(self) -> Any:
        if self._pool is None:
            given: Any = self.executor
            self._pool = given() if self._replaceable else given
        return self._pool

    def _outcome(self, future: Future[Outcome], job: _Job) -> Outcome | None:
        """Give what came of a trial, or None if its worker was lost and it is to be tried again."""
        try:
            return future.result()
        except Exception as exc:
            what = f"{type(exc).__name__}: {exc}"
            if not _is_loss(exc):
                raise ComponentError(
                    f"{self._executor_name()} could not run a trial of {job.trial.name} ({what}); "
                    "estimators and data must be picklable, and workers need the same packages"
                ) from exc
            if isinstance(exc, futures.BrokenExecutor):
                self.close()
            job.losses += 1
            if job.losses <= self.retries:
                return None
            return Outcome(error=f"its worker died, {job.losses} times ({what})")

    def _broken(self, exc: Exception) -> ComponentError:
        kept = (
            "the trials that have ended are in the store: select again with a new executor, and only the "
            "missing ones run"
            if self.store is not None
            else "give a store, so that the trials that have ended are kept"
        )
        return ComponentError(
            f"{self._executor_name()} is broken ({type(exc).__name__}: {exc}): a worker died, or could not "
            f"import what a trial needs; {kept}; or give, instead of an executor, a function that makes one, "
            "so that it is replaced"
        )

    def _executor_name(self) -> str:
        return f"the executor ({type(self._pool or self.executor).__name__})"

    def _keep_if_ended(self, future: Future[Outcome], trial: Trial) -> None:
        with contextlib.suppress(Exception):
            if future.done() and not future.cancelled():
                self._keep(trial, future.result())


def _is_loss(exc: Exception) -> bool:
    """Whether an executor says that a worker is gone; what an estimator raises never comes this way."""
    if isinstance(exc, futures.BrokenExecutor | futures.CancelledError | ConnectionError | EOFError):
        return True
    # Of Dask, whose classes are not imported here.
    names = {each.__name__ for each in type(exc).__mro__}
    return not names.isdisjoint({"KilledWorker", "CommClosedError", "CancelledError"})
