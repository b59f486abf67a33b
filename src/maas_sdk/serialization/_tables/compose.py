"""The table's compositions: column transformers, unions, targets."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.serialization._kinds import Choice, Flag, Function, Int, Kind, Nothing, Number, Slice, Text
from maas_sdk.serialization._kinds_arrays import Objects
from maas_sdk.serialization._kinds_compound import Either, Entries, Estimator, ListOf, MapOf
from maas_sdk.serialization._kinds_text import Format
from maas_sdk.serialization._spec import FEATURES, ObjectSpec, Spec, optional, required

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["COMPOSE"]

_REMAINDER = "remainder"
_NUMBER = Int(-(2**31))
_COLUMNS = Either(
    Slice(), Text(), _NUMBER, ListOf(Either(Text(), Flag(), _NUMBER)), Objects("n_chosen")
)  # by names, by numbers or by whether
_WEIGHTS = Either(Nothing(), MapOf(Text(), Number()))
_TRANSFORMER = Either(Nothing(), Choice(("drop",)), Estimator(("transform",)))


@frozen
class _Names:
    """Names of columns in a container of whatever kind."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        Objects().check(np.asarray(value), scope, place)


def _positions(columns: Any, position: Mapping[str, int], n_features: int) -> range | list[int]:
    """Give the numbers of columns that are given in any way, in a time that depends on how they are given.

    Raises
    ------
    LookupError, TypeError or ValueError
        If they are none.
    """
    if isinstance(columns, slice):
        start, stop = columns.start, columns.stop
        ends = (
            position[start] if isinstance(start, str) else start,
            position[stop] + 1 if isinstance(stop, str) else stop,
        )
        return range(*slice(*ends, columns.step).indices(n_features))
    chosen: list[Any] = [columns] if np.isscalar(columns) else list(columns)
    if all(isinstance(column, str) for column in chosen):
        return [position[column] for column in chosen]
    if all(isinstance(column, bool | np.bool_) for column in chosen):
        if len(chosen) != n_features:
            raise ValueError(f"{len(chosen)} booleans for {n_features} columns")
        return [index for index, column in enumerate(chosen) if column]
    return [index + (n_features if index < 0 else 0) for index in map(operator.index, chosen)]


def _first_places(names: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, name in enumerate(names):
        places.setdefault(name, index)
    return places


def _check_columns(transformer: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Each transformer has columns that exist, as many as it takes; no column is forgotten."""
    names, fitted = attributes["names"], attributes["fitted"]
    given = [name for name, _, _ in transformer.transformers]
    if names not in (given, [*given, _REMAINDER]):
        raise place.attribute("names").refusal("not those of the parameters")
    inputs, n_features = attributes["_transformer_to_input_indices"], scope.sizes["n_features"]
    used = {index for indices in inputs.values() for index in indices}
    if inputs.keys() != {*given, _REMAINDER} or len(used) != n_features or max(used) >= n_features:
        raise place.attribute("_transformer_to_input_indices").refusal(f"not all of {n_features} columns")
    position = _first_places(attributes.get("feature_names_in_", ()))
    for index, (name, columns, part) in enumerate(zip(names, attributes["columns"], fitted, strict=True)):
        here = place.attribute("columns").item(index)
        try:
            positions = _positions(columns, position, n_features)
        except (LookupError, TypeError, ValueError) as exc:
            raise here.refusal(f"expected columns that exist: {exc}") from exc
        if len(positions) != len(inputs[name]) or list(positions) != inputs[name]:
            raise here.refusal("not the same as in _transformer_to_input_indices")
        if getattr(part, "n_features_in_", len(positions)) != len(positions):
            raise place.attribute("fitted").item(index).refusal(f"does not take {len(positions)} columns")
    if any(hasattr(part, "transform") for part in fitted):
        for name in ("output_indices_", "sparse_output_"):
            if name not in attributes:
                raise place.attribute(name).refusal("missing")


def _finish_columns(transformer: Any) -> None:
    transformer._validate_transformers()  # noqa: SLF001 - what scikit-learn runs before it fits
    count = len(transformer.transformers)
    columns = [columns for _, _, columns in transformer.transformers_]
    transformer._columns = columns[:count]  # noqa: SLF001 - scikit-learn's own attributes
    transformer._remainder = (_REMAINDER, transformer.remainder, (columns[count:] or [[]])[0])  # noqa: SLF001


def _finish_union(union: Any) -> None:
    union._validate_transformers()  # noqa: SLF001 - what scikit-learn runs before it fits
    union._validate_transformer_weights()  # noqa: SLF001 - likewise


_PARAMS: dict[str, Kind] = {"transformer_weights": _WEIGHTS}
_PROCESSES = ("n_jobs",)  # which transforming would start

COMPOSE: tuple[Spec, ...] = (
    Spec(
        "sklearn.ColumnTransformer",
        "sklearn.compose",
        {
            **FEATURES,
            "names": required(ListOf(Text(), "n_transformers")),
            "columns": required(ListOf(_COLUMNS, "n_transformers", apart=True)),
            "fitted": required(ListOf(_TRANSFORMER, "n_transformers", apart=True)),
            "_transformer_to_input_indices": required(MapOf(Text(), ListOf(Int()))),
            "output_indices_": optional(MapOf(Text(), Slice())),
            "sparse_output_": optional(Flag()),
            "_transformers_feature_names_out": optional(_Names()),
        },
        pieces=("fitted",),
        forgotten=_PROCESSES,
        params={
            **_PARAMS,
            "transformers": Entries(3),
            "verbose_feature_names_out": Either(
                Flag(), Format(("transformer_name", "feature_name")), Function()
            ),
        },
        left_out=("_columns", "_remainder"),
        native="columns",
        check=_check_columns,
        finish=_finish_columns,
        checked="the columns of each transformer exist and are as many as it takes",
    ),
    Spec(
        "sklearn.FeatureUnion",
        "sklearn.pipeline",
        {"_transformers_feature_names_out": optional(ListOf(_Names()))},
        pieces=("transformer_list",),
        fitted_by=("transformer_list",),
        forgotten=_PROCESSES,
        params={
            **_PARAMS,
            "transformer_list": Entries(2),
            "verbose": Flag(),
            "verbose_feature_names_out": Flag(),
        },
        finish=_finish_union,
    ),
    Spec(
        "sklearn.TransformedTargetRegressor",
        "sklearn.compose",
        {
            "_training_dim": required(Int(1, 64)),
            "regressor_": required(Estimator(("predict",), features="n_features")),
            "transformer_": required(Estimator(("inverse_transform",))),
        },
    ),
    Spec("sklearn.FrozenEstimator", "sklearn.frozen", params={"estimator": Estimator()}),
    ObjectSpec(
        "sklearn.make_column_selector",
        "sklearn.compose",
        params={"pattern": Either(Nothing(), Text())},
        take=lambda selector: dict(vars(selector)),
    ),
)
