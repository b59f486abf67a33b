"""The tree of a bisecting k-means: the centres of its nodes but the root, parents before left and right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster._bisect_k_means import _BisectingTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]

_MAX_DEPTH = 900  # prediction goes down by recursion


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``_bisecting_tree`` by columns."""
    waiting, nodes = [attributes.pop("_bisecting_tree")], []
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        if node.left is not None:
            waiting += [node.right, node.left]
    centers = [node.center for node in nodes[1:]]
    attributes["tree"] = {
        "is_leaf": np.array([node.left is None for node in nodes]),
        "center": np.stack(centers) if centers else attributes["cluster_centers_"][:0],
    }


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace the columns by ``_bisecting_tree``, whose leaves are the clusters in order."""
    columns, here = attributes.pop("tree"), place.attribute("tree")
    if columns["center"].shape[0] != columns["is_leaf"].size - 1:
        raise here.attribute("center").refusal("not one for each node")
    if np.count_nonzero(columns["is_leaf"]) != scope.sizes["n_clusters"]:
        raise here.attribute("is_leaf").refusal("not a leaf for each cluster")
    attributes["_bisecting_tree"] = _build(columns["is_leaf"], [None, *columns["center"]], here)


def _build(is_leaf: NDArray[np.bool_], centers: list[Any], place: Place) -> Any:
    """Give the root; each node is the child that the last one lacks."""
    above = _BisectingTree(center=None, indices=None, score=None)
    free = [(above, "left", 0)]
    n_leaves = 0
    for leaf, center in zip(is_leaf.tolist(), centers, strict=True):
        if not free or free[-1][2] > _MAX_DEPTH:
            raise place.attribute("is_leaf").refusal("not one binary tree, or too deep")
        parent, side, depth = free.pop()
        node = _BisectingTree(center=center, indices=None, score=None)
        setattr(parent, side, node)
        if leaf:
            node.label, n_leaves = n_leaves, n_leaves + 1
        else:
            free += [(node, "right", depth + 1), (node, "left", depth + 1)]
    if free:
        raise place.attribute("is_leaf").refusal("a node has one child")
    return above.left
