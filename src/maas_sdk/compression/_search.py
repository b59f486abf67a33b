"""Looks for the smallest chain within a budget: each candidate, then combinations of the best."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from maas_sdk._internal.one_thread import one_thread
from maas_sdk._internal.workers import Lost, Task, Workers, checked_executor
from maas_sdk.compression._baseline import BaselineCompressor
from maas_sdk.compression._candidate import ORIGINAL, Candidate, check_candidates, check_stages
from maas_sdk.compression._kept import Kept
from maas_sdk.compression._measurement import BATCH_ROWS, StoredForm, first_rows
from maas_sdk.compression._options import is_share, is_whole
from maas_sdk.compression._report import CompressionReport
from maas_sdk.compression._rows import split_rows
from maas_sdk.compression._space import Choice, Space, pareto_front
from maas_sdk.compression._trial import Bench, Trial, compressed_by, examine, run_trial
from maas_sdk.compression._verdict import Jury, drop_within
from maas_sdk.errors import BudgetError, ComponentError, InvalidOptionError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor

    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._budget import Budget
    from maas_sdk.compression._measurement import MeasureSize
    from maas_sdk.interfaces import CheckpointStore

__all__ = ["compress"]

_RETRIES = 2
_IN_FLIGHT = 32


def compress(
    chain: Pipeline,
    X_valid: Any,
    y_valid: Any,
    *,
    budget: Budget,
    candidates: Iterable[Candidate] | Mapping[str, Iterable[Candidate]],
    X_train: Any = None,
    y_train: Any = None,
    measure_size: MeasureSize | None = None,
    executor: Executor | Callable[[], Executor] | None = None,
    store: CheckpointStore | None = None,
    random_state: int = 0,
    confidence: float = 0.95,
    progress: Callable[[str, int, int], object] | None = None,
) -> CompressionReport:
    """Try candidates, measure them, and choose the smallest within the budget.

    Half of the validation rows, drawn at random and for a classifier from each class, order the candidates;
    what the chosen one loses is judged on the other half, by an upper bound of the paired bootstrap. The
    original is always among the candidates, and with training data so are two baselines: a linear model, and
    a smaller one of the same class. A candidate that raises is recorded as failed with the reason, and the
    others go on. Of equal sizes the better metric wins, then the earlier candidate.

    The result depends on data, candidates and `random_state` alone, except where `budget.max_latency` or
    `budget.time` give the clock a say.

    Parameters
    ----------
    chain : sklearn.pipeline.Pipeline
        Fitted; its last step is the model. It is not changed.
    X_valid : array-like of shape (n_samples, n_features)
        Validation rows; best ones that the model was not fitted on.
    y_valid : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their labels or values.
    budget : Budget
        What the result may lose, weigh and take, and how long may be searched.
    candidates : iterable of Candidate, or mapping of stages to them
        What to try, each name once. An iterable is tried as it is. Of a mapping, each candidate is tried on
        its own, and then those that are within the drop are added to the best (at most four of the Pareto
        front of size and metric) again and again: at most one of each stage, in the order of the stages.
    X_train, y_train : array-like or None
        Training data, for compressors that refit; without it these are recorded as not supported.
    measure_size : callable or None
        Gives the bytes of a chain as it will be stored; by default all parts that
        :func:`maas_sdk.serialization.dump_parts` writes in the profile ``"full"``.
    executor : Executor, callable that gives one, or None
        Where candidates are tried: any :class:`concurrent.futures.Executor`, or a function that makes one;
        None is here, one after the other. What is tried at the same time is slower: where latency matters,
        give none.
    store : CheckpointStore or None
        Where what was measured of each candidate is kept, under the digest of all that it depends on. The
        same call then tries only what is missing. What failed is not kept.
    random_state : int, default=0
        Of the split and of the bootstrap.
    confidence : float, default=0.95
        Of the upper bound of the drop.
    progress : callable or None
        Called with a candidate's name, the number of candidates that are done and of those known so far.

    Returns
    -------
    CompressionReport
        With the chosen chain, which is the original itself when nothing smaller fits.

    Raises
    ------
    InvalidOptionError
        When an argument is not as described, the original cannot be measured on each half of the validation
        rows, or something has no place in a store.
    UnsupportedModelError
        When the original cannot be serialized.
    BudgetError
        When not even the original fits; it names the nearest miss and carries the report.
    ComponentError
        When the executor broke for good.
    """
    start = time.monotonic()
    if not is_whole(random_state, least=0):
        raise InvalidOptionError(f"random_state={random_state!r}: expected a whole number, 0 or more.")
    if not is_share(confidence):
        raise InvalidOptionError(f"confidence={confidence!r}: expected a number between 0 and 1.")
    baselines = () if X_train is None else _baselines()
    if isinstance(candidates, Mapping):
        space = Space([baselines, *check_stages(candidates).values()], combined=True)
    else:
        space = Space([baselines, check_candidates(candidates)], combined=False)
    form = StoredForm() if measure_size is None else measure_size
    search_rows, judge_rows = split_rows(chain, X_valid, y_valid, seed=int(random_state))
    bench = Bench(
        original=chain,
        search=search_rows,
        judge=judge_rows,
        X_train=X_train,
        y_train=y_train,
        metric=budget.metric,
        confidence=float(confidence),
        seed=int(random_state),
        measure_size=form,
        timed=first_rows(X_valid, BATCH_ROWS),
    )
    search = _Search(
        bench=bench,
        budget=budget,
        space=space,
        workers=Workers(
            executor=checked_executor(executor),
            retries=_RETRIES,
            in_flight=_IN_FLIGHT,
            what="a candidate",
            advice="give a store, and what has ended is kept for the next call",
        ),
        kept=Kept.of(store, bench),
        deadline=None if budget.time is None else start + budget.time,
        progress=progress,
    )
    with contextlib.closing(search.workers):
        return search.run()


def _baselines() -> tuple[Candidate, ...]:
    return (
        Candidate("baseline(linear)", BaselineCompressor("linear")),
        Candidate("baseline(smaller)", BaselineCompressor("smaller")),
    )


@define(eq=False)
class _Search:
    bench: Bench
    budget: Budget
    space: Space
    workers: Workers
    kept: Kept
    deadline: float | None
    progress: Callable[[str, int, int], object] | None
    _tried: list[tuple[Choice, Trial]] = field(factory=list, init=False)
    _resumed: int = field(default=0, init=False)

    def run(self) -> CompressionReport:
        original = self._measure_original()
        found = self.space.singles()
        while found:
            self._try(found)
            found = self.space.combinations(self._front(), self._helpers(original))
        return self._report(original)

    def _measure_original(self) -> Trial:
        try:
            trial = examine(self.bench, self.bench.original)
        except UnsupportedModelError:
            raise
        except Exception as exc:
            raise InvalidOptionError(
                f"the original cannot be measured with metric {self.budget.metric!r} on "
                f"the validation rows: {exc}"
            ) from exc
        for evidence in (trial.searched, trial.judged):
            if evidence is not None and not math.isfinite(evidence.before):
                raise InvalidOptionError(
                    f"the original's {self.budget.metric} on half of the validation rows is "
                    f"{evidence.before}: nothing can be judged against it."
                )
        return trial

    def _try(self, choices: Sequence[Choice]) -> None:
        """Try some candidates, and keep what came of them in their order."""
        trials: dict[int, Trial] = {}
        missing = []
        before = len(self._tried)
        for index, choice in enumerate(choices):
            trial = self.kept.load(choice.candidate)
            if trial is None:
                missing.append(index)
            else:
                self._resumed += 1
                trials[index] = trial
                self._tell(choice, before + len(trials), before + len(choices))
        tasks = [self._task(choices[index]) for index in missing]

        def keep(number: int, result: Any) -> None:
            self.kept.save(choices[missing[number]].candidate, _trial(result))

        with contextlib.closing(self.workers.run(tasks, deadline=self.deadline, ended_late=keep)) as ended:
            for number, result in ended:
                keep(number, result)
                trials[missing[number]] = _trial(result)
                self._tell(choices[missing[number]], before + len(trials), before + len(choices))
        late = Trial(failure="not tried", reason=f"the budget's {self.budget.time} s were over")
        for index, choice in enumerate(choices):
            self._tried.append((choice, self._without_chain(trials.get(index, late))))

    def _task(self, choice: Choice) -> Task:
        start, done = self._prefix(choice)
        return Task(choice.candidate.name, run_trial, (self.bench, choice.candidate, start, done))

    def _prefix(self, choice: Choice) -> tuple[Pipeline, int]:
        """Give what the first compressors of a combination have given already, and how many these are."""
        known = {tried.parts: trial.chain for tried, trial in self._tried if trial.chain is not None}
        for length in range(len(choice.parts) - 1, 0, -1):
            chain = known.get(choice.parts[:length])
            if chain is not None:
                offers = (self.space.stages[stage][place] for stage, place in choice.parts[:length])
                return chain, sum(len(offer.compressors) for offer in offers)
        return self.bench.original, 0

    def _without_chain(self, trial: Trial) -> Trial:
        """Let a chain go that will neither be combined nor chosen; what is needed after all is made again."""
        if trial.chain is None or drop_within(self.budget, trial):
            return trial
        return evolve(trial, chain=None)

    def _tell(self, choice: Choice, done: int, planned: int) -> None:
        if self.progress is not None:
            self.progress(choice.candidate.name, done, planned)

    def _faithful(self) -> list[tuple[Choice, Trial]]:
        return [
            (choice, trial)
            for choice, trial in self._tried
            if trial.failure is None and drop_within(self.budget, trial)
        ]

    def _front(self) -> list[Choice]:
        def measure(item: tuple[Choice, Trial]) -> tuple[float, float]:
            measurement, searched = item[1].measurement, item[1].searched
            assert measurement is not None
            assert searched is not None
            return measurement.size, searched.drop

        return [choice for choice, _trial in pareto_front(self._faithful(), measure)]

    def _helpers(self, original: Trial) -> list[Choice]:
        """Give the single candidates that are within the drop, and make nothing larger."""
        assert original.measurement is not None
        most = original.measurement.size
        return [
            choice
            for choice, trial in self._faithful()
            if len(choice.parts) == 1 and trial.measurement is not None and trial.measurement.size <= most
        ]

    def _report(self, original: Trial) -> CompressionReport:
        assert original.measurement is not None
        jury = Jury(self.budget, self.bench.confidence)
        tried = [(ORIGINAL, original), *((choice.candidate.name, trial) for choice, trial in self._tried)]
        results = jury.judge(tried)
        form = self.bench.measure_size
        report = CompressionReport(
            budget=self.budget,
            original=original.measurement,
            results=results,
            n_search=len(self.bench.search),
            n_judge=len(self.bench.judge),
            confidence=self.bench.confidence,
            stored_as=f"as stored in {form}"
            if isinstance(form, StoredForm)
            else "as the caller measures them",
            resumed=self._resumed,
        )
        if report.chosen is None:
            raise BudgetError(
                f"nothing fits the budget; {jury.nearest_miss()}. Allow more, or try other candidates; the "
                f"error's report lists what was tried.",
                report=report,
            )
        place = results.index(report.chosen)
        if place == 0:
            return evolve(report, chain=self.bench.original)
        choice, trial = self._tried[place - 1]
        chain = self._made_again(choice) if trial.chain is None else trial.chain
        return evolve(report, chain=chain, compressors=choice.candidate.compressors)

    def _made_again(self, choice: Choice) -> Pipeline:
        start, done = self._prefix(choice)
        with one_thread():
            made = compressed_by(self.bench, choice.candidate.compressors[done:], start)
        if isinstance(made, Trial):
            raise ComponentError(
                f"{choice.candidate.name} was measured before, and now is {made.failure}: {made.reason}"
            )
        return made


def _trial(result: Trial | Lost) -> Trial:
    if isinstance(result, Lost):
        return Trial(failure="failed", reason=result.reason)
    return result
