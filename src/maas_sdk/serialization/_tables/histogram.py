"""The table's histogram-based gradient boosting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Flag, Int, Nothing
from maas_sdk.serialization._kinds_arrays import Array, Labels
from maas_sdk.serialization._kinds_compound import Either, Instance
from maas_sdk.serialization._spec import FEATURES, Field, Spec, optional, record, required
from maas_sdk.serialization._tables._columns import boosting_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["HISTOGRAMS"]


def _check(_: Any, __: Mapping[str, Any], scope: Scope, place: Place) -> None:
    if scope.sizes["n_trees_per_iteration"] != scope.sizes.get("n_scores", 1):
        raise place.attribute("n_trees_per_iteration_").refusal("not the number of scores")


def _rebuild_loss(boosting: Any) -> None:
    boosting._loss = boosting._get_loss(sample_weight=None)  # noqa: SLF001 - scikit-learn's own attribute


_FIELDS: dict[str, Field] = {
    **FEATURES,
    "_n_features": required(Int(1, size="n_features")),
    "is_categorical_": required(Either(Nothing(), Array(("n_features",), dtypes="b"))),
    "categorical_encoder": optional(Instance((("sklearn", "OrdinalEncoder"),))),
    "n_trees_per_iteration_": required(Int(1, size="n_trees_per_iteration")),
    "_baseline_prediction": required(Array((1, "n_trees_per_iteration"))),
    "do_early_stopping_": required(Flag()),
    "_use_validation_data": optional(Flag()),
    "_fitted_with_sw": optional(Flag()),
    "trees": required(boosting_blocks()),
    "train_score_": record(Array(("n_scored",), finite=False)),
    "validation_score_": record(Array(("n_validated",), finite=False)),
}
_LEFT_OUT = (
    *(
        "_bin_mapper",
        "_is_categorical_remapped",
        "_label_encoder",
        "_loss",
        "_scorer",
        "_random_seed",
        "_feature_subsample_rng",
    ),
    "_raw_predict",  # the class's own method, which early stopping puts back in the wrong place
)


def _spec(name: str, fields: Mapping[str, Field]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.ensemble",
        {**fields, **_FIELDS},
        left_out=_LEFT_OUT,
        native="histogram",
        checked="as for trees; a set of categories for each split by one, whose feature has categories; "
        "at most max_bins categories",
        pieces=("trees",),
        check=_check,
        finish=_rebuild_loss,
    )


HISTOGRAMS: Sequence[Spec] = (
    _spec("HistGradientBoostingClassifier", {"classes_": required(Labels(scores="n_scores"))}),
    _spec("HistGradientBoostingRegressor", {}),
)
