"""What a disclosure scan found, and what it did not look at, as a table, as data and as HTML."""

from __future__ import annotations

from html import escape
from typing import Any, Literal

from attrs import asdict, frozen

from maas_sdk._internal.severities import is_graver
from maas_sdk._internal.tables import html_table, text_table

__all__ = ["NOT_EXAMINED", "SEVERITIES", "DisclosureReport", "Finding", "Severity"]

Severity = Literal["high", "medium", "low"]

SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
"""The gravest first."""

NOT_EXAMINED = (
    "what an attacker can infer from weights or predictions (membership, attributes, reconstruction)",
    "training targets, unless an estimator that keeps rows keeps them beside the rows",
    "values inside training rows that are stored singly, in another order or rounded",
)
"""What no finding says anything about."""

_HEADER = ("severity", "name", "what", "evidence", "remedy")


@frozen(kw_only=True)
class Finding:
    """Something that leaves with the model.

    Attributes
    ----------
    name : str
        By which it can be accepted: the kind, a colon and the place, such as
        ``"verbatim-rows:model.support_vectors_"``. It stays the same as long as the model is made up alike,
        however much is found there.
    severity : {"high", "medium", "low"}
        High: rows of training data, whole; words that no prediction uses; what could not be looked into.
        Medium: values or words of it, statistics over very few rows, names of people. Low: names and labels
        that every receiver needs or sees, single extremes.
    where : str
        The attribute, such as ``steps[1].support_vectors_``; ``[*]`` stands for every member of an ensemble.
        Of a `maas_sdk.Pipeline` and of a release the steps are called ``preprocessors[0]`` and ``model``.
    estimator : str
        Name of the class that keeps it; empty for what no estimator keeps.
    what : str
        What is kept.
    evidence : str
        What was counted; it repeats no value of the data.
    remedy : str
        What to do about it.
    """

    name: str
    severity: Severity
    where: str
    estimator: str
    what: str
    evidence: str
    remedy: str


@frozen(kw_only=True)
class DisclosureReport:
    """What leaves with a model, as far as the scan looks.

    Attributes
    ----------
    findings : tuple of Finding
        The gravest first, then in the order of the model; no two of one name.
    n_estimators : int
        Fitted objects that were looked at.
    unknown : tuple of str
        Those of classes that the scan has no table for (neither scikit-learn's nor the SDK's), with their
        class; each is a finding, too. Of these only arrays that hold rows of `X_train` are found, and nothing
        without it.
    compared : bool
        Whether training data was given to compare with.
    released : bool
        Whether what is added to a release was looked at: self-test, documents.
    """

    findings: tuple[Finding, ...]
    n_estimators: int
    unknown: tuple[str, ...] = ()
    compared: bool = False
    released: bool = False

    @property
    def highest(self) -> Severity | None:
        """The gravest severity found; `None` without findings."""
        return next((grade for grade in SEVERITIES if any(f.severity == grade for f in self.findings)), None)

    def above(self, level: str) -> tuple[Finding, ...]:
        """Give the findings that are graver than ``"none"``, ``"low"``, ``"medium"`` or ``"high"``."""
        return tuple(finding for finding in self.findings if is_graver(finding.severity, level))

    @property
    def not_examined(self) -> tuple[str, ...]:
        """What the scan says nothing about."""
        extra = [] if self.compared else ["whether stored rows equal training rows: no X_train was given"]
        if not self.released:
            extra.append("sample inputs, schema, texts and metadata that are added to a release")
        if self.unknown:
            extra.append(f"what classes without a table keep: {', '.join(self.unknown)}")
        return (*NOT_EXAMINED, *extra)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain data."""
        return {
            "highest": self.highest,
            "compared": self.compared,
            "released": self.released,
            "n_estimators": self.n_estimators,
            "findings": [asdict(finding) for finding in self.findings],
            "not_examined": list(self.not_examined),
        }

    def __str__(self) -> str:
        table = [text_table(_HEADER, self._rows())] if self.findings else []
        limits = ["not examined:", *(f"  {text}" for text in self.not_examined)]
        return "\n".join((self._title(), *table, *limits))

    def _repr_html_(self) -> str:
        table = html_table(_HEADER, self._rows()) if self.findings else ""
        limits = "".join(f"<li>{escape(text)}</li>" for text in self.not_examined)
        return f"<div><p>{escape(self._title())}</p>{table}<p>Not examined:</p><ul>{limits}</ul></div>"

    def _title(self) -> str:
        counts = [(grade, sum(f.severity == grade for f in self.findings)) for grade in SEVERITIES]
        found = ", ".join(f"{count} {grade}" for grade, count in counts if count) or "nothing found"
        return f"Disclosure scan of {self.n_estimators} fitted objects: {found}"

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (f.severity, f"{f.name} ({f.estimator})" if f.estimator else f.name, f.what, f.evidence, f.remedy)
            for f in self.findings
        ]
