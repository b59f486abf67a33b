"""A trial: compress, prove what is claimed, measure; times apart, the same bits wherever it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs
from attrs import frozen

from maas_sdk._internal.one_thread import one_thread
from maas_sdk.compression._evidence import Evidence, evidence_of
from maas_sdk.compression._measurement import Measurement, latencies
from maas_sdk.compression._proof import difference
from maas_sdk.errors import MaasError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._candidate import Candidate
    from maas_sdk.compression._measurement import MeasureSize
    from maas_sdk.compression._rows import Rows
    from maas_sdk.interfaces import Compressor

__all__ = ["Bench", "Trial", "compressed_by", "examine", "run_trial"]


@frozen(kw_only=True, eq=False)
class Bench:
    """What all trials share.

    Attributes
    ----------
    original : sklearn.pipeline.Pipeline
    search, judge : Rows
        Of the validation rows: what candidates are ordered by, and what they are judged by.
    X_train, y_train : array-like or None
    metric : str
    confidence : float
        Of the upper bounds.
    seed : int
        Of the bootstrap: each candidate is measured on the same resamples.
    measure_size : callable
    timed : array-like
        Rows whose predictions are timed, the first of them also alone.
    """

    original: Pipeline
    search: Rows
    judge: Rows
    X_train: Any
    y_train: Any
    metric: str
    confidence: float
    seed: int
    measure_size: MeasureSize
    timed: Any


@frozen(kw_only=True, eq=False)
class Trial:
    """What came of a candidate.

    Attributes
    ----------
    failure : str or None
        `None` when it was measured; else ``"not supported"``, ``"failed"`` or ``"not tried"``.
    reason : str
        Of the failure.
    measurement : Measurement or None
    searched, judged : Evidence or None
        On the rows that the search uses, and on those that judge.
    lossless : bool
        Claimed, and proved on all rows at hand.
    chain : sklearn.pipeline.Pipeline or None
        `None` also when it was found in a store.
    """

    failure: Literal["not supported", "failed", "not tried"] | None = None
    reason: str = ""
    measurement: Measurement | None = None
    searched: Evidence | None = None
    judged: Evidence | None = None
    lossless: bool = False
    chain: Pipeline | None = None

    def to_state(self) -> dict[str, Any]:
        """Give what a checkpoint keeps of one that was measured."""
        parts = (self.measurement, self.searched, self.judged)
        measured = {name: attrs.asdict(each) for name, each in zip(_PARTS, parts, strict=True) if each}
        return {**measured, "lossless": self.lossless}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Trial:
        """Make it of what a checkpoint kept."""
        return cls(
            measurement=Measurement(**state["measurement"]),
            searched=Evidence(**state["searched"]),
            judged=Evidence(**state["judged"]),
            lossless=state["lossless"],
        )


_PARTS = ("measurement", "searched", "judged")


def run_trial(bench: Bench, candidate: Candidate, start: Pipeline, done: int) -> Trial:
    """Try a candidate; what its compressors raise becomes the trial's reason.

    Parameters
    ----------
    bench : Bench
    candidate : Candidate
    start : sklearn.pipeline.Pipeline
        What its first `done` compressors have given already.
    done : int
    """
    try:
        with one_thread():
            found = compressed_by(bench, candidate.compressors[done:], start)
            if isinstance(found, Trial):
                return found
            if candidate.lossless and (where := difference(bench.original, found, _all_rows(bench))):
                return Trial(failure="failed", reason=f"it claims to be lossless, and {where}")
        return attrs.evolve(examine(bench, found), lossless=candidate.lossless)
    except Exception as exc:  # noqa: BLE001 - recorded with its reason; the other candidates go on
        reason = str(exc) if isinstance(exc, MaasError) else f"{type(exc).__name__}: {exc}"
        return Trial(failure="failed", reason=reason)


def compressed_by(bench: Bench, compressors: Sequence[Compressor], start: Pipeline) -> Pipeline | Trial:
    """Apply compressors one after the other; a `Trial` says which of them is not supported."""
    chain = start
    for compressor in compressors:
        if compressor.needs_training_data and bench.X_train is None:
            return Trial(failure="not supported", reason=f"{_name(compressor)} needs training data")
        if not compressor.supports(chain):
            return Trial(failure="not supported", reason=_why_not(compressor, chain))
        chain = compressor.compress(chain, bench.X_train, bench.y_train)
    return chain


def examine(bench: Bench, chain: Pipeline) -> Trial:
    """Measure a chain; whatever it raises passes."""
    with one_thread():
        size = int(bench.measure_size(chain))
        searched, judged = (
            evidence_of(
                bench.original,
                chain,
                rows,
                metric=bench.metric,
                confidence=bench.confidence,
                seed=bench.seed,
            )
            for rows in (bench.search, bench.judge)
        )
        measurement = Measurement(size=size, metric=searched.after, **latencies(chain, bench.timed))
    return Trial(measurement=measurement, searched=searched, judged=judged, chain=chain)


def _all_rows(bench: Bench) -> list[Any]:
    given = [] if bench.X_train is None else [bench.X_train]
    return [bench.search.X, bench.judge.X, *given]


def _why_not(compressor: Compressor, chain: Pipeline) -> str:
    # An optional power of a compressor: to say why not.
    why_not = getattr(compressor, "why_not", None)
    reason = why_not(chain) if callable(why_not) else None
    return reason or f"{_name(compressor)} does not take this model"


def _name(compressor: Compressor) -> str:
    return type(compressor).__name__
