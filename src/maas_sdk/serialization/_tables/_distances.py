"""What a metric and its parameters may be: compiled code takes their arrays without comparing lengths."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._kinds import Choice, Number, Plain, Scope
from maas_sdk.serialization._kinds_compound import MapOf
from maas_sdk.serialization._spec import Field, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.serialization._place import Place

__all__ = [
    "METRIC_IN_EFFECT",
    "PRECOMPUTED",
    "SPARSE_METRICS",
    "check_metric",
    "check_search",
    "effective_metric",
]

PRECOMPUTED = "precomputed"
SPARSE_METRICS = (PRECOMPUTED, "cityblock", "cosine", "euclidean", "l1", "l2", "manhattan")
"""Those that sparse rows can have."""

_MINKOWSKI = {1.0: "manhattan", 2.0: "euclidean", math.inf: "chebyshev"}
_PLANE = 2  # features: latitude and longitude
_NEEDED = {"seuclidean": {"V"}, "mahalanobis": {"V", "VI"}}  # one of them
_FLAGS = ("squared", "copy", "missing_values")  # of scikit-learn's own functions, in numpy


METRIC_IN_EFFECT: dict[str, Field] = {
    "effective_metric_": optional(Choice((*_MINKOWSKI.values(), "minkowski"))),
    "effective_metric_params_": optional(MapOf(Choice(("p", "w")), Plain())),
}
"""Attributes that are there if they do not follow from the parameters: predictions may have altered those."""


def effective_metric(estimator: Any, attributes: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Give the metric that is searched with, as `fit` derives it, and its parameters."""
    metric, params = estimator.metric, dict(estimator.metric_params or {})
    if metric != "minkowski":
        return metric, params
    p, w = params.pop("p", estimator.p), params.pop("w", None)
    if w is None and isinstance(p, Real) and float(p) in _MINKOWSKI:
        metric = _MINKOWSKI[float(p)]
    else:
        params |= {"p": p, "w": w}
    return attributes.get("effective_metric_", metric), attributes.get("effective_metric_params_", params)


def check_search(estimator: Any, attributes: Mapping[str, Any], n_features: int, place: Place) -> Any:
    """Check the metric that an estimator is to search with, and the one in effect; give the latter.

    Raises
    ------
    InvalidArtifactError
        If a parameter is of a wrong kind or shape.
    """
    own = attributes.keys() & METRIC_IN_EFFECT.keys()
    if own and (own != METRIC_IN_EFFECT.keys() or estimator.metric != "minkowski"):
        raise place.attribute("effective_metric_").refusal("does not fit the metric")
    metric, params = effective_metric(estimator, attributes)
    check_metric(estimator.metric, estimator.metric_params, n_features, place)
    check_metric(metric, params, n_features, place)
    return metric


def check_metric(metric: Any, params: Mapping[str, Any] | None, n_features: int, place: Place) -> None:
    """Check parameters of a metric, an array's length by the number of features.

    Parameters
    ----------
    metric : str or callable
        One that the class itself allows.
    params : mapping of str to object, or None
    n_features : int
    place : Place
        Of the estimator.

    Raises
    ------
    InvalidArtifactError
        If one is of a wrong kind or shape, or none that we know.
    """
    needed = _NEEDED.get(metric, set()) if isinstance(metric, str) else set()
    if needed and not needed & (params or {}).keys():
        raise place.attribute("metric_params").refusal(f"{metric} needs {' or '.join(sorted(needed))}")
    if metric == "haversine" and n_features != _PLANE:
        raise place.attribute("metric").refusal(f"haversine distances of {n_features} features")
    for name, value in (params or {}).items():
        here = place.attribute("metric_params").attribute(str(name)[:80])
        if callable(metric) or name in _FLAGS:
            Plain().check(value, Scope(), here)
        elif name == "p":
            _check_power(value, here)
        elif name == "w" or (name == "V" and metric == "seuclidean"):
            if value is not None:
                _check_vector(value, n_features, here)
        elif name in ("V", "VI"):
            _check_matrix(value, n_features, here)
        else:
            raise here.refusal("not a parameter of a metric that we know")


def _check_power(value: Any, place: Place) -> None:
    Number(finite=False).check(value, Scope(), place)
    if not value > 0:
        raise place.refusal("expected a number above 0")


def _check_vector(value: Any, n_features: int, place: Place) -> None:
    if isinstance(value, list | tuple) and all(isinstance(item, Real) for item in value):
        value = np.array([float(item) for item in value])
    if not _is_numbers(value, (n_features,)) or (value < 0).any():
        raise place.refusal(f"expected {n_features} finite numbers, none below 0")


def _check_matrix(value: Any, n_features: int, place: Place) -> None:
    if not _is_numbers(value, (n_features, n_features)):
        raise place.refusal(f"expected a finite matrix of {n_features} rows and columns")


def _is_numbers(value: NDArray[Any] | Any, shape: tuple[int, ...]) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "iuf"
        and value.shape == shape
        and bool(np.isfinite(value).all())
    )
