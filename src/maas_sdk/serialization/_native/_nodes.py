"""scikit-learn's decision trees ⇄ columns: one array a field, the trees of a block after each other.

The columns are semantic, never scikit-learn's own struct, whose layout changes between versions. Reading proves
them before any native code sees them: it walks the nodes without looking whether a child or a feature exists, and
allocates paths by the depth that the tree claims. The inference profile has values at leaves alone, no impurities
and samples, and float32 thresholds rounded down: exact, because trees compare float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from sklearn.tree._tree import NODE_DTYPE, Tree

from maas_sdk.errors import NotIncludedError, UnsupportedModelError
from maas_sdk.serialization._native._structure import (
    LEAF,
    blocks,
    columns_of_structure,
    depths_of,
    read_structure,
)
from maas_sdk.serialization._place import Piece

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
_DETAILS = ("impurity", "n_node_samples", "weighted_n_node_samples")
_CHUNK = 8192  # nodes that are filled in cache before they are copied to their tree


class InferenceTree(Tree):  # type: ignore[misc]
    """A tree that predicts, and says so when it is asked for what its file left out."""

    __slots__ = ()

    def _left_out(self, *_: object, **__: object) -> NoReturn:
        raise NotIncludedError(
            "the inference profile keeps what predictions use; this needs impurities, samples or values of inner "
            "nodes: ask for a file in the profile 'full'"
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


def take_forest(trees: Sequence[Any], profile: Profile, *, keep: tuple[str, ...] = ()) -> list[Piece]:
    """Give the columns of trees in blocks, each a piece of its own."""
    return [Piece(take_trees(trees[start:end], profile, keep=keep)) for start, end in blocks(len(trees))]


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
        If this scikit-learn keeps something in a node that the columns have no place for, or a full file is
        asked of trees that came from an inference file.
    """
    _check_version()
    if profile == "full" and any(isinstance(tree, InferenceTree) for tree in trees):
        raise UnsupportedModelError(
            "a model from a file in the profile 'inference' can be written in that profile alone"
        )
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
    depth = depths_of(left, right, counts)
    return {**columns_of_structure(left, right, depth, counts), **columns, "value": values}


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
    columns: Mapping[str, NDArray[Any]],
    *,
    n_features: int,
    n_classes: Sequence[int],
    place: Place,
    limits: Limits,
) -> list[Any]:
    """Prove columns, each of its kind already, and build the trees.

    Parameters
    ----------
    columns : mapping of str to ndarray
        As `TreeColumns` describes.
    n_features : int
    n_classes : sequence of int
        Values of a node for each output; 1 for regression.
    place : Place
    limits : Limits

    Returns
    -------
    list of sklearn.tree._tree.Tree
    """
    _check_version()
    structure = read_structure(columns, place, limits)
    _check_nodes(columns, structure, n_features, place)
    sizes = np.array(n_classes, np.intp)
    cls = Tree if "impurity" in columns else InferenceTree
    trees: list[Any] = []
    depths = structure.max_depths()
    for first, last in _chunks(structure.counts):
        nodes, values = _fill(columns, structure, first, last)
        base = structure.starts[first]
        for index in range(first, last):
            start = int(structure.starts[index] - base)
            end = start + int(structure.counts[index])
            tree = cls(n_features, sizes, sizes.size)
            tree.__setstate__(
                {
                    "max_depth": depths[index],
                    "node_count": end - start,
                    "nodes": nodes[start:end],
                    "values": values[start:end],
                }
            )
            trees.append(tree)
    return trees


def _chunks(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Group trees so that a group's nodes stay in the cache while they are filled and copied."""
    groups: list[tuple[int, int]] = []
    first = size = 0
    for index, count in enumerate(counts.tolist()):
        if index > first and size + count > _CHUNK:
            groups.append((first, index))
            first, size = index, 0
        size += count
    return [*groups, (first, counts.size)]


def _fill(
    columns: Mapping[str, NDArray[Any]], structure: Structure, first: int, last: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Give the nodes and values of some trees as scikit-learn wants them."""
    start = int(structure.starts[first])
    end = int(structure.starts[last - 1] + structure.counts[last - 1])
    from_inner, to_inner = np.searchsorted(structure.inner, (start, end)).tolist()
    inner = structure.inner[from_inner:to_inner] - start
    nodes = np.zeros(end - start, NODE_DTYPE)
    nodes["left_child"] = nodes["right_child"] = LEAF
    nodes["feature"] = nodes["threshold"] = _UNDEFINED
    nodes["left_child"][inner] = structure.left[from_inner:to_inner]
    nodes["right_child"][inner] = structure.right[from_inner:to_inner]
    for name in ("feature", "threshold", "missing_go_to_left"):
        nodes[name][inner] = columns[name][from_inner:to_inner]
    if "impurity" in columns:
        for name in _DETAILS:
            nodes[name] = columns[name][start:end]
        return nodes, np.ascontiguousarray(columns["value"][start:end], np.float64)
    nodes["impurity"] = nodes["weighted_n_node_samples"] = np.nan
    nodes["n_node_samples"] = columns["n_node_samples"][start:end] if "n_node_samples" in columns else LEAF
    values = np.full((end - start, *columns["value"].shape[1:]), np.nan)
    leaves = np.ones(end - start, np.bool_)
    leaves[inner] = False
    values[leaves] = columns["value"][start - from_inner : end - to_inner]
    return nodes, values


def _check_nodes(
    columns: Mapping[str, NDArray[Any]], structure: Structure, n_features: int, place: Place
) -> None:
    feature, n_nodes, n_inner = columns["feature"], structure.depth.size, structure.inner.size
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
