"""The table's searches for parameters and for thresholds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk.serialization._kinds import Anything, Flag, Int, Kind, Nothing, Number, Scope, Text, describe
from maas_sdk.serialization._kinds_compound import Either, Estimator, ListOf, MapOf, is_fitted
from maas_sdk.serialization._spec import Field, Spec, detail, optional, record, required
from maas_sdk.serialization._tables._members import check_type, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._place import Place

__all__ = ["SEARCHES"]

_MODULE = "sklearn.model_selection"
_BY_NAME = MapOf(Text(), Anything())
_COUNT = detail(Int())
_SEARCH: dict[str, Field] = {
    "multimetric_": required(Flag()),
    "best_estimator_": optional(Estimator()),
    "best_index_": detail(Int()),
    "best_score_": detail(Number(finite=False)),
    "best_params_": detail(_BY_NAME),
    "refit_time_": detail(Number(finite=False)),
    "n_splits_": _COUNT,
    "cv_results_": record(_BY_NAME),
}
_HALVING: dict[str, Field] = {
    **_SEARCH,
    "n_iterations_": _COUNT,
    "n_required_iterations_": _COUNT,
    "n_possible_iterations_": _COUNT,
    "n_remaining_candidates_": _COUNT,
    "min_resources_": _COUNT,
    "max_resources_": _COUNT,
    "n_candidates_": detail(ListOf(Int())),
    "n_resources_": detail(ListOf(Int())),
}


@frozen
class _Dispatch:
    """How many fits are handed out at a time, a calculation that `fit` evaluates: the usual ones alone."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, str):
            Int(1).check(value, scope, place)
        elif not re.fullmatch(r"all|([0-9.]{1,6} ?\* ?)?n_jobs", value):
            raise place.refusal(f"expected a multiple of n_jobs, not {describe(value)}")


def _check_search(search: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    here = place.attribute("best_estimator_")
    if bool(search.refit) != ("best_estimator_" in attributes):
        raise here.refusal(f"refit is {str(search.refit)[:80]}")
    if search.refit:
        check_type(attributes["best_estimator_"], search.estimator, here)


def _find_scorer(search: Any) -> None:
    """Rebuild ``scorer_``, which follows from `scoring`."""
    scorers, _ = search._get_scorers()  # noqa: SLF001 - what fit and get_metadata_routing ask
    search.scorer_ = getattr(scorers, "_scorers", scorers)


def _search(name: str, module: str, fields: Mapping[str, Field], params: Mapping[str, Kind]) -> Spec:
    return Spec(
        f"sklearn.{name}",
        module,
        fields,
        params=params,
        dropped_if_unknown=("cv",),
        left_out=("scorer_", "_checked_cv_orig", "_n_samples_orig"),
        check=_check_search,
        finish=_find_scorer,
    )


def _check_threshold(model: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    """The estimator has two labels, the positive one among them, and gives the scores that are asked for."""
    from sklearn.base import is_classifier  # noqa: PLC0415 - the table loads without estimators

    name = "estimator_" if "estimator_" in attributes else "estimator"
    member, here = attributes.get("estimator_", model.estimator), place.attribute(name)
    if not is_fitted(member):
        raise here.refusal("not fitted")
    labels = labels_of(member, here)
    if labels.size != 2 or labels[0] == labels[1] or not is_classifier(member):  # noqa: PLR2004
        raise here.refusal("does not decide between two labels")
    method = model.response_method
    methods = ("predict_proba", "decision_function") if method == "auto" else (method,)
    if not any(hasattr(member, method) for method in methods):
        raise here.refusal(f"has no {method}")
    pos_label = getattr(model, "pos_label", None)
    if pos_label is not None and pos_label not in labels.tolist():
        raise place.attribute("pos_label").refusal("not a label of the estimator")


def _find_curve_scorer(model: Any) -> None:
    """Rebuild what a prediction asks for the positive label."""
    scorer = model._curve_scorer = model._get_curve_scorer()  # noqa: SLF001 - as fit does
    pos_label = scorer._get_pos_label()  # noqa: SLF001
    if pos_label is not None and pos_label not in model.classes_.tolist():
        raise ValueError(f"the positive label {pos_label!r} of scoring is not a label of the estimator")


SEARCHES: tuple[Spec, ...] = (
    *(
        _search(name, _MODULE, _SEARCH, {"pre_dispatch": _Dispatch()})
        for name in ("GridSearchCV", "RandomizedSearchCV")
    ),
    *(
        # Whoever imports them from the public module has to enable them there first.
        _search(name, f"{_MODULE}._search_successive_halving", _HALVING, {})
        for name in ("HalvingGridSearchCV", "HalvingRandomSearchCV")
    ),
    Spec(
        "sklearn.FixedThresholdClassifier",
        _MODULE,
        {"estimator_": optional(Estimator(features="n_features"))},
        fitted_by=("estimator",),
        check=_check_threshold,
    ),
    Spec(
        "sklearn.TunedThresholdClassifierCV",
        _MODULE,
        {
            "estimator_": required(Estimator(features="n_features")),
            "best_threshold_": required(Number()),
            "best_score_": detail(Either(Nothing(), Number(finite=False))),
            "cv_results_": record(_BY_NAME),
        },
        dropped_if_unknown=("cv",),
        left_out=("_curve_scorer",),
        check=_check_threshold,
        finish=_find_curve_scorer,
    ),
)
