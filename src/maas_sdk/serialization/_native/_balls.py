"""scikit-learn's k-d trees and ball trees ⇄ columns: which sample is where, and how far each node reaches.

The samples that a node has, and whether it is a leaf, follow from their number and the size of leaves: they
are derived, never read, because compiled code takes them for indices without looking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import BallTree, KDTree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.serialization._place import Place

__all__ = ["TREES", "build_tree", "take_tree"]

TREES: dict[str, type] = {"kd_tree": KDTree, "ball_tree": BallTree}
_BOUNDS = {KDTree: 2, BallTree: 1}  # the least and the most; the centre
_NODE = np.asarray(KDTree.__new__(KDTree).node_data).dtype


def take_tree(
    tree: Any, data: NDArray[np.float64], metric: Any, params: Mapping[str, Any], place: Place
) -> dict[str, Any]:
    """Give the columns of a tree over these samples, which are not among them.

    Raises
    ------
    InvalidArtifactError
        If it is not the tree that would be built again.
    """
    its_data, order, nodes, bounds, leaf_size, n_levels, *_, its_metric, _ = tree.__getstate__()
    if not np.array_equal(its_data, data):
        raise place.refusal("the samples were altered after the tree was built")
    ours = _metric(type(tree), data, metric, params, place)
    if type(its_metric) is not type(ours) or not all(
        np.array_equal(one, other)
        for one, other in zip(its_metric.__getstate__(), ours.__getstate__(), strict=True)
    ):
        raise place.refusal("the tree has another metric than the estimator")
    n_samples = data.shape[0]
    if n_levels != _n_levels(n_samples, leaf_size) or not np.array_equal(
        nodes, _nodes(n_samples, n_levels, nodes["radius"])
    ):
        raise place.refusal("this version of scikit-learn divides its trees in another way")
    return {"leaf_size": leaf_size, "order": order, "radius": nodes["radius"].copy(), "bounds": bounds}


def build_tree(
    cls: Any,
    columns: Mapping[str, Any],
    data: NDArray[np.float64],
    metric: Any,
    params: Mapping[str, Any],
    place: Place,
    *,
    sample_weight: NDArray[np.float64] | None = None,
) -> Any:
    """Prove columns, each of its kind already, and give the tree over these samples.

    Parameters
    ----------
    cls : type
        Of `TREES`.
    columns : mapping of str to object
        ``leaf_size``, ``order``, ``radius`` and ``bounds``.
    data : ndarray of shape (n_samples, n_features), float64
    metric, params : str and mapping
        As `check_metric` lets pass.
    place : Place
        Of the columns.
    sample_weight : ndarray of shape (n_samples,) or None
    """
    n_samples, n_features = data.shape
    order, bounds = columns["order"], columns["bounds"]
    n_levels = _n_levels(n_samples, columns["leaf_size"])
    n_nodes = 2**n_levels - 1
    if (np.bincount(order, minlength=n_samples) != 1).any():
        raise place.attribute("order").refusal("not each sample once")
    if columns["radius"].size != n_nodes or bounds.shape != (_BOUNDS[cls], n_nodes, n_features):
        raise place.attribute("bounds").refusal(f"not those of {n_nodes} nodes")
    tree = cls.__new__(cls)
    tree.__setstate__(
        (
            data,
            np.ascontiguousarray(order, np.intp),
            _nodes(n_samples, n_levels, columns["radius"]),
            np.ascontiguousarray(bounds, np.float64),
            int(columns["leaf_size"]),
            n_levels,
            n_nodes,
            *(0, 0, 0, 0),  # how often it was asked
            _metric(cls, data, metric, params, place),
            sample_weight,
        )
    )
    return tree


def _metric(
    cls: Any, data: NDArray[np.float64], metric: Any, params: Mapping[str, Any], place: Place
) -> DistanceMetric:
    """Give the metric, compared with the number of features: trees do so only when they are built."""
    if metric == "pyfunc" or metric not in cls.valid_metrics:
        raise place.refusal("a tree with a distance in Python or that it cannot have; use algorithm='brute'")
    found = DistanceMetric.get_metric(metric, **params)
    if cls is KDTree and params.get("w") is not None:
        raise place.refusal("a k-d tree has no weights of features")
    found._validate_data(data)  # noqa: SLF001 - what scikit-learn runs before it builds
    return found


def _n_levels(n_samples: int, leaf_size: int) -> int:
    return max(1, ((n_samples - 1) // leaf_size).bit_length())


def _nodes(n_samples: int, n_levels: int, radius: NDArray[np.float64]) -> NDArray[Any]:
    """Give the nodes: each has the first or the second half of its parent's samples."""
    first, last = np.zeros(1, np.intp), np.full(1, n_samples, np.intp)
    starts, ends = [first], [last]
    for _ in range(n_levels - 1):
        middle = first + (last - first) // 2
        first, last = np.stack([first, middle], 1).ravel(), np.stack([middle, last], 1).ravel()
        starts.append(first)
        ends.append(last)
    nodes = np.zeros(2**n_levels - 1, _NODE)
    nodes["idx_start"], nodes["idx_end"] = np.concatenate(starts), np.concatenate(ends)
    nodes["is_leaf"][2 ** (n_levels - 1) - 1 :] = 1
    nodes["radius"] = radius
    return nodes
