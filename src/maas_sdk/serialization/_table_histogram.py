"""The table's histogram-based gradient boosting, without categorical features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

from maas_sdk.errors import UnsupportedModelError
from maas_sdk.serialization._kinds import Array, Flag, Int, Kind, Labels, Nothing, Record
from maas_sdk.serialization._spec import FEATURES, Field, Native, Spec, optional, required
from maas_sdk.serialization._trees import check_counts, check_structure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["HISTOGRAMS"]

_COLUMNS: dict[str, Kind] = {
    "value": Array(("n_nodes",)),
    "count": Array(("n_nodes",), dtypes="u"),
    "feature_idx": Array(("n_nodes",), dtypes="i"),
    "num_threshold": Array(("n_nodes",), finite=False),  # infinite where a split sets missing values apart
    "missing_go_to_left": Array(("n_nodes",), dtypes="u"),
    "left": Array(("n_nodes",), dtypes="u"),
    "right": Array(("n_nodes",), dtypes="u"),
    "gain": Array(("n_nodes",), finite=False),
    "bin_threshold": Array(("n_nodes",), dtypes="u"),
}
_DERIVED = {"is_leaf", "depth"}  # from the children
_CATEGORICAL = {"is_categorical", "bitset_idx"}  # none
_NO_BITSETS = (0, 8)


def _check_version() -> None:
    unknown = set(PREDICTOR_RECORD_DTYPE.names) ^ (_COLUMNS.keys() | _DERIVED | _CATEGORICAL)
    if unknown:
        raise UnsupportedModelError(
            f"this version of scikit-learn has other fields in its trees: {', '.join(sorted(unknown))}; "
            f"update maas-sdk, or use the scikit-learn that it was released with"
        )


def _apart(_: Any, attributes: dict[str, Any], place: Place) -> None:
    if attributes.pop("is_categorical_") is not None:
        raise place.attribute("is_categorical_").refusal("categorical features are not supported yet")
    _check_version()
    predictors = [predictor for iteration in attributes.pop("_predictors") for predictor in iteration]
    nodes = np.concatenate([predictor.nodes for predictor in predictors])
    counts = np.array([predictor.nodes.size for predictor in predictors], np.int64)
    columns = {name: np.ascontiguousarray(nodes[name]) for name in _COLUMNS}
    attributes["trees"] = {"node_count": counts, **columns}
    attributes["is_categorical"] = np.zeros(attributes["_n_features"], np.bool_)


def _together(boosting: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    columns, here = attributes.pop("trees"), place.attribute("trees")
    predictors = _build(columns, scope.sizes["n_features"], here, limits)
    step = scope.sizes["n_trees_per_iteration"]
    attributes["_predictors"] = [
        predictors[start : start + step] for start in range(0, len(predictors), step)
    ]
    mapper = _BinMapper(n_bins=boosting.max_bins + 1)
    mapper.is_categorical_ = attributes.pop("is_categorical").astype(np.uint8)
    mapper.missing_values_bin_idx_ = boosting.max_bins
    mapper.bin_thresholds_ = [None] * mapper.is_categorical_.size  # looked at for categorical features only
    attributes.update(_bin_mapper=mapper, is_categorical_=None)


def _build(
    columns: Mapping[str, NDArray[Any]], n_features: int, place: Place, limits: Limits
) -> list[TreePredictor]:
    """Check columns, each of its kind already, and build the predictors."""
    _check_version()
    counts = columns["node_count"].astype(np.intp)
    check_counts(counts, columns["value"].size, place, limits)
    left, right = (
        np.where(columns[name] == 0, -1, columns[name].astype(np.intp)) for name in ("left", "right")
    )
    leaves, depths = check_structure(left, right, counts, place)
    feature, threshold, missing = (
        columns[name] for name in ("feature_idx", "num_threshold", "missing_go_to_left")
    )
    if ((feature < 0) | (feature >= n_features)).any():
        raise place.attribute("feature_idx").refusal(f"a feature is not one of {n_features}")
    if np.isnan(threshold).any() or (missing > 1).any():
        raise place.attribute("num_threshold").refusal("a threshold or the way of missing values is none")
    nodes = np.zeros(leaves.size, PREDICTOR_RECORD_DTYPE)
    for name in _COLUMNS:
        nodes[name] = columns[name]
    nodes["is_leaf"], nodes["depth"] = leaves, depths
    ends = np.cumsum(counts)
    bitsets = np.zeros(_NO_BITSETS, np.uint32)
    return [
        TreePredictor(nodes[end - count : end], bitsets, bitsets)
        for count, end in zip(counts, ends, strict=True)
    ]


def _check(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    sizes = scope.sizes
    if sizes["n_trees_per_iteration"] != sizes.get("n_scores", 1):
        raise place.attribute("n_trees_per_iteration_").refusal("not the number of scores")
    if sizes["n_trees"] % sizes["n_trees_per_iteration"]:
        raise place.attribute("trees").refusal("an incomplete iteration")
    if attributes["is_categorical"].any():
        raise place.attribute("is_categorical").refusal("categorical features are not supported yet")


def _rebuild_loss(boosting: Any) -> None:
    boosting._loss = boosting._get_loss(sample_weight=None)  # noqa: SLF001 - scikit-learn's own attribute


_FIELDS: dict[str, Field] = {
    **FEATURES,
    "_n_features": required(Int(1, size="n_features")),
    "_preprocessor": required(Nothing()),
    "_is_categorical_remapped": required(Nothing()),
    "is_categorical": required(Array(("n_features",), dtypes="b")),
    "n_trees_per_iteration_": required(Int(1, size="n_trees_per_iteration")),
    "_baseline_prediction": required(Array((1, "n_trees_per_iteration"))),
    "do_early_stopping_": required(Flag()),
    "_use_validation_data": optional(Flag()),
    "_fitted_with_sw": optional(Flag()),
    "trees": required(Record({"node_count": Array(("n_trees",), dtypes="i"), **_COLUMNS})),
}
_LEFT_OUT = (
    *("_bin_mapper", "_label_encoder", "_loss", "_scorer", "_random_seed", "_feature_subsample_rng"),
    *("train_score_", "validation_score_"),
    "_raw_predict",  # the class's own method, which early stopping puts back in the wrong place
)


def _spec(name: str, fields: Mapping[str, Field]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        "sklearn.ensemble",
        {**fields, **_FIELDS},
        left_out=_LEFT_OUT,
        native=Native(_apart, _together),
        check=_check,
        finish=_rebuild_loss,
    )


HISTOGRAMS: Sequence[Spec] = (
    _spec("HistGradientBoostingClassifier", {"classes_": required(Labels(scores="n_scores"))}),
    _spec("HistGradientBoostingRegressor", {}),
)
