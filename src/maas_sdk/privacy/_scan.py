"""Looks through a fitted model for what leaves with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sized
from typing import Any

import numpy as np
from attrs import frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy._report import SEVERITIES, DisclosureReport, Finding
from maas_sdk.privacy._rows import TrainingRows
from maas_sdk.privacy._rules import LABELS, LEAVES, NAMES, PAIRS, RULES, UNLISTED, Rule
from maas_sdk.privacy._walk import Node, walk

__all__ = ["disclosure_scan"]

_MANY = 3
"""Rows of an array outside the table that equal training rows, from which on it is no chance."""

_OURS = ("sklearn.", "maas_sdk.")
_MEMBER = re.compile(
    r"((?:^|\.)(?:estimators_|_predictors|calibrated_classifiers_))\[[^\]]*\](?:\[[^\]]*\])?"
)


def disclosure_scan(model: Any, X_train: Any = None, *, min_leaf_samples: int = 5) -> DisclosureReport:
    """Find what of the training data leaves with a fitted model.

    It walks through chains, compositions and ensembles and looks at attributes, private ones included.
    Nothing is changed, and the report repeats no value of the data.

    Parameters
    ----------
    model : estimator
        Fitted: a pipeline, or any estimator.
    X_train : array-like of shape (n_samples, n_features) or None
        What it was fitted on. Rows that the model keeps are then compared with it exactly, as it looks after
        the steps before; without it nothing is compared.
    min_leaf_samples : int, default=5
        Leaves of trees with fewer training rows are reported.

    Returns
    -------
    DisclosureReport
        Its `highest` is the gravest severity, its `not_examined` what it says nothing about.

    Raises
    ------
    InvalidOptionError
        When `model` is a class or no object with attributes, or `min_leaf_samples` is less than 1.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(1).fit([[0.5, 1.5], [2.5, 3.5]], ["a", "b"])
    >>> report = disclosure_scan(model, [[0.5, 1.5], [2.5, 3.5]])
    >>> report.highest, report.findings[0].where, report.findings[0].evidence
    ('high', '_fit_X', '2 rows, 2 of them equal to a row of X_train')
    """
    if isinstance(model, type) or not hasattr(model, "__dict__"):
        raise InvalidOptionError(f"disclosure_scan: expected a fitted estimator, not {model!r}.")
    if min_leaf_samples < 1:
        raise InvalidOptionError(f"min_leaf_samples={min_leaf_samples!r}: expected at least 1.")
    nodes = list(walk(model, TrainingRows(X_train)))
    observed = [item for node in nodes for item in _observe(node, min_leaf_samples)]
    unknown = (
        f"{node.path or 'the model'} ({type(node.value).__name__})" for node in nodes if _unknown(node)
    )
    return DisclosureReport(
        findings=_merge(observed, min_leaf_samples),
        n_estimators=len(nodes),
        unknown=tuple(unknown),
        compared=X_train is not None,
    )


@frozen(kw_only=True)
class _Observed:
    """One rule at one place: how many, of how many, how many of them equal training rows."""

    where: str
    estimator: str
    rule: Rule
    count: int
    total: int | None = None
    equal: int | None = None
    content: tuple[Any, ...] | None = None


def _observe(node: Node, min_leaf_samples: int) -> Iterator[_Observed]:
    state = vars(node.value)
    rules = _rules_for(node.value)
    for name, value in state.items():
        rule = rules.get(name)
        where = f"{node.path}.{name}" if node.path else name
        kind = type(node.value).__name__
        if value is None:
            continue
        if rule is not None:
            array = _stored(value)
            equal = node.rows.equal_rows(array) if rule.unit == "rows" else None
            if count := _count(array, rule):
                yield _Observed(where=where, estimator=kind, rule=rule, count=count, equal=equal)
        elif name in ("classes_", "feature_names_in_"):
            chosen = LABELS if name == "classes_" else NAMES
            content = (name, *_flat(value))
            yield _Observed(where=where, estimator=kind, rule=chosen, count=len(content) - 1, content=content)
        elif (samples := _leaf_samples(value)) is not None:
            small = int(np.count_nonzero(samples < min_leaf_samples))
            if small:
                yield _Observed(where=where, estimator=kind, rule=LEAVES, count=small, total=len(samples))
        else:
            yield from _unlisted(value, where, kind, node.rows)


def _rules_for(value: Any) -> dict[str, Rule]:
    merged: dict[str, Rule] = {}
    for cls in reversed(type(value).__mro__):
        merged |= RULES.get(cls.__name__, {})
    options = [vars(value).get(name) for name in ("kernel", "metric")]
    if any(isinstance(option, str) and option == "precomputed" for option in options):
        # What was given in place of rows were their distances or similarities.
        merged = {name: PAIRS if rule.unit == "rows" else rule for name, rule in merged.items()}
    return merged


def _unknown(node: Node) -> bool:
    is_estimator = callable(getattr(node.value, "fit", None))
    return is_estimator and not any(
        cls.__module__.startswith(_OURS) and cls.__name__ not in _BASES for cls in type(node.value).__mro__
    )


_BASES = frozenset(
    {
        "BaseEstimator",
        "BiclusterMixin",
        "ClassNamePrefixFeaturesOutMixin",
        "ClassifierMixin",
        "ClusterMixin",
        "DensityMixin",
        "MetaEstimatorMixin",
        "MultiOutputMixin",
        "OneToOneFeatureMixin",
        "OutlierMixin",
        "RegressorMixin",
        "ReprHTMLMixin",
        "TransformerMixin",
        "_HTMLDocumentationLinkMixin",
        "_MetadataRequester",
        "_SetOutputMixin",
    }
)
"""What anybody inherits from: having these does not mean that the table knows the class."""


def _stored(value: Any) -> Any:
    # KD and ball trees hold their rows in `data`; sparse matrices have a `data` too, of another kind.
    return np.asarray(value.data) if type(value).__name__.startswith(("KDTree", "BallTree")) else value


def _count(value: Any, rule: Rule) -> int:
    if rule.unit in ("values", "words"):
        return len(value) if isinstance(value, (Mapping, set, frozenset)) else len(_flat(value))
    shape = getattr(value, "shape", None)
    if shape:
        return int(shape[0])
    return len(value) if isinstance(value, Sized) and shape is None else 1


def _flat(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray) and value.dtype != object:
        return list(value.ravel().tolist())
    if isinstance(value, (list, tuple, np.ndarray)):
        return [item for part in value for item in _flat(part)]
    return [value]


def _leaf_samples(value: Any) -> Any:
    """Give how many training rows each leaf of a tree holds, or `None` where `value` is no tree."""
    if hasattr(value, "children_left") and hasattr(value, "n_node_samples"):
        return value.n_node_samples[value.children_left == -1]
    fields = getattr(getattr(value, "dtype", None), "names", None) or ()
    if {"is_leaf", "count"} <= set(fields):
        return value["count"][value["is_leaf"].astype(bool)]
    return None


def _unlisted(value: Any, where: str, kind: str, rows: TrainingRows) -> Iterator[_Observed]:
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], np.ndarray):
        for index, item in enumerate(value):
            yield from _unlisted(item, f"{where}[{index}]", kind, rows)
        return
    if getattr(value, "ndim", 0) != 2:  # noqa: PLR2004 - rows and columns
        return
    equal = rows.equal_rows(value, skip_zeros=True)
    if equal:
        yield _Observed(where=where, estimator=kind, rule=UNLISTED, count=int(value.shape[0]), equal=equal)


def _merge(observed: list[_Observed], min_leaf_samples: int) -> tuple[Finding, ...]:
    """Make one finding of the same rule in all members of an ensemble, and of labels that are repeated."""
    groups: dict[tuple[Any, ...], list[_Observed]] = {}
    contents: set[tuple[Any, ...]] = set()
    for item in observed:
        if item.content is not None:
            if item.content in contents:
                continue
            contents.add(item.content)
        groups.setdefault((_MEMBER.sub(r"\1[*]", item.where), item.rule), []).append(item)
    findings = [
        _finding(pattern if len(items) > 1 else items[0].where, items, min_leaf_samples)
        for (pattern, _rule), items in groups.items()
    ]
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _finding(where: str, items: list[_Observed], min_leaf_samples: int) -> Finding:
    first = items[0]
    rule = first.rule
    count = sum(item.count for item in items)
    evidence = f"{count:,} {rule.unit}"
    severity = rule.severity
    if rule.unit == "leaves":
        total = sum(item.total or 0 for item in items)
        evidence = f"{count:,} of {total:,} leaves hold fewer than {min_leaf_samples} training rows"
    compared = [item.equal for item in items if item.equal is not None]
    if rule.unit == "rows" and not compared:
        evidence += ", not compared"
    if compared:
        equal = sum(compared)
        evidence += f", {equal:,} of them equal to a row of X_train"
        # A single chance match of a small table of counts is not a table of rows; half of many is.
        if equal and (rule is not UNLISTED or equal >= max(_MANY, count / 2)):
            severity = "high"
    if len(items) > 1:
        evidence += f", in {len(items):,} places"
    return Finding(
        severity=severity,
        where=where,
        estimator=first.estimator,
        what=rule.what,
        evidence=evidence,
        remedy=rule.remedy,
    )
