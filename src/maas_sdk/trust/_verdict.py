"""What was checked, how it ended and why: for people, for programs and for notebooks."""

from __future__ import annotations

from enum import StrEnum
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Check", "CheckStatus", "Verdict"]


class CheckStatus(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@frozen
class Check:
    """One check.

    Attributes
    ----------
    name : str
        What was checked: ``"rollback"``.
    status : CheckStatus
        How it ended; skipped means that there was nothing to check.
    reason : str
        Why, in words for people. May quote what a file says, as it stands there.
    """

    name: str
    status: CheckStatus = field(converter=CheckStatus)
    reason: str

    @classmethod
    def of(cls, name: str, passed: bool, reason: str) -> Check:
        """Make a check that passed or failed."""
        return cls(name, CheckStatus.PASSED if passed else CheckStatus.FAILED, reason)

    @classmethod
    def skipped(cls, name: str, reason: str) -> Check:
        """Make a check that had nothing to check."""
        return cls(name, CheckStatus.SKIPPED, reason)


def _as_tuple(checks: Iterable[Check]) -> tuple[Check, ...]:
    return tuple(checks)


@frozen
class Verdict:
    """Every check of one release.

    ``str()`` is a plain-text table in which whatever a terminal would act upon is escaped.

    Attributes
    ----------
    subject : str
        What was checked: a release's name, or the file where not even the name could be trusted.
    checks : tuple of Check
        In the order in which they were made.
    identity : str or None
        The release's identity, ``"sha256:…"``, when it is known.
    version : str or None
        The release's version, when it is known.
    """

    subject: str
    checks: tuple[Check, ...] = field(converter=_as_tuple)
    identity: str | None = None
    version: str | None = None

    @property
    def passed(self) -> bool:
        """Whether at least one check passed and none failed."""
        statuses = {check.status for check in self.checks}
        return CheckStatus.PASSED in statuses and CheckStatus.FAILED not in statuses

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.status is CheckStatus.FAILED)

    def raise_if_refused(self) -> None:
        """Do nothing when the verdict passed.

        Raises
        ------
        RefusedError
            Otherwise: with every failed check and its reason, and the verdict itself in `verdict`.
        """
        if self.passed:
            return
        reasons = "; ".join(f"{check.name}: {check.reason}" for check in self.failures)
        raise RefusedError(
            _printable(f"{self._title} is refused: {reasons or 'no check could be made'}"), verdict=self
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain data for JSON: subject, version, identity, passed, checks (name, status, reason)."""
        return {
            "subject": self.subject,
            "version": self.version,
            "identity": self.identity,
            "passed": self.passed,
            "checks": [
                {"name": check.name, "status": check.status.value, "reason": check.reason}
                for check in self.checks
            ],
        }

    def __str__(self) -> str:
        rows: list[tuple[str, str, str]] = []
        for status, name, reason in self._rows():
            first, *more = wrap(reason, _WIDTH, break_on_hyphens=False) or [""]
            rows += [(status, name, first), *(("", "", line) for line in more)]
        return f"{_printable(self._headline)}\n{text_table(_HEADER, rows)}"

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._rows(), caption=_printable(self._headline))

    @property
    def _title(self) -> str:
        return self.subject if self.version is None else f"{self.subject}@{self.version}"

    @property
    def _headline(self) -> str:
        return f"{self._title}: {'passed' if self.passed else 'refused'}"

    def _rows(self) -> list[tuple[str, str, str]]:
        return [
            (_SHOWN[check.status], _printable(check.name), _printable(check.reason)) for check in self.checks
        ]


_HEADER = ("status", "check", "reason")
_WIDTH = 88  # of the column of reasons, in characters
_SHOWN = {CheckStatus.PASSED: "passed", CheckStatus.FAILED: "FAILED", CheckStatus.SKIPPED: "skipped"}


def _printable(text: str) -> str:
    """Escape what a terminal would act upon: control characters, line breaks, marks of direction."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
