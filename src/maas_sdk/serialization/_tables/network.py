"""The table's neural networks, scikit-learn's and the SDK's own, with the losses that they are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Choice, Flag, Int, Nothing, Number, Plain, RandomState
from maas_sdk.serialization._kinds_arrays import Array, Labels
from maas_sdk.serialization._kinds_compound import Either, Instance, ListOf, Record
from maas_sdk.serialization._skew import before
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, record, required
from maas_sdk.serialization._tables.preparation import check_binarizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Kind, Scope
    from maas_sdk.serialization._place import Place

__all__ = ["NETWORKS"]

_LEARNING = "maas_sdk.learning"
_CURVE = ListOf(Number(finite=False))
_LAYERS: dict[str, Field] = {
    **FEATURES,
    "coefs_": required(ListOf(Array(("n_inputs", "n_units")), "n_connections", apart=True)),
    "intercepts_": required(ListOf(Array(("n_units",)), "n_connections", apart=True)),
    "n_outputs_": required(Int(1, size="n_outputs")),
    "n_iter_": detail(Int()),
    "loss_": detail(Number(finite=False)),
    "loss_curve_": record(_CURVE),
    "validation_scores_": record(Either(Nothing(), _CURVE)),
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
    if attributes["out_activation_"] == "exp" and before(1, 7):
        raise place.attribute("out_activation_").refusal("this version of scikit-learn has no 'exp'")
    if "_label_binarizer" in attributes:
        check_binarizer(
            attributes["_label_binarizer"],
            n_outputs=scope.sizes["n_outputs"],
            labels=attributes["classes_"],
            place=place.attribute("_label_binarizer"),
        )


def _share_best(mlp: Any) -> None:
    if mlp.early_stopping:
        # The weights that fit has found best are those that it ends with.
        mlp._best_coefs, mlp._best_intercepts = mlp.coefs_, mlp.intercepts_  # noqa: SLF001 - scikit-learn's


_ANY_NUMBER = Number(finite=False)
_MOMENTS = ListOf(Either(Array(("n_inputs", "n_units")), Array(("n_units",))), apart=True)
_RATES: dict[str, Kind] = {"learning_rate_init": Number(), "learning_rate": _ANY_NUMBER}
_ADAM: dict[str, Kind] = {
    **_RATES,
    **dict.fromkeys(("beta_1", "beta_2", "epsilon"), Number()),
    **dict.fromkeys(("ms", "vs"), _MOMENTS),
    "t": Int(),
}
_DESCENT: dict[str, Kind] = {
    **_RATES,
    **dict.fromkeys(("momentum", "power_t"), Number()),
    "lr_schedule": Choice(("constant", "adaptive", "invscaling")),
    "nesterov": Flag(),
    "velocities": _MOMENTS,
}
_MAYBE = detail(Either(Nothing(), _ANY_NUMBER))
_SKLEARN: dict[str, Field] = {
    **_LAYERS,
    "n_layers_": required(Int(2)),
    "out_activation_": required(Choice(("identity", "logistic", "softmax", "exp"))),
    "t_": detail(Int(high=2**62)),
    "best_loss_": _MAYBE,
    "best_validation_score_": _MAYBE,
    "_no_improvement_count": record(Int()),
    "_optimizer": record(Either(Record(_ADAM), Record(_DESCENT))),
}
_SKLEARN_LEFT_OUT = ("_random_state", "_best_coefs", "_best_intercepts", "_coef_indptr", "_intercept_indptr")
_OWN: dict[str, Field] = {
    **_LAYERS,
    "optimizer_state_": record(Plain()),  # compared with a new one of the optimizer before it is used
    "_coordinates": record(Record(dict.fromkeys(("target_center", "target_scale"), Array(("n_outputs",))))),
    "_generator": record(RandomState()),
}
_OWN_PARAMS: dict[str, Any] = {
    "params": {"activation": Choice(("gelu", "relu", "tanh"))},
    "forgotten": ("callback",),
    "left_out": ("privacy_",),  # a claim of the sender's, which the card makes
}
_LOSSES = ("AbsoluteLoss", "BinaryLogLoss", "HingeLoss", "HuberLoss", "MultinomialLogLoss", "SquaredLoss")

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
        native="optimizer",
        check=_check_sklearn,
        finish=_share_best,
    ),
    Spec(
        "sklearn.MLPRegressor",
        "sklearn.neural_network",
        _SKLEARN,
        left_out=_SKLEARN_LEFT_OUT,
        native="optimizer",
        check=_check_sklearn,
        finish=_share_best,
    ),
    Spec(
        "maas.MLPClassifier",
        _LEARNING,
        {"classes_": required(Labels(scores="n_scores", low=2)), **_OWN},
        dropped_if_unknown=("optimizer",),
        check=_check_classifier,
        **_OWN_PARAMS,
    ),
    Spec(
        "maas.MLPRegressor",
        _LEARNING,
        _OWN,
        dropped_if_unknown=("optimizer", "loss"),
        check=_check_layers,
        **_OWN_PARAMS,
    ),
    *(Spec(f"maas.{name}", _LEARNING) for name in _LOSSES),
)
