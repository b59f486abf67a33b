"""The shape of binary trees as columns, all trees of a block after each other, and its proof on reading.

A tree in depth-first order, which is how most are built, is told by the depth of each node alone: the left
child follows its parent, the right one is the next node of the same depth. Others name both children as
well.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._place import Place

__all__ = ["LEAF", "Structure", "blocks", "check_features", "columns_of_structure", "read_structures"]

LEAF = -1
_FREE_FEATURES, _FEATURES_A_NODE = 2**22, 1024
_STEPS = ((200, 10), (1000, 50), (2**31, 500))  # up to so many trees, blocks of so many


def blocks(n_trees: int, *, least: int = 1) -> Iterator[tuple[int, int]]:
    """Cut so many trees, or iterations, into blocks, so that more of them leave the full blocks as they are.

    Parameters
    ----------
    n_trees : int
    least : int
        The fewest of a block, but the last; for small trees.
    """
    ends = [0]
    while ends[-1] < n_trees:
        step = next(step for limit, step in _STEPS if ends[-1] < limit)
        ends.append(min(ends[-1] + max(step, least), n_trees))
    yield from pairwise(ends)


def check_features(n_features: int, n_nodes: int, place: Place) -> None:
    """Bound a number of features: trees keep nothing for each, but their importances are as many numbers.

    Raises
    ------
    InvalidArtifactError
        If there are millions, and few nodes that could ask for them.
    """
    if n_features > max(_FREE_FEATURES, _FEATURES_A_NODE * n_nodes):
        raise place.refusal(f"{n_features} features for {n_nodes} nodes")


@frozen(eq=False)
class Structure:
    """The shape of some trees of a block that follow each other, proved.

    Attributes
    ----------
    nodes, splits : slice
        Where they stand in the columns of all nodes and of nodes with children.
    counts, starts : ndarray of shape (n_trees,), int64
        Number of nodes of each tree, and its root, counted like all else from the first node.
    depth : ndarray of shape (n_nodes,)
        Length of the way from the root.
    inner : ndarray of shape (n_inner,), int64
        Nodes with children, in order.
    left, right : ndarray of shape (n_inner,)
        Their children, counted from the root of their tree.
    """

    nodes: slice
    splits: slice
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]
    depth: NDArray[Any]
    inner: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    def max_depths(self) -> list[int]:
        """Give the depth of each tree."""
        return [int(depth) for depth in np.maximum.reduceat(self.depth, self.starts)]


def columns_of_structure(
    left: NDArray[Any], right: NDArray[Any], depth: NDArray[Any], counts: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Give the columns of trees whose children are counted from the roots, -1 for none."""
    columns: dict[str, NDArray[Any]] = {"node_count": counts, "depth": depth.astype(np.uint32)}
    inner = np.flatnonzero(left != LEAF)
    own = inner - np.repeat(np.cumsum(counts) - counts, counts)[inner]
    if (left[inner] == own + 1).all():
        return columns
    return {**columns, "left_child": left, "right_child": right}


def read_structures(
    columns: Mapping[str, NDArray[Any]], place: Place, limits: Limits, *, group: int = 2**62
) -> Iterator[Structure]:
    """Prove that columns, each of its kind already, are trees: whatever a walk does, it ends at a leaf.

    Parameters
    ----------
    columns : mapping of str to ndarray
        ``node_count``, ``depth`` and perhaps ``left_child`` and ``right_child``.
    place : Place
    limits : Limits
        `max_tree_nodes` and, for the number of trees, `max_model_nodes` hold.
    group : int
        Trees are proved together up to so many nodes: what stays in the cache is faster.
    """
    counts = columns["node_count"].astype(np.int64)
    _check_counts(counts, columns["depth"].size, place, limits)
    prove = _explicit if "left_child" in columns else _depth_first
    ends = np.cumsum(counts)
    first = start = 0
    while first < counts.size:
        last = max(first + 1, int(np.searchsorted(ends, start + group, side="right")))
        end = int(ends[last - 1])
        splits = slice((start - first) // 2, (end - last) // 2)  # a tree has one leaf more than splits
        depth = columns["depth"][start:end]
        if depth.max() < 2**8:  # sorted by radix, and read four times as fast
            depth = depth.astype(np.uint8)
        chosen = counts[first:last]
        starts = ends[first:last] - chosen - start
        if np.count_nonzero(depth == 0) != starts.size or depth[starts].any():
            raise place.attribute("depth").refusal("a tree has not exactly one root, at its start")
        nodes = slice(start, end)
        inner, left, right = prove(depth, columns, nodes, starts, chosen, place)
        yield Structure(nodes, splits, chosen, starts, depth, inner, left, right)
        first, start = last, end


_Children = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


def _depth_first(
    depth: NDArray[Any],
    _columns: Mapping[str, NDArray[Any]],
    _nodes: slice,
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    place: Place,
) -> _Children:
    """Find the children by depths.

    A node one level below the one before it is that one's left child. Of the others, the roots aside, the
    k-th of a depth is the right child of the k-th node with children one level above, if it comes after
    that one. So children come after parents, each node has one parent, and the depths are true: these are
    trees, if each is in its parent's. A left child is, being no root; of right ones, the first tree with a
    child elsewhere
    lacks
    one.
    """
    is_left = np.zeros(depth.size, np.bool_)
    np.equal(depth[1:], depth[:-1] + 1, out=is_left[1:])
    is_left[starts] = False
    inner = np.flatnonzero(is_left) - 1
    is_left[starts] = True  # now: no right child
    last = np.flatnonzero(~is_left)
    if last.size != inner.size:
        raise place.attribute("depth").refusal("the nodes of a tree are not in depth-first order")
    by_depth, of_last = depth[inner], depth[last]
    order, order_of_last = np.argsort(by_depth, kind="stable"), np.argsort(of_last, kind="stable")
    right = np.empty(inner.size, np.int64)
    right[order] = last[order_of_last]
    if (of_last[order_of_last] != by_depth[order] + 1).any() or (right <= inner).any():
        raise place.attribute("depth").refusal("the nodes of a tree are not in depth-first order")
    if starts.size == 1:
        return inner, inner + 1, right
    ends = starts + counts
    if (np.diff(np.searchsorted(last, ends), prepend=0) * 2 + 1 != counts).any():
        raise place.attribute("depth").refusal("a node is the child of another tree's")
    root = np.repeat(starts, counts)[inner]
    return inner, inner + 1 - root, right - root


def _explicit(
    depth: NDArray[Any],
    columns: Mapping[str, NDArray[Any]],
    nodes: slice,
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    place: Place,
) -> _Children:
    """Check children that are named.

    Each is one level below its parent, in its tree, and nobody else's child: so these are trees.
    """
    left, right = columns["left_child"][nodes], columns["right_child"][nodes]
    if ((left == LEAF) != (right == LEAF)).any():
        raise place.attribute("right_child").refusal("a node has one child")
    inner = np.flatnonzero(left != LEAF)
    root = np.repeat(starts, counts)[inner]
    own, size = inner - root, np.repeat(counts, counts)[inner]
    reached = np.zeros(depth.size, np.bool_)
    children = []
    for name, column in (("left_child", left), ("right_child", right)):
        child = column[inner].astype(np.int64)
        if ((child <= own) | (child >= size)).any():
            raise place.attribute(name).refusal("a child is out of range or not after its parent")
        if (depth[child + root] != depth[inner] + 1).any():
            raise place.attribute("depth").refusal("a child is not one level below its parent")
        reached[child + root] = True
        children.append(child)
    # All but the roots, and as many as there are links: each exactly once.
    if 2 * inner.size != depth.size - counts.size or np.count_nonzero(reached) != 2 * inner.size:
        raise place.attribute("left_child").refusal("a node is the child of two, or of none")
    return inner, children[0], children[1]


def _check_counts(counts: NDArray[np.int64], n_nodes: int, place: Place, limits: Limits) -> None:
    """Check that the numbers of nodes divide all nodes into trees, few and small enough."""
    if counts.size > limits.max_model_nodes:
        raise LimitExceededError(
            f"{counts.size} trees; Limits.max_model_nodes allows {limits.max_model_nodes}", path=place.path
        )
    if counts.size == 0 or (counts < 1).any() or (counts > n_nodes).any() or counts.sum() != n_nodes:
        raise place.attribute("node_count").refusal(f"does not divide {n_nodes} nodes into trees")
    if (counts % 2 == 0).any():
        raise place.attribute("node_count").refusal("a tree with an even number of nodes")
    if counts.max() > limits.max_tree_nodes:
        raise LimitExceededError(
            f"a tree of {counts.max()} nodes; Limits.max_tree_nodes allows {limits.max_tree_nodes}",
            path=place.path,
        )
