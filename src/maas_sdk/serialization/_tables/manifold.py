"""The table's manifold learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Int, Number
from maas_sdk.serialization._kinds_arrays import Array, Sparse
from maas_sdk.serialization._kinds_compound import Either, Estimator, Instance
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["MANIFOLD"]

_MODULE = "sklearn.manifold"
_PAIRS = Array(("n_samples", "n_samples"), finite=False)
_EMBEDDING = Array(("n_samples", "n_components"))
_WIDTH = {"_n_features_out": required(Int(1, size="n_components"))}
_N_ITER = {"n_iter_": detail(Int())}
_NEIGHBORS = {"nbrs_": required(Instance((("sklearn", "NearestNeighbors"),)))}
_CHECKED = "neighbours are found among as many samples as were embedded"
# What the result of those is that transform no new rows.
_RESULT: dict[str, Field] = {**FEATURES, "embedding_": required(_EMBEDDING)}


def _check_neighbors(_: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """The neighbours that are found are rows of what is learned."""
    found = attributes["nbrs_"]
    Estimator(features="n_features").check(found, scope, place.attribute("nbrs_"))
    if found.n_samples_fit_ != scope.sizes["n_samples"]:
        raise place.attribute("nbrs_").refusal(f"not of {scope.sizes['n_samples']} samples")


def _check_isomap(isomap: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_neighbors(isomap, attributes, scope, place)
    pca, found = attributes["kernel_pca_"], attributes["nbrs_"]
    here = place.attribute("kernel_pca_")
    Estimator(features="n_samples").check(pca, scope, here)
    if pca.kernel != "precomputed" or pca.eigenvalues_.size != scope.sizes["n_components"]:
        raise here.refusal(f"not of distances, or not of {scope.sizes['n_components']} components")
    if found.n_neighbors is not None and found.n_neighbors > scope.sizes["n_samples"]:
        raise place.attribute("nbrs_").refusal("of more neighbours than samples")


def _check_locally_linear(embedding: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_neighbors(embedding, attributes, scope, place)
    if embedding.n_components != scope.sizes["n_components"]:
        raise place.attribute("n_components").refusal(f"not the {scope.sizes['n_components']} components")
    if embedding.n_neighbors > scope.sizes["n_samples"]:
        raise place.attribute("n_neighbors").refusal(f"more than {scope.sizes['n_samples']} samples")


def _spec(name: str, fields: Mapping[str, Field], **options: Any) -> Spec:
    return Spec(f"sklearn.{name}", _MODULE, {**FEATURES, **fields}, **options)


MANIFOLD: tuple[Spec, ...] = (
    _spec(
        "Isomap",
        {
            **_WIDTH,
            **_NEIGHBORS,
            "dist_matrix_": required(_PAIRS),
            "kernel_pca_": required(Instance((("sklearn", "KernelPCA"),))),
            "embedding_": detail(_EMBEDDING),
        },
        check=_check_isomap,
        checked=_CHECKED,
    ),
    _spec(
        "LocallyLinearEmbedding",
        {
            **_WIDTH,
            **_NEIGHBORS,
            "embedding_": required(_EMBEDDING),
            "reconstruction_error_": detail(Number(finite=False)),
        },
        params={"n_neighbors": Int(1)},
        check=_check_locally_linear,
        checked=_CHECKED,
    ),
    _spec(
        "SpectralEmbedding",
        {
            **_RESULT,
            "affinity_matrix_": detail(Either(_PAIRS, Sparse(("n_samples", "n_samples"), finite=False))),
            "gamma_": detail(Number()),
            "n_neighbors_": detail(Int()),
        },
    ),
    _spec(
        "MDS",
        {
            **_RESULT,
            **_N_ITER,
            "stress_": detail(Number(finite=False)),
            "dissimilarity_matrix_": detail(_PAIRS),
        },
        left_out=("_init", "_metric", "_metric_mds", "_n_init"),
    ),
    _spec(
        "ClassicalMDS",
        {
            **_RESULT,
            "eigenvalues_": detail(Array(("n_components",))),
            "dissimilarity_matrix_": detail(_PAIRS),
        },
    ),
    _spec(
        "TSNE",
        {
            **_RESULT,
            **_N_ITER,
            "kl_divergence_": detail(Number(finite=False)),
            "learning_rate_": detail(Number()),
        },
        left_out=("_max_iter",),
    ),
)
