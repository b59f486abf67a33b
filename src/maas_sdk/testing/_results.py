"""What became of the checks, as a structure and as a table."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import field, frozen

from maas_sdk._internal.tables import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["CheckResult", "Outcome", "Results"]

_HEADER = ("component", "kind", "check", "outcome", "reason")


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    EXPECTED_FAILURE = "expected failure"


@frozen(kw_only=True)
class CheckResult:
    """How one check of one component ended.

    Attributes
    ----------
    component, kind, check : str
        Reference and kind of the component, and the name of the check.
    outcome : Outcome
        An expected failure that passed is `FAILED`: expectations are strict.
    reason : str
        Why, unless it passed.
    """

    component: str
    kind: str
    check: str
    outcome: Outcome
    reason: str = ""


def _as_tuple(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    return tuple(results)


@frozen
class Results:
    """All results of a run.

    Attributes
    ----------
    plugin : str
        Name of the plugin.
    results : tuple of CheckResult
        In the order in which they ran.
    """

    plugin: str
    results: tuple[CheckResult, ...] = field(converter=_as_tuple)

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """Those that failed."""
        return tuple(result for result in self.results if result.outcome is Outcome.FAILED)

    @property
    def passed(self) -> bool:
        """Whether checks were run and none failed."""
        return bool(self.results) and not self.failures

    def to_dict(self) -> dict[str, object]:
        """Give plain data, fit for JSON."""
        rows = [dict(zip(_HEADER, row, strict=True)) for row in self._rows()]
        return {"plugin": self.plugin, "passed": self.passed, "results": rows}

    def _rows(self) -> list[tuple[str, ...]]:
        return [(r.component, r.kind, r.check, r.outcome.value, r.reason) for r in self.results]

    def _summary(self) -> str:
        if not self.results:
            return f"plugin {self.plugin!r}: no checks were run, which is a failure"
        return f"plugin {self.plugin!r}: {len(self.results)} checks, {len(self.failures)} failed"

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[CheckResult]:
        return iter(self.results)

    def __str__(self) -> str:
        return "\n".join([*([text_table(_HEADER, self._rows())] if self.results else []), self._summary()])

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._rows(), caption=self._summary())
