"""The table's ensembles of several kinds of estimators, each with its name: voting and stacking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Int, Kind, Nothing, Number
from maas_sdk.serialization._kinds_arrays import Array
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance, ListOf
from maas_sdk.serialization._spec import Field, Spec, required
from maas_sdk.serialization._tables._members import (
    check_codes,
    check_features,
    check_type,
    labels_of,
    objects_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["STACKS"]

_ENCODER = Instance((("sklearn", "LabelEncoder"),))
_PREDICTS = Estimator(("predict",), features="n_features")


def _check_named(ensemble: Any, attributes: Mapping[str, Any], place: Place) -> None:
    """There is one fitted estimator for each that has a name and was not dropped."""
    pairs = ensemble.estimators
    here = place.attribute("estimators")
    for index, pair in enumerate(pairs):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or type(pair[0]) is not str:  # noqa: PLR2004
            raise here.item(index).refusal("expected a name and an estimator")
    if len(_kept(pairs)) != len(attributes["estimators_"]):
        raise place.attribute("estimators_").refusal(f"not one for each of {len(pairs)} names")
    if type(ensemble).__name__ != "StackingClassifier":  # which stacks anything
        for index, member in enumerate(attributes["estimators_"]):
            check_type(member, ensemble, place.attribute("estimators_").item(index))


def _kept(pairs: Sequence[Sequence[Any]]) -> list[int]:
    """Give the positions of the estimators that were not dropped."""
    return [index for index, pair in enumerate(pairs) if not (type(pair[1]) is str and pair[1] == "drop")]


def _name_members(ensemble: Any) -> None:
    """Rebuild ``named_estimators_``."""
    from sklearn.utils import Bunch  # noqa: PLC0415 - the table loads without estimators

    ensemble._validate_names([name for name, _ in ensemble.estimators])  # noqa: SLF001 - as fit does
    kept = dict(zip(_kept(ensemble.estimators), ensemble.estimators_, strict=True))
    pairs = enumerate(ensemble.estimators)
    ensemble.named_estimators_ = Bunch(**{name: kept.get(index, "drop") for index, (name, _) in pairs})


_WEIGHTS: dict[str, Kind] = {
    "weights": Either(Nothing(), ListOf(Number(), tuples=True), Array(("n_weights",), dtypes="iuf"))
}


def _check_votes(voting: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    _check_named(voting, attributes, place)
    weights, pairs = voting.weights, voting.estimators
    if weights is not None and len(weights) != len(pairs):
        raise place.attribute("weights").refusal(f"{len(weights)} weights of {len(pairs)} estimators")
    if weights is not None and sum(weights[index] for index in _kept(pairs)) == 0:
        raise place.attribute("weights").refusal("they sum to zero")


def _check_voting(voting: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Check the labels of voters: who votes for a number has memory taken for as many votes."""
    _check_votes(voting, attributes, scope, place)
    n_classes = attributes["le_"].classes_.size
    for index, member in enumerate(attributes["estimators_"]):
        here = place.attribute("estimators_").item(index)
        if voting.voting == "soft":
            if not hasattr(member, "predict_proba") or labels_of(member, here).size != n_classes:
                raise here.refusal(f"gives no probabilities of {n_classes} classes")
            continue
        check_codes(labels_of(member, here), n_classes, here)
        for inner in objects_in(member):
            outlier = np.asarray(getattr(inner, "outlier_label_", None))
            if outlier.dtype.kind in "iuf" and ((outlier < 0) | (outlier >= n_classes)).any():
                raise here.refusal(f"an outlier's label is not a number of {n_classes} classes")


def _name_voters(voting: Any) -> None:
    _name_members(voting)
    voting.classes_ = voting.le_.classes_


_MAX_OUTS = 2**20  # each has a name as soon as somebody asks for names
_METHOD = Choice(("predict_proba", "decision_function", "predict"))
_STACKING: dict[str, Field] = {
    "estimators_": required(ListOf(Estimator(features="n_features"), "n_estimators", low=1)),
    "stack_method_": required(ListOf(_METHOD, "n_estimators")),
    "final_estimator_": required(Estimator(("predict",))),
    "_n_feature_outs": required(ListOf(Int(0, _MAX_OUTS), low=1)),
}


def _check_stack(stack: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Each estimator can do what it is asked for, and the last takes what they give."""
    _check_named(stack, attributes, place)
    for index, (member, method) in enumerate(
        zip(attributes["estimators_"], attributes["stack_method_"], strict=True)
    ):
        if not hasattr(member, method):
            raise place.attribute("estimators_").item(index).refusal(f"has no {method}")
    check_type(attributes["final_estimator_"], stack, place.attribute("final_estimator_"))
    given = sum(attributes["_n_feature_outs"])
    if given > _MAX_OUTS:
        raise place.attribute("_n_feature_outs").refusal(f"more than {_MAX_OUTS} together")
    passed = scope.sizes.get("n_features") if stack.passthrough else 0
    if passed is not None:
        final = attributes["final_estimator_"]
        check_features(final, given + passed, place.attribute("final_estimator_"))


def _check_stacked_classes(stack: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_stack(stack, attributes, scope, place)
    encoder, final = attributes["_label_encoder"], attributes["final_estimator_"]
    here = place.attribute("final_estimator_")
    if not isinstance(encoder, list):
        check_codes(labels_of(final, here), encoder.classes_.size, here)
    elif isinstance(getattr(final, "classes_", None), list):  # others give a column of 0 and 1 for each label
        if len(final.classes_) != len(encoder):
            raise here.refusal(f"{len(final.classes_)} outputs, not {len(encoder)}")
        for labels, each in zip(final.classes_, encoder, strict=True):
            check_codes(labels, each.classes_.size, here)


def _name_stack(stack: Any) -> None:
    _name_members(stack)
    encoder = stack._label_encoder  # noqa: SLF001 - scikit-learn's own attribute
    several = isinstance(encoder, list)
    stack.classes_ = [each.classes_ for each in encoder] if several else encoder.classes_


def _ensemble(name: str, fields: Mapping[str, Field], **options: Any) -> Spec:
    return Spec(f"sklearn.{name}", "sklearn.ensemble", fields, pieces=("estimators_",), **options)


_CROSS_VALIDATED: dict[str, Any] = {"dropped_if_unknown": ("cv",)}

STACKS: tuple[Spec, ...] = (
    _ensemble(
        "VotingClassifier",
        {"le_": required(_ENCODER), "estimators_": required(ListOf(_PREDICTS, "n_estimators", low=1))},
        left_out=("classes_", "named_estimators_"),
        params=_WEIGHTS,
        check=_check_voting,
        finish=_name_voters,
        checked="who votes for the number of a class knows no greater numbers, outliers included",
    ),
    _ensemble(
        "VotingRegressor",
        {"estimators_": required(ListOf(_PREDICTS, "n_estimators", low=1))},
        left_out=("named_estimators_",),
        params=_WEIGHTS,
        check=_check_votes,
        finish=_name_members,
    ),
    _ensemble(
        "StackingClassifier",
        {"_label_encoder": required(Either(ListOf(_ENCODER, low=1), _ENCODER)), **_STACKING},
        left_out=("classes_", "named_estimators_"),
        check=_check_stacked_classes,
        finish=_name_stack,
        **_CROSS_VALIDATED,
    ),
    _ensemble(
        "StackingRegressor",
        _STACKING,
        left_out=("named_estimators_",),
        check=_check_stack,
        finish=_name_members,
        **_CROSS_VALIDATED,
    ),
)
