"""Walks through all trees of a model at once, level by level; each tree was checked before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.compression._direct._buffers import Buffers
from maas_sdk.compression._trees import levels
from maas_sdk.errors import InvalidArtifactError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maas_sdk.compression._trees import Nodes

__all__ = ["Categories", "Walk", "joined"]

_CATEGORIES = 256
"""Of a split at most; one more column stands for a missing or unknown one."""


@frozen(eq=False)
class Categories:
    """Where the categories of splits go.

    Attributes
    ----------
    goes_right : ndarray of shape (n_splits, 257), bool
        Of each split that is by categories, the last column for a value that is none.
    split : ndarray of shape (n_nodes,), intp
        The row of each node; -1 where a threshold decides.
    """

    goes_right: NDArray[np.bool_]
    split: NDArray[np.intp]


@frozen(eq=False)
class Walk:
    """All nodes in one row, siblings side by side; a leaf leads to itself.

    Attributes
    ----------
    feature, left : ndarray of shape (n_nodes,), intp
        ``left + 1`` is the right child.
    threshold : ndarray of shape (n_nodes,), float32 or float64
        Not above it goes left; infinite at leaves.
    missing_right : ndarray of shape (n_nodes,), bool
    leaf : ndarray of shape (n_nodes,), intp
        The number of each leaf; of others anything.
    roots : ndarray of shape (n_trees, 1), intp
    n_steps : int
        The depth of the deepest tree.
    categories : Categories or None
    buffers : Buffers
    """

    feature: NDArray[np.intp]
    left: NDArray[np.intp]
    threshold: NDArray[np.floating[Any]]
    missing_right: NDArray[np.bool_]
    leaf: NDArray[np.intp]
    roots: NDArray[np.intp]
    n_steps: int
    categories: Categories | None
    buffers: Buffers

    def leaves(self, rows: NDArray[Any], *, has_nan: bool = False) -> NDArray[np.intp]:
        """Give the number of the leaf that each row reaches in each tree, shape (n_trees, n_rows).

        It is valid until the next call in the same thread.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features), C-contiguous, of the dtype of the thresholds
        has_nan : bool
        """
        n_rows, n_features = rows.shape
        node, step, value, bound, right = self.buffers.of(n_rows)
        flat = rows.reshape(-1)
        starts = np.arange(0, n_rows * n_features, n_features) if n_rows > 1 else None
        node[:] = self.roots
        for _ in range(self.n_steps):
            self.feature.take(node, None, step, "clip")
            if starts is not None:
                np.add(step, starts, out=step)
            flat.take(step, None, value, "clip")
            self.threshold.take(node, None, bound, "clip")
            np.greater(value, bound, out=right)
            if has_nan:
                np.copyto(right, self.missing_right[node], where=np.isnan(value))
            if self.categories is not None:
                self._by_category(self.categories, node, value, right)
            self.left.take(node, None, step, "clip")
            np.add(step, right, out=node)
        self.leaf.take(node, None, step, "clip")
        return step

    @staticmethod
    def _by_category(
        categories: Categories, node: NDArray[np.intp], value: NDArray[Any], right: NDArray[np.bool_]
    ) -> None:
        split = categories.split[node]
        here = split >= 0
        if here.any():
            codes = value[here]
            known = (codes >= 0) & (codes < _CATEGORIES)  # NaN is neither
            column = np.where(known, codes, _CATEGORIES).astype(np.intp)
            right[here] = categories.goes_right[split[here], column]


def joined(
    trees: Sequence[Nodes],
    *,
    n_features: int,
    goes_right: Sequence[NDArray[np.bool_]] | None = None,
    splits: Sequence[NDArray[np.intp]] | None = None,
) -> tuple[Walk, NDArray[np.float64]]:
    """Check trees and join them.

    Parameters
    ----------
    trees : sequence of Nodes
    n_features : int
    goes_right, splits : sequence of ndarray, optional
        Of each tree what `Categories` says.

    Returns
    -------
    walk : Walk
    values : ndarray of shape (n_leaves, …)

    Raises
    ------
    InvalidArtifactError
        If a tree is none, or reaches for features that there are not.
    """
    columns: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("feature", "left", "threshold", "missing_right", "leaf", "split", "value")
    }
    roots, n_steps, n_nodes, n_leaves, n_splits = [], 0, 0, 0, 0
    for index, nodes in enumerate(trees):
        order, depth = _order(nodes, n_features, index)
        leaves = nodes.leaves[order]
        place = np.zeros(nodes.left.size, np.intp)
        place[order] = np.arange(n_nodes, n_nodes + order.size)
        own = place[order]
        split = splits[index][order] if splits is not None else np.full(order.size, -1, np.intp)
        columns["split"].append(np.where(split >= 0, split + n_splits, -1))
        columns["feature"].append(np.where(leaves, 0, nodes.feature[order]))
        columns["left"].append(np.where(leaves, own, place[nodes.left[order]]))
        columns["threshold"].append(_rounded(nodes, order, leaves))
        columns["missing_right"].append(~leaves & ~nodes.missing_left[order])
        columns["leaf"].append(np.where(leaves, np.cumsum(leaves) - 1 + n_leaves, 0))
        columns["value"].append(nodes.value[order][leaves])
        roots.append(n_nodes)
        n_nodes, n_leaves = n_nodes + order.size, n_leaves + int(leaves.sum())
        n_splits += len(goes_right[index]) if goes_right is not None else 0
        n_steps = max(n_steps, depth)
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    categories = None
    if goes_right is not None and n_splits:
        categories = Categories(np.concatenate(goes_right), whole["split"].astype(np.intp))
    precision = whole["threshold"].dtype
    layout = [(len(roots), each) for each in (np.intp, np.intp, precision, precision, np.bool_)]
    walk = Walk(
        feature=whole["feature"].astype(np.intp),
        left=whole["left"].astype(np.intp),
        threshold=whole["threshold"],
        missing_right=whole["missing_right"],
        leaf=whole["leaf"].astype(np.intp),
        roots=np.array(roots, np.intp)[:, None],
        n_steps=n_steps,
        categories=categories,
        buffers=Buffers(layout, transposed=True),
    )
    return walk, whole["value"]


def _order(nodes: Nodes, n_features: int, index: int) -> tuple[NDArray[np.int64], int]:
    """Check one tree; give its nodes level by level, siblings side by side, and its depth."""
    size = nodes.left.size
    here = f"trees[{index}]"
    inner = ~nodes.leaves
    children = np.concatenate([nodes.left[inner], nodes.right[inner]])
    if not size:
        raise InvalidArtifactError("has no nodes", path=here)
    # No child is the root, or has two parents: from the root every path ends.
    if children.size and (children.min() < 1 or children.max() >= size or np.bincount(children).max() > 1):
        raise InvalidArtifactError("its nodes form no tree", path=here)
    by_level = list(levels(nodes.left, nodes.right))
    order = np.concatenate(by_level)
    used = order[inner[order]]
    feature = nodes.feature[used]
    if feature.size and (feature.min() < 0 or feature.max() >= n_features):
        raise InvalidArtifactError(f"splits by a feature that is none of {n_features}", path=here)
    if np.isnan(nodes.threshold[used]).any():
        raise InvalidArtifactError("has a threshold that is no number", path=here)
    if not np.isfinite(nodes.value[order[~inner[order]]]).all():
        raise InvalidArtifactError("has a leaf that is not finite", path=here)
    return order, len(by_level) - 1


def _rounded(nodes: Nodes, order: NDArray[np.int64], leaves: NDArray[np.bool_]) -> NDArray[Any]:
    """Give thresholds in the precision of the rows: rounded down they decide the same for each of them."""
    exact = np.where(leaves, np.inf, nodes.threshold[order])
    if nodes.precision is np.float64:
        return exact
    with np.errstate(over="ignore"):  # beyond the largest float32 it is infinite, and all is below
        near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
