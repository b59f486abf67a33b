"""Gradient boosting: an array of regression trees, one column for each score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from maas_sdk.serialization._native._nodes import build_trees, take_trees
from maas_sdk.serialization._native._structure import blocks
from maas_sdk.serialization._native.forest import copies
from maas_sdk.serialization._skew import before

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]

_LEAST = 50  # iterations of a block: their trees are small
_SHARED_OPTIONS = (  # of the ensemble and its trees
    *("max_depth", "min_samples_split", "min_samples_leaf", "min_weight_fraction_leaf"),
    *("min_impurity_decrease", "max_features", "max_leaf_nodes", "ccp_alpha"),
)


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``estimators_`` by the columns of their trees."""
    members = attributes.pop("estimators_")
    attributes["trees"] = [
        take_trees([member.tree_ for member in members[start:end].ravel()], profile)
        for start, end in blocks(len(members), least=_LEAST)
    ]


def together(boosting: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    """Replace the columns by ``estimators_``."""
    here, n_features = place.attribute("trees"), scope.sizes["n_features"]
    trees = build_trees(
        attributes.pop("trees"), n_features=n_features, n_classes=[1], place=here, limits=limits
    )
    step = scope.sizes["n_trees_per_iteration"]
    if not trees or len(trees) % step:
        raise here.refusal("no trees, or an incomplete iteration")
    template = DecisionTreeRegressor(
        criterion=boosting.criterion if before(1, 9) else "squared_error",
        **{name: getattr(boosting, name) for name in _SHARED_OPTIONS},
    )
    vars(template).update(n_outputs_=1, n_features_in_=n_features, max_features_=attributes["max_features_"])
    members = np.empty(len(trees), dtype=object)
    members[:] = copies(template, trees, [None] * len(trees))
    attributes["estimators_"] = members.reshape(-1, step)
