"""What a search tried, what came of it and what was chosen, as a table, as data and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Literal

from attrs import asdict, field, fields, frozen

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk._internal.units import format_bytes, format_ratio, format_seconds
from maas_sdk.compression._candidate import ORIGINAL
from maas_sdk.compression._measurement import Measurement

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from maas_sdk.compression._budget import Budget

__all__ = ["CompressionReport", "Result", "Status"]

Status = Literal["chosen", "within budget", "over budget", "not supported", "failed"]

_RIGHT = (1, 2, 3, 4)


@frozen(kw_only=True)
class Result:
    """What came of one candidate.

    Attributes
    ----------
    name : str
        The candidate's; ``"original"`` is the model as it was.
    status : str
        ``"chosen"``, ``"within budget"``, ``"over budget"``, ``"not supported"`` or ``"failed"``.
    measurement : Measurement or None
        `None` for those that are not supported or failed.
    reason : str
        Why it is over the budget, not supported or failed; else empty.
    """

    name: str
    status: Status
    measurement: Measurement | None = None
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
        """The budget's metric on the validation rows."""
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
    n_validation : int
        Rows that the metric was measured on. The choice was made on them as well, so that the metric of the
        chosen one is a little optimistic; rows that the search did not see tell the truth.
    chain : sklearn.pipeline.Pipeline or None
        The chosen fitted chain, the original itself when nothing smaller fits; `None` when nothing fits at
        all, which only the report inside a `BudgetError` says.
    """

    budget: Budget
    original: Measurement
    results: tuple[Result, ...]
    n_validation: int
    chain: Pipeline | None = field(default=None, repr=False)

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
        return (
            f"size {format_bytes(before.size)} → {format_bytes(after.size)} "
            f"({format_ratio(before.size, after.size)} smaller), "
            f"latency {format_seconds(before.latency)} → {format_seconds(after.latency)}, "
            f"{self.budget.metric} {before.metric:.4f} → {after.metric:.4f}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain data (sizes in bytes, latencies in seconds); the chain is not in it."""
        chosen = self.chosen
        return {
            "budget": asdict(self.budget),
            "n_validation": self.n_validation,
            "original": asdict(self.original),
            "results": [_flat(result) for result in self.results],
            "chosen": None if chosen is None else chosen.name,
            "gained": self.gained,
        }

    def __str__(self) -> str:
        header, rows = self._table()
        return "\n".join((self._title(), text_table(header, rows, right=_RIGHT), f"gained: {self.gained}"))

    def _repr_html_(self) -> str:
        header, rows = self._table()
        table = html_table(header, rows, right=_RIGHT, caption=self._title())
        return f"<div>{table}<p>gained: {escape(self.gained)}</p></div>"

    def _title(self) -> str:
        budget = self.budget
        bounds = [f"{budget.metric} may get worse by {budget.max_drop:g}"]
        if budget.max_size is not None:
            bounds.append(f"at most {format_bytes(budget.max_size)}")
        if budget.max_latency is not None:
            bounds.append(f"at most {format_seconds(budget.max_latency)} for one row")
        return f"Compression: {', '.join(bounds)}; measured on {self.n_validation} validation rows"

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        batch = f"{self.original.batch_rows} rows"
        header = ("candidate", "size", "one row", batch, self.budget.metric, "status", "reason")
        return header, [_row(result) for result in self.results]


def _flat(result: Result) -> dict[str, Any]:
    names = [attribute.name for attribute in fields(Measurement)]
    measured = dict.fromkeys(names) if result.measurement is None else asdict(result.measurement)
    return {"name": result.name, "status": result.status, **measured, "reason": result.reason}


def _row(result: Result) -> tuple[str, ...]:
    measured = result.measurement
    numbers = (
        ("-",) * 4
        if measured is None
        else (
            format_bytes(measured.size),
            format_seconds(measured.latency),
            format_seconds(measured.batch_latency),
            f"{measured.metric:.4f}",
        )
    )
    return (result.name, *numbers, result.status, result.reason)
