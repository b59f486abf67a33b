"""Merges leaves over few training rows in the trees of a model, by the trees' own counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import define

from maas_sdk.errors import InvalidOptionError, NotIncludedError
from maas_sdk.privacy._walk import walk

if TYPE_CHECKING:
    from maas_sdk.privacy._rows import TrainingRows

__all__ = ["merge_small_leaves"]

_LEAF: Final = -1
_NO_FEATURE: Final = -2
_REFUSED: Final = {
    "IsolationForest": "its scores are how soon rows are alone in a leaf",
    "RandomTreesEmbedding": "its columns are its leaves",
}


def merge_small_leaves(model: Any, min_leaf: int, rows: TrainingRows) -> int:
    """Merge, in place, every leaf with fewer than `min_leaf` training rows; give how many went.

    Beside another leaf it becomes one with it, and has the value that the tree keeps for both (boosting: the
    mean of both, weighted by their rows). Beside a subtree the split is taken out, its rows go the way of
    the others, and each leaf there gets a part of its value, as large as its part of the rows.

    Parameters
    ----------
    model : estimator
        Fitted; it is changed.
    min_leaf : int
        Training rows that a leaf has at least.
    rows : TrainingRows
        For the walk.

    Raises
    ------
    InvalidOptionError
        When a tree's leaves are what it is about, or a file left out how many rows they have.
    """
    merged = 0
    boosted: set[int] = set()
    for node in list(walk(model, rows)):
        names = {cls.__name__ for cls in type(node.value).__mro__}
        for name in names & _REFUSED.keys():
            raise InvalidOptionError(
                f"min_leaf: the leaves of {node.path or 'the model'} cannot be merged: {_REFUSED[name]}; "
                "fit it with more rows a leaf, or leave it out"
            )
        state = vars(node.value) if hasattr(node.value, "__dict__") else {}
        if "BaseGradientBoosting" in names:
            boosted |= {id(tree) for tree in np.ravel(state["estimators_"])}
        if "_predictors" in state:
            for group in state["_predictors"]:
                merged += sum(_merge_histogram(predictor, min_leaf, node.path) for predictor in group)
        if hasattr(state.get("tree_"), "children_left"):
            merged += _merge_tree(node.value, min_leaf, node.path, mean=id(node.value) in boosted)
    return merged


@define
class _Shape:
    """A tree in the making: which node stands for which, and what becomes of the values of the leaves."""

    left: Any
    right: Any
    samples: Any
    weights: Any
    values: Any
    mean: bool
    stands_for: list[int]
    share: Any
    added: Any
    merged: int = 0

    @classmethod
    def of(cls, left: Any, right: Any, samples: Any, weights: Any, values: Any, *, mean: bool) -> _Shape:
        return cls(
            left.astype(np.int64),
            right.astype(np.int64),
            samples,
            weights.astype(np.float64),
            values.copy(),
            mean=mean,
            stands_for=list(range(len(left))),
            share=np.ones(len(left)),
            added=np.zeros_like(values),
        )

    def prune(self, min_leaf: int) -> None:
        """Merge from the last node to the first: children come after their parent."""
        for node in range(len(self.left) - 1, -1, -1):
            if self.left[node] == _LEAF:
                continue
            left, right = (self.stands_for[self.left[node]], self.stands_for[self.right[node]])
            self.left[node], self.right[node] = left, right
            small_left, small_right = (
                self.left[each] == _LEAF and self.samples[each] < min_leaf for each in (left, right)
            )
            if not small_left and not small_right:
                continue
            self.merged += 1
            if self.left[left] == _LEAF and self.left[right] == _LEAF:
                self._join(node, left, right)
            elif small_left:
                self._take_in(node, left, right)
            else:
                self._take_in(node, right, left)

    def _join(self, node: int, left: int, right: int) -> None:
        if self.mean:
            part = self._part(left, right)
            self.values[node] = part * self.values[left] + (1 - part) * self.values[right]
        self.left[node] = self.right[node] = _LEAF

    def _take_in(self, node: int, leaf: int, subtree: int) -> None:
        """Let a subtree take the place of a node; each of its leaves gets its part of the leaf that goes."""
        part = self._part(leaf, subtree)
        self.share[subtree] *= 1 - part
        self.added[subtree] = (1 - part) * self.added[subtree] + part * self.values[leaf]
        self.weights[subtree] += self.weights[leaf]
        self.stands_for[node] = subtree

    def _part(self, one: int, other: int) -> float:
        return float(self.weights[one] / max(self.weights[one] + self.weights[other], np.finfo(float).tiny))

    def order(self) -> tuple[list[int], list[int], Any]:
        """Give the nodes that are left, a parent before its left and its right child; depths; and values."""
        nodes, depths, values = [], [], []
        pending: list[tuple[int, int, float, Any]] = [(self.stands_for[0], 0, 1.0, 0.0)]
        while pending:
            node, depth, share, added = pending.pop()
            share, added = share * self.share[node], share * self.added[node] + added
            nodes.append(node)
            depths.append(depth)
            if self.left[node] == _LEAF:
                values.append(share * self.values[node] + added)
                continue
            values.append(self.values[node])
            below = depth + 1, share, added
            pending += [(int(self.right[node]), *below), (int(self.left[node]), *below)]
        return nodes, depths, np.stack(values)


def _merge_tree(owner: Any, min_leaf: int, path: str, *, mean: bool) -> int:
    tree = owner.tree_
    state = _state_of(tree, path)
    nodes, values = state["nodes"], state["values"]
    shape = _Shape.of(
        nodes["left_child"],
        nodes["right_child"],
        nodes["n_node_samples"],
        nodes["weighted_n_node_samples"],
        values,
        mean=mean,
    )
    shape.prune(min_leaf)
    if not shape.merged:
        return 0
    kept, depths, made_values = shape.order()
    chosen = np.array(kept)
    fresh = nodes[chosen]
    _renumber(fresh, shape, chosen, "left_child", "right_child")
    leaves = fresh["left_child"] == _LEAF
    fresh["feature"][leaves] = _NO_FEATURE
    fresh["threshold"][leaves] = _NO_FEATURE
    if "missing_go_to_left" in (fresh.dtype.names or ()):
        fresh["missing_go_to_left"][leaves] = 0
    made = type(tree)(tree.n_features, np.asarray(tree.n_classes, dtype=np.intp), tree.n_outputs)
    made.__setstate__(
        {
            "max_depth": max(depths),
            "node_count": len(kept),
            "nodes": fresh,
            "values": np.ascontiguousarray(made_values),
        }
    )
    owner.tree_ = made
    return shape.merged


def _merge_histogram(predictor: Any, min_leaf: int, path: str) -> int:
    nodes = predictor.nodes
    if not nodes["count"].any():
        raise _without_counts(path)
    leaves = nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaves, _LEAF, nodes[side].astype(np.int64)) for side in ("left", "right"))
    counts = nodes["count"].astype(np.int64)
    shape = _Shape.of(left, right, counts, counts.astype(float), nodes["value"], mean=True)
    shape.prune(min_leaf)
    if not shape.merged:
        return 0
    kept, depths, values = shape.order()
    chosen = np.array(kept)
    fresh = nodes[chosen]
    fresh["value"] = values
    fresh["depth"] = depths
    leaves = shape.left[chosen] == _LEAF
    fresh["is_leaf"] = leaves
    _renumber(fresh, shape, chosen, "left", "right", leaf=0)
    for name in ("feature_idx", "num_threshold", "missing_go_to_left", "bin_threshold", "is_categorical"):
        fresh[name][leaves] = 0
    fresh["bitset_idx"][leaves] = 0
    fresh["gain"][leaves] = -1
    predictor.nodes = fresh
    return shape.merged


def _renumber(fresh: Any, shape: _Shape, chosen: Any, left: str, right: str, *, leaf: int = _LEAF) -> None:
    places = np.full(len(shape.left), leaf, dtype=np.int64)
    places[chosen] = np.arange(len(chosen))
    for name, children in ((left, shape.left), (right, shape.right)):
        mine = children[chosen]
        fresh[name] = np.where(mine == _LEAF, leaf, places[mine])


def _state_of(tree: Any, path: str) -> Any:
    try:
        _ = tree.n_node_samples
    except NotIncludedError as exc:
        raise _without_counts(path) from exc
    return tree.__getstate__()


def _without_counts(path: str) -> InvalidOptionError:
    return InvalidOptionError(
        f"min_leaf: the file that {path or 'the model'} came from left out how many rows its leaves have; "
        "take the model from a file in the profile 'full'"
    )
