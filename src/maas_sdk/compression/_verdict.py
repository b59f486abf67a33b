"""Which candidates are within a budget: by what the search saw, and then by rows that it did not use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from maas_sdk._internal.units import format_bytes, format_seconds
from maas_sdk.compression._report import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.compression._budget import Budget
    from maas_sdk.compression._measurement import Measurement
    from maas_sdk.compression._trial import Trial

__all__ = ["Jury", "drop_within"]

_ROUNDING = 1e-12
"""Of the metric: 0.97 - 0.965 is 0.00500000000000000444, and a drop of 0.005 all the same."""


@define(eq=False)
class _Case:
    """A candidate that was measured, with what speaks against it: by how much, as a share, and in words."""

    name: str
    trial: Trial
    objections: list[tuple[float, str]] = field(factory=list)
    judged: bool = False


@define(eq=False)
class Jury:
    """Judges candidates; the first is the original, which no drop speaks against.

    Attributes
    ----------
    budget : Budget
    confidence : float
        Of the bounds that are held against `budget.max_drop`.
    """

    budget: Budget
    confidence: float
    _cases: list[_Case] = field(factory=list, init=False)

    def judge(self, tried: Sequence[tuple[str, Trial]]) -> tuple[Result, ...]:
        """Give the results in the same order, at most one of them chosen.

        The candidates that pass on the search's rows are judged on the others, the most faithful first; the
        first that fails ends it. Their order does not depend on the rows that judge, so that the confidence
        holds for whatever passes, however many were judged (a fixed sequence of tests).
        """
        self._cases = [_Case(name, trial) for name, trial in tried if trial.failure is None]
        for case in self._cases:
            case.objections = self._at_sight(case.trial)
        self._cases[0].judged = True
        self._in_sequence([case for case in self._cases[1:] if not case.objections])
        passed = [case for case in self._cases if not case.objections]
        chosen = min(passed, key=_rank, default=None)
        known = {id(case.trial): case for case in self._cases}
        results = [self._result(name, trial, known.get(id(trial))) for name, trial in tried]
        return tuple(
            evolve(result, status="chosen") if chosen is not None and trial is chosen.trial else result
            for result, (_name, trial) in zip(results, tried, strict=True)
        )

    def nearest_miss(self) -> str:
        """Tell which of those judged last came nearest to the budget, and what it lacks."""
        nearest = min(self._cases, key=lambda case: max(excess for excess, _text in case.objections))
        return f"the nearest miss is {nearest.name!r}: {_words(nearest)}"

    def _at_sight(self, trial: Trial) -> list[tuple[float, str]]:
        assert trial.measurement is not None
        return [*self._drop(trial), *_excesses(self.budget, trial.measurement)]

    def _drop(self, trial: Trial) -> list[tuple[float, str]]:
        assert trial.searched is not None
        if drop_within(self.budget, trial):
            return []
        text = f"{self.budget.metric} gets worse by {trial.searched.drop:.4g}, allowed {self._allowed}"
        return [(self._excess(trial.searched.drop, trial), text)]

    def _in_sequence(self, cases: Sequence[_Case]) -> None:
        failed: _Case | None = None
        for case in sorted(cases, key=_faithfulness):
            trial = case.trial
            assert trial.judged is not None
            if failed is not None:
                why = f"not judged: {failed.name!r}, which seemed closer to the original, did not pass"
                case.objections.append((math.inf, why))
                continue
            case.judged = True
            if not trial.lossless and not _at_most(trial.judged.bound, self.budget.max_drop, trial):
                failed = case
                text = (
                    f"{self.budget.metric} may get worse by {trial.judged.bound:.4g} on rows that the search "
                    f"did not use ({100 * self.confidence:g} % bound), allowed {self._allowed}"
                )
                case.objections.append((self._excess(trial.judged.bound, trial), text))

    @property
    def _allowed(self) -> str:
        return f"{self.budget.max_drop:g}"

    def _excess(self, drop: float, trial: Trial) -> float:
        excess = (drop - self.budget.max_drop) / _scale(trial)
        return math.inf if math.isnan(excess) else excess

    @staticmethod
    def _result(name: str, trial: Trial, case: _Case | None) -> Result:
        if case is None:
            assert trial.failure is not None
            return Result(name=name, status=trial.failure, reason=trial.reason)
        return Result(
            name=name,
            status="over budget" if case.objections else "within budget",
            measurement=trial.measurement,
            # What was not judged shall not be picked by hand for what the rows that judge happen to say.
            evidence=trial.judged if case.judged else None,
            lossless=trial.lossless,
            reason=_words(case),
        )


def drop_within(budget: Budget, trial: Trial) -> bool:
    """Whether a drop on the search's rows is allowed; a metric that is not a number is not."""
    assert trial.searched is not None
    return _at_most(trial.searched.drop, budget.max_drop, trial)


def _at_most(drop: float, allowed: float, trial: Trial) -> bool:
    return drop <= allowed + _ROUNDING * max(1.0, _scale(trial))


def _scale(trial: Trial) -> float:
    assert trial.searched is not None
    return max(abs(trial.searched.before), _ROUNDING)


def _excesses(budget: Budget, measured: Measurement) -> list[tuple[float, str]]:
    """Give by how much each bound on size and time is exceeded, as a share of the bound."""
    excesses = []
    if budget.max_size is not None and measured.size > budget.max_size:
        text = f"{format_bytes(measured.size)}, allowed {format_bytes(budget.max_size)}"
        excesses.append((measured.size / budget.max_size - 1, text))
    if budget.max_latency is not None and measured.latency > budget.max_latency:
        text = f"{format_seconds(measured.latency)} for one row, allowed {format_seconds(budget.max_latency)}"
        excesses.append((measured.latency / budget.max_latency - 1, text))
    return excesses


def _faithfulness(case: _Case) -> tuple[bool, float, int]:
    """Put first what is proved to lose nothing, then what is surest to lose little, then what is larger."""
    searched, measurement = case.trial.searched, case.trial.measurement
    assert searched is not None
    assert measurement is not None
    return not case.trial.lossless, searched.risk, -measurement.size


def _rank(case: _Case) -> tuple[int, float]:
    """Smaller first, then what loses less; the earlier of those that are equal."""
    assert case.trial.searched is not None
    assert case.trial.measurement is not None
    return case.trial.measurement.size, case.trial.searched.drop


def _words(case: _Case) -> str:
    return "; ".join(text for _excess, text in case.objections)
