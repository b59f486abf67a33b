"""The table's nearest neighbours, and the density that is searched likewise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._arrays import all_finite
from maas_sdk.serialization._kinds import Choice, Flag, Int, Kind, Nothing, Number, Plain, RandomState
from maas_sdk.serialization._kinds_arrays import Array, Indices, Labels, Sparse
from maas_sdk.serialization._kinds_compound import Either, ListOf, Record
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, required
from maas_sdk.serialization._tables._distances import (
    METRIC_IN_EFFECT,
    PRECOMPUTED,
    SPARSE_METRICS,
    check_metric,
    check_search,
)
from maas_sdk.serialization._tables._kernels import THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["NEIGHBORS"]

_MODULE = "sklearn.neighbors"
_REACH: dict[str, Kind] = {"n_jobs": THREADS}
_COUNT: dict[str, Kind] = {**_REACH, "n_neighbors": Either(Nothing(), Int(1))}
_TREE: dict[str, Kind] = {
    "leaf_size": Int(1),
    "order": Indices(("n_samples",), below="n_samples"),
    "radius": Array(("n_nodes",)),
    "bounds": Array(("n_sides", "n_nodes", "n_features")),
}
_SAMPLES = ("n_samples", "n_features")
_FIT: dict[str, Field] = {
    "_fit_X": required(Either(Array(_SAMPLES, dtypes="fiub", finite=False), Sparse(_SAMPLES, dtypes="fiub"))),
    "n_samples_fit_": required(Int(1, size="n_samples")),
    "_fit_method": required(Choice(("brute", "kd_tree", "ball_tree"))),
    "tree": optional(Record(_TREE)),
    **METRIC_IN_EFFECT,
}
_CLASSES: dict[str, Field] = {
    "outputs_2d_": required(Flag()),
    "classes_": required(Either(ListOf(Labels(), "n_outputs", apart=True), Labels())),
    "_y": required(Either(Array(("n_samples",), dtypes="i"), Array(("n_samples", "n_outputs"), dtypes="i"))),
}
_TARGETS: dict[str, Field] = {
    "_y": required(
        Either(Array(("n_samples",), dtypes="fiub"), Array(("n_samples", "n_outputs"), dtypes="fiub"))
    )
}
_TRANSFORMER = {"_n_features_out": required(Int(1, size="n_samples"))}


def _check_samples(estimator: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Compare samples, metric and tree: what searches them looks at none of it."""
    samples, n_features = attributes["_fit_X"], scope.sizes["n_features"]
    with_tree, is_dense = "tree" in attributes, isinstance(samples, np.ndarray)
    if with_tree != (attributes["_fit_method"] != "brute") or (with_tree and not is_dense):
        raise place.attribute("_fit_method").refusal("does not fit the samples and their tree")
    # Of a tree that was given to `fit`, the estimator does not know it; the tree itself compares the rows.
    if not with_tree and "n_features_in_" not in attributes:
        raise place.attribute("n_features_in_").refusal("missing")
    if (
        is_dense
        and samples.dtype.kind == "f"
        and (with_tree or estimator.metric != "nan_euclidean")
        and not all_finite(samples)
    ):
        raise place.attribute("_fit_X").refusal("expected finite numbers")
    if estimator.metric == PRECOMPUTED and n_features != scope.sizes["n_samples"]:
        raise place.attribute("_fit_X").refusal("distances that are not between all samples")
    metric = check_search(estimator, attributes, n_features, place)
    if not is_dense and not callable(metric) and metric not in SPARSE_METRICS:
        raise place.attribute("metric").refusal("not a metric of sparse rows")


def _check_count(estimator: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_samples(estimator, attributes, scope, place)
    if not 1 <= (estimator.n_neighbors or 0) <= scope.sizes["n_samples"]:
        raise place.attribute("n_neighbors").refusal(f"more than {scope.sizes['n_samples']} samples")


def _check_classes(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    """Each code is one of a class: compiled code counts them without looking."""
    codes, labels = attributes["_y"], attributes["classes_"]
    several = isinstance(labels, list)
    if several != attributes["outputs_2d_"] or several != (codes.ndim > 1):
        raise place.attribute("classes_").refusal("labels and outputs disagree")
    counts = [output.size for output in labels] if several else labels.size
    if codes.dtype != np.intp or (codes < 0).any() or (codes >= counts).any():
        raise place.attribute("_y").refusal("a code that is not of a class")


def _check_classifier(estimator: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_count(estimator, attributes, scope, place)
    _check_classes(estimator, attributes, scope, place)


def _check_in_reach(estimator: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_samples(estimator, attributes, scope, place)
    _check_classes(estimator, attributes, scope, place)
    labels, outliers = attributes["classes_"], attributes["outlier_label_"]
    n_outputs = len(labels) if isinstance(labels, list) else 1
    if isinstance(outliers, np.ndarray):
        outliers = outliers.tolist()
    if outliers is not None and (not isinstance(outliers, list | tuple) or len(outliers) != n_outputs):
        raise place.attribute("outlier_label_").refusal("not one for each output")


def _check_outliers(estimator: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_samples(estimator, attributes, scope, place)
    count = attributes["n_neighbors_"]
    if count > min(scope.sizes["n_samples"], scope.sizes["n_distances"]):
        raise place.attribute("n_neighbors_").refusal("more than there are samples or distances")


def _check_density(density: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    if not scope.sizes["n_samples"]:
        raise place.attribute("samples").refusal("there is none")
    if attributes["bandwidth_"] <= 0:
        raise place.attribute("bandwidth_").refusal("expected a number above 0")
    check_metric(density.metric, density.metric_params, scope.sizes["n_features"], place)


def _search(name: str, check: Callable[..., None], fields: Mapping[str, Field], checked: str = "") -> Spec:
    return Spec(
        f"sklearn.{name}",
        _MODULE,
        {**_FIT, **fields},
        params=_REACH if name.startswith("Radius") else _COUNT,
        native="neighbors",
        check=check,
        checked=f"{_CHECKED}{checked}",
    )


_CHECKED = (
    "samples are finite and as wide as the rows to come; a tree's order is a permutation, its nodes are "
    "derived from the number of samples; the metric, and its parameters' shapes"
)
_CODES = "; each code is one of a class"

NEIGHBORS: tuple[Spec, ...] = (
    _search("KNeighborsClassifier", _check_classifier, _CLASSES, _CODES),
    _search("KNeighborsRegressor", _check_count, _TARGETS),
    _search(
        "RadiusNeighborsClassifier",
        _check_in_reach,
        {
            **_CLASSES,
            "outlier_label_": required(Plain()),
        },
        _CODES,
    ),
    _search("RadiusNeighborsRegressor", _check_samples, _TARGETS),
    _search("NearestNeighbors", _check_samples, {}),
    _search("KNeighborsTransformer", _check_count, _TRANSFORMER),
    _search("RadiusNeighborsTransformer", _check_samples, _TRANSFORMER),
    _search(
        "LocalOutlierFactor",
        _check_outliers,
        {
            "n_neighbors_": required(Int(1)),
            "offset_": required(Number()),
            "negative_outlier_factor_": detail(Array(("n_samples",), finite=False)),
            "_lrd": required(Array(("n_samples",), finite=False)),
            "_distances_fit_X_": required(Array(("n_samples", "n_distances"), finite=False)),
        },
    ),
    Spec(
        "sklearn.KernelDensity",
        _MODULE,
        {
            **FEATURES,
            "bandwidth_": required(Number()),
            "algorithm_": required(Choice(("kd_tree", "ball_tree"))),
            "samples": required(Array(_SAMPLES)),
            "sample_weight": optional(Array(("n_samples",))),
            "tree": required(Record(_TREE)),
        },
        native="density",
        check=_check_density,
        checked=_CHECKED,
    ),
    Spec(
        "sklearn.NearestCentroid",
        _MODULE,
        {
            **FEATURES,
            "classes_": required(Labels(low=2)),
            "centroids_": required(Array(("n_classes", "n_features"))),
            "class_prior_": optional(Array(("n_classes",), dtypes="fi")),
            "within_class_std_dev_": optional(Array(("n_features",), finite=False)),
            "deviations_": detail(Array(("n_classes", "n_features"), finite=False)),
        },
    ),
    Spec(
        "sklearn.NeighborhoodComponentsAnalysis",
        _MODULE,
        {
            **FEATURES,
            "components_": required(Array(("n_components", "n_features"))),
            "n_iter_": detail(Int()),
            "random_state_": detail(Either(Nothing(), RandomState())),
        },
        native="generators",
    ),
)
