"""scikit-learn's decision trees ⇄ columns: one array a field, all trees of an ensemble after each other.

The columns are semantic, never scikit-learn's own struct, whose layout changes between versions. Reading
checks them before any native code sees them: it walks the nodes without looking whether a child or a feature
exists, and allocates paths by the depth that the tree claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.tree._tree import NODE_DTYPE, Tree

from maas_sdk.errors import LimitExceededError, UnsupportedModelError
from maas_sdk.serialization._kinds import Array, Kind, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._place import Place

__all__ = ["build_trees", "check_counts", "check_structure", "take_trees", "tree_columns"]

_LEAF, _UNDEFINED = -1, -2
_NODE_COLUMNS: dict[str, Kind] = {
    "left_child": Array(("n_nodes",), dtypes="i"),
    "right_child": Array(("n_nodes",), dtypes="i"),
    "feature": Array(("n_nodes",), dtypes="i"),
    "threshold": Array(("n_nodes",), finite=False),  # infinite where a split sets missing values apart
    "impurity": Array(("n_nodes",)),
    "n_node_samples": Array(("n_nodes",), dtypes="i"),
    "weighted_n_node_samples": Array(("n_nodes",)),
    "missing_go_to_left": Array(("n_nodes",), dtypes="b"),
}


def tree_columns(n_outputs: int | str, max_n_classes: int | str) -> Record:
    """Describe the columns of trees with so many outputs, and values for each."""
    return Record(
        {
            "node_count": Array(("n_trees",), dtypes="i"),
            **_NODE_COLUMNS,
            "value": Array(("n_nodes", n_outputs, max_n_classes)),
        }
    )


def take_trees(trees: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Give the columns of some trees.

    Raises
    ------
    UnsupportedModelError
        If this scikit-learn keeps something in a node that the columns have no place for.
    """
    _check_version()
    states = [tree.__getstate__() for tree in trees]
    nodes = np.concatenate([state["nodes"] for state in states])
    columns = {name: np.ascontiguousarray(nodes[name]) for name in _NODE_COLUMNS}
    # Leaves have no such thing; what stands there is left from the training.
    columns["missing_go_to_left"] = (columns["missing_go_to_left"] != 0) & (columns["left_child"] != _LEAF)
    counts = np.array([state["nodes"].size for state in states], np.int64)
    return {"node_count": counts, **columns, "value": np.concatenate([state["values"] for state in states])}


def _check_version() -> None:
    unknown = set(NODE_DTYPE.names) ^ _NODE_COLUMNS.keys()
    if unknown:
        raise UnsupportedModelError(
            f"this version of scikit-learn has other fields in its trees: {', '.join(sorted(unknown))}; "
            f"update maas-sdk, or use the scikit-learn that it was released with"
        )


def build_trees(
    columns: Mapping[str, NDArray[Any]],
    *,
    n_features: int,
    n_classes: Sequence[int],
    place: Place,
    limits: Limits,
) -> list[Any]:
    """Check columns, each of its kind already, and build the trees.

    Parameters
    ----------
    columns : mapping of str to ndarray
        As `tree_columns` describes.
    n_features : int
    n_classes : sequence of int
        Values of a node for each output; 1 for regression.
    place : Place
    limits : Limits
        `max_tree_nodes` and, for the number of trees, `max_model_nodes` hold.

    Returns
    -------
    list of sklearn.tree._tree.Tree
    """
    _check_version()
    counts = columns["node_count"].astype(np.intp)
    check_counts(counts, columns["feature"].size, place, limits)
    leaves, depths = check_structure(columns["left_child"], columns["right_child"], counts, place)
    _check_nodes(columns, leaves, n_features, place)
    nodes = np.zeros(leaves.size, NODE_DTYPE)
    for name in _NODE_COLUMNS:
        nodes[name] = columns[name]
    values = np.ascontiguousarray(columns["value"], np.float64)
    sizes = np.array(n_classes, np.intp)
    trees = []
    ends = np.cumsum(counts)
    deepest = np.maximum.reduceat(depths, ends - counts)
    for start, end, depth in zip((ends - counts).tolist(), ends.tolist(), deepest.tolist(), strict=True):
        tree = Tree(n_features, sizes, sizes.size)
        state = {"nodes": nodes[start:end], "values": values[start:end]}
        tree.__setstate__({"max_depth": depth, "node_count": end - start, **state})
        trees.append(tree)
    return trees


def check_counts(counts: NDArray[np.intp], n_nodes: int, place: Place, limits: Limits) -> None:
    """Check that the numbers of nodes divide all nodes into trees, few and small enough."""
    if counts.size > limits.max_model_nodes:
        raise LimitExceededError(
            f"{counts.size} trees; Limits.max_model_nodes allows {limits.max_model_nodes}", path=place.path
        )
    if counts.size == 0 or (counts < 1).any() or (counts > n_nodes).any() or counts.sum() != n_nodes:
        raise place.attribute("node_count").refusal(f"does not divide {n_nodes} nodes into trees")
    if counts.max() > limits.max_tree_nodes:
        raise LimitExceededError(
            f"a tree of {counts.max()} nodes; Limits.max_tree_nodes allows {limits.max_tree_nodes}",
            path=place.path,
        )


def check_structure(
    left: NDArray[Any], right: NDArray[Any], counts: NDArray[np.intp], place: Place
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Check that the nodes of each tree form one: whatever a walk from the root does, it ends at a leaf.

    Parameters
    ----------
    left, right : ndarray of shape (n_nodes,)
        Children, counted from the root of their tree; -1 for none.
    counts : ndarray of shape (n_trees,)
        Nodes of each tree, at least 1.
    place : Place

    Returns
    -------
    leaves : ndarray of shape (n_nodes,), bool
    depths : ndarray of shape (n_nodes,)
        Length of the way from the root.
    """
    n_nodes = left.size
    starts = np.cumsum(counts) - counts
    start = np.repeat(starts, counts)
    leaves = left == _LEAF
    if ((right == _LEAF) != leaves).any():
        raise place.attribute("right_child").refusal("a node has one child")
    inner = np.flatnonzero(~leaves)
    own, base, size = inner - start[inner], start[inner], np.repeat(counts, counts)[inner]
    parent = np.arange(n_nodes)
    reached = np.zeros(n_nodes, np.bool_)
    for name, column in (("left_child", left), ("right_child", right)):
        child = column[inner].astype(np.intp)
        if ((child <= own) | (child >= size)).any():
            raise place.attribute(name).refusal("a child is out of range or not after its parent")
        child += base
        reached[child] = True
        parent[child] = inner
    # All but the roots, and as many as there are links: each exactly once.
    if 2 * inner.size != n_nodes - counts.size or np.count_nonzero(reached) != 2 * inner.size:
        raise place.attribute("left_child").refusal("a node is the child of two, or of none")
    return leaves, _depth(parent)


def _depth(parent: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give each node's distance from its root, its own parent; takes log(depth) passes, however deep."""
    depth: NDArray[np.intp] = (parent != np.arange(parent.size)).astype(np.intp)
    ancestor = parent
    while True:
        above = depth[ancestor]
        if not above.any():
            return depth
        depth += above
        ancestor = ancestor[ancestor]


def _check_nodes(
    columns: Mapping[str, NDArray[Any]], leaves: NDArray[np.bool_], n_features: int, place: Place
) -> None:
    feature, threshold = columns["feature"], columns["threshold"]
    if np.where(leaves, feature != _UNDEFINED, (feature < 0) | (feature >= n_features)).any():
        raise place.attribute("feature").refusal(f"a feature is not one of {n_features}, or stands at a leaf")
    if np.isnan(threshold).any() or (threshold[leaves] != _UNDEFINED).any():
        raise place.attribute("threshold").refusal("a threshold is missing, or stands at a leaf")
    if (columns["n_node_samples"] < 1).any():
        raise place.attribute("n_node_samples").refusal("a node without samples")
    if columns["missing_go_to_left"][leaves].any():
        raise place.attribute("missing_go_to_left").refusal("a leaf sends nothing on")
