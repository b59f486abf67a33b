"""The table's mixtures of Gaussians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Flag, Int, Number
from maas_sdk.serialization._kinds_arrays import Array
from maas_sdk.serialization._kinds_compound import Either, ListOf, TupleOf
from maas_sdk.serialization._spec import FEATURES, Field, Spec, detail, record, required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["MIXTURES"]

_SHAPES: dict[str, tuple[str, ...]] = {
    "full": ("n_components", "n_features", "n_features"),
    "tied": ("n_features", "n_features"),
    "diag": ("n_components", "n_features"),
    "spherical": ("n_components",),
}
_SPREADS = tuple(Array(shape) for shape in _SHAPES.values())
_BY_COMPONENT = Array(("n_components",))
_COLUMN = Array(("n_features",))
_BOUND = Either(Number(finite=False), Array((1,), finite=False))
_MIXTURE: dict[str, Field] = {
    **FEATURES,
    "means_": required(Array(("n_components", "n_features"))),
    "weights_": required(_BY_COMPONENT),
    "covariances_": required(Either(*_SPREADS)),
    "precisions_cholesky_": required(Either(*_SPREADS)),
    "precisions_": detail(Either(*_SPREADS)),
    "converged_": detail(Flag()),
    "n_iter_": detail(Int()),
    "lower_bound_": detail(_BOUND),
    "lower_bounds_": record(ListOf(_BOUND)),
}
_PRIORS = ("weight_concentration_prior_", "mean_precision_prior_", "degrees_of_freedom_prior_")
_BAYESIAN: dict[str, Field] = {
    **_MIXTURE,
    "weight_concentration_": required(Either(TupleOf((_BY_COMPONENT, _BY_COMPONENT)), _BY_COMPONENT)),
    "mean_precision_": required(_BY_COMPONENT),
    "degrees_of_freedom_": required(Either(Number(), _BY_COMPONENT)),
    "mean_prior_": detail(_COLUMN),
    "covariance_prior_": detail(Either(Number(), _COLUMN, Array(("n_features", "n_features")))),
    **{name: detail(Number()) for name in _PRIORS},
}


def _check_mixture(mixture: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    """Covariances have the shape that their type says; what is drawn from is a probability."""
    kind = mixture.covariance_type
    shape = tuple(scope.sizes[dimension] for dimension in _SHAPES[kind])
    for name in ("covariances_", "precisions_cholesky_", "precisions_"):
        if name in attributes and attributes[name].shape != shape:
            raise place.attribute(name).refusal(f"expected the shape {shape} of covariances that are {kind}")
    weights = attributes["weights_"]
    if (weights < 0).any() or not abs(weights.sum() - 1) < 1e-3:  # noqa: PLR2004 - of any precision
        raise place.attribute("weights_").refusal("expected probabilities whose sum is 1")


def _check_bayesian(mixture: Any, attributes: Mapping[str, Any], scope: Scope, place: Place) -> None:
    _check_mixture(mixture, attributes, scope, place)
    in_pairs = mixture.weight_concentration_prior_type == "dirichlet_process"
    if isinstance(attributes["weight_concentration_"], tuple) != in_pairs:
        raise place.attribute("weight_concentration_").refusal("does not fit the type of its prior")
    one_for_all = mixture.covariance_type == "tied"
    if (np.ndim(attributes["degrees_of_freedom_"]) == 0) != one_for_all:
        raise place.attribute("degrees_of_freedom_").refusal("does not fit the type of the covariances")


MIXTURES: tuple[Spec, ...] = (
    Spec("sklearn.GaussianMixture", "sklearn.mixture", _MIXTURE, check=_check_mixture),
    Spec("sklearn.BayesianGaussianMixture", "sklearn.mixture", _BAYESIAN, check=_check_bayesian),
)
