"""The table's estimators that predict several classes or outputs with one estimator for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Int, Nothing
from maas_sdk.serialization._kinds_arrays import Array, Indices, Labels
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance, ListOf
from maas_sdk.serialization._spec import FEATURES, Field, Spec, required
from maas_sdk.serialization._tables._members import (
    check_binary,
    check_features,
    check_methods,
    check_type,
    labels_of,
)
from maas_sdk.serialization._tables.preparation import check_binarizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["SEVERAL"]

_CLASSES = "sklearn.multiclass"
_OUTPUTS = "sklearn.multioutput"
_METHODS = ("decision_function", "predict_proba", "predict_log_proba")
_PROCESSES = ("n_jobs",)  # which predictions would start
_CONSTANT = "_ConstantPredictor"  # it can do all, and has no labels


def _members(*methods: str, features: str = "n_features", tuples: bool = False) -> Field:
    member = Estimator(methods, features=features)
    return required(ListOf(member, "n_estimators", low=1, tuples=tuples))


def _check_deciders(members: Any, place: Place) -> None:
    """Each member decides between two classes, and all that are no constants do it alike."""
    here = place.attribute("estimators_")
    for index, member in enumerate(members):
        check_binary(member, here.item(index))
    learned = [member for member in members if type(member).__name__ != _CONSTANT]
    for member in learned[:1]:
        check_methods(learned, member, _METHODS, here)


def _check_against_rest(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_deciders(attributes["estimators_"], place)
    binarizer = attributes["label_binarizer_"]
    check_binarizer(
        binarizer,
        n_outputs=scope.sizes["n_estimators"],
        labels=binarizer.classes_,
        place=place.attribute("label_binarizer_"),
    )


def _set_labels(classifier: Any) -> None:
    classifier.classes_ = classifier.label_binarizer_.classes_


def _check_pairs(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """There is one member for each pair of classes, and each takes the columns that are picked for it."""
    members, n_classes = attributes["estimators_"], scope.sizes["n_classes"]
    if len(members) != n_classes * (n_classes - 1) // 2:
        raise place.attribute("estimators_").refusal(f"not one for each pair of {n_classes} classes")
    _check_deciders(members, place)
    picked = attributes["pairwise_indices_"] or [np.arange(scope.sizes["n_features"])] * len(members)
    for index, (member, columns) in enumerate(zip(members, picked, strict=True)):
        check_features(member, columns.size, place.attribute("estimators_").item(index))


def _check_code_book(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    _check_deciders(attributes["estimators_"], place)


def _check_outputs(several: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    for index, member in enumerate(attributes["estimators_"]):
        check_type(member, several.estimator, place.attribute("estimators_").item(index))


def _check_outputs_of_classes(
    several: Any, attributes: Mapping[str, Any], scope: Scope, place: Place
) -> None:
    _check_outputs(several, attributes, scope, place)
    for index, member in enumerate(attributes["estimators_"]):
        labels_of(member, place.attribute("estimators_").item(index))


def _set_labels_of_outputs(classifier: Any) -> None:
    classifier.classes_ = [member.classes_ for member in classifier.estimators_]


_CHAIN: dict[str, Field] = {
    **FEATURES,
    "estimators_": _members("predict", features=""),
    "order_": required(
        Either(Indices(("n_estimators",), below="n_estimators"), ListOf(Int(), "n_estimators"))
    ),
}


def _link(chain: Any) -> Any:
    """Give what links are copies of, also by the name of before 1.7."""
    return chain.base_estimator if getattr(chain, "estimator", None) is None else chain.estimator


def _check_chain(chain: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Check that each link takes the answers of those before, and that the order is one of all outputs."""
    if sorted(attributes["order_"]) != list(range(scope.sizes["n_estimators"])):
        raise place.attribute("order_").refusal("not each output once")
    for index, member in enumerate(attributes["estimators_"]):
        here = place.attribute("estimators_").item(index)
        check_features(member, scope.sizes["n_features"] + index, here)
        check_type(member, _link(chain), here)


def _check_chain_of_classes(chain: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_chain(chain, attributes, scope, place)
    method, here = attributes["chain_method_"], place.attribute("estimators_")
    for index, member in enumerate(attributes["estimators_"]):
        labels = labels_of(member, here.item(index))
        if not hasattr(member, method) or labels.dtype.kind not in "biuf":
            raise here.item(index).refusal(f"gives no numbers by {method}")
        if method != "predict" and labels.size != 2:  # noqa: PLR2004 - one column of a score
            raise here.item(index).refusal(f"gives {labels.size} columns by {method}")
    check_methods(attributes["estimators_"], _link(chain), _METHODS, here)


SEVERAL: tuple[Spec, ...] = (
    Spec(
        "sklearn.OneVsRestClassifier",
        _CLASSES,
        {
            "estimators_": _members(),
            "label_binarizer_": required(Instance((("sklearn", "LabelBinarizer"),))),
        },
        left_out=("classes_",),
        check=_check_against_rest,
        finish=_set_labels,
    ),
    Spec(
        f"sklearn.{_CONSTANT}",
        _CLASSES,
        {"y_": required(Array((1,), dtypes="iuf"))},
    ),
    Spec(
        "sklearn.OneVsOneClassifier",
        _CLASSES,
        {
            **FEATURES,
            "classes_": required(Labels(low=2)),
            "estimators_": _members("predict", features="", tuples=True),
            "pairwise_indices_": required(
                Either(
                    Nothing(),
                    ListOf(Indices(("n_own",), below="n_features"), "n_estimators", apart=True, tuples=True),
                )
            ),
        },
        check=_check_pairs,
        checked="one member for each pair of classes; the columns picked for each are there",
    ),
    Spec(
        "sklearn.OutputCodeClassifier",
        _CLASSES,
        {
            "classes_": required(Labels()),
            "estimators_": _members(),
            "code_book_": required(Array(("n_classes", "n_estimators"))),
        },
        check=_check_code_book,
        checked="shapes, since compiled code finds the nearest row of the code book",
    ),
    Spec(
        "sklearn.MultiOutputClassifier",
        _OUTPUTS,
        {"estimators_": _members("predict")},
        forgotten=_PROCESSES,
        left_out=("classes_",),
        check=_check_outputs_of_classes,
        finish=_set_labels_of_outputs,
    ),
    Spec(
        "sklearn.MultiOutputRegressor",
        _OUTPUTS,
        {"estimators_": _members("predict")},
        forgotten=_PROCESSES,
        check=_check_outputs,
    ),
    Spec(
        "sklearn.ClassifierChain",
        _OUTPUTS,
        {**_CHAIN, "chain_method_": required(Choice(("predict", *_METHODS)))},
        dropped_if_unknown=("cv",),
        left_out=("classes_",),
        check=_check_chain_of_classes,
        finish=_set_labels_of_outputs,
        checked="the order is a permutation of the outputs",
    ),
    Spec(
        "sklearn.RegressorChain",
        _OUTPUTS,
        _CHAIN,
        dropped_if_unknown=("cv",),
        check=_check_chain,
        checked="the order is a permutation of the outputs",
    ),
)
