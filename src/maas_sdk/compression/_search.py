"""Tries candidates on a fitted chain and chooses the smallest one within the budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from maas_sdk._internal.units import format_bytes, format_seconds
from maas_sdk.compression._candidate import ORIGINAL, Candidate, check_candidates
from maas_sdk.compression._measurement import (
    Measurement,
    MeasureSize,
    measure,
    n_rows,
    serialized_size,
    worsening,
)
from maas_sdk.compression._report import CompressionReport, Result
from maas_sdk.errors import BudgetError, InvalidOptionError, MaasError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._budget import Budget

__all__ = ["compress"]

_ROUNDING = 1e-12
"""Of the metric: 0.97 - 0.965 is 0.00500000000000000444, and a drop of 0.005 all the same."""


def compress(
    chain: Pipeline,
    X_valid: Any,
    y_valid: Any,
    *,
    budget: Budget,
    candidates: Iterable[Candidate],
    X_train: Any = None,
    y_train: Any = None,
    measure_size: MeasureSize | None = None,
) -> CompressionReport:
    """Try each candidate, measure it, and choose the smallest within the budget.

    The original is always among them. Of equal sizes the better metric wins, then the earlier candidate. The
    choice depends on the data alone, except where `max_latency` makes it depend on the clock. A candidate
    that raises is recorded as failed with the reason, and the others go on.

    Parameters
    ----------
    chain : sklearn.pipeline.Pipeline
        Fitted; its last step is the model. It is not changed.
    X_valid : array-like of shape (n_samples, n_features)
        Validation rows; best ones that the model was not fitted on.
    y_valid : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their labels or values.
    budget : Budget
        What the result may lose, weigh and take.
    candidates : iterable of Candidate
        What to try, each name once.
    X_train, y_train : array-like or None
        Training data, for compressors that refit; without it these are recorded as not supported.
    measure_size : callable or None
        Gives the bytes of a chain as it will be stored; by default all parts that
        :func:`maas_sdk.serialization.dump_parts` writes.

    Returns
    -------
    CompressionReport
        With the chosen chain, which is the original itself when nothing smaller fits.

    Raises
    ------
    InvalidOptionError
        When candidates are not as described, or the original cannot be scored on the validation rows.
    UnsupportedModelError
        When the original cannot be serialized.
    BudgetError
        When not even the original fits; it names the nearest miss and carries the report.
    """
    search = _Search(X_valid, y_valid, X_train, y_train, budget, measure_size or serialized_size)
    report = search.run(chain, check_candidates(candidates))
    if report.chosen is None:
        raise BudgetError(_nearest_miss(report), report=report)
    return report


@frozen
class _Search:
    X_valid: Any
    y_valid: Any
    X_train: Any
    y_train: Any
    budget: Budget
    measure_size: MeasureSize

    def run(self, chain: Pipeline, candidates: tuple[Candidate, ...]) -> CompressionReport:
        original = self.measure_original(chain)
        results = [self.judge(ORIGINAL, original, original)]
        best, best_chain = (results[0], chain) if results[0].status == "within budget" else (None, None)
        for candidate in candidates:
            result, compressed = self.attempt(chain, candidate, original)
            results.append(result)
            if result.status == "within budget" and (best is None or self.rank(result) < self.rank(best)):
                best, best_chain = result, compressed
        return CompressionReport(
            budget=self.budget,
            original=original,
            results=tuple(evolve(r, status="chosen") if r is best else r for r in results),
            n_validation=n_rows(self.X_valid),
            chain=best_chain,
        )

    def measure_original(self, chain: Pipeline) -> Measurement:
        try:
            measured = self._measure(chain)
        except MaasError:
            raise
        except Exception as exc:
            raise InvalidOptionError(
                f"the original cannot be measured with metric {self.budget.metric!r} on "
                f"the validation rows: {exc}"
            ) from exc
        if not math.isfinite(measured.metric):
            raise InvalidOptionError(
                f"the original's {self.budget.metric} on the validation rows is {measured.metric}: "
                f"nothing can be judged against it."
            )
        return measured

    def attempt(
        self, chain: Pipeline, candidate: Candidate, original: Measurement
    ) -> tuple[Result, Pipeline | None]:
        try:
            compressed = chain
            for compressor in candidate.compressors:
                if compressor.needs_training_data and self.X_train is None:
                    reason = f"{_name(compressor)} needs training data"
                    return Result(name=candidate.name, status="not supported", reason=reason), None
                if not compressor.supports(compressed):
                    return _not_supported(candidate, compressor, compressed), None
                compressed = compressor.compress(compressed, self.X_train, self.y_train)
            measured = self._measure(compressed)
        except Exception as exc:  # noqa: BLE001 - recorded with its reason; the other candidates go on
            reason = str(exc) if isinstance(exc, MaasError) else f"{type(exc).__name__}: {exc}"
            return Result(name=candidate.name, status="failed", reason=reason), None
        return self.judge(candidate.name, measured, original), compressed

    def judge(self, name: str, measured: Measurement, original: Measurement) -> Result:
        reasons = [reason for _excess, reason in _excesses(self.budget, measured, original)]
        status: Any = "over budget" if reasons else "within budget"
        return Result(name=name, status=status, measurement=measured, reason="; ".join(reasons))

    def rank(self, result: Result) -> tuple[int, float]:
        """Smaller first, then the better metric."""
        assert result.measurement is not None
        return result.measurement.size, worsening(self.budget.metric, 0.0, result.measurement.metric)

    def _measure(self, chain: Pipeline) -> Measurement:
        return measure(
            chain, self.X_valid, self.y_valid, metric=self.budget.metric, measure_size=self.measure_size
        )


def _excesses(budget: Budget, measured: Measurement, original: Measurement) -> list[tuple[float, str]]:
    """Give by how much each bound is exceeded, as a share of the bound (of the metric, for the drop)."""
    excesses = []
    scale = max(abs(original.metric), _ROUNDING)
    drop = worsening(budget.metric, original.metric, measured.metric)
    # Written so that a metric that is not a number is over the budget.
    if not drop <= budget.max_drop + _ROUNDING * max(1.0, scale):
        text = f"{budget.metric} gets worse by {drop:.4g}, allowed {budget.max_drop:g}"
        excesses.append(((drop - budget.max_drop) / scale, text))
    if budget.max_size is not None and measured.size > budget.max_size:
        text = f"{format_bytes(measured.size)}, allowed {format_bytes(budget.max_size)}"
        excesses.append((measured.size / budget.max_size - 1, text))
    if budget.max_latency is not None and measured.latency > budget.max_latency:
        text = f"{format_seconds(measured.latency)} for one row, allowed {format_seconds(budget.max_latency)}"
        excesses.append((measured.latency / budget.max_latency - 1, text))
    return excesses


def _nearest_miss(report: CompressionReport) -> str:
    def distance(result: Result) -> float:
        assert result.measurement is not None
        worst = max(excess for excess, _text in _excesses(report.budget, result.measurement, report.original))
        return math.inf if math.isnan(worst) else worst

    nearest = min((result for result in report.results if result.measurement is not None), key=distance)
    return (
        f"nothing fits the budget; the nearest miss is {nearest.name!r}: {nearest.reason}. "
        f"Allow more, or try other candidates; the error's report lists what was tried."
    )


def _not_supported(candidate: Candidate, compressor: Any, chain: Pipeline) -> Result:
    # An optional power of a compressor: to say why not.
    why_not = getattr(compressor, "why_not", None)
    reason = (
        why_not(chain) if callable(why_not) else None
    ) or f"{_name(compressor)} does not take this model"
    return Result(name=candidate.name, status="not supported", reason=reason)


def _name(compressor: Any) -> str:
    return type(compressor).__name__
