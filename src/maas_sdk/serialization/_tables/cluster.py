"""The table's clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Int, Kind, Nothing, Number, RandomState
from maas_sdk.serialization._kinds_arrays import Array, Indices, Sparse
from maas_sdk.serialization._kinds_compound import Either, ListOf, Record
from maas_sdk.serialization._names import name_of
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, required
from maas_sdk.serialization._tables._finishing import writable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["CLUSTER"]

_MODULE = "sklearn.cluster"
_PRECISIONS = (np.dtype(np.float32), np.dtype(np.float64))
_POOLING = tuple(f"numpy.{name}" for name in ("average", "max", "mean", "median", "min", "std", "sum", "var"))
_CENTERS = Array(("n_clusters", "n_features"))
_SAMPLE_LABELS = Array(("n_samples",), dtypes="i")
_PAIRS = Either(
    Array(("n_samples", "n_samples"), dtypes="fiu", finite=False),
    Sparse(("n_samples", "n_samples"), dtypes="fiub", finite=False),
)
_PER_SAMPLE = detail(Array(("n_samples",), finite=False))
_N_ITER = {"n_iter_": detail(Int())}
_N_CLUSTERS = {"_n_features_out": required(Int(1, size="n_clusters"))}
# What the result of those without predictions is.
_RESULT = {**FEATURES, "labels_": required(_SAMPLE_LABELS)}

_K_MEANS: dict[str, Field] = {
    **FEATURES,
    **_N_CLUSTERS,
    **_N_ITER,
    "cluster_centers_": required(_CENTERS),
    "labels_": detail(_SAMPLE_LABELS),
    "inertia_": detail(Number()),
}
_K_MEANS_LEFT_OUT = ("_algorithm", "_init_size", "_n_init", "_n_threads", "_tol")
_MINI_BATCH_LEFT_OUT = ("_ewa_inertia", "_ewa_inertia_min", "_no_improvement")
_TREE: dict[str, Kind] = {
    "is_leaf": Array(("n_nodes",), dtypes="b"),
    "center": Array(("n_children", "n_features")),
}


def _check_centers(_: Any, attributes: Mapping[str, Any], __: Scope, place: Place) -> None:
    """Compiled code takes the centres, and what is learned with them, as rows in one precision of two."""
    dtype = attributes["cluster_centers_"].dtype
    for name in ("cluster_centers_", "_counts", "_X_mean"):
        array = attributes.get(name)
        if array is not None and (array.dtype != dtype or not array.flags.c_contiguous):
            raise place.attribute(name).refusal(f"not rows of {dtype}")
    if dtype not in _PRECISIONS:
        raise place.attribute("cluster_centers_").refusal(f"centres of {dtype}")


def _check_bisecting(estimator: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_centers(estimator, attributes, scope, place)
    if attributes["tree"]["center"].dtype != attributes["cluster_centers_"].dtype:
        raise place.attribute("tree").refusal("not of the precision of the centres")


def _check_some(_: Any, __: Mapping[str, Any], scope: Scope, place: Place) -> None:
    if not scope.sizes["n_clusters"]:
        raise place.attribute("cluster_centers_").refusal("there is none")


def _check_pooling(agglomeration: Any, _: Mapping[str, Any], __: Scope, place: Place) -> None:
    """Of the functions that have a name in our own table, few make one number of several."""
    if name_of(agglomeration.pooling_func) not in {None, *_POOLING}:
        raise place.attribute("pooling_func").refusal("not a function that makes one number of several")


def _use_threads(estimator: Any) -> None:
    """Use as many threads as this machine has, as `fit` does."""
    from sklearn.utils._openmp_helpers import (  # noqa: PLC0415 - the table loads without estimators
        _openmp_effective_n_threads,
    )

    estimator._n_threads = _openmp_effective_n_threads()  # noqa: SLF001 - scikit-learn's own attribute


def _finish_mini_batches(estimator: Any) -> None:
    _use_threads(estimator)
    writable("cluster_centers_", "_counts", when="_counts")(estimator)


_LINKAGE: dict[str, Field] = {
    "n_leaves_": detail(Int(1, size="n_leaves")),
    "n_connected_components_": detail(Int(1)),
    "children_": detail(Array(("n_merges", 2), dtypes="i")),
    "distances_": detail(Array(("n_merges",), finite=False)),
}
_BICLUSTERS: dict[str, Field] = {
    **FEATURES,
    "rows_": required(Array(("n_biclusters", "n_samples"), dtypes="b")),
    "columns_": required(Array(("n_biclusters", "n_features"), dtypes="b")),
    "row_labels_": required(_SAMPLE_LABELS),
    "column_labels_": required(Array(("n_features",), dtypes="i")),
}
_SUBCLUSTERS: dict[str, Kind] = {
    "threshold": Array(("n_nodes",)),
    "branching_factor": Array(("n_nodes",), dtypes="i"),
    "size": Array(("n_nodes",), dtypes="i"),
    "leaves": Array(("n_leaves",), dtypes="i"),
    "child": Array(("n_entries",), dtypes="i"),
    "n_samples": Array(("n_entries",), dtypes="i"),
    "linear_sum": Array(("n_entries", "n_features")),
    "centroid": Array(("n_entries", "n_features")),
    "squared_sum": Array(("n_entries",)),
    "sq_norm": Array(("n_entries",)),
}
_DENDROGRAM: dict[str, Kind] = {
    "left_node": Array(("n_merges",), dtypes="i"),
    "right_node": Array(("n_merges",), dtypes="i"),
    "value": Array(("n_merges",), finite=False),
    "cluster_size": Array(("n_merges",), dtypes="i"),
}
_CENTERS_CHECKED = "there is a centre, and centres are rows of one precision"


def _spec(name: str, fields: Mapping[str, Field], **options: Any) -> Spec:
    return Spec(f"sklearn.{name}", _MODULE, fields, **options)


CLUSTER: tuple[Spec, ...] = (
    _spec(
        "KMeans",
        _K_MEANS,
        left_out=_K_MEANS_LEFT_OUT,
        check=_check_centers,
        finish=_use_threads,
        checked=_CENTERS_CHECKED,
    ),
    _spec(
        "MiniBatchKMeans",
        {
            **_K_MEANS,
            "n_steps_": detail(Int()),
            "_counts": detail(Array(("n_clusters",))),
            "_n_since_last_reassign": detail(Int()),
            "_batch_size": detail(Int(1)),
            "_random_state": detail(Either(Nothing(), RandomState())),
        },
        left_out=(*_K_MEANS_LEFT_OUT, *_MINI_BATCH_LEFT_OUT),
        native="generators",
        check=_check_centers,
        finish=_finish_mini_batches,
        checked=f"{_CENTERS_CHECKED}; so are counts",
    ),
    _spec(
        "BisectingKMeans",
        {**_K_MEANS, "_X_mean": optional(Array(("n_features",))), "tree": required(Record(_TREE))},
        left_out=(*_K_MEANS_LEFT_OUT, "_kmeans_single", "_random_state"),
        native="bisecting",
        check=_check_bisecting,
        finish=_use_threads,
        checked=f"{_CENTERS_CHECKED}; nodes are one binary tree with a leaf for each cluster",
    ),
    _spec(
        "Birch",
        {
            **FEATURES,
            "_n_features_out": required(Int(1, size="n_subclusters")),
            "subcluster_centers_": required(Array(("n_subclusters", "n_features"))),
            "subcluster_labels_": required(Array(("n_subclusters",), dtypes="i")),
            "_subcluster_norms": required(Array(("n_subclusters",))),
            "labels_": detail(_SAMPLE_LABELS),
            "tree": optional(Record(_SUBCLUSTERS)),
        },
        native="birch",
        checked="as many norms as subclusters; nodes are one tree, each leaf once in the chain of leaves",
    ),
    _spec(
        "AffinityPropagation",
        {
            **FEATURES,
            **_N_ITER,
            "cluster_centers_indices_": required(
                Either(Array(("n_clusters",), dtypes="i"), ListOf(Int(), "n_clusters"))
            ),
            "cluster_centers_": optional(
                Either(
                    Array(("n_clusters", "n_features"), dtypes="fiu"), Sparse(("n_clusters", "n_features"))
                )
            ),
            "labels_": detail(_SAMPLE_LABELS),
            "affinity_matrix_": detail(_PAIRS),
        },
    ),
    _spec(
        "MeanShift",
        {
            **FEATURES,
            **_N_ITER,
            "cluster_centers_": required(_CENTERS),
            "labels_": detail(_SAMPLE_LABELS),
        },
        check=_check_some,
    ),
    _spec(
        "DBSCAN",
        {
            **_RESULT,
            "core_sample_indices_": detail(Indices(("n_cores",), below="n_samples")),
            "components_": detail(
                Either(
                    Array(("n_cores", "n_features"), dtypes="fiub", finite=False),
                    Sparse(("n_cores", "n_features"), dtypes="fiub", finite=False),
                )
            ),
        },
    ),
    _spec(
        "OPTICS",
        {
            **_RESULT,
            "ordering_": detail(Indices(("n_samples",), below="n_samples")),
            "predecessor_": detail(Indices(("n_samples",), below="n_samples", low=-1)),
            "core_distances_": _PER_SAMPLE,
            "reachability_": _PER_SAMPLE,
            "cluster_hierarchy_": detail(Array(("n_hierarchy", 2), dtypes="i")),
        },
    ),
    _spec(
        "HDBSCAN",
        {
            **_RESULT,
            "probabilities_": _PER_SAMPLE,
            "centroids_": detail(_CENTERS),
            "medoids_": detail(_CENTERS),
            "_single_linkage_tree_": detail(Record(_DENDROGRAM)),
        },
        left_out=("_raw_data", "_metric_params", "_min_samples"),
        native="linkage",
        checked="each node of the dendrogram joins two that were there before",
    ),
    _spec("AgglomerativeClustering", {**_RESULT, **_LINKAGE, "n_clusters_": detail(Int(1))}),
    _spec(
        "FeatureAgglomeration",
        {
            **FEATURES,
            **_LINKAGE,
            "n_clusters_": required(Int(1, size="n_clusters")),
            **_N_CLUSTERS,
            "labels_": required(Indices(("n_features",), below="n_clusters")),
        },
        check=_check_pooling,
        checked="each label is of a cluster",
    ),
    _spec("SpectralClustering", {**_RESULT, "affinity_matrix_": detail(_PAIRS)}),
    _spec("SpectralBiclustering", _BICLUSTERS),
    _spec("SpectralCoclustering", _BICLUSTERS),
)
