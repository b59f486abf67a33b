"""The table's neural networks, scikit-learn's and the SDK's own, and the SDK's optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Choice, Either, Instance, Int, ListOf, Nothing, Number
from maas_sdk.serialization._kinds_arrays import Array, Labels
from maas_sdk.serialization._spec import FEATURES, Field, Spec, optional, required
from maas_sdk.serialization._tables.preparation import check_binarizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["NETWORKS"]

_LEARNING = "maas_sdk.learning"
_LAYERS: dict[str, Field] = {
    **FEATURES,
    "coefs_": required(ListOf(Array(("n_inputs", "n_units")), "n_connections", apart=True)),
    "intercepts_": required(ListOf(Array(("n_units",)), "n_connections", apart=True)),
    "n_outputs_": required(Int(1, size="n_outputs")),
    "n_iter_": optional(Int()),
    "loss_": optional(Number(finite=False)),
}


def _check_layers(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Each layer takes what the one before gives, from the features to the outputs, in one dtype."""
    units = scope.sizes["n_features"]
    dtype = None
    for index, (coef, intercept) in enumerate(
        zip(attributes["coefs_"], attributes["intercepts_"], strict=True)
    ):
        here = place.attribute("coefs_").item(index)
        if coef.shape[0] != units or coef.shape[1] != intercept.size or 0 in coef.shape:
            raise here.refusal(f"shape {coef.shape} between {units} inputs and {intercept.size} intercepts")
        if dtype not in (None, coef.dtype) or intercept.dtype != coef.dtype:
            raise here.refusal("the layers are of different dtypes")
        units, dtype = intercept.size, coef.dtype
    if not attributes["coefs_"] or units != scope.sizes["n_outputs"]:
        raise place.attribute("coefs_").refusal(f"{units} outputs, not {scope.sizes['n_outputs']}")


def _check_classifier(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_layers(None, attributes, scope, place)
    if scope.sizes["n_outputs"] != scope.sizes["n_scores"]:
        raise place.attribute("n_outputs_").refusal("neither one output a class nor one for two classes")


def _check_sklearn(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_layers(None, attributes, scope, place)
    if attributes["n_layers_"] != len(attributes["coefs_"]) + 1:
        raise place.attribute("n_layers_").refusal("not one more than there are coefs_")
    if "_label_binarizer" in attributes:
        check_binarizer(
            attributes["_label_binarizer"],
            n_outputs=scope.sizes["n_outputs"],
            n_classes=scope.sizes["n_classes"],
            place=place.attribute("_label_binarizer"),
        )


_MAYBE = optional(Either(Nothing(), Number(finite=False)))
_SKLEARN: dict[str, Field] = {
    **_LAYERS,
    "n_layers_": required(Int(2)),
    "out_activation_": required(Choice(("identity", "logistic", "softmax"))),
    "t_": optional(Int(high=2**62)),
    "best_loss_": _MAYBE,
    "best_validation_score_": _MAYBE,
}
_SKLEARN_LEFT_OUT = (
    *("_optimizer", "_random_state", "_best_coefs", "_best_intercepts", "_no_improvement_count"),
    *("loss_curve_", "validation_scores_"),
)
_CURVES = ("loss_curve_", "validation_scores_")
_OPTIMIZER = ("optimizer",)
_ACTIVATION = {"activation": Choice(("relu", "tanh"))}

NETWORKS: tuple[Spec, ...] = (
    Spec(
        "sklearn.MLPClassifier",
        "sklearn.neural_network",
        {
            "classes_": required(Labels()),
            **_SKLEARN,
            "_label_binarizer": required(Instance((("sklearn", "LabelBinarizer"),))),
        },
        left_out=_SKLEARN_LEFT_OUT,
        check=_check_sklearn,
    ),
    Spec(
        "sklearn.MLPRegressor",
        "sklearn.neural_network",
        _SKLEARN,
        left_out=_SKLEARN_LEFT_OUT,
        check=_check_sklearn,
    ),
    Spec(
        "maas.MLPClassifier",
        _LEARNING,
        {"classes_": required(Labels(scores="n_scores", low=2)), **_LAYERS},
        dropped_if_unknown=_OPTIMIZER,
        params=_ACTIVATION,
        forgotten=("callback",),
        left_out=_CURVES,
        check=_check_classifier,
    ),
    Spec(
        "maas.MLPRegressor",
        _LEARNING,
        _LAYERS,
        dropped_if_unknown=_OPTIMIZER,
        params=_ACTIVATION,
        forgotten=("callback",),
        left_out=_CURVES,
        check=_check_layers,
    ),
    *(Spec(f"maas.{name}", _LEARNING) for name in ("GradientDescent", "SGD", "Adam")),
)
