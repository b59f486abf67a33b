"""Birch's tree of subclusters, in which it goes on learning: columns, one entry for each subcluster.

Nodes are numbered level by level from the root. A model without the tree predicts, and says so when it is
asked to learn: scikit-learn would forget what it knows and begin anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from sklearn.cluster._birch import _CFNode, _CFSubcluster

from maas_sdk.errors import NotIncludedError

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["LeftOut", "apart", "together"]

_NODES = ("root_", "dummy_leaf_")
_COLUMNS = ("n_samples", "linear_sum", "squared_sum", "centroid", "sq_norm")
# Each node has room for as many subclusters as one may ever hold.
_FLOOR = 64 * 1024 * 1024
_SPREAD = 64


class LeftOut:
    """What stands for the tree in a model of the inference profile."""

    def __getattr__(self, name: str) -> NoReturn:
        raise NotIncludedError(
            "the inference profile keeps what predictions use; to go on learning, this needs the tree of "
            "subclusters: ask for a file in the profile 'full'"
        )


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace the tree by columns in the full profile, by nothing in the other."""
    root, first_leaf = (attributes.pop(name) for name in _NODES)
    if profile == "inference" or isinstance(root, LeftOut):
        return
    nodes = _level_by_level(root)
    number = {id(node): index for index, node in enumerate(nodes)}
    clusters = [cluster for node in nodes for cluster in node.subclusters_]
    attributes["tree"] = {
        "threshold": np.array([node.threshold for node in nodes], np.float64),
        "branching_factor": np.array([node.branching_factor for node in nodes]),
        "size": np.array([len(node.subclusters_) for node in nodes]),
        "child": np.array([-1 if each.child_ is None else number[id(each.child_)] for each in clusters]),
        "leaves": np.array([number[id(leaf)] for leaf in _chain(first_leaf)]),
        **{name: np.array([getattr(each, f"{name}_") for each in clusters]) for name in _COLUMNS},
    }


def _level_by_level(root: Any) -> list[Any]:
    nodes = [root]
    for node in nodes:
        nodes.extend(each.child_ for each in node.subclusters_ if each.child_ is not None)
    return nodes


def _chain(first_leaf: Any) -> list[Any]:
    leaves = []
    while (first_leaf := first_leaf.next_leaf_) is not None:
        leaves.append(first_leaf)
    return leaves


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace the columns by the tree."""
    columns = attributes.pop("tree", None)
    if columns is None:
        attributes.update({name: LeftOut() for name in _NODES})
        return
    here, dtype = place.attribute("tree"), attributes["subcluster_centers_"].dtype
    _check(columns, here)
    *nodes, first = _empty_nodes(columns, scope.sizes["n_features"], dtype, here)
    clusters = iter(_subclusters(columns, nodes))
    for node, size in zip(nodes, columns["size"].tolist(), strict=True):
        for __ in range(size):
            node.append_subcluster(next(clusters))
    last = first
    for leaf in columns["leaves"].tolist():
        last.next_leaf_, nodes[leaf].prev_leaf_ = nodes[leaf], last
        last = nodes[leaf]
    attributes["root_"], attributes["dummy_leaf_"] = nodes[0], first


def _empty_nodes(columns: dict[str, Any], n_features: int, dtype: np.dtype[Any], place: Place) -> list[Any]:
    """Give the nodes and, after them, the one before the first leaf."""
    factors, thresholds = columns["branching_factor"].tolist(), columns["threshold"].tolist()
    room = (sum(factors) + len(factors)) * n_features * dtype.itemsize
    if min(factors) < 1 or room > _FLOOR + _SPREAD * columns["centroid"].nbytes:
        raise place.attribute("branching_factor").refusal(f"{room} bytes for nodes that hold little")
    if (columns["size"] > columns["branching_factor"]).any():
        raise place.attribute("size").refusal("a node of more subclusters than branching_factor")
    is_leaf = np.zeros(len(factors), np.bool_)
    is_leaf[columns["leaves"]] = True
    rows = [*zip(thresholds, factors, is_leaf.tolist(), strict=True), (thresholds[0], factors[0], True)]
    return [
        _CFNode(
            threshold=threshold, branching_factor=factor, is_leaf=leaf, n_features=n_features, dtype=dtype
        )
        for threshold, factor, leaf in rows
    ]


def _subclusters(columns: dict[str, Any], nodes: list[Any]) -> list[Any]:
    clusters = []
    for index, child in enumerate(columns["child"].tolist()):
        cluster = _CFSubcluster()
        cluster.n_samples_ = int(columns["n_samples"][index])
        cluster.linear_sum_ = columns["linear_sum"][index].copy()
        cluster.centroid_ = columns["centroid"][index].copy()
        cluster.squared_sum_, cluster.sq_norm_ = columns["squared_sum"][index], columns["sq_norm"][index]
        cluster.child_ = None if child < 0 else nodes[child]
        clusters.append(cluster)
    return clusters


def _check(columns: dict[str, Any], place: Place) -> None:
    """Prove that nodes are a tree: each but the root is the child of one subcluster, of a node before it."""
    size, child, leaves = columns["size"], columns["child"], columns["leaves"]
    if (size < 1).any() or (size > child.size).any() or size.sum() != child.size:
        raise place.attribute("size").refusal(f"does not divide {child.size} subclusters into nodes")
    owner = np.repeat(np.arange(size.size), size)
    inner = np.flatnonzero(child >= 0)
    if not np.array_equal(child[inner], np.arange(1, size.size)) or (owner[inner] >= child[inner]).any():
        raise place.attribute("child").refusal("the nodes are not numbered level by level")
    has_children = np.zeros(size.size, np.bool_)
    has_children[owner[inner]] = True
    if (has_children[owner] != (child >= 0)).any():
        raise place.attribute("child").refusal("a node has children and none")
    if not np.array_equal(np.sort(leaves), np.flatnonzero(~has_children)):
        raise place.attribute("leaves").refusal("not each node without children once")
