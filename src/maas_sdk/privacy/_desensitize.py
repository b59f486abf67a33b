"""Makes a model that tells less of its training data; each change is proved to be none, or measured."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import field, frozen

from maas_sdk._internal.tables import html_table, text_table
from maas_sdk.errors import DisclosureError, InvalidOptionError
from maas_sdk.privacy._answers import answers_of, compare, probes_for
from maas_sdk.privacy._drop import drop_state as dropped_state
from maas_sdk.privacy._gate import check_level, refusal_of
from maas_sdk.privacy._keyed import KeyedPipeline
from maas_sdk.privacy._leaves import merge_small_leaves
from maas_sdk.privacy._mask import Mask
from maas_sdk.privacy._masking import mask_steps
from maas_sdk.privacy._prototypes import replace_by_prototypes
from maas_sdk.privacy._rows import TrainingRows
from maas_sdk.privacy._scan import scan_steps, steps_with_rows
from maas_sdk.privacy._steps import put_steps, steps_of
from maas_sdk.privacy._student import replace_by_student

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.interfaces import EstimatorSerializer
    from maas_sdk.privacy._observe import Prototypes
    from maas_sdk.privacy._report import DisclosureReport
    from maas_sdk.privacy._steps import Steps

__all__ = ["Change", "Desensitized", "desensitize"]

_HEADER: Final = ("change", "predictions", "evidence")


@frozen(kw_only=True)
class Change:
    """One thing that was done to a model.

    Attributes
    ----------
    what : str
        In words.
    identical : bool
        Whether what it predicts was proved to be the same, bit for bit, on the rows that it was asked about.
    evidence : str
        How many rows were asked about, and by how much predictions differ.
    """

    what: str
    identical: bool
    evidence: str


@frozen(kw_only=True)
class Desensitized:
    """A model that tells less, and what was done to it.

    Attributes
    ----------
    pipeline : Pipeline or fitted estimator
        Of the kind that was given.
    changes : tuple of Change
        In the order of the work.
    scan : DisclosureReport
        Of the new model.
    """

    pipeline: Any = field(repr=False)
    changes: tuple[Change, ...]
    scan: DisclosureReport

    def __str__(self) -> str:
        return f"{text_table(_HEADER, self._rows())}\n{self.scan}"

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._rows()) + self.scan._repr_html_()

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (each.what, "identical" if each.identical else "changed", each.evidence) for each in self.changes
        ]


def desensitize(
    model: Any,
    *,
    X_train: Any = None,
    y_train: Any = None,
    drop_state: bool = True,
    min_leaf: int | None = None,
    replace_rows: Any = None,
    min_rows: int = 10,
    mask: Mask | None = None,
    max_disclosure: str = "medium",
    random_state: int = 0,
    serializers: Sequence[EstimatorSerializer] = (),
    allow: Sequence[Any] = (),
) -> Desensitized:
    """Make a model that tells less of its training data; the one that is given stays as it is.

    What is claimed to change no prediction (dropping, masking) is proved: both models are asked, and must
    answer bit for bit the same. What changes predictions (merging leaves, replacing rows) is measured. In the
    end the new model is scanned.

    Parameters
    ----------
    model : Pipeline or fitted estimator
        Fitted: a pipeline of the SDK or of scikit-learn, or any estimator.
    X_train : array-like of shape (n_samples, n_features), optional
        What it was fitted on: asked for answers, compared with what is left, and what a student learns from.
        Without it random numbers are asked, where the model takes numbers.
    y_train : array-like of shape (n_samples,), optional
        With it the score of the old and of the new model on the training data is told, too.
    drop_state : bool, default=True
        Drop what no prediction uses: labels and positions of training rows, errors while training, moments of
        optimizers, words that are not used.
    min_leaf : int, optional
        Merge leaves of trees, forests and boosting that hold fewer training rows.
    replace_rows : {"prototypes", "student"} or estimator, optional
        What takes the place of stored training rows: means of groups of them (of k-nearest neighbours and
        kernel densities), or a parametric model that learnt the answers of this one, by default a network
        with one hidden layer. A student takes the place of the first step that keeps rows and of all after.
    min_rows : int, default=10
        Training rows that a prototype stands for, at least.
    mask : Mask, optional
        Mask feature names, class labels, texts of categories and vocabularies under its key.
    max_disclosure : {"none", "low", "medium", "high"}
        The severity that the second scan may find.
    random_state : int
        For prototypes and students.
    serializers, allow : sequence
        What the model needs beyond what the SDK knows, as for `serialization.dump_parts`.

    Returns
    -------
    Desensitized
        With `pipeline`, `changes` and `scan`.

    Raises
    ------
    DisclosureError
        When the second scan finds more than is allowed; the message says what is left and what helps.
    InvalidOptionError
        When an option does not fit the model, when something cannot be masked, merged or replaced, or when a
        change that is claimed to be none changes a prediction.
    UnsupportedModelError
        When state shall be dropped of something that has no safe serialization.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    >>> result = desensitize(forest, X_train=X, min_leaf=5, max_disclosure="low")
    >>> result.scan.highest
    'low'
    """
    _check_options(min_leaf, min_rows, mask, replace_rows, max_disclosure, X_train)
    work = _Work(copy.deepcopy(steps_of(model)), X_train, y_train, random_state)
    prototypes: dict[str, Prototypes] = {}
    if replace_rows is not None:
        prototypes = _replace_rows(work, replace_rows, min_rows)
    if min_leaf is not None:
        merged = sum(merge_small_leaves(step, min_leaf, TrainingRows()) for _, step in work.steps)
        work.measure(f"{merged:,} leaves under {min_leaf} training rows merged")
    if drop_state:
        work.steps, places = dropped_state(work.steps, serializers=serializers, allow=allow)
        work.prove(f"dropped what no prediction uses: {_listed(places)}")
    seen = X_train
    if mask is not None:
        view = _mask(work, mask)
        seen = None if X_train is None else view.masked_input(X_train)
    made = put_steps(model, work.steps)
    if mask is not None and hasattr(made, "chain_") and hasattr(model, "feature_names_in_"):
        made.feature_names_in_ = np.asarray(mask.columns(model.feature_names_in_), dtype=object)
    if prototypes and hasattr(made, "chain_"):
        made._prototypes = prototypes  # noqa: SLF001 - the scan of a publication asks for them
    scan = scan_steps(work.steps, X_train=seen, prototypes=prototypes, min_leaf=min_leaf)
    left = scan.above(max_disclosure)
    if left:
        raise DisclosureError(refusal_of(left, max_disclosure, "is left in the model"), report=scan)
    return Desensitized(pipeline=made, changes=tuple(work.changes), scan=scan)


class _Work:
    """The steps as far as they have come, and what was done to them."""

    def __init__(self, steps: Steps, X_train: Any, y_train: Any, seed: int) -> None:
        self.steps = steps
        self.seed = seed
        self.X_train = X_train
        self.probes = probes_for(steps, X_train, seed)
        self.changes: list[Change] = []
        self._y_train = y_train
        self.answers = answers_of(steps, self.probes)
        self._score = self._scored()

    def measure(self, what: str) -> None:
        """Note a change of predictions, and go on from the new ones."""
        answers = answers_of(self.steps, self.probes)
        same, evidence = compare(self.answers, answers)
        score = self._scored()
        if score is not None and self._score is not None:
            evidence += f"; score on the training data {self._score:.4f}, now {score:.4f}"
        self.changes.append(Change(what=what, identical=same, evidence=evidence))
        self.answers, self._score = answers, score

    def prove(self, what: str, model: Any = None) -> None:
        """Note a change that changes no prediction, or refuse it."""
        answers = answers_of(self.steps if model is None else model, self.probes)
        same, evidence = compare(self.answers, answers)
        if not same:
            raise InvalidOptionError(f"{what}: this was to change no prediction, and it does: {evidence}")
        self.changes.append(Change(what=what, identical=True, evidence=evidence))

    def _scored(self) -> float | None:
        from sklearn.pipeline import Pipeline  # noqa: PLC0415 - heavy

        if self._y_train is None or self.X_train is None:
            return None
        return float(Pipeline(self.steps).score(self.X_train, self._y_train))


def _check_options(
    min_leaf: Any, min_rows: Any, mask: Any, replace_rows: Any, max_disclosure: Any, X_train: Any
) -> None:
    check_level(max_disclosure)
    for name, value in (("min_leaf", min_leaf), ("min_rows", min_rows)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 2):  # noqa: PLR2004 - one is no group
            raise InvalidOptionError(f"{name}={value!r}: expected a whole number of 2 or more.")
    if mask is not None and not isinstance(mask, Mask):
        raise InvalidOptionError(f"mask must be a Mask, not {type(mask).__name__}")
    if isinstance(replace_rows, str) and replace_rows not in ("prototypes", "student"):
        raise InvalidOptionError(
            f"replace_rows={replace_rows!r}: expected 'prototypes', 'student' or an estimator"
        )
    if replace_rows is not None and replace_rows != "prototypes":
        if not isinstance(replace_rows, str) and not hasattr(replace_rows, "fit"):
            raise InvalidOptionError(
                f"replace_rows={replace_rows!r}: expected 'prototypes', 'student' or an estimator"
            )
        if X_train is None:
            raise InvalidOptionError("a student learns from X_train; pass it")


def _replace_rows(work: _Work, how: Any, min_rows: int) -> dict[str, Prototypes]:
    """Put prototypes or a student in the place of stored rows."""
    keepers = steps_with_rows(work.steps, work.X_train)
    if not keepers:
        work.changes.append(Change(what="no stored rows to replace", identical=True, evidence="none found"))
        return {}
    if how == "prototypes":
        made: dict[str, Prototypes] = {}
        for index, path in keepers.items():
            made |= replace_by_prototypes(work.steps[index][1], path, min_rows, work.seed)
        left = steps_with_rows(work.steps, work.X_train, made)
        if left:
            raise InvalidOptionError(
                f"prototypes cannot take the place of the rows in {', '.join(left.values())}; take "
                "replace_rows='student' with X_train"
            )
        work.measure(f"stored rows replaced by prototypes of {min_rows} rows or more")
        return made
    student = None if isinstance(how, str) else how
    place = min(keepers)
    work.steps = replace_by_student(work.steps, place, work.X_train, student, work.seed)
    work.measure(f"{keepers[place]} and what came after replaced by a student of its answers")
    return {}


def _mask(work: _Work, mask: Mask) -> KeyedPipeline:
    """Mask names, and give the view of who has the key."""
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - heavy

    before = work.steps
    work.steps = copy.deepcopy(before)
    told = mask_steps(work.steps, before, mask)
    view = KeyedPipeline(mask, Pipeline(work.steps), Pipeline(before))
    work.prove(f"masked: {', '.join(told) or 'there are no names'}", view)
    return view


def _listed(places: list[str]) -> str:
    shown = 5
    more = f" and {len(places) - shown} more" if len(places) > shown else ""
    return (", ".join(places[:shown]) or "nothing") + more
