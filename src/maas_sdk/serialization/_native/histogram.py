"""Histogram-based gradient boosting: predictors, the bin mapper's categories, the encoder of categories."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE, X_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.utils import check_array

from maas_sdk.errors import NotIncludedError, UnsupportedModelError
from maas_sdk.serialization._native._structure import (
    LEAF,
    blocks,
    check_features,
    columns_of_structure,
    read_structures,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._native._structure import Structure
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]

_SPLITS = {"feature": "feature_idx", "threshold": "num_threshold"}
_LEAST = 50  # iterations of a block: their trees are small
_FLAGS = ("missing_go_to_left", "is_categorical")
_FIELDS = {
    *(
        "value",
        "count",
        "feature_idx",
        "num_threshold",
        "missing_go_to_left",
        "left",
        "right",
        "gain",
        "depth",
    ),
    *("is_leaf", "bin_threshold", "is_categorical", "bitset_idx"),
}


class InferencePredictor(TreePredictor):  # type: ignore[misc]
    """A predictor of raw values, which says so when it is asked for what its file left out."""

    def _left_out(self, *_: object, **__: object) -> NoReturn:
        raise NotIncludedError(
            "the inference profile keeps what predictions use; this needs counts or bins of nodes: ask for "
            "a file in the profile 'full'"
        )

    compute_partial_dependence = _left_out
    predict_binned = _left_out


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace the predictors by columns, and the preprocessor of categories by its encoder."""
    _check_version()
    predictors = attributes.pop("_predictors")
    attributes["trees"] = [
        _take([each for iteration in predictors[start:end] for each in iteration], profile)
        for start, end in blocks(len(predictors), least=_LEAST)
    ]
    preprocessor = attributes.pop("_preprocessor")
    if preprocessor is not None:
        attributes["categorical_encoder"] = preprocessor.named_transformers_["encoder"]


def _check_version() -> None:
    unknown = set(PREDICTOR_RECORD_DTYPE.names) ^ _FIELDS
    if unknown:
        raise UnsupportedModelError(
            f"this version of scikit-learn has other fields in its trees: {', '.join(sorted(unknown))}; "
            f"update maas-sdk, or use the scikit-learn that it was released with"
        )


def _take(predictors: Sequence[Any], profile: Profile) -> dict[str, NDArray[Any]]:
    """Give the columns of some predictors."""
    if any(isinstance(predictor, InferencePredictor) for predictor in predictors):
        profile = "inference"  # there is no more of them
    nodes = np.concatenate([predictor.nodes for predictor in predictors])
    counts = np.array([predictor.nodes.size for predictor in predictors], np.int64)
    leaves = nodes["is_leaf"] != 0
    inner = np.flatnonzero(~leaves)
    left, right = (np.where(leaves, LEAF, nodes[name].astype(np.int64)) for name in ("left", "right"))
    columns = {
        **columns_of_structure(left, right, nodes["depth"], counts),
        **{name: nodes[field][inner] for name, field in _SPLITS.items()},
        **{name: nodes[name][inner] != 0 for name in _FLAGS},
        "categories": _bitsets(predictors, "raw_left_cat_bitsets"),
    }
    if profile == "inference":
        return {**columns, "value": nodes["value"][leaves]}
    return {
        **columns,
        **{name: np.ascontiguousarray(nodes[name]) for name in ("value", "count", "gain")},
        "bin_threshold": nodes["bin_threshold"][inner],
        "binned_categories": _bitsets(predictors, "binned_left_cat_bitsets"),
    }


def _bitsets(predictors: Sequence[Any], name: str) -> NDArray[np.uint32]:
    """Give the bit sets of all categorical splits, in the order of their nodes."""
    rows = []
    for predictor in predictors:
        nodes = predictor.nodes
        chosen = nodes["bitset_idx"][(nodes["is_categorical"] != 0) & (nodes["is_leaf"] == 0)]
        rows.append(np.reshape(getattr(predictor, name)[chosen], (-1, 8)))
    return np.concatenate(rows).astype(np.uint32)


def together(boosting: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    """Replace columns by predictors, and the encoder by the preprocessor around it."""
    _check_version()
    n_features, step = scope.sizes["n_features"], scope.sizes["n_trees_per_iteration"]
    check_features(n_features, sum(columns["depth"].size for columns in attributes["trees"]), place)
    mask, encoder = attributes["is_categorical_"], attributes.pop("categorical_encoder", None)
    known = _known_categories(boosting, mask, encoder, place)
    here = place.attribute("trees")
    predictors = [
        predictor
        for index, columns in enumerate(attributes.pop("trees"))
        for predictor in _build(columns, n_features, len(known), here.item(index), limits)
    ]
    if not predictors or len(predictors) % step:
        raise here.refusal("no trees, or an incomplete iteration")
    attributes["_predictors"] = [
        predictors[start : start + step] for start in range(0, len(predictors), step)
    ]
    mapper = _BinMapper(n_bins=boosting.max_bins + 1)
    mapper.is_categorical_ = (np.arange(n_features) < len(known)).astype(np.uint8)
    mapper.missing_values_bin_idx_ = boosting.max_bins
    # Looked at for categorical features only, which the preprocessor puts first.
    mapper.bin_thresholds_ = [*known, *[None] * (n_features - len(known))]
    attributes.update(_bin_mapper=mapper, _preprocessor=None, _is_categorical_remapped=None)
    if encoder is not None:
        attributes["_preprocessor"] = _preprocessor(encoder, mask, attributes.get("feature_names_in_"))
        attributes["_is_categorical_remapped"] = mapper.is_categorical_ != 0


def _known_categories(
    boosting: Any, mask: NDArray[np.bool_] | None, encoder: Any, place: Place
) -> list[NDArray[np.float64]]:
    """Give the codes of each categorical feature; native code sets one of 256 bits for each."""
    if mask is None and encoder is None:
        return []
    here = place.attribute("categorical_encoder")
    n_categorical = 0 if mask is None else int(mask.sum())
    if encoder is None or n_categorical == 0 or len(encoder.categories_) != n_categorical:
        raise here.refusal(f"not one that knows the categories of {n_categorical} features")
    known = []
    for categories in encoder.categories_:
        last = categories[-1] if categories.size else None
        size = categories.size - (isinstance(last, float) and np.isnan(last))
        if size > boosting.max_bins:
            raise here.refusal(f"{size} categories, more than max_bins ({boosting.max_bins})")
        known.append(np.arange(size, dtype=X_DTYPE))
    return known


def _preprocessor(encoder: Any, mask: NDArray[np.bool_], names: NDArray[Any] | None) -> ColumnTransformer:
    """Give what turns rows into codes and numbers, fitted to nothing but its columns."""
    to_numbers = FunctionTransformer(partial(check_array, dtype=[X_DTYPE], ensure_all_finite=False))
    preprocessor = ColumnTransformer(
        [("encoder", OrdinalEncoder(**encoder.get_params()), mask), ("numerical", to_numbers, ~mask)]
    )
    preprocessor.set_output(transform="default").fit(np.zeros((1, mask.size)))
    fitted = {"encoder": encoder, "numerical": preprocessor.named_transformers_["numerical"]}
    if names is not None:
        preprocessor.feature_names_in_ = names
        fitted["numerical"].feature_names_in_ = names[~mask]
    preprocessor.transformers_ = [
        (name, fitted.get(name, part), columns) for name, part, columns in preprocessor.transformers_
    ]
    return preprocessor


def _build(
    columns: Mapping[str, NDArray[Any]], n_features: int, n_categorical: int, place: Place, limits: Limits
) -> list[TreePredictor]:
    """Prove columns, each of its kind already, and build the predictors of a block."""
    (structure,) = read_structures(columns, place, limits)
    _check_splits(columns, structure, n_features, n_categorical, place)
    inner, n_nodes = structure.inner, structure.depth.size
    nodes = np.zeros(n_nodes, PREDICTOR_RECORD_DTYPE)
    nodes["is_leaf"] = 1
    nodes["is_leaf"][inner] = 0
    nodes["depth"] = structure.depth
    nodes["left"][inner], nodes["right"][inner] = structure.left, structure.right
    for name, field in {**_SPLITS, **{name: name for name in _FLAGS}}.items():
        nodes[field][inner] = columns[name]
    cls = TreePredictor if "gain" in columns else InferencePredictor
    if cls is TreePredictor:
        for name in ("value", "count", "gain"):
            nodes[name] = columns[name]
        nodes["bin_threshold"][inner] = columns["bin_threshold"]
    else:
        nodes["value"][nodes["is_leaf"] != 0] = columns["value"]
        nodes["value"][inner] = np.nan
        nodes["gain"] = np.nan
    return _cut(cls, nodes, columns, structure)


def _cut(
    cls: type[TreePredictor],
    nodes: NDArray[Any],
    columns: Mapping[str, NDArray[Any]],
    structure: Structure,
) -> list[TreePredictor]:
    """Give each tree its nodes and its bit sets, which it counts from 0."""
    raw = np.ascontiguousarray(columns["categories"], np.uint32)
    binned = np.ascontiguousarray(columns.get("binned_categories", raw), np.uint32)
    ends = structure.starts + structure.counts
    categorical = structure.inner[columns["is_categorical"]]
    first = np.searchsorted(categorical, structure.starts)
    nodes["bitset_idx"][categorical] = np.arange(categorical.size) - np.repeat(
        first, np.searchsorted(categorical, ends) - first
    )
    return [
        cls(nodes[start:end], binned[low:high], raw[low:high])
        for start, end, low, high in zip(
            structure.starts.tolist(),
            ends.tolist(),
            first.tolist(),
            np.searchsorted(categorical, ends).tolist(),
            strict=True,
        )
    ]


def _check_splits(
    columns: Mapping[str, NDArray[Any]],
    structure: Structure,
    n_features: int,
    n_categorical: int,
    place: Place,
) -> None:
    feature, n_inner, n_nodes = columns["feature"], structure.inner.size, structure.depth.size
    if feature.size != n_inner:
        raise place.attribute("feature").refusal(f"not one for each of {n_inner} nodes with children")
    if columns["value"].size != (n_nodes if "gain" in columns else n_nodes - n_inner):
        raise place.attribute("value").refusal("not one for each node or leaf")
    if n_inner and (feature.min() < 0 or feature.max() >= n_features):
        raise place.attribute("feature").refusal(f"a feature is not one of {n_features}")
    if np.isnan(columns["threshold"]).any():
        raise place.attribute("threshold").refusal("a threshold is missing")
    categorical = feature[columns["is_categorical"]]
    if categorical.size != columns["categories"].shape[0] or (categorical >= n_categorical).any():
        raise place.attribute("is_categorical").refusal(
            "not one set of categories for each such node, or a feature without categories"
        )
