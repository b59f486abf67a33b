"""Kernel density, whose samples and weights are in its tree alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._native._balls import TREES, build_tree, take_tree

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]

_NAMES = {cls: name for name, cls in TREES.items()}


def apart(density: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``tree_`` by its kind, samples, weights and columns."""
    tree = attributes.pop("tree_")
    samples, *_, weights = tree.__getstate__()
    attributes["algorithm_"] = _NAMES[type(tree)]
    attributes["samples"] = samples
    if weights is not None:
        attributes["sample_weight"] = weights
    attributes["tree"] = take_tree(
        tree, samples, density.metric, density.metric_params or {}, place.attribute("tree_")
    )


def together(density: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace them by ``tree_``."""
    weights = attributes.pop("sample_weight", None)
    attributes["tree_"] = build_tree(
        TREES[attributes.pop("algorithm_")],
        attributes.pop("tree"),
        np.ascontiguousarray(attributes.pop("samples"), np.float64),
        density.metric,
        density.metric_params or {},
        place.attribute("tree"),
        sample_weight=None if weights is None else np.ascontiguousarray(weights, np.float64),
    )
