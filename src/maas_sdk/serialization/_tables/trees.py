"""The table's decision trees and their ensembles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Choice, Either, Instance, Int, Kind, ListOf, Nothing, Number
from maas_sdk.serialization._kinds_arrays import Labels
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, required
from maas_sdk.serialization._tables._columns import tree_blocks, tree_columns
from maas_sdk.serialization._tables.preparation import CLASS_TABLE, check_class_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["TREES"]

_OUTPUTS = {"n_outputs_": required(Int(1, size="n_outputs"))}
# Prediction shares the trees among threads.
_THREADS: dict[str, Kind] = {"n_estimators": Int(1), "n_jobs": Either(Nothing(), Int(-1024, -1), Int(1, 256))}


def _check_boosting(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Compare the columns of trees with the scores of the loss and of the first guess.

    Native code adds the trees to the scores without looking how many there are.
    """
    sizes = scope.sizes
    if sizes["n_trees_per_iteration"] != sizes.get("n_scores", 1):
        raise place.attribute("n_trees_per_iteration_").refusal("not the number of scores")
    init = attributes["init_"]
    if not isinstance(init, str) and (
        init.n_outputs_ != 1 or getattr(init, "n_classes_", None) != sizes.get("n_classes")
    ):
        raise place.attribute("init_").refusal("has other outputs or classes")


def _rebuild_loss(boosting: Any) -> None:
    boosting._loss = boosting._get_loss(sample_weight=None)  # noqa: SLF001 - scikit-learn's own attribute


_MAX_FEATURES = {"max_features_": required(Int(1))}
_CLASSIFIER: dict[str, Field] = {**FEATURES, **CLASS_TABLE}
_REGRESSOR: dict[str, Field] = {**FEATURES, **_OUTPUTS}
_VALUES = {True: ("n_outputs", "max_n_classes"), False: ("n_outputs", 1)}  # whether it is a classifier
_FOREST: dict[str, Field] = {
    "trees_random_state": required(ListOf(Either(Nothing(), Int(high=2**32 - 1)))),
    "trees_max_features": required(Int(1)),
    "oob_score_": detail(Number(finite=False)),
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
    "trees": required(tree_blocks(1, 1)),
    "oob_score_": detail(Number(finite=False)),
}
_BOOSTING_LEFT_OUT = ("_loss", "_rng", "train_score_", "oob_improvement_", "oob_scores_")


def _tree(name: str, fields: dict[str, Field]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.tree",
        {**fields, **_MAX_FEATURES, "trees": required(tree_columns(*_VALUES["classes_" in fields]))},
        native="tree",
        check=check_class_table if "classes_" in fields else None,
    )


def _forest(name: str, fields: dict[str, Field]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.ensemble",
        {**fields, **_FOREST, "trees": required(tree_blocks(*_VALUES["classes_" in fields]))},
        params=_THREADS,
        left_out=_FOREST_LEFT_OUT,
        native="forest",
        check=check_class_table if "classes_" in fields else None,
    )


def _boosting(name: str, fields: dict[str, Field], dummy: str) -> Spec:
    first_guess = Either(Choice(("zero",)), Instance((("sklearn", dummy),)))
    return Spec(
        f"sklearn.{name}",
        "sklearn.ensemble",
        {**fields, **_BOOSTING, "init_": required(first_guess)},
        left_out=_BOOSTING_LEFT_OUT,
        native="boosting",
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
