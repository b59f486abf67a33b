"""The table's imputers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Flag, Int, Nothing, Plain, RandomState
from maas_sdk.serialization._kinds_arrays import Array, Dtype, Indices, Objects
from maas_sdk.serialization._kinds_compound import Either, Estimator, ListOf
from maas_sdk.serialization._skew import before
from maas_sdk.serialization._spec import FEATURES, FREE_FEATURES, Field, Spec, detail, optional, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["IMPUTATION"]

_MODULE = "sklearn.impute"
_SIMPLE = (("sklearn", "SimpleImputer"),)
_INDICATOR = Estimator(("transform",), classes=(("sklearn", "MissingIndicator"),), features="n_features")
_COMMON: dict[str, Field] = {**FEATURES, "indicator_": required(Either(Nothing(), _INDICATOR))}


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | np.floating) and math.isnan(value)


def _check_indicator(imputer: Any, attributes: Mapping[str, Any], place: Place) -> None:
    indicator = attributes["indicator_"]
    if imputer.add_indicator and (indicator is None or not indicator._precomputed):  # noqa: SLF001
        raise place.attribute("indicator_").refusal("not what add_indicator asks for")


def _check_missing(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    if not (np.diff(attributes["features_"]) > 0).all():
        raise place.attribute("features_").refusal("expected different columns in their order")


def _check_simple(imputer: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    _check_indicator(imputer, attributes, place)
    statistics = attributes["statistics_"]
    dropped = imputer.strategy == "constant" and not _is_nan(imputer.fill_value)
    if dropped and before(1, 8) and any(map(_is_nan, statistics)):
        raise place.attribute("statistics_").refusal("drops columns, which this version does not")
    if attributes["_fit_dtype"].kind == "O" or statistics.dtype != object:
        return
    for index, value in enumerate(statistics):
        if not isinstance(value, int | float | np.number):
            raise place.attribute("statistics_").item(index).refusal("expected a number")


def _finish_simple(imputer: Any) -> None:
    imputer._fill_dtype = imputer._fit_dtype  # noqa: SLF001 - as fitting sets it, from scikit-learn 1.8 on
    if imputer.strategy == "constant" and before(1, 8):  # constants are objects since
        imputer.statistics_ = imputer.statistics_.astype(imputer._fit_dtype)  # noqa: SLF001


def _check_nearest(imputer: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    _check_indicator(imputer, attributes, place)
    rows = attributes["_fit_X"]
    missing = np.isnan(rows) if _is_nan(imputer.missing_values) else np.zeros(rows.shape, np.bool_)
    if not len(rows) or not (missing | np.isfinite(rows)).all():
        raise place.attribute("_fit_X").refusal("expected rows of finite numbers or missing_values")


def _finish_nearest(imputer: Any) -> None:
    from sklearn.utils._mask import _get_mask  # noqa: PLC0415 - the table loads without estimators

    imputer._mask_fit_X = _get_mask(imputer._fit_X, imputer.missing_values)  # noqa: SLF001
    imputer._valid_mask = ~np.all(imputer._mask_fit_X, axis=0)  # noqa: SLF001


def _check_iterative(imputer: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Compare the columns that are kept with the first guess's, the bounds' and those of the steps."""
    _check_indicator(imputer, attributes, place)
    guess, empty = attributes["initial_imputer_"], attributes["_is_empty_feature"]
    dropped = sum(map(_is_nan, guess.statistics_))
    kept = empty.size if imputer.keep_empty_features else int(empty.size - empty.sum())
    # A constant is no reason to drop a column, before scikit-learn 1.8.
    if empty.size - dropped != kept and not (dropped == 0 and guess.strategy == "constant"):
        raise place.attribute("initial_imputer_").refusal("does not keep the same columns")
    if attributes["step_estimators"] and not {"_min_value", "_max_value"} <= attributes.keys():
        raise place.attribute("_min_value").refusal("missing")
    scope.bind("n_kept", kept, place.attribute("_is_empty_feature"))
    steps = place.attribute("step_columns")
    columns = attributes["step_columns"]
    if attributes["step_estimators"] and not 1 <= attributes["n_iter_"] <= len(columns):
        raise place.attribute("n_iter_").refusal(f"not between 1 and {len(columns)} steps")
    if "step_others" in attributes:
        Indices(("n_steps", "n_others"), "n_kept").check(attributes["step_others"], scope, steps)
    else:
        scope.bind("n_others", kept - 1, steps)
    Indices(("n_steps",), kept).check(columns, scope, steps)


IMPUTATION: tuple[Spec, ...] = (
    Spec(
        "sklearn.SimpleImputer",
        _MODULE,
        {
            **_COMMON,
            "statistics_": required(Objects("n_features")),
            "_fit_dtype": required(Dtype("fiuO", types=(np.dtype,))),
        },
        params={"fill_value": Plain()},
        left_out=("_fill_dtype",),
        check=_check_simple,
        finish=_finish_simple,
    ),
    Spec(
        "sklearn.MissingIndicator",
        _MODULE,
        {
            "n_features_in_": required(FREE_FEATURES["n_features_in_"].kind),
            "_n_features": required(Int(1, size="n_features")),
            "features_": required(Indices(("n_missing",), "n_features")),
            "_precomputed": required(Flag()),
        },
        check=_check_missing,
        checked="the columns that are told of exist",
    ),
    Spec(
        "sklearn.KNNImputer",
        _MODULE,
        {**_COMMON, "_fit_X": required(Array(("n_samples", "n_features"), finite=False))},
        left_out=("_mask_fit_X", "_valid_mask"),
        check=_check_nearest,
        finish=_finish_nearest,
        checked="what is missing in the rows is computed anew",
    ),
    Spec(
        "sklearn.IterativeImputer",
        "sklearn.impute._iterative",  # the public module has it when an experiment is switched on
        {
            **_COMMON,
            "initial_imputer_": required(Estimator(("transform",), classes=_SIMPLE, features="n_features")),
            "_is_empty_feature": required(Array(("n_features",), dtypes="b")),
            "_min_value": optional(Array(("n_kept",), dtypes="fiu", finite=False)),
            "_max_value": optional(Array(("n_kept",), dtypes="fiu", finite=False)),
            "n_iter_": required(Int()),
            "n_features_with_missing_": detail(Int()),
            "random_state_": optional(RandomState()),
            "step_columns": required(Array(("n_steps",), dtypes="i")),
            "step_others": optional(Array(("n_steps", "n_others"), dtypes="i")),
            "step_estimators": required(ListOf(Estimator(("predict",), features="n_others"), "n_steps")),
        },
        left_out=("_estimator",),
        native="imputation",
        check=_check_iterative,
        checked="each step's columns exist and are as many as its estimator takes",
    ),
)
