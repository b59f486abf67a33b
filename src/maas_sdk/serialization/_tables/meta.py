"""The table's ensembles of one kind of estimators, bagging and boosting, and calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Int, Kind, Nothing, Number
from maas_sdk.serialization._kinds_arrays import Array, Indices, Labels
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance, ListOf, Record
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, record, required
from maas_sdk.serialization._tables._members import (
    check_codes,
    check_features,
    check_methods,
    check_type,
    labels_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["MAX_DRAWN", "META"]

_ENSEMBLE = "sklearn.ensemble"
_PREDICTS = Estimator(("predict",), features="n_features")
_PROBABILITIES = ("predict_proba", "predict_log_proba", "decision_function")


def _set_template(ensemble: Any) -> None:
    """Set ``estimator_``, as fit does."""
    if hasattr(ensemble, "_get_estimator"):
        ensemble._validate_estimator(ensemble._get_estimator())  # noqa: SLF001
    else:
        ensemble._validate_estimator()  # noqa: SLF001


_TEMPLATE = ("estimator_", "estimator_params")
MAX_DRAWN = 10**8
"""How many samples ``estimators_samples_`` may draw again; the seeds of larger ensembles are not kept."""
_BAGGING: dict[str, Field] = {
    **FEATURES,
    "estimators_": required(ListOf(Estimator(("predict",)), "n_estimators", low=1)),
    "estimators_features_": required(
        ListOf(Indices(("n_own",), below="n_features"), "n_estimators", apart=True)
    ),
    "oob_score_": detail(Number(finite=False)),
    "_seeds": detail(Indices(("n_seeds",), below=2**32)),
    "_n_samples": detail(Int(1, size="n_samples")),
    "_max_samples": detail(Int(1)),
    "_max_features": detail(Int(1)),
    "_sample_weight": detail(Either(Nothing(), Array(("n_samples",)))),
}
_BAGGED_CLASSES: dict[str, Field] = {
    **_BAGGING,
    "classes_": required(Labels()),
    "n_classes_": required(Int(1, size="n_classes")),
    "oob_decision_function_": record(Array(("n_samples", "n_classes"), finite=False)),
}


def _check_bagging(bagging: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Each estimator takes as many features as are picked for it."""
    members = attributes["estimators_"]
    template = bagging._get_estimator()  # noqa: SLF001 - the parameter, or the default
    for index, (member, features) in enumerate(zip(members, attributes["estimators_features_"], strict=True)):
        here = place.attribute("estimators_").item(index)
        check_features(member, features.size, here)
        check_type(member, template, here)
    n_drawn = attributes.get("_max_samples", 0) * scope.sizes.get("n_seeds", 0)
    if n_drawn > MAX_DRAWN or attributes.get("_max_features", 1) > scope.sizes["n_features"]:
        raise place.attribute("_max_samples").refusal("more samples or features than may be drawn again")
    check_methods(members, template, _PROBABILITIES, place.attribute("estimators_"))


def _check_bagged_classes(bagging: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Check the labels of members, which are columns of the probabilities where a member has not met all."""
    _check_bagging(bagging, attributes, scope, place)
    n_classes = scope.sizes["n_classes"]
    for index, member in enumerate(attributes["estimators_"]):
        here = place.attribute("estimators_").item(index)
        if not hasattr(member, "predict_proba") or labels_of(member, here).size != n_classes:
            check_codes(labels_of(member, here), n_classes, here)


_BOOSTING: dict[str, Field] = {
    **FEATURES,
    "estimators_": required(ListOf(_PREDICTS, "n_estimators", low=1)),
    "estimator_weights_": required(Array(("n_boosts",))),
    "estimator_errors_": detail(Array(("n_boosts",), finite=False)),
}


def _check_boosting(boosting: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    template = boosting if boosting.estimator is None else boosting.estimator
    for index, member in enumerate(attributes["estimators_"]):
        check_type(member, template, place.attribute("estimators_").item(index))
    if scope.sizes["n_estimators"] > scope.sizes["n_boosts"]:
        raise place.attribute("estimator_weights_").refusal("not one for each estimator")


def _check_boosted_classes(boosting: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_boosting(boosting, attributes, scope, place)
    for index, member in enumerate(attributes["estimators_"]):
        labels_of(member, place.attribute("estimators_").item(index))


_CALIBRATORS = {"sigmoid": "_SigmoidCalibration", "isotonic": "IsotonicRegression"}
_TEMPERATURE = "_TemperatureScaling"
_CALIBRATED: dict[str, Kind] = {
    "estimator": Estimator(features="n_features"),
    "calibrators": ListOf(
        Instance(tuple(("sklearn", name) for name in (*_CALIBRATORS.values(), _TEMPERATURE))), low=1
    ),
    "method": Choice((*_CALIBRATORS, "temperature")),
}


def _check_calibrated(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    for index, pair in enumerate(attributes["calibrated_classifiers_"]):
        here = place.attribute("calibrated_classifiers_").item(index)
        _check_pair(pair, attributes["classes_"], here)


def _check_pair(pair: Mapping[str, Any], labels: Any, place: Place) -> None:
    """Check that there is a calibrator for each score, and that scores are of classes that there are."""
    member, method, here = pair["estimator"], pair["method"], place.attribute("estimator")
    own = labels_of(member, here)
    if not any(hasattr(member, name) for name in ("decision_function", "predict_proba")):
        raise here.refusal("gives no scores")
    all_of_them = method == "temperature" or labels.size == 2  # noqa: PLR2004 - which share one score
    if method == "temperature":
        fits = own.size == labels.size
    else:
        fits = bool(np.isin(own, labels).all()) and not (all_of_them and own.size != labels.size)
    if not fits:
        raise here.refusal(f"{own.size} labels that are not of the {labels.size} labels around it")
    kind = _CALIBRATORS.get(method, _TEMPERATURE)
    n_scores = 1 if method == "temperature" or own.size == 2 else own.size  # noqa: PLR2004
    calibrators = pair["calibrators"]
    if [type(calibrator).__name__ for calibrator in calibrators] != [kind] * n_scores:
        raise place.attribute("calibrators").refusal(f"expected {n_scores} of {kind}")
    if any(getattr(calibrator, "out_of_bounds", "clip") != "clip" for calibrator in calibrators):
        raise place.attribute("calibrators").refusal("refuse scores that they have not met")


def _ensemble(name: str, fields: Mapping[str, Field], **options: Any) -> Spec:
    return Spec(f"sklearn.{name}", _ENSEMBLE, fields, **options)


META: tuple[Spec, ...] = (
    *(
        _ensemble(
            name,
            fields,
            params={"n_estimators": Int(1)},
            forgotten=("n_jobs",),  # predictions would start processes
            left_out=_TEMPLATE,
            native="bagging",
            check=check,
            finish=_set_template,
            checked="each member's features are columns that there are, and its labels numbers of classes",
        )
        for name, fields, check in (
            ("BaggingClassifier", _BAGGED_CLASSES, _check_bagged_classes),
            (
                "BaggingRegressor",
                {**_BAGGING, "oob_prediction_": record(Array(("n_samples",), finite=False))},
                _check_bagging,
            ),
        )
    ),
    *(
        _ensemble(name, fields, left_out=_TEMPLATE, check=check, finish=_set_template)
        for name, fields, check in (
            (
                "AdaBoostClassifier",
                {
                    "classes_": required(Labels()),
                    "n_classes_": required(Int(1, size="n_classes")),
                    **_BOOSTING,
                },
                _check_boosted_classes,
            ),
            ("AdaBoostRegressor", _BOOSTING, _check_boosting),
        )
    ),
    Spec(
        "sklearn.CalibratedClassifierCV",
        "sklearn.calibration",
        {
            "classes_": required(Labels(low=2)),
            "calibrated_classifiers_": required(ListOf(Record(_CALIBRATED), low=1)),
        },
        pieces=("calibrated_classifiers_",),
        native="calibration",
        check=_check_calibrated,
        dropped_if_unknown=("cv",),
    ),
    Spec(
        "sklearn._SigmoidCalibration",
        "sklearn.calibration",
        {"a_": required(Number()), "b_": required(Number())},
    ),
    Spec(
        "sklearn._TemperatureScaling",
        "sklearn.calibration",
        {"beta_": required(Either(Number(), Array(())))},
    ),
)
