"""The shape of binary trees as columns, all trees of a block after each other, and its proof on reading.

A tree in depth-first order, which is how most are built, is told by the depth of each node alone: the left child
follows its parent, the right one is the next node of the same depth. Others name both children as well.
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

__all__ = [
    "LEAF",
    "Structure",
    "blocks",
    "check_counts",
    "columns_of_structure",
    "depths_of",
    "read_structure",
]

LEAF = -1
_STEPS = ((200, 10), (1000, 50), (2**31, 500))  # up to so many trees, blocks of so many


def blocks(n_trees: int) -> Iterator[tuple[int, int]]:
    """Cut so many trees into blocks, so that more trees leave the full blocks as they are."""
    ends = [0]
    while ends[-1] < n_trees:
        step = next(step for limit, step in _STEPS if ends[-1] < limit)
        ends.append(min(ends[-1] + step, n_trees))
    yield from pairwise(ends)


@frozen(eq=False)
class Structure:
    """The shape of the trees of a block, proved.

    Attributes
    ----------
    starts, counts : ndarray of shape (n_trees,), int64
        First node and number of nodes of each tree.
    depth : ndarray of shape (n_nodes,)
        Length of the way from the root.
    inner : ndarray of shape (n_inner,), int64
        Nodes with children, in order.
    left, right : ndarray of shape (n_inner,), int64
        Their children, counted from the root of their tree.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
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
    columns = {"node_count": counts, "depth": depth.astype(np.uint32)}
    inner = np.flatnonzero(left != LEAF)
    own = inner - np.repeat(np.cumsum(counts) - counts, counts)[inner]
    if (left[inner] == own + 1).all():
        return columns
    return {**columns, "left_child": left, "right_child": right}


def depths_of(left: NDArray[Any], right: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each node's distance from its root; takes log(depth) passes, however deep."""
    parent = np.arange(left.size)
    inner = np.flatnonzero(left != LEAF)
    start = np.repeat(np.cumsum(counts) - counts, counts)[inner]
    for column in (left, right):
        parent[column[inner] + start] = inner
    depth = (parent != np.arange(parent.size)).astype(np.int64)
    while True:
        above = depth[parent]
        if not above.any():
            return depth
        depth += above
        parent = parent[parent]


def read_structure(columns: Mapping[str, NDArray[Any]], place: Place, limits: Limits) -> Structure:
    """Prove that columns, each of its kind already, are trees: whatever a walk does, it ends at a leaf.

    Parameters
    ----------
    columns : mapping of str to ndarray
        ``node_count``, ``depth`` and perhaps ``left_child`` and ``right_child``.
    place : Place
    limits : Limits
        `max_tree_nodes` and, for the number of trees, `max_model_nodes` hold.
    """
    depth = columns["depth"]
    counts = columns["node_count"].astype(np.int64)
    check_counts(counts, depth.size, place, limits)
    starts = np.cumsum(counts) - counts
    if np.count_nonzero(depth == 0) != starts.size or depth[starts].any():
        raise place.attribute("depth").refusal("a tree has not exactly one root, at its start")
    prove = _explicit if "left_child" in columns else _depth_first
    inner, left, right = prove(columns, starts, counts, place)
    return Structure(starts, counts, depth, inner, left, right)


def _depth_first(
    columns: Mapping[str, NDArray[Any]], starts: NDArray[np.int64], counts: NDArray[np.int64], place: Place
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pair the nodes of each depth: left and right child of the node before the left one.

    Children come after parents, each node is in one pair, and a pair is one level below its parent and in its
    tree: so these are trees, and the depths are true.
    """
    depth = columns["depth"]
    # Few distinct values: sorting by radix where the dtype is small.
    order = np.argsort(depth, kind="stable")[starts.size :]
    if order.size % 2:
        raise place.attribute("depth").refusal("a node has one child")
    left, right = order[::2], order[1::2]
    inner = left - 1
    level = depth[left]
    ends = np.repeat(starts + counts, counts)
    if (depth[right] != level).any() or (depth[inner] + 1 != level).any() or (right >= ends[left]).any():
        raise place.attribute("depth").refusal("the nodes of a tree are not in depth-first order")
    start = (ends - np.repeat(counts, counts))[inner]
    partner = np.zeros(depth.size, np.int64)
    partner[inner] = right - start
    inner = np.flatnonzero(partner)
    start = np.repeat(starts, counts)[inner]
    return inner, inner + 1 - start, partner[inner]


def _explicit(
    columns: Mapping[str, NDArray[Any]], starts: NDArray[np.int64], counts: NDArray[np.int64], place: Place
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Check children that are named.

    Each is one level below its parent, in its tree, and nobody else's child: so these are trees.
    """
    depth, left, right = columns["depth"], columns["left_child"], columns["right_child"]
    if ((left == LEAF) != (right == LEAF)).any():
        raise place.attribute("right_child").refusal("a node has one child")
    inner = np.flatnonzero(left != LEAF)
    start = np.repeat(starts, counts)[inner]
    own, size = inner - start, np.repeat(counts, counts)[inner]
    reached = np.zeros(depth.size, np.bool_)
    children = []
    for name, column in (("left_child", left), ("right_child", right)):
        child = column[inner].astype(np.int64)
        if ((child <= own) | (child >= size)).any():
            raise place.attribute(name).refusal("a child is out of range or not after its parent")
        if (depth[child + start] != depth[inner] + 1).any():
            raise place.attribute("depth").refusal("a child is not one level below its parent")
        reached[child + start] = True
        children.append(child)
    # All but the roots, and as many as there are links: each exactly once.
    if 2 * inner.size != depth.size - counts.size or np.count_nonzero(reached) != 2 * inner.size:
        raise place.attribute("left_child").refusal("a node is the child of two, or of none")
    return inner, children[0], children[1]


def check_counts(counts: NDArray[np.int64], n_nodes: int, place: Place, limits: Limits) -> None:
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
