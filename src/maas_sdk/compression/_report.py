"""What a search tried, what came of it and what was chosen: a table, a chart, plain data, HTML."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from attrs import asdict, field, fields, frozen

from maas_sdk._internal.chart_parts import shortened
from maas_sdk._internal.charts import Line, line_chart, standalone
from maas_sdk._internal.tables import html_table, text_table
from maas_sdk._internal.units import format_bytes, format_ratio, format_seconds
from maas_sdk.compression._candidate import ORIGINAL
from maas_sdk.compression._measurement import Measurement
from maas_sdk.compression._space import pareto_front
from maas_sdk.learning import get_metric

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._budget import Budget
    from maas_sdk.compression._evidence import Evidence
    from maas_sdk.interfaces import Compressor

__all__ = ["CompressionReport", "Result", "Status"]

Status = Literal["chosen", "within budget", "over budget", "not supported", "failed", "not tried"]

_RIGHT = (1, 2, 3, 4, 5)
_LONGEST_REASON = 110


@frozen(kw_only=True)
class Result:
    """What came of one candidate.

    Attributes
    ----------
    name : str
        The candidate's; ``"original"`` is the model as it was.
    status : str
        ``"chosen"``, ``"within budget"``, ``"over budget"``, ``"not supported"``, ``"failed"`` or
        ``"not tried"``, because the budget's time was over.
    measurement : Measurement or None
        `None` for those that are not supported, failed or were not tried.
    evidence : Evidence or None
        What the rows say that the search did not use; `None` for those that were not judged.
    lossless : bool
        Whether it claims to predict the same bits as the original, and was seen to on all rows at hand.
    reason : str
        Why it is over the budget, not supported, failed or not tried; else empty.
    """

    name: str
    status: Status
    measurement: Measurement | None = None
    evidence: Evidence | None = None
    lossless: bool = False
    reason: str = ""

    @property
    def size(self) -> int | None:
        """Bytes as serialized."""
        return None if self.measurement is None else self.measurement.size

    @property
    def latency(self) -> float | None:
        """Seconds for one row."""
        return None if self.measurement is None else self.measurement.latency

    @property
    def metric(self) -> float | None:
        """The budget's metric on the rows that the search used."""
        return None if self.measurement is None else self.measurement.metric


@frozen(kw_only=True, eq=False)
class CompressionReport:
    """Everything that was tried within a budget; `str` gives it as a table.

    Attributes
    ----------
    budget : Budget
        What was asked for.
    original : Measurement
        Of the model as it was.
    results : tuple of Result
        The original first, then the candidates in the order given.
    n_search, n_judge : int
        Validation rows that candidates were compared on, and others that judged whether the drop is within
        the budget.
    confidence : float
        Of the upper bound of the drop.
    stored_as : str
        In which form sizes were measured.
    resumed : int
        How many candidates were found in the store, with the latencies of the time when they were tried.
    chain : sklearn.pipeline.Pipeline or None
        The chosen fitted chain, the original itself when nothing smaller fits; `None` when nothing fits at
        all, which only the report inside a `BudgetError` says.
    compressors : tuple of Compressor
        Those that made the chosen chain, in order; none for the original.
    """

    budget: Budget
    original: Measurement
    results: tuple[Result, ...]
    n_search: int
    n_judge: int
    confidence: float
    stored_as: str
    resumed: int = 0
    chain: Pipeline | None = field(default=None, repr=False)
    compressors: tuple[Compressor, ...] = ()

    @property
    def n_validation(self) -> int:
        """Validation rows in all."""
        return self.n_search + self.n_judge

    @property
    def front(self) -> tuple[Result, ...]:
        """The Pareto front: the results than which none is both smaller and better, the smallest first."""
        sign = -1.0 if get_metric(self.budget.metric).greater_is_better else 1.0

        def measure(result: Result) -> tuple[float, float]:
            assert result.measurement is not None
            return result.measurement.size, sign * result.measurement.metric

        return tuple(pareto_front([each for each in self.results if each.measurement is not None], measure))

    @property
    def chosen(self) -> Result | None:
        """The result that was chosen; `None` when nothing fits."""
        return next((result for result in self.results if result.status == "chosen"), None)

    @property
    def compressed(self) -> Measurement:
        """Measurement of the choice; of the original when nothing fits."""
        chosen = self.chosen
        return self.original if chosen is None or chosen.measurement is None else chosen.measurement

    @property
    def gained(self) -> str:
        """What the choice gained, in one line."""
        chosen, before = self.chosen, self.original
        if chosen is None:
            return "nothing fits the budget"
        if chosen.name == ORIGINAL:
            return "nothing: no candidate within the budget is smaller than the original"
        after = self.compressed
        told = (
            f"size {format_bytes(before.size)} → {format_bytes(after.size)} "
            f"({format_ratio(before.size, after.size)} smaller), "
            f"latency {format_seconds(before.latency)} → {format_seconds(after.latency)}"
        )
        if chosen.lossless:
            return f"{told}, predictions the same to the last bit"
        evidence = chosen.evidence
        assert evidence is not None
        return (
            f"{told}, {self.budget.metric} {evidence.before:.4f} → {evidence.after:.4f} on "
            f"{self.n_judge} rows that the search did not use"
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain data (sizes in bytes, latencies in seconds); the chain is not in it."""
        chosen = self.chosen
        return {
            "budget": asdict(self.budget),
            "n_search": self.n_search,
            "n_judge": self.n_judge,
            "confidence": self.confidence,
            "stored_as": self.stored_as,
            "resumed": self.resumed,
            "original": asdict(self.original),
            "results": [_flat(result) for result in self.results],
            "front": [result.name for result in self.front],
            "chosen": None if chosen is None else chosen.name,
            "gained": self.gained,
        }

    def chart(self) -> str:
        """Draw size against metric for every candidate, with the front and the choice, as SVG.

        Returns
        -------
        str
            For a page or for a file of its own. It loads nothing and has no scripts.
        """
        return standalone(self._chart())

    def __str__(self) -> str:
        header, rows = self._table()
        return "\n".join((self._title(), text_table(header, rows, right=_RIGHT), f"gained: {self.gained}"))

    def _repr_html_(self) -> str:
        header, rows = self._table()
        table = html_table(header, rows, right=_RIGHT, caption=self._title())
        return f"<div>{table}<p>gained: {escape(self.gained)}</p>{self._chart()}</div>"

    def _title(self) -> str:
        budget = self.budget
        bounds = [f"{budget.metric} may get worse by {budget.max_drop:g}"]
        if budget.max_size is not None:
            bounds.append(f"at most {format_bytes(budget.max_size)}")
        if budget.max_latency is not None:
            bounds.append(f"at most {format_seconds(budget.max_latency)} for one row")
        return (
            f"Compression: {', '.join(bounds)}; {self.n_search} rows choose, {self.n_judge} others judge; "
            f"sizes {self.stored_as}"
        )

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        batch = f"{self.original.batch_rows} rows"
        # What the drop is at most, with the confidence that was asked for, on the rows that judge.
        bound = f"drop, {100 * self.confidence:g} %"
        header = ("candidate", "size", "one row", batch, self.budget.metric, bound, "status", "reason")
        return header, [_row(result) for result in self.results]

    def _chart(self) -> str:
        chosen = self.chosen
        front = self.front
        others = [each for each in self.results if each.measurement is not None and each not in front]
        lines = [
            _points("Pareto front", front),
            # Each with a gap after it: points, and no line through them.
            _points("other candidates", others, gaps=True),
            _points("chosen", () if chosen is None else (chosen,)),
        ]
        return line_chart(
            "Size and quality of each candidate",
            [line for line in lines if line.x],
            x_label="size, kB",
            y_label=f"{self.budget.metric} on {self.n_search} rows",
        )


def _points(name: str, results: Iterable[Result], *, gaps: bool = False) -> Line:
    x: list[float] = []
    y: list[float] = []
    for result in results:
        assert result.measurement is not None
        x.append(result.measurement.size / 1000)
        y.append(result.measurement.metric)
        if gaps:
            x.append(math.nan)
            y.append(math.nan)
    return Line(name, x, y, dots=True)


def _flat(result: Result) -> dict[str, Any]:
    names = [attribute.name for attribute in fields(Measurement)]
    measured = dict.fromkeys(names) if result.measurement is None else asdict(result.measurement)
    evidence = None if result.evidence is None else asdict(result.evidence)
    return {
        "name": result.name,
        "status": result.status,
        **measured,
        "judged": evidence,
        "lossless": result.lossless,
        "reason": result.reason,
    }


def _row(result: Result) -> tuple[str, ...]:
    measured, evidence = result.measurement, result.evidence
    numbers = (
        ("-",) * 5
        if measured is None
        else (
            format_bytes(measured.size),
            format_seconds(measured.latency),
            format_seconds(measured.batch_latency),
            f"{measured.metric:.4f}",
            "none" if result.lossless else "-" if evidence is None else f"{evidence.bound:.4f}",
        )
    )
    return (result.name, *numbers, result.status, shortened(result.reason, _LONGEST_REASON))
