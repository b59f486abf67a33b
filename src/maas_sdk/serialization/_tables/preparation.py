"""The table's pipelines, scalers and PCA, and the label tables and dummies that others are made of."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Flag, Int, Nothing, Number
from maas_sdk.serialization._kinds_arrays import Array, Labels
from maas_sdk.serialization._kinds_compound import Either, Entries, ListOf
from maas_sdk.serialization._spec import FEATURES, FREE_FEATURES, Field, Spec, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["CLASS_TABLE", "PREPARATION", "check_binarizer", "check_class_table"]

# What the scalers learn of a column without values is NaN; they compute with it in plain numpy.
_COLUMN = Array(("n_features",), finite=False)
_COLUMN_OR_NONE = required(Either(Nothing(), _COLUMN))
_SAMPLES = Either(Int(), Number(), Array(("n_features",), dtypes="iuf"))
_USED = {"with_mean": "mean_", "with_centering": "center_", "with_std": "scale_", "with_scaling": "scale_"}
_MULTI_LABEL = "multilabel-indicator"
_PREPROCESSING = "sklearn.preprocessing"

CLASS_TABLE: dict[str, Field] = {
    "n_outputs_": required(Int(1, size="n_outputs")),
    "classes_": required(Either(ListOf(Labels(), "n_outputs", apart=True), Labels())),
    "n_classes_": required(Either(Int(1), ListOf(Int(1), "n_outputs"), Array(("n_outputs",), dtypes="iu"))),
}
"""Attributes of the classifiers that take one or several outputs."""


def check_class_table(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Compare the numbers of outputs and classes with the labels; bind the largest number of classes.

    Raises
    ------
    InvalidArtifactError
        If they differ.
    """
    labels, counts = attributes["classes_"], attributes["n_classes_"]
    one = not isinstance(labels, list)
    sizes = [labels.size] if one else [output.size for output in labels]
    if one != (scope.sizes["n_outputs"] == 1) or one != isinstance(counts, int | np.integer):
        raise place.attribute("classes_").refusal("labels and n_outputs_ disagree")
    if sizes != ([int(counts)] if one else [int(count) for count in counts]):
        raise place.attribute("n_classes_").refusal(f"{counts} for {sizes} labels")
    scope.bind("max_n_classes", max(sizes), place.attribute("n_classes_"))


def _check_dummy(dummy: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    check_class_table(dummy, attributes, scope, place)
    labels, priors = attributes["classes_"], attributes["class_prior_"]
    if isinstance(labels, list) != isinstance(priors, list):
        raise place.attribute("class_prior_").refusal("not one array for each output")
    labels, priors = (each if isinstance(each, list) else [each] for each in (labels, priors))
    for label, prior in zip(labels, priors, strict=True):
        if prior.size != label.size or (prior < 0).any() or not math.isclose(prior.sum(), 1, abs_tol=1e-6):
            raise place.attribute("class_prior_").refusal("not one probability for each label")
    constant = attributes["_strategy"] == "constant"
    if attributes["_strategy"] != dummy.strategy or (
        constant and np.size(dummy.constant) != scope.sizes["n_outputs"]
    ):
        raise place.attribute("_strategy").refusal("does not fit the parameters")
    if constant and not all(
        (label == value).any() for label, value in zip(labels, np.ravel(dummy.constant), strict=True)
    ):
        raise place.attribute("constant").refusal("not a label of its output")
    if attributes["sparse_output_"] and (
        attributes["_strategy"] == "uniform" or any(label.dtype.kind not in "biu" for label in labels)
    ):
        raise place.attribute("sparse_output_").refusal(
            "needs labels that are integers, and another strategy"
        )


def _check_binarizer_itself(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    if attributes["sparse_input_"] and attributes["y_type_"] != _MULTI_LABEL:
        raise place.attribute("sparse_input_").refusal("sparse targets are multi-label ones")


def check_binarizer(binarizer: Any, *, n_outputs: int, labels: NDArray[Any], place: Place) -> None:
    """Compare a table of labels with the outputs that it is to turn into labels.

    Raises
    ------
    InvalidArtifactError
        If they do not fit.
    """
    n_labels = binarizer.classes_.size
    fits = {
        "binary": n_outputs == 1 and n_labels <= 2,  # noqa: PLR2004 - two classes share an output
        "multiclass": n_outputs == n_labels,
        _MULTI_LABEL: n_outputs == n_labels > 1,
    }
    if not np.array_equal(binarizer.classes_, labels):
        raise place.refusal("other labels than the estimator's own")
    if not fits[binarizer.y_type_]:
        raise place.refusal(f"{n_labels} labels, {binarizer.y_type_}, for {n_outputs} outputs")


def _check_columns(scaler: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    """What a scaler is to use, it has."""
    for option, name in _USED.items():
        if getattr(scaler, option, False) and name in attributes and attributes[name] is None:
            raise place.attribute(name).refusal(f"missing, although {option} is set")


def _check_range(scaler: Any, _: Mapping[str, Any], __: Scope, place: Place) -> None:
    ends = scaler.feature_range
    if len(ends) != 2 or not all(isinstance(end, Real) and math.isfinite(end) for end in ends):  # noqa: PLR2004
        raise place.attribute("feature_range").refusal("expected two finite numbers")


def _check_steps(pipeline: Any) -> None:
    pipeline._validate_steps()  # noqa: SLF001 - what scikit-learn runs before it fits


PREPARATION: tuple[Spec, ...] = (
    Spec(
        "sklearn.Pipeline",
        "sklearn.pipeline",
        pieces=("steps",),
        fitted_by=("steps",),
        params={"steps": Entries(2)},
        forgotten=("memory",),
        finish=_check_steps,
    ),
    Spec(
        "sklearn.StandardScaler",
        _PREPROCESSING,
        {
            **FEATURES,
            "mean_": _COLUMN_OR_NONE,
            "var_": _COLUMN_OR_NONE,
            "scale_": _COLUMN_OR_NONE,
            "n_samples_seen_": required(_SAMPLES),
        },
        check=_check_columns,
    ),
    Spec(
        "sklearn.MinMaxScaler",
        _PREPROCESSING,
        {
            **FEATURES,
            **{
                name: required(_COLUMN)
                for name in ("scale_", "min_", "data_min_", "data_max_", "data_range_")
            },
            "n_samples_seen_": required(_SAMPLES),
        },
        check=_check_range,
    ),
    Spec(
        "sklearn.MaxAbsScaler",
        _PREPROCESSING,
        {
            **FEATURES,
            "scale_": required(_COLUMN),
            "max_abs_": required(_COLUMN),
            "n_samples_seen_": required(_SAMPLES),
        },
    ),
    Spec(
        "sklearn.RobustScaler",
        _PREPROCESSING,
        {**FEATURES, "center_": _COLUMN_OR_NONE, "scale_": _COLUMN_OR_NONE},
        check=_check_columns,
    ),
    Spec("sklearn.Normalizer", _PREPROCESSING, FREE_FEATURES),
    Spec(
        "sklearn.PCA",
        "sklearn.decomposition",
        {
            **FEATURES,
            "n_components_": required(Int(size="n_components")),
            "components_": required(Array(("n_components", "n_features"))),
            "mean_": required(Array(("n_features",))),
            **{
                name: required(Array(("n_components",), finite=False))
                for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_")
            },
            "noise_variance_": required(Number(finite=False)),
            "n_samples_": required(Int()),
        },
        left_out=("_fit_svd_solver",),
    ),
    Spec(
        "sklearn.LabelBinarizer",
        _PREPROCESSING,
        {
            "classes_": required(Labels()),
            "y_type_": required(Choice(("binary", "multiclass", _MULTI_LABEL))),
            "sparse_input_": required(Flag()),
        },
        check=_check_binarizer_itself,
    ),
    Spec("sklearn.LabelEncoder", _PREPROCESSING, {"classes_": required(Labels())}),
    Spec(
        "sklearn.DummyClassifier",
        "sklearn.dummy",
        {
            **CLASS_TABLE,
            "class_prior_": required(
                Either(ListOf(Array(("n_labels",)), "n_outputs", apart=True), Array(("n_classes",)))
            ),
            "_strategy": required(Choice(("most_frequent", "prior", "stratified", "uniform", "constant"))),
            "sparse_output_": required(Flag()),
        },
        check=_check_dummy,
    ),
    Spec(
        "sklearn.DummyRegressor",
        "sklearn.dummy",
        {
            "n_outputs_": required(Int(1, size="n_outputs")),
            "constant_": required(Array((1, "n_outputs"), dtypes="fiu")),
        },
    ),
)
