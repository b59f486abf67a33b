"""The table's encoders of categories and labels."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import MAX_NAME, Choice, Flag, Int, Nothing, Number, Scope
from maas_sdk.serialization._kinds_arrays import Array, Dtype, Labels, Objects
from maas_sdk.serialization._kinds_compound import Either, ListOf
from maas_sdk.serialization._spec import FEATURES, Field, Spec, optional, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.serialization._place import Place

__all__ = ["ENCODING"]

_MODULE = "sklearn.preprocessing"


def _ends_in_nan(categories: NDArray[Any]) -> bool:
    last = categories[-1]
    return isinstance(last, float | np.floating) and math.isnan(last)


def _counts(attributes: Mapping[str, Any], place: Place, *, missing_apart: bool) -> list[int]:
    """Check categories, and which of them are rare; give how many are told apart in each column.

    Parameters
    ----------
    attributes : mapping of str to object
    place : Place
    missing_apart : bool
        Whether a missing value is not one of those that may be rare.
    """
    groups = attributes.get("_infrequent_indices")
    if attributes["_infrequent_enabled"] and groups is None:
        raise place.attribute("_infrequent_indices").refusal("missing")
    counts = []
    for index, categories in enumerate(attributes["categories_"]):
        here = place.attribute("categories_").item(index)
        if not categories.size:
            raise here.refusal("expected categories")
        missing = _ends_in_nan(categories)
        if categories.dtype.kind not in "OU":
            known = categories[:-1] if missing else categories
            if not (known[1:] > known[:-1]).all() or (known != known).any():  # noqa: PLR0124 - NaN
                raise here.refusal("expected different numbers in their order")
        count = categories.size - (missing and missing_apart)
        rare: Any = None if groups is None else groups[index]
        if rare is not None:
            there = place.attribute("_infrequent_indices").item(index)
            if not rare.size or rare[0] < 0 or rare[-1] >= count or not (rare[1:] > rare[:-1]).all():
                raise there.refusal(f"expected integers below {count} in their order")
        grouped = rare is not None and attributes["_infrequent_enabled"]
        counts.append(categories.size - (rare.size - 1 if grouped else 0))
    return counts


def _group(encoder: Any, *, missing_apart: bool) -> None:
    """Rebuild which category becomes which; those that are rare become one."""
    mappings: list[NDArray[np.int64] | None] = []
    for categories, rare in zip(
        encoder.categories_, getattr(encoder, "_infrequent_indices", ()), strict=False
    ):
        if rare is None:
            mappings.append(None)
            continue
        count = categories.size - (missing_apart and _ends_in_nan(categories))
        mapping = np.full(count, count - rare.size, np.int64)
        mapping[np.delete(np.arange(count), rare)] = np.arange(count - rare.size)
        mappings.append(mapping)
    if mappings:
        encoder._default_to_infrequent_mappings = mappings  # noqa: SLF001 - scikit-learn's own attribute


def _check_one_hot(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    counts = _counts(attributes, place, missing_apart=False)
    dropped = attributes["_drop_idx_after_grouping"]
    for index, (drop, count) in enumerate(zip([] if dropped is None else dropped, counts, strict=False)):
        if drop is not None:
            Int(0, count - 1).check(drop, Scope(), place.attribute("_drop_idx_after_grouping").item(index))


def _finish_one_hot(encoder: Any) -> None:
    _group(encoder, missing_apart=False)
    encoder._n_features_outs = encoder._compute_n_features_outs()  # noqa: SLF001 - scikit-learn's own
    encoder.drop_idx_ = dropped = encoder._drop_idx_after_grouping  # noqa: SLF001
    if encoder._infrequent_enabled and dropped is not None:  # noqa: SLF001
        mappings = encoder._default_to_infrequent_mappings  # noqa: SLF001
        originals = [
            drop if drop is None or mapping is None else np.flatnonzero(mapping == drop)[0]
            for drop, mapping in zip(dropped, mappings, strict=True)
        ]
        encoder.drop_idx_ = np.asarray(originals, dtype=object)


def _check_ordinal(encoder: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    _counts(attributes, place, missing_apart=True)
    used = ["unknown_value"] if encoder.handle_unknown == "use_encoded_value" else []
    if any(_ends_in_nan(categories) for categories in attributes["categories_"]):
        used.append("encoded_missing_value")
    for name in used:
        if not _fits(getattr(encoder, name), np.dtype(encoder.dtype)):
            raise place.attribute(name).refusal(f"not a number that {np.dtype(encoder.dtype)} can be")


def _fits(value: Any, dtype: np.dtype[Any]) -> bool:
    if dtype.kind in "iu":
        return isinstance(value, Integral) and np.iinfo(dtype).min <= int(value) <= np.iinfo(dtype).max
    return value is not None


def _finish_ordinal(encoder: Any) -> None:
    _group(encoder, missing_apart=True)
    encoder._missing_indices = {  # noqa: SLF001 - scikit-learn's own attribute
        index: categories.size - 1
        for index, categories in enumerate(encoder.categories_)
        if _ends_in_nan(categories)
    }


def _check_target(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    counts = _counts(attributes, place, missing_apart=False)
    multiclass = attributes["target_type_"] == "multiclass"
    if (attributes["classes_"] is None) != (attributes["target_type_"] == "continuous"):
        raise place.attribute("classes_").refusal("does not fit target_type_")
    labels = [] if attributes["classes_"] is None else attributes["classes_"].tolist()
    if any(isinstance(label, str) and len(label) > MAX_NAME for label in labels):
        raise place.attribute("classes_").refusal(f"a label of more than {MAX_NAME} characters")
    if multiclass != isinstance(attributes["target_mean_"], np.ndarray):
        raise place.attribute("target_mean_").refusal("does not fit target_type_")
    each = scope.sizes["n_classes"] if multiclass else 1
    sizes = [encoding.size for encoding in attributes["encodings_"]]
    if sizes != [count for count in counts for _ in range(each)]:
        raise place.attribute("encodings_").refusal("not one number for each category")


def _check_classes(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    if len(set(attributes["classes_"])) != attributes["classes_"].size:
        raise place.attribute("classes_").refusal("a class appears twice")


def _finish_classes(binarizer: Any) -> None:
    binarizer._cached_dict = None  # noqa: SLF001 - scikit-learn's own attribute


_CATEGORIES: dict[str, Field] = {
    **FEATURES,
    "categories_": required(ListOf(Objects(), "n_features")),
    "_infrequent_enabled": required(Flag()),
    "_infrequent_indices": optional(
        ListOf(Either(Nothing(), Array(("n_rare",), dtypes="iu")), "n_features", apart=True)
    ),
}
_REBUILT = ("_default_to_infrequent_mappings",)
_ORDER = "categories that are numbers are different and in their order, which the search in them relies on"

ENCODING: tuple[Spec, ...] = (
    Spec(
        "sklearn.OneHotEncoder",
        _MODULE,
        {**_CATEGORIES, "_drop_idx_after_grouping": required(Either(Nothing(), Objects("n_features")))},
        params={"dtype": Dtype(sparse=True)},
        left_out=(*_REBUILT, "_n_features_outs", "drop_idx_"),
        check=_check_one_hot,
        finish=_finish_one_hot,
        checked=f"{_ORDER}; the column of each is computed anew, and those dropped and rare exist",
    ),
    Spec(
        "sklearn.OrdinalEncoder",
        _MODULE,
        _CATEGORIES,
        params={"dtype": Dtype("biufO")},
        left_out=(*_REBUILT, "_missing_indices"),
        check=_check_ordinal,
        finish=_finish_ordinal,
        checked=f"{_ORDER}; rare ones exist",
    ),
    Spec(
        "sklearn.TargetEncoder",
        _MODULE,
        {
            **_CATEGORIES,
            "target_type_": required(Choice(("continuous", "binary", "multiclass"))),
            "classes_": required(Either(Nothing(), Labels())),
            "encodings_": required(ListOf(Array(("n_encoded",), finite=False), apart=True)),
            "target_mean_": required(Either(Number(finite=False), Array(("n_classes",), finite=False))),
        },
        dropped_if_unknown=("cv",),
        check=_check_target,
        checked=f"{_ORDER}; each has its number",
    ),
    Spec(
        "sklearn.MultiLabelBinarizer",
        _MODULE,
        {"classes_": required(Objects())},
        left_out=("_cached_dict",),
        check=_check_classes,
        finish=_finish_classes,
        checked="no class appears twice: its place is a column of a sparse matrix",
    ),
)
