"""Findings out of what was observed: one of a kind for each place, ensembles and repeated labels merged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from maas_sdk.privacy._report import SEVERITIES, Finding
from maas_sdk.privacy._rules import PROTOTYPES, UNLISTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maas_sdk.privacy._observe import Observed
    from maas_sdk.privacy._report import Severity

__all__ = ["merge"]

_MANY: Final = 3
"""Rows of an array outside the table that equal training rows, from which on it is no chance."""

_MEMBER: Final = re.compile(
    r"((?:^|\.)(?:estimators_|_predictors|calibrated_classifiers_))\[[^\]]*\](?:\[[^\]]*\])?"
)


def merge(observed: Iterable[Observed], min_leaf_samples: int) -> tuple[Finding, ...]:
    """Make one finding of each kind in all members of an ensemble, and of labels that are repeated."""
    groups: dict[str, list[Observed]] = {}
    contents: set[tuple[Any, ...]] = set()
    for item in observed:
        if item.content is not None:
            if item.content in contents:
                continue
            contents.add(item.content)
        place = _MEMBER.sub(r"\1[*]", item.where) or "model"
        groups.setdefault(f"{item.rule.kind}:{place}", []).append(item)
    findings = [_finding(name, items, min_leaf_samples) for name, items in groups.items()]
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _finding(name: str, items: list[Observed], min_leaf_samples: int) -> Finding:
    worst = min(items, key=lambda item: SEVERITIES.index(item.rule.severity))
    rule = worst.rule
    places = list(dict.fromkeys(item.where for item in items))
    evidence, equal = _evidence(items, min_leaf_samples)
    severity: Severity = rule.severity
    count = sum(item.count for item in items)
    # A single chance match of a small table of counts is not a table of rows; half of many is.
    if equal and rule.unit == "rows" and (rule is not UNLISTED or equal >= max(_MANY, count / 2)):
        severity = "high"
    if len(places) > 1:
        evidence += f", in {len(places):,} places"
    return Finding(
        name=name,
        severity=severity,
        where=places[0] if len(places) == 1 else name.partition(":")[2],
        estimator=worst.estimator,
        what=rule.what,
        evidence=evidence,
        remedy=rule.remedy,
    )


def _evidence(items: list[Observed], min_leaf_samples: int) -> tuple[str, int]:
    """Say what was counted; and give how many of it equal rows or values of the training data."""
    rule = items[0].rule
    count = sum(item.count for item in items)
    compared = [item.equal for item in items if item.equal is not None]
    equal = sum(compared)
    if rule.unit == "leaves":
        if any(item.total is None for item in items):
            return f"{count:,} leaves, of which it is not told how many rows they hold", 0
        total = sum(item.total or 0 for item in items)
        return f"{count:,} of {total:,} leaves hold fewer than {min_leaf_samples} training rows", 0
    if rule.unit == "items":
        total = sum(item.total or 0 for item in items)
        return f"{count:,} of its {total:,} attributes hold more than a single value", 0
    evidence = f"{count:,} {rule.unit}"
    if not compared:
        silent = rule.unit != "rows" or rule.kind == PROTOTYPES.kind
        return evidence if silent else f"{evidence}, not compared", 0
    whose = "equal to a row of X_train" if rule.unit == "rows" else "values of X_train"
    return f"{evidence}, {equal:,} of them {whose}", equal
