"""The table's pipelines, scalers and PCA, and the label tables and dummies that others are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import (
    Array,
    Choice,
    Either,
    Flag,
    Int,
    Labels,
    ListOf,
    Nothing,
    Number,
)
from maas_sdk.serialization._spec import Field, Spec, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["CLASS_TABLE", "PREPARATION", "check_class_table"]

# What the scalers learn of a column without values is NaN; they compute with it in plain numpy.
_COLUMN = Array(("n_features",), finite=False)
_COLUMN_OR_NONE = required(Either(Nothing(), _COLUMN))
_SAMPLES = Either(Int(), Number(), Array(("n_features",), dtypes="iuf"))
_PREPROCESSING = "sklearn.preprocessing"

CLASS_TABLE: dict[str, Field] = {
    "n_outputs_": required(Int(1, size="n_outputs")),
    "classes_": required(Either(ListOf(Labels(), "n_outputs", apart=True), Labels())),
    "n_classes_": required(Either(Int(1), ListOf(Int(1), "n_outputs"), Array(("n_outputs",), dtypes="iu"))),
}
"""Attributes of the classifiers that take one or several outputs."""


def check_class_table(attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
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
    scope.bind("max_n_classes", max(sizes), place)


def _check_dummy(attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    check_class_table(attributes, scope, place)
    labels, priors = attributes["classes_"], attributes["class_prior_"]
    if isinstance(labels, list) != isinstance(priors, list) or (
        isinstance(labels, list) and [prior.size for prior in priors] != [output.size for output in labels]
    ):
        raise place.attribute("class_prior_").refusal("not one number for each label")


def _check_steps(pipeline: Any) -> None:
    pipeline._validate_steps()  # noqa: SLF001 - what scikit-learn runs before it fits


PREPARATION: tuple[Spec, ...] = (
    Spec(
        "sklearn.Pipeline",
        "sklearn.pipeline",
        nested={"steps": "named"},
        forgotten=("memory",),
        finish=_check_steps,
    ),
    Spec(
        "sklearn.StandardScaler",
        _PREPROCESSING,
        {
            "mean_": _COLUMN_OR_NONE,
            "var_": _COLUMN_OR_NONE,
            "scale_": _COLUMN_OR_NONE,
            "n_samples_seen_": required(_SAMPLES),
        },
    ),
    Spec(
        "sklearn.MinMaxScaler",
        _PREPROCESSING,
        {
            **{
                name: required(_COLUMN)
                for name in ("scale_", "min_", "data_min_", "data_max_", "data_range_")
            },
            "n_samples_seen_": required(_SAMPLES),
        },
    ),
    Spec(
        "sklearn.MaxAbsScaler",
        _PREPROCESSING,
        {
            "scale_": required(_COLUMN),
            "max_abs_": required(_COLUMN),
            "n_samples_seen_": required(_SAMPLES),
        },
    ),
    Spec("sklearn.RobustScaler", _PREPROCESSING, {"center_": _COLUMN_OR_NONE, "scale_": _COLUMN_OR_NONE}),
    Spec("sklearn.Normalizer", _PREPROCESSING),
    Spec(
        "sklearn.PCA",
        "sklearn.decomposition",
        {
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
            "y_type_": required(
                Choice(("binary", "multiclass", "multilabel-indicator", "continuous", "unknown"))
            ),
            "sparse_input_": required(Flag()),
        },
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
