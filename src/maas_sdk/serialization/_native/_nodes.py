"""scikit-learn's decision trees ⇄ columns: one array a field, the trees of a block after each other.

The columns are semantic, never scikit-learn's own struct, whose layout changes between versions. Reading
proves them before any native code sees them: it walks the nodes without looking whether a child or a
feature exists, and allocates paths by the depth that the tree claims. The inference profile has values at
leaves alone, no impurities and samples, and float32 thresholds rounded down: exact, because trees compare
float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from sklearn.tree._tree import NODE_DTYPE, Tree

from maas_sdk.errors import NotIncludedError, UnsupportedModelError
from maas_sdk.serialization._arrays import narrow
from maas_sdk.serialization._native._structure import (
    LEAF,
    blocks,
    check_features,
    columns_of_structure,
    read_structures,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._native._structure import Structure
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["build_trees", "take_forest", "take_trees"]

_UNDEFINED = -2
_FIELDS = {
    *("left_child", "right_child", "feature", "threshold", "missing_go_to_left"),
    *("impurity", "n_node_samples", "weighted_n_node_samples"),
}
_DETAILS = {
    "impurity": np.nan,
    "n_node_samples": LEAF,
    "weighted_n_node_samples": np.nan,
}  # and what says: none
_GROUP = 8192  # nodes that are filled in cache before they are copied to their trees


class InferenceTree(Tree):  # type: ignore[misc]
    """A tree that predicts, and says so when it is asked for what its file left out."""

    __slots__ = ()

    def _left_out(self, *_: object, **__: object) -> NoReturn:
        raise NotIncludedError(
            "the inference profile keeps what predictions use; this needs impurities, samples or values "
            "of inner nodes: ask for a file in the profile 'full'"
        )

    impurity = property(_left_out)
    n_node_samples = property(_left_out)
    weighted_n_node_samples = property(_left_out)
    value = property(_left_out)
    compute_feature_importances = _left_out
    compute_partial_dependence = _left_out

    def __reduce__(self) -> tuple[Any, ...]:
        _, arguments, state = super().__reduce__()
        return InferenceTree, arguments, state


def take_forest(
    trees: Sequence[Any], profile: Profile, *, keep: tuple[str, ...] = ()
) -> list[dict[str, NDArray[Any]]]:
    """Give the columns of trees in blocks."""
    return [take_trees(trees[start:end], profile, keep=keep) for start, end in blocks(len(trees))]


def take_trees(
    trees: Sequence[Any], profile: Profile, *, keep: tuple[str, ...] = ()
) -> dict[str, NDArray[Any]]:
    """Give the columns of some trees.

    Parameters
    ----------
    trees : sequence of Tree
    profile : {"full", "inference"}
    keep : tuple of str
        Columns that this ensemble's predictions use also in the inference profile.

    Raises
    ------
    UnsupportedModelError
        If this scikit-learn keeps something in a node that the columns have no place for.
    """
    _check_version()
    if any(isinstance(tree, InferenceTree) for tree in trees):
        profile = "inference"  # there is no more of them
    states = [tree.__getstate__() for tree in trees]
    counts = np.array([state["nodes"].size for state in states], np.int64)
    names = ("left_child", "right_child", "feature", "threshold", "missing_go_to_left")
    columns = _gather(states, [*names, *(_DETAILS if profile == "full" else keep)], int(counts.sum()))
    left, right = columns.pop("left_child"), columns.pop("right_child")
    leaves = left == LEAF
    inner = np.flatnonzero(~leaves)
    for name in ("feature", "threshold", "missing_go_to_left"):
        columns[name] = columns[name][inner]
    columns["missing_go_to_left"] = columns["missing_go_to_left"] != 0
    values = np.concatenate([state["values"] for state in states])
    if profile == "inference":
        values, columns["threshold"] = values[leaves], _round_down(columns["threshold"])
    depth = np.concatenate([tree.compute_node_depths() for tree in trees]) - 1  # it counts the root as 1
    columns = {**columns_of_structure(left, right, depth, counts), **columns, "value": values}
    # The dtype that is stored is the one that is read: nobody needs a wider copy of all nodes at once.
    return {name: narrow(np.ascontiguousarray(column)) for name, column in columns.items()}


def _gather(states: Sequence[dict[str, Any]], names: Sequence[str], n_nodes: int) -> dict[str, NDArray[Any]]:
    """Give the fields of all nodes, tree by tree, because a tree is in the cache."""
    columns = {name: np.empty(n_nodes, NODE_DTYPE[name]) for name in names}
    end = 0
    for state in states:
        start, end = end, end + state["nodes"].size
        for name, column in columns.items():
            column[start:end] = state["nodes"][name]
    return columns


def _round_down(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the largest float32 that is not above: no float32 lies between them."""
    with np.errstate(over="ignore"):
        near = threshold.astype(np.float32)
    above = near > threshold
    near[above] = np.nextafter(near[above], np.float32(-np.inf))
    return near.astype(np.float64)


def _check_version() -> None:
    unknown = set(NODE_DTYPE.names) ^ _FIELDS
    if unknown:
        raise UnsupportedModelError(
            f"this version of scikit-learn has other fields in its trees: {', '.join(sorted(unknown))}; "
            f"update maas-sdk, or use the scikit-learn that it was released with"
        )


def build_trees(
    blocks: Sequence[Mapping[str, NDArray[Any]]],
    *,
    n_features: int,
    n_classes: Sequence[int],
    place: Place,
    limits: Limits,
) -> list[Any]:
    """Prove columns, each of its kind already, and build the trees.

    Parameters
    ----------
    blocks : sequence of mapping of str to ndarray
        As `tree_columns` describes.
    n_features : int
    n_classes : sequence of int
        Values of a node for each output; 1 for regression.
    place : Place
        Of the blocks.
    limits : Limits

    Returns
    -------
    list of sklearn.tree._tree.Tree
    """
    _check_version()
    check_features(n_features, sum(columns["depth"].size for columns in blocks), place)
    sizes = np.array(n_classes, np.intp)
    trees: list[Any] = []
    nodes = np.zeros(0, NODE_DTYPE)
    for index, columns in enumerate(blocks):
        here = place.item(index)
        _check_splits(columns, n_features, here)
        cls = Tree if "impurity" in columns else InferenceTree
        for structure in read_structures(columns, here, limits, group=_GROUP):
            if nodes.size < structure.depth.size:
                nodes = np.zeros(structure.depth.size, NODE_DTYPE)
            _fill(nodes[: structure.depth.size], columns, structure)
            values = _values(columns, structure)
            for start, size, depth in zip(
                structure.starts.tolist(), structure.counts.tolist(), structure.max_depths(), strict=True
            ):
                state = {"nodes": nodes[start : start + size], "values": values[start : start + size]}
                tree = cls(n_features, sizes, sizes.size)
                tree.__setstate__({"max_depth": depth, "node_count": size, **state})
                trees.append(tree)
    return trees


def _fill(nodes: NDArray[Any], columns: Mapping[str, NDArray[Any]], structure: Structure) -> None:
    """Put some trees into scikit-learn's nodes."""
    inner = structure.inner
    nodes["left_child"] = nodes["right_child"] = LEAF
    nodes["feature"] = nodes["threshold"] = _UNDEFINED
    nodes["missing_go_to_left"] = 0
    nodes["left_child"][inner], nodes["right_child"][inner] = structure.left, structure.right
    for name in ("feature", "threshold", "missing_go_to_left"):
        nodes[name][inner] = columns[name][structure.splits]
    for name, missing in _DETAILS.items():
        nodes[name] = columns[name][structure.nodes] if name in columns else missing


def _values(columns: Mapping[str, NDArray[Any]], structure: Structure) -> NDArray[np.float64]:
    """Give the values of some nodes; those that a file left out are NaN."""
    stored, nodes, splits = columns["value"], structure.nodes, structure.splits
    if "impurity" in columns:
        return np.ascontiguousarray(stored[nodes], np.float64)
    values = np.full((structure.depth.size, *stored.shape[1:]), np.nan)
    leaves = np.ones(structure.depth.size, np.bool_)
    leaves[structure.inner] = False
    values[leaves] = stored[nodes.start - splits.start : nodes.stop - splits.stop]
    return values


def _check_splits(columns: Mapping[str, NDArray[Any]], n_features: int, place: Place) -> None:
    """Check what stands at nodes; a binary tree has one leaf more than nodes with children."""
    feature, n_nodes, n_trees = columns["feature"], columns["depth"].size, columns["node_count"].size
    n_inner = (n_nodes - n_trees) // 2
    n_values = n_nodes if "impurity" in columns else n_nodes - n_inner
    if columns["value"].shape[0] != n_values:
        raise place.attribute("value").refusal(f"not one for each of {n_values} nodes or leaves")
    if feature.size != n_inner:
        raise place.attribute("feature").refusal(f"not one for each of {n_inner} nodes with children")
    if n_inner and (feature.min() < 0 or feature.max() >= n_features):
        raise place.attribute("feature").refusal(f"a feature is not one of {n_features}")
    if np.isnan(columns["threshold"]).any():
        raise place.attribute("threshold").refusal("a threshold is missing")
    if "n_node_samples" in columns and columns["n_node_samples"].min() < 1:
        raise place.attribute("n_node_samples").refusal("a node without samples")
