"""Makes a tree smaller that predicts the same: no splits that no row takes, no leaves that agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import evolve

from maas_sdk.compression._trees import LEAF, levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.compression._trees import Nodes

__all__ = ["compacted"]


def compacted(nodes: Nodes) -> tuple[Nodes, NDArray[np.int64]]:
    """Give the fewest nodes that predict the same, depth first, and which each of them was.

    Returns
    -------
    nodes : Nodes
    kept : ndarray of shape (n_nodes,), int64
    """
    left, right, root = _without_dead_ends(nodes)
    leaf_of = _merged(nodes, left, right, root)
    is_leaf = leaf_of != LEAF
    left, right = np.where(is_leaf, LEAF, left), np.where(is_leaf, LEAF, right)
    kept = _depth_first(left, right, root)
    position = np.zeros(left.size, np.int64)
    position[kept] = np.arange(kept.size)
    inner = ~is_leaf[kept]
    return (
        evolve(
            nodes,
            left=np.where(inner, position[left[kept]], LEAF),
            right=np.where(inner, position[right[kept]], LEAF),
            feature=nodes.feature[kept],
            threshold=nodes.threshold[kept],
            missing_left=nodes.missing_left[kept],
            categorical=nodes.categorical[kept] & inner,
            value=nodes.value[np.where(inner, kept, leaf_of[kept])],
        ),
        kept,
    )


def _without_dead_ends(nodes: Nodes) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Give the children, and the root, without splits one side of which no row can reach."""
    splits = np.flatnonzero(~nodes.leaves & ~nodes.categorical)
    low, high, missing = _what_arrives(nodes, splits)
    threshold, missing_left = nodes.threshold[splits], nodes.missing_left[splits]
    # A side without a bound is taken to be reached, whatever the largest number is.
    numbers_left = np.isneginf(low) | (_rounded_down(np.minimum(high, threshold), nodes.precision) > low)
    numbers_right = np.isposinf(high) | (_rounded_down(high, nodes.precision) > np.maximum(low, threshold))
    goes_left = numbers_left | (missing & missing_left)
    goes_right = numbers_right | (missing & ~missing_left)
    instead = np.arange(nodes.left.size)
    only_left, only_right = splits[goes_left & ~goes_right], splits[goes_right & ~goes_left]
    instead[only_left], instead[only_right] = nodes.left[only_left], nodes.right[only_right]
    while (again := instead[instead] != instead).any():
        instead[again] = instead[instead[again]]
    inner = ~nodes.leaves
    left, right = nodes.left.copy(), nodes.right.copy()
    left[inner], right[inner] = instead[left[inner]], instead[right[inner]]
    return left, right, int(instead[0])


def _what_arrives(
    nodes: Nodes, splits: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Give what the splits above each leave of its feature: above `low`, up to `high`, missing or not."""
    parent = np.full(nodes.left.size, LEAF)
    inner = np.flatnonzero(~nodes.leaves)
    parent[nodes.left[inner]] = parent[nodes.right[inner]] = inner
    low, high = np.full(splits.size, -np.inf), np.full(splits.size, np.inf)
    missing = np.ones(splits.size, np.bool_)
    below, todo = splits, np.arange(splits.size)
    while True:
        above = parent[below]
        going = above != LEAF
        todo, below, above = todo[going], below[going], above[going]
        if not todo.size:
            return low, high, missing
        same = (nodes.feature[above] == nodes.feature[splits[todo]]) & ~nodes.categorical[above]
        went_left = nodes.left[above] == below
        to_left, to_right = todo[same & went_left], todo[same & ~went_left]
        high[to_left] = np.minimum(high[to_left], nodes.threshold[above[same & went_left]])
        low[to_right] = np.maximum(low[to_right], nodes.threshold[above[same & ~went_left]])
        missing[todo] &= ~same | (nodes.missing_left[above] == went_left)
        below = above


def _rounded_down(numbers: NDArray[np.float64], precision: type[np.floating]) -> NDArray[np.float64]:
    """Give the largest numbers of a precision that are not above."""
    with np.errstate(over="ignore"):
        near = numbers.astype(precision)
    return np.where(near > numbers, np.nextafter(near, precision(-np.inf)), near).astype(np.float64)


def _merged(nodes: Nodes, left: NDArray[np.int64], right: NDArray[np.int64], root: int) -> NDArray[np.int64]:
    """Give, for each node that is a leaf now, a leaf whose value it has, and -1 for those with children."""
    bits = np.ascontiguousarray(nodes.value).reshape(left.size, -1).view(np.uint64)
    leaf_of = np.where(nodes.leaves, np.arange(left.size), LEAF)
    for members in reversed(list(levels(left, right, root))):
        inner = members[leaf_of[members] == LEAF]
        first, second = leaf_of[left[inner]], leaf_of[right[inner]]
        both = (first != LEAF) & (second != LEAF)
        inner, first, second = inner[both], first[both], second[both]
        same = (bits[first] == bits[second]).all(axis=1)
        leaf_of[inner[same]] = first[same]
    return leaf_of


def _depth_first(left: NDArray[np.int64], right: NDArray[np.int64], root: int) -> NDArray[np.int64]:
    """Give the nodes in the order of a walk that goes left first."""
    by_level = list(levels(left, right, root))
    sizes = np.ones(left.size, np.int64)
    for members in reversed(by_level):
        inner = members[left[members] != LEAF]
        sizes[inner] = 1 + sizes[left[inner]] + sizes[right[inner]]
    position = np.zeros(left.size, np.int64)
    for members in by_level:
        inner = members[left[members] != LEAF]
        position[left[inner]] = position[inner] + 1
        position[right[inner]] = position[inner] + 1 + sizes[left[inner]]
    order = np.zeros(sizes[root], np.int64)
    for members in by_level:
        order[position[members]] = members
    return order
