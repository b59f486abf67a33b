"""Estimators that search neighbours: their metric follows from parameters, their tree has their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from maas_sdk.serialization._native._balls import TREES, build_tree, take_tree
from maas_sdk.serialization._tables._distances import METRIC_IN_EFFECT, effective_metric

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(estimator: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``_tree`` by its columns, and leave out the metric in effect if it follows from parameters."""
    derived = effective_metric(estimator, {})
    metric, params = (attributes[name] for name in METRIC_IN_EFFECT)
    if metric == derived[0] and _equal(params, derived[1]):
        for name in METRIC_IN_EFFECT:
            del attributes[name]
    samples = attributes["_fit_X"]
    if not isinstance(samples, np.ndarray) and not sparse.issparse(samples):
        attributes["_fit_X"] = np.asarray(samples)  # the view of a tree that was given to `fit`
    tree = attributes.pop("_tree")
    if tree is not None:
        here = place.attribute("_tree")
        if type(tree) is not TREES.get(attributes["_fit_method"]):
            raise here.refusal(f"a {type(tree).__name__} for {attributes['_fit_method']}")
        attributes["tree"] = take_tree(tree, _data(attributes), metric, params, here)


def together(estimator: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Give the metric in effect, and ``_tree`` for its columns."""
    metric, params = effective_metric(estimator, attributes)
    columns = attributes.pop("tree", None)
    attributes |= {"effective_metric_": metric, "effective_metric_params_": params}
    attributes["_tree"] = None
    if columns is not None:
        cls, here = TREES[attributes["_fit_method"]], place.attribute("tree")
        attributes["_tree"] = build_tree(cls, columns, _data(attributes), metric, params, here)


def _data(attributes: dict[str, Any]) -> Any:
    """Give the samples as a tree wants them: the same array where it is so already."""
    return np.ascontiguousarray(attributes["_fit_X"], np.float64)


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)
