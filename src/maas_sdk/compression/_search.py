"""Looks for the smallest chain within a budget: each candidate, then combinations of the best."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from maas_sdk._internal.one_thread import one_thread
from maas_sdk._internal.workers import Lost, Task, Workers
from maas_sdk.compression._candidate import ORIGINAL
from maas_sdk.compression._measurement import StoredForm
from maas_sdk.compression._report import CompressionReport
from maas_sdk.compression._space import Choice, Space, pareto_front
from maas_sdk.compression._trial import Bench, Trial, compressed_by, examine, run_trial
from maas_sdk.compression._verdict import Jury, drop_within
from maas_sdk.errors import BudgetError, ComponentError, InvalidOptionError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._budget import Budget
    from maas_sdk.compression._kept import Kept

__all__ = ["Search"]


@define(eq=False)
class Search:
    """One search.

    Attributes
    ----------
    bench : Bench
    budget : Budget
    space : Space
    workers : Workers
    kept : Kept
    deadline : float or None
        By `time.monotonic`.
    progress : callable or None
    """

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
        """Try what there is to try, and judge it.

        Raises
        ------
        InvalidOptionError
            When the original cannot be measured.
        BudgetError
            When nothing fits.
        """
        original = self._measure_original()
        found = self.space.singles()
        while found:
            self._try(found)
            found = self._supported(self.space.combinations(self._front(), self._helpers(original)))
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
            trial = trials.get(index, late)
            # Of single candidates it is told that they do not fit; combinations are the search's own idea.
            if len(choice.parts) == 1 or trial.failure != "not supported":
                self._tried.append((choice, self._without_chain(trial)))

    def _supported(self, choices: Sequence[Choice]) -> list[Choice]:
        """Leave out combinations whose next compressor does not take what the ones before it gave."""
        found = []
        for choice in choices:
            start, done = self._prefix(choice)
            if done == 0 or choice.candidate.compressors[done].supports(start):
                found.append(choice)
        return found

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
        """Give the front of size and risk: first those that will probably pass, the smallest first."""

        def measure(item: tuple[Choice, Trial]) -> tuple[float, float]:
            measurement, searched = item[1].measurement, item[1].searched
            assert measurement is not None
            assert searched is not None
            return measurement.size, searched.risk

        front = pareto_front(self._faithful(), measure)
        ordered = sorted(front, key=lambda item: (measure(item)[1] > self.budget.max_drop, measure(item)[0]))
        return [choice for choice, _trial in ordered]

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
