"""The table's decision trees and their ensembles."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from maas_sdk.serialization._kinds import (
    Choice,
    Either,
    Instance,
    Int,
    Kind,
    Labels,
    ListOf,
    Nothing,
    Number,
)
from maas_sdk.serialization._spec import FEATURES, Field, Native, Spec, optional, required
from maas_sdk.serialization._table_preparation import CLASS_TABLE, check_class_table
from maas_sdk.serialization._trees import build_trees, take_trees, tree_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["TREES"]

_OUTPUTS = {"n_outputs_": required(Int(1, size="n_outputs"))}
# Prediction shares the trees among threads.
_THREADS: dict[str, Kind] = {"n_estimators": Int(1), "n_jobs": Either(Nothing(), Int(-1024, -1), Int(1, 256))}


def _build(
    columns: Mapping[str, Any], attributes: Mapping[str, Any], scope: Scope, place: Place, limits: Limits
) -> list[Any]:
    """Build trees with the outputs and classes of their estimator; one value an output for regression."""
    counts = attributes.get("n_classes_", [1] * scope.sizes["n_outputs"])
    return build_trees(
        columns,
        n_features=scope.sizes["n_features"],
        n_classes=[int(count) for count in np.atleast_1d(counts)],
        place=place,
        limits=limits,
    )


# Single trees


def _tree_apart(_: Any, attributes: dict[str, Any], place: Place) -> None:  # noqa: ARG001 - the protocol's
    attributes["trees"] = take_trees([attributes.pop("tree_")])


def _tree_together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    columns, here = attributes.pop("trees"), place.attribute("trees")
    if scope.sizes["n_trees"] != 1:
        raise here.refusal(f"{scope.sizes['n_trees']} trees instead of one")
    (attributes["tree_"],) = _build(columns, attributes, scope, here, limits)


# Forests: the trees differ in their nodes and random states alone


def _forest_apart(_: Any, attributes: dict[str, Any], place: Place) -> None:
    members = attributes.pop("estimators_")
    expected = _member_attributes(attributes)
    for index, member in enumerate(members):
        _check_member(member, expected, place.attribute("estimators_").item(index))
    attributes["trees"] = take_trees([member.tree_ for member in members])
    attributes["trees_random_state"] = [
        member.random_state if isinstance(member.random_state, int) else None for member in members
    ]
    attributes["trees_max_features"] = members[0].max_features_
    if attributes.get("_sample_weight") is not None:
        del attributes["_sample_weight"]  # one number a row of the training data


def _check_member(member: Any, expected: Mapping[str, Any], place: Place) -> None:
    for name in ("n_outputs_", "n_classes_", "classes_", "n_features_in_"):
        if not np.array_equal(_flat(getattr(member, name, None)), _flat(expected.get(name))):
            raise place.attribute(name).refusal("differs from what the forest gave its trees")


def _flat(value: Any) -> NDArray[Any]:
    """Give a number, an array or a list of arrays as one array."""
    return np.concatenate([np.ravel(item) for item in (value if isinstance(value, list) else [value])])


def _member_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Give what all trees of a forest have: their classes are the numbers of the forest's."""
    given = {name: attributes[name] for name in ("n_features_in_", "n_outputs_")}
    if "n_classes_" not in attributes:
        return given
    counts = np.array(attributes["n_classes_"], np.intp)
    classes = [np.arange(count, dtype=np.float64) for count in np.atleast_1d(counts)]
    if counts.ndim:
        return {**given, "classes_": classes, "n_classes_": counts}
    return {**given, "classes_": classes[0], "n_classes_": counts[()]}


def _forest_together(
    forest: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits
) -> None:
    columns, here = attributes.pop("trees"), place.attribute("trees")
    trees = _build(columns, attributes, scope, here, limits)
    forest._validate_estimator()  # noqa: SLF001 - sets estimator_, as fit does
    template = forest._make_estimator(append=False)  # noqa: SLF001 - likewise
    vars(template).update(_member_attributes(attributes), max_features_=attributes.pop("trees_max_features"))
    attributes["estimators_"] = [
        _member(template, tree, random_state)
        for tree, random_state in zip(trees, attributes.pop("trees_random_state"), strict=True)
    ]


def _member(template: Any, tree: Any, random_state: int | None) -> Any:
    member = copy.copy(template)
    vars(member).update(tree_=tree, random_state=random_state)
    return member


# Gradient boosting: an array of regression trees, one column for each score

_SHARED_OPTIONS = (  # of the ensemble and its trees
    *("max_depth", "min_samples_split", "min_samples_leaf", "min_weight_fraction_leaf"),
    *("min_impurity_decrease", "max_features", "max_leaf_nodes", "ccp_alpha"),
)


def _boosting_apart(_: Any, attributes: dict[str, Any], place: Place) -> None:  # noqa: ARG001 - the protocol's
    attributes["trees"] = take_trees([member.tree_ for member in attributes.pop("estimators_").ravel()])


def _check_boosting(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Compare the columns of trees with the scores of the loss and of the first guess.

    Native code adds the trees to the scores without looking how many there are.
    """
    sizes = scope.sizes
    if sizes["n_trees_per_iteration"] != sizes.get("n_scores", 1):
        raise place.attribute("n_trees_per_iteration_").refusal("not the number of scores")
    if sizes["n_trees"] % sizes["n_trees_per_iteration"]:
        raise place.attribute("trees").refusal("an incomplete iteration")
    init = attributes["init_"]
    if not isinstance(init, str) and (
        init.n_outputs_ != 1 or getattr(init, "n_classes_", None) != sizes.get("n_classes")
    ):
        raise place.attribute("init_").refusal("has other outputs or classes")


def _boosting_together(
    boosting: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits
) -> None:
    columns, here = attributes.pop("trees"), place.attribute("trees")
    trees = build_trees(
        columns, n_features=scope.sizes["n_features"], n_classes=[1], place=here, limits=limits
    )
    options = {name: getattr(boosting, name) for name in _SHARED_OPTIONS}
    template = DecisionTreeRegressor(**options)
    vars(template).update(
        n_outputs_=1, n_features_in_=scope.sizes["n_features"], max_features_=attributes["max_features_"]
    )
    members = np.empty(len(trees), dtype=object)
    members[:] = [_member(template, tree, None) for tree in trees]
    attributes["estimators_"] = members.reshape(-1, scope.sizes["n_trees_per_iteration"])


def _rebuild_loss(boosting: Any) -> None:
    boosting._loss = boosting._get_loss(sample_weight=None)  # noqa: SLF001 - scikit-learn's own attribute


_MAX_FEATURES = {"max_features_": required(Int(1))}
_COLUMNS = tree_columns("n_outputs", "max_n_classes")
_REGRESSION_COLUMNS = tree_columns("n_outputs", 1)
_CLASSIFIER: dict[str, Field] = {**FEATURES, **CLASS_TABLE, "trees": required(_COLUMNS)}
_REGRESSOR: dict[str, Field] = {**FEATURES, **_OUTPUTS, "trees": required(_REGRESSION_COLUMNS)}
_FOREST: dict[str, Field] = {
    "trees_random_state": required(ListOf(Either(Nothing(), Int(high=2**32 - 1)), "n_trees")),
    "trees_max_features": required(Int(1)),
    "oob_score_": optional(Number(finite=False)),
    "_n_samples": optional(Int()),
    "_sample_weight": optional(Nothing()),
    "_n_samples_bootstrap": optional(Either(Nothing(), Int())),
}
_FOREST_LEFT_OUT = (
    *("estimator", "estimator_", "estimator_params"),  # the constructor's, and as fit sets it
    *("oob_decision_function_", "oob_prediction_"),
)
_BOOSTING: dict[str, Field] = {
    **FEATURES,
    **_MAX_FEATURES,
    "n_trees_per_iteration_": required(Int(1, size="n_trees_per_iteration")),
    "n_estimators_": required(Int(1)),
    "trees": required(tree_columns(1, 1)),
    "oob_score_": optional(Number(finite=False)),
}
_BOOSTING_LEFT_OUT = ("_loss", "_rng", "train_score_", "oob_improvement_", "oob_scores_")


def _tree(name: str, fields: dict[str, Field]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.tree",
        {**fields, **_MAX_FEATURES},
        native=Native(_tree_apart, _tree_together),
        check=check_class_table if "classes_" in fields else None,
    )


def _forest(name: str, fields: dict[str, Field]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.ensemble",
        {**fields, **_FOREST},
        params=_THREADS,
        left_out=_FOREST_LEFT_OUT,
        native=Native(_forest_apart, _forest_together),
        check=check_class_table if "classes_" in fields else None,
    )


def _boosting(name: str, fields: dict[str, Field], dummy: str) -> Spec:
    first_guess = Either(Choice(("zero",)), Instance((("sklearn", dummy),)))
    return Spec(
        f"sklearn.{name}",
        "sklearn.ensemble",
        {**fields, **_BOOSTING, "init_": required(first_guess)},
        nested={"init": "one"},
        left_out=_BOOSTING_LEFT_OUT,
        native=Native(_boosting_apart, _boosting_together),
        check=_check_boosting,
        finish=_rebuild_loss,
    )


TREES: tuple[Spec, ...] = (
    *(_tree(name, _CLASSIFIER) for name in ("DecisionTreeClassifier", "ExtraTreeClassifier")),
    *(_tree(name, _REGRESSOR) for name in ("DecisionTreeRegressor", "ExtraTreeRegressor")),
    *(_forest(name, _CLASSIFIER) for name in ("RandomForestClassifier", "ExtraTreesClassifier")),
    *(_forest(name, _REGRESSOR) for name in ("RandomForestRegressor", "ExtraTreesRegressor")),
    _boosting(
        "GradientBoostingClassifier",
        {
            "classes_": required(Labels(scores="n_scores")),
            "n_classes_": required(Int(2, size="n_classes")),
        },
        "DummyClassifier",
    ),
    _boosting("GradientBoostingRegressor", {}, "DummyRegressor"),
)
