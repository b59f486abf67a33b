"""The table's decision trees and their ensembles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Int, Kind, Nothing, Number
from maas_sdk.serialization._kinds_arrays import Array, Indices, Labels
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance, ListOf
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, record, required
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
    if type(init).__name__.startswith("Dummy") and (
        init.n_outputs_ != 1 or getattr(init, "n_classes_", None) != sizes.get("n_classes")
    ):
        raise place.attribute("init_").refusal("has other outputs or classes")


def _rebuild_loss(boosting: Any) -> None:
    """Rebuild the loss, and try what another estimator than a dummy begins with on one row."""
    boosting._loss = boosting._get_loss(sample_weight=None)  # noqa: SLF001 - scikit-learn's own attribute
    if isinstance(boosting.init_, str) or type(boosting.init_).__name__.startswith("Dummy"):
        return
    row = np.zeros((1, boosting.n_features_in_), np.float32)
    shape = boosting._raw_predict_init(row).shape  # noqa: SLF001 - likewise
    if shape != (1, boosting.n_trees_per_iteration_):
        raise ValueError(f"init_ gives scores of shape {shape}")


_CHECKED = (
    "children come after their parent and in its tree, each node has one parent, depths are true; features "
    "exist, thresholds are numbers, values are finite and one for each node or leaf"
)
_MAX_FEATURES = {"max_features_": required(Int(1))}
_CLASSIFIER: dict[str, Field] = {**FEATURES, **CLASS_TABLE}
_REGRESSOR: dict[str, Field] = {**FEATURES, **_OUTPUTS}
_VALUES: dict[bool, tuple[str, int | str]] = {
    True: ("n_outputs", "max_n_classes"),
    False: ("n_outputs", 1),
}  # whether it is a classifier
_FOREST: dict[str, Field] = {
    "trees_random_state": required(ListOf(Either(Nothing(), Int(high=2**32 - 1)))),
    "trees_max_features": required(Int(1)),
    "oob_score_": detail(Number(finite=False)),
    "oob_decision_function_": record(Array(("n_samples", "n_oob"), finite=False)),
    "oob_prediction_": record(
        Either(Array(("n_samples",), finite=False), Array(("n_samples", "n_outputs"), finite=False))
    ),
    "_n_samples": optional(Int()),
    "_sample_weight": optional(Nothing()),
    "_n_samples_bootstrap": optional(Either(Nothing(), Int())),
}
_FOREST_LEFT_OUT = (
    *("estimator", "estimator_", "estimator_params"),  # the constructor's, and as fit sets it
)
_BOOSTING: dict[str, Field] = {
    **FEATURES,
    **_MAX_FEATURES,
    "n_trees_per_iteration_": required(Int(1, size="n_trees_per_iteration")),
    "n_estimators_": required(Int(1)),
    "trees": required(tree_blocks(1, 1)),
    "oob_score_": detail(Number(finite=False)),
    **{
        name: record(Array((f"n_{name}",), finite=False))
        for name in ("train_score_", "oob_improvement_", "oob_scores_")
    },
}
_BOOSTING_LEFT_OUT = ("_loss", "_rng")


def _tree(name: str, fields: dict[str, Field]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.tree",
        {**fields, **_MAX_FEATURES, "trees": required(tree_columns(*_VALUES["classes_" in fields]))},
        native="tree",
        checked=_CHECKED,
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
        checked=_CHECKED,
        pieces=("trees",),
        check=check_class_table if "classes_" in fields else None,
    )


def _boosting(name: str, fields: dict[str, Field]) -> Spec:
    first_guess = Either(Choice(("zero",)), Estimator(("predict",), features="n_features"))
    return Spec(
        f"sklearn.{name}",
        "sklearn.ensemble",
        {**fields, **_BOOSTING, "init_": required(first_guess)},
        left_out=_BOOSTING_LEFT_OUT,
        native="boosting",
        checked=f"{_CHECKED}; as many trees an iteration as scores, also of what it begins with",
        pieces=("trees",),
        check=_check_boosting,
        finish=_rebuild_loss,
    )


_ISOLATION: dict[str, Field] = {
    **FEATURES,
    "estimators_features_": required(ListOf(Indices(("n_used",), "n_features"))),
    "max_samples_": required(Int(1)),
    "_max_samples": required(Int(1)),
    "_max_features": required(Int(1)),
    "offset_": required(Number()),
    "_n_samples": required(Int(1)),
    "_seeds": required(Array(("n_seeds",), dtypes="i")),
    **{name: _FOREST[name] for name in ("trees_random_state", "trees_max_features", "_sample_weight")},
    "trees": required(tree_blocks(1, 1)),
}
_EMBEDDING: dict[str, Field] = {
    **_REGRESSOR,
    **_FOREST,
    "one_hot_encoder_": required(Instance((("sklearn", "OneHotEncoder"),))),
    "_n_features_out": required(Int(1)),
    "trees": required(tree_blocks(1, 1)),
}


def _check_isolation(isolation: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Features are chosen for each tree where it does not take all."""
    if attributes["_max_features"] != scope.sizes["n_used"]:
        raise place.attribute("_max_features").refusal("not the number of features of a tree")
    if scope.sizes["n_used"] > scope.sizes["n_features"] or isolation.bootstrap_features:
        raise place.attribute("estimators_features_").refusal("more features than there are")


TREES: tuple[Spec, ...] = (
    Spec(
        "sklearn.IsolationForest",
        "sklearn.ensemble",
        _ISOLATION,
        params=_THREADS,
        left_out=(
            *("estimator", "estimator_", "estimator_params", "bootstrap_features", "oob_score"),
            *("_average_path_length_per_tree", "_decision_path_lengths"),
        ),
        native="isolation",
        checked=f"{_CHECKED}; the features of each tree exist",
        pieces=("trees",),
        check=_check_isolation,
    ),
    Spec(
        "sklearn.RandomTreesEmbedding",
        "sklearn.ensemble",
        _EMBEDDING,
        params=_THREADS,
        left_out=(*_FOREST_LEFT_OUT, "bootstrap", "class_weight", "max_samples", "oob_score"),
        native="embedding",
        checked=f"{_CHECKED}; the encoder knows as many trees",
        pieces=("trees",),
    ),
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
    ),
    _boosting("GradientBoostingRegressor", {}),
)
