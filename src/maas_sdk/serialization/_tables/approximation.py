"""The table's approximations of kernels and random projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._kinds import Int, Number
from maas_sdk.serialization._kinds_arrays import Array, Indices, Sparse
from maas_sdk.serialization._kinds_compound import Either
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, optional, required
from maas_sdk.serialization._tables.decomposition import KERNEL_PARAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["APPROXIMATION"]

_KERNELS, _PROJECTIONS = "sklearn.kernel_approximation", "sklearn.random_projection"
_SHAPE = ("n_components", "n_features")
_WIDTH = {"_n_features_out": required(Int(1, size="n_components"))}
_MAX_SKETCH = 2**18  # numbers that a row grows to, of which the file holds few
_MAX_STEPS = 64
_MAX_NAMES = 2**22
_RANDOM: dict[str, Field] = {
    **FEATURES,
    **_WIDTH,
    "random_weights_": required(Array(("n_features", "n_components"))),
    "random_offset_": required(Array(("n_components",))),
}
_PROJECTION: dict[str, Field] = {
    **FEATURES,
    **_WIDTH,
    "n_components_": required(Int(1, size="n_components")),
    "components_": required(Either(Array(_SHAPE), Sparse(_SHAPE))),
    "inverse_components_": optional(Array(("n_features", "n_components"))),
}


def _check_sketch(sketch: Any, _: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Compare parameters with the tables of hashes: rows grow by parameters."""
    sizes = scope.sizes
    if sketch.n_components != sizes["n_components"] or sketch.degree != sizes["degree"]:
        raise place.attribute("n_components").refusal("not those of the hashes")
    if sizes["n_hashed"] != sizes["n_features"] + (sketch.coef0 != 0):
        raise place.attribute("indexHash_").refusal("not one hash for each feature")
    if sizes["degree"] * sizes["n_components"] > _MAX_SKETCH:
        raise place.attribute("n_components").refusal(f"more than {_MAX_SKETCH} numbers for a row")


def _check_steps(sampler: Any, _: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """No array of the file says how many features there are."""
    if scope.sizes["n_features"] * (2 * sampler.sample_steps - 1) > _MAX_NAMES:
        raise place.attribute("n_features_in_").refusal(f"more than {_MAX_NAMES} features to come")
    if sampler.sample_interval is None and sampler.sample_steps > 3:  # noqa: PLR2004 - the most that it knows
        raise place.attribute("sample_interval").refusal("missing")


def _check_projection(projection: Any, attributes: Mapping[str, Any], _: Scope, place: Place) -> None:
    if projection.compute_inverse_components != ("inverse_components_" in attributes):
        raise place.attribute("inverse_components_").refusal("does not fit compute_inverse_components")


APPROXIMATION: tuple[Spec, ...] = (
    Spec(
        "sklearn.Nystroem",
        _KERNELS,
        {
            **FEATURES,
            **_WIDTH,
            "components_": required(Either(Array(_SHAPE, dtypes="fiub"), Sparse(_SHAPE, dtypes="fiub"))),
            "normalization_": required(Array(("n_components", "n_components"))),
            "component_indices_": detail(Array(("n_components",), dtypes="i")),
        },
        params=KERNEL_PARAMS,
    ),
    Spec("sklearn.RBFSampler", _KERNELS, {**_RANDOM, "_gamma": optional(Number())}),
    Spec("sklearn.SkewedChi2Sampler", _KERNELS, _RANDOM),
    Spec(
        "sklearn.AdditiveChi2Sampler",
        _KERNELS,
        FEATURES,
        params={"sample_steps": Int(1, _MAX_STEPS)},
        check=_check_steps,
    ),
    Spec(
        "sklearn.PolynomialCountSketch",
        _KERNELS,
        {
            **FEATURES,
            **_WIDTH,
            "indexHash_": required(Indices(("degree", "n_hashed"), below="n_components")),
            "bitHash_": required(Indices(("degree", "n_hashed"), low=-1, below=2)),
        },
        check=_check_sketch,
        checked="each hash is below n_components",
    ),
    Spec("sklearn.GaussianRandomProjection", _PROJECTIONS, _PROJECTION, check=_check_projection),
    Spec(
        "sklearn.SparseRandomProjection",
        _PROJECTIONS,
        {**_PROJECTION, "density_": detail(Number())},
        check=_check_projection,
    ),
)
