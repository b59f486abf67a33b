"""The table's feature selection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.serialization._kinds import Function, Int, Nothing, Plain, Text
from maas_sdk.serialization._kinds_arrays import Array
from maas_sdk.serialization._kinds_compound import Either, Estimator, MapOf
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, record, required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.serialization._kinds import Kind, Scope
    from maas_sdk.serialization._place import Place

__all__ = ["SELECTION"]

_MODULE = "sklearn.feature_selection"
_SCORES = Array(("n_features",), dtypes="fiu", finite=False)
_MAYBE_SCORES = Either(Nothing(), _SCORES)
_PUBLIC_PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)


@frozen
class _Getter:
    """A function, or the path to an attribute that is public."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        if isinstance(value, str) and _PUBLIC_PATH.fullmatch(value):
            return
        Function().check(value, scope, place)


def _univariate(name: str, scores: Callable[[Kind], Field], p_values: Field) -> Spec:
    """Describe a selection by scores or by p-values, each of which is a detail where it does not select."""
    return Spec(
        f"sklearn.{name}",
        _MODULE,
        {**FEATURES, "scores_": scores(_SCORES), "pvalues_": p_values},
        dropped_if_unknown=("score_func",),
    )


def _check_generic(select: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    if select.mode in ("fpr", "fdr", "fwe") and attributes["pvalues_"] is None:
        raise place.attribute("pvalues_").refusal(f"missing, although the mode is {select.mode}")


def _finish_generic(select: Any) -> None:
    select._make_selector()._validate_params()  # noqa: SLF001 - scikit-learn's own; it has rules for `param`


def _check_support(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    support = attributes["support_"]
    selected = int(support.sum())
    for name in ("n_features_", "n_features_to_select_"):
        if name in attributes and attributes[name] != selected:
            raise place.attribute(name).refusal(
                f"{attributes[name]} for {selected} features that are selected"
            )
    if scope.sizes.get("n_selected", selected) != selected:
        raise place.attribute("estimator_").refusal(
            f"does not take the {selected} features that are selected"
        )


def _finish_model(select: Any) -> None:
    """Select once: what selects may lack what it is asked for."""
    support = select.get_support()
    if support.dtype != np.bool_ or support.shape != (getattr(select, "n_features_in_", support.size),):
        raise ValueError(f"a selection of the shape {support.shape}")


_SUPPORT = {**FEATURES, "support_": required(Array(("n_features",), dtypes="b"))}
_ELIMINATED: dict[str, Field] = {
    **_SUPPORT,
    "n_features_": required(Int()),
    "ranking_": detail(Array(("n_features",), dtypes="iu")),
    "estimator_": required(Estimator(features="n_selected")),
}
_GETTER = {"importance_getter": _Getter()}

SELECTION: tuple[Spec, ...] = (
    *(_univariate(name, required, detail(_MAYBE_SCORES)) for name in ("SelectKBest", "SelectPercentile")),
    *(_univariate(name, detail, required(_SCORES)) for name in ("SelectFpr", "SelectFdr", "SelectFwe")),
    Spec(
        "sklearn.GenericUnivariateSelect",
        _MODULE,
        {**FEATURES, "scores_": required(_SCORES), "pvalues_": required(_MAYBE_SCORES)},
        dropped_if_unknown=("score_func",),
        check=_check_generic,
        finish=_finish_generic,
    ),
    Spec("sklearn.VarianceThreshold", _MODULE, {**FEATURES, "variances_": required(_SCORES)}),
    Spec(
        "sklearn.SelectFromModel",
        _MODULE,
        {"estimator_": required(Estimator(features="n_features")), "max_features_": optional(Int())},
        whole=("estimator_",),
        params=_GETTER,
        finish=_finish_model,
        checked="it selects once, when loaded",
    ),
    Spec(
        "sklearn.RFE",
        _MODULE,
        _ELIMINATED,
        params=_GETTER,
        check=_check_support,
    ),
    Spec(
        "sklearn.RFECV",
        _MODULE,
        {**_ELIMINATED, "cv_results_": record(MapOf(Text(), Plain()))},
        dropped_if_unknown=("cv", "scoring"),
        params=_GETTER,
        check=_check_support,
    ),
    Spec(
        "sklearn.SequentialFeatureSelector",
        _MODULE,
        {**_SUPPORT, "n_features_to_select_": required(Int())},
        dropped_if_unknown=("cv", "scoring"),
        check=_check_support,
    ),
)
