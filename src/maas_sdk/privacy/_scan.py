"""The disclosure scan: its door, for estimators, pipelines and releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maas_sdk.artifact import Release
from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy._findings import merge
from maas_sdk.privacy._observe import Observed, Prototypes, is_unknown, observe
from maas_sdk.privacy._released import observe_parts, open_chain
from maas_sdk.privacy._report import DisclosureReport
from maas_sdk.privacy._rows import TrainingRows
from maas_sdk.privacy._rules import NAMES
from maas_sdk.privacy._steps import paths_of
from maas_sdk.privacy._walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from maas_sdk.interfaces import EstimatorSerializer
    from maas_sdk.privacy._steps import Steps
    from maas_sdk.privacy._walk import Node
    from maas_sdk.trust import Policy, Trust

__all__ = ["disclosure_scan", "scan_publication", "scan_steps", "steps_with_rows"]


_MIN_LEAF_SAMPLES: Final = 5


def disclosure_scan(
    model: Any,
    X_train: Any = None,
    *,
    min_leaf_samples: int = _MIN_LEAF_SAMPLES,
    identity: Any = None,
    trust: Trust | Policy | None = None,
    serializers: Sequence[EstimatorSerializer] = (),
    allow: Sequence[Any] = (),
) -> DisclosureReport:
    """Find what of the training data leaves with a fitted model or with a release.

    It walks through chains, compositions and ensembles and looks at attributes, private ones included. Of a
    release the model is rebuilt, and self-test and documents are looked at, too. Nothing is changed, and the
    report repeats no value of the data. A class that it has no table for is a finding.

    Parameters
    ----------
    model : estimator, Pipeline or Release
        Fitted: a pipeline, or any estimator; or a release in a store.
    X_train : array-like of shape (n_samples, n_features) or None
        What it was fitted on. Rows and values that the model keeps are then compared with it exactly, as it
        looks after the steps before; without it nothing is compared.
    min_leaf_samples : int, default=5
        Leaves of trees with fewer training rows are reported.
    identity : Identity or a sequence of them, optional
        What opens a sealed release.
    trust : Trust or Policy, optional
        Whose releases are accepted; without it a release is not verified, and rebuilt all the same: no code
        of it is run.
    serializers, allow : sequence
        What a release's model needs beyond what the SDK knows, as for `serialization.load_parts`.

    Returns
    -------
    DisclosureReport
        Its `highest` is the gravest severity, its `not_examined` what it says nothing about.

    Raises
    ------
    InvalidOptionError
        When `model` is a class or no object with attributes, or `min_leaf_samples` is less than 1.
    RefusedError, NoMatchError, InvalidArtifactError
        When a release is not accepted, cannot be opened, or breaks its format.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(1).fit([[0.5, 1.5], [2.5, 3.5]], ["a", "b"])
    >>> report = disclosure_scan(model, [[0.5, 1.5], [2.5, 3.5]])
    >>> report.highest, report.findings[0].name, report.findings[0].evidence
    ('high', 'verbatim-rows:_fit_X', '2 rows, 2 of them equal to a row of X_train')
    """
    _check_leaf_samples(min_leaf_samples)
    rows = TrainingRows(X_train)
    if isinstance(model, Release):
        parts = model.read_parts(identity=identity, trust=trust)
        chain = open_chain(parts, serializers=serializers, allow=allow)
        beside = list(observe_parts(parts, rows, datasets=model.datasets))
        return _report(_step_nodes(chain.steps, rows), {}, beside, min_leaf_samples, rows, released=True)
    if isinstance(model, type) or not hasattr(model, "__dict__"):
        raise InvalidOptionError(f"disclosure_scan: expected a fitted estimator or a release, not {model!r}.")
    nodes, prototypes, more = _of_estimator(model, rows)
    return _report(nodes, prototypes, more, min_leaf_samples, rows, released=False)


def scan_publication(
    pipeline: Any,
    parts: Mapping[str, Any],
    *,
    datasets: Mapping[str, str],
    X_train: Any = None,
    min_leaf_samples: int = _MIN_LEAF_SAMPLES,
) -> DisclosureReport:
    """Scan what is about to be published: a fitted pipeline, and the parts that are added to its model."""
    rows = TrainingRows(X_train)
    nodes, prototypes, more = _of_estimator(pipeline, rows)
    observed = [*more, *observe_parts(parts, rows, datasets=datasets)]
    return _report(nodes, prototypes, observed, min_leaf_samples, rows, released=True)


def scan_steps(
    steps: Steps, *, X_train: Any, prototypes: Mapping[str, Prototypes], min_leaf: int | None
) -> DisclosureReport:
    """Scan the steps of a chain, in which some rows are known to be prototypes."""
    rows = TrainingRows(X_train)
    bound = _MIN_LEAF_SAMPLES if min_leaf is None else min_leaf
    return _report(_step_nodes(steps, rows), prototypes, [], bound, rows, released=False)


def steps_with_rows(
    steps: Steps, X_train: Any, prototypes: Mapping[str, Prototypes] | None = None
) -> dict[int, str]:
    """Give the steps that keep training rows: their places in the chain, and their names in a scan."""
    found = {}
    rows = TrainingRows(X_train)
    for index, (path, (_, step)) in enumerate(zip(paths_of(steps), steps, strict=True)):
        nodes = walk(step, rows, path)
        report = _report(nodes, prototypes or {}, [], _MIN_LEAF_SAMPLES, rows, released=False)
        if any(
            each.severity == "high" and each.name.startswith("verbatim-rows:") for each in report.findings
        ):
            found[index] = path
        rows = rows.through(step)
    return found


def _of_estimator(
    model: Any, rows: TrainingRows
) -> tuple[Iterator[Node], Mapping[str, Prototypes], list[Observed]]:
    """Give the objects of an estimator; of the SDK's Pipeline those of its chain, which is what leaves."""
    state = vars(model)
    if not hasattr(state.get("chain_"), "steps"):
        return walk(model, rows), {}, []
    names = state.get("feature_names_in_")
    told = []
    if names is not None:
        content = ("feature_names_in_", *names.tolist())
        told = [
            Observed(
                where="schema.feature_names", estimator="", rule=NAMES, count=len(names), content=content
            )
        ]
    return _step_nodes(state["chain_"].steps, rows), state.get("_prototypes", {}), told


def _step_nodes(steps: Steps, rows: TrainingRows) -> Iterator[Node]:
    """Visit the steps of a chain under the names that a release's recipe has for them."""
    for path, (_, step) in zip(paths_of(steps), steps, strict=True):
        yield from walk(step, rows, path)
        if path != "model":
            rows = rows.through(step)


def _report(
    nodes: Iterable[Node],
    prototypes: Mapping[str, Prototypes],
    more: Iterable[Observed],
    min_leaf_samples: int,
    rows: TrainingRows,
    *,
    released: bool,
) -> DisclosureReport:
    visited = list(nodes)
    strangers = _outermost([node for node in visited if is_unknown(node.value)])
    observed = [
        item
        for node in visited
        for item in observe(node, min_leaf_samples, prototypes, unknown=node in strangers)
    ]
    unknown = (f"{node.path or 'the model'} ({type(node.value).__name__})" for node in strangers)
    return DisclosureReport(
        findings=merge([*observed, *more], min_leaf_samples),
        n_estimators=len(visited),
        unknown=tuple(unknown),
        compared=rows.known,
        released=released,
    )


def _outermost(nodes: list[Node]) -> list[Node]:
    """Leave out what is inside of another one: it is accepted with that."""
    kept: list[Node] = []
    for node in nodes:
        outside = (f"{each.path}." if each.path else "" for each in kept)
        if not any(node.path.startswith(prefix) for prefix in outside):
            kept.append(node)
    return kept


def _check_leaf_samples(value: int) -> None:
    if value < 1:
        raise InvalidOptionError(f"min_leaf_samples={value!r}: expected at least 1.")
