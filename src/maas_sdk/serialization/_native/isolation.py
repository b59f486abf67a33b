"""Isolation forests: trees on features of their own, whose leaves count by depth and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble._iforest import _average_path_length
from sklearn.tree import ExtraTreeRegressor

from maas_sdk.serialization._native import forest
from maas_sdk.serialization._native._nodes import build_trees, take_forest

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:
    """Replace ``estimators_`` by the columns of their trees; path lengths follow from these."""
    members = attributes.pop("estimators_")
    features = attributes["estimators_features_"] = [
        np.asarray(chosen) for chosen in attributes["estimators_features_"]
    ]
    expected = {"n_outputs_": 1, "n_features_in_": features[0].size}
    forest.take_members(members, expected, attributes, place)
    attributes["trees"] = take_forest([member.tree_ for member in members], profile, keep=("n_node_samples",))
    attributes["trees_max_features"] = members[0].max_features_
    if attributes.get("_sample_weight") is not None:
        del attributes["_sample_weight"]  # one number a row of the training data


def together(isolation: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    """Replace the columns by ``estimators_`` and the lengths of their paths."""
    here, n_features = place.attribute("trees"), scope.sizes["n_used"]
    blocks = attributes.pop("trees")
    for index, columns in enumerate(blocks):
        if "n_node_samples" not in columns:
            raise here.item(index).attribute("n_node_samples").refusal("missing")
    trees = build_trees(blocks, n_features=n_features, n_classes=[1], place=here, limits=limits)
    states = attributes.pop("trees_random_state")
    if not len(trees) == len(states) == len(attributes["estimators_features_"]):
        raise here.refusal("not as many trees as random states and choices of features")
    samples = [tree.__getstate__()["nodes"]["n_node_samples"] for tree in trees]
    attributes["_average_path_length_per_tree"] = tuple(map(_average_path_length, samples))
    attributes["_decision_path_lengths"] = tuple(tree.compute_node_depths() for tree in trees)
    template = ExtraTreeRegressor(
        max_features=1,
        splitter="random",
        max_depth=max(1, int(np.ceil(np.log2(max(attributes["_max_samples"], 2))))),
    )
    vars(template).update(
        n_features_in_=n_features, n_outputs_=1, max_features_=attributes.pop("trees_max_features")
    )
    isolation._validate_estimator()  # noqa: SLF001 - sets estimator_, as fit does
    attributes["estimators_"] = forest.copies(template, trees, states)
