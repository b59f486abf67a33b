"""The dendrogram of HDBSCAN, which compiled code cuts without looking where its nodes point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster._hdbscan._tree import HIERARCHY_dtype

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]

_NAME = "_single_linkage_tree_"


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace the dendrogram by its columns."""
    if _NAME in attributes:
        tree = attributes[_NAME]
        attributes[_NAME] = {name: tree[name].copy() for name in HIERARCHY_dtype.names}


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace the columns by the dendrogram: each node joins two that were there before."""
    columns = attributes.get(_NAME)
    if columns is None:
        return
    n_merges = columns["value"].size
    if n_merges != scope.sizes["n_samples"] - 1:
        raise place.attribute(_NAME).refusal(f"{n_merges} merges of {scope.sizes['n_samples']} samples")
    ends = np.arange(n_merges) + n_merges + 1
    for name in ("left_node", "right_node"):
        if (columns[name] < 0).any() or (columns[name] >= ends).any():
            raise place.attribute(_NAME).attribute(name).refusal("joins what is not there yet")
    tree = np.empty(n_merges, HIERARCHY_dtype)
    for name, column in columns.items():
        tree[name] = column
    attributes[_NAME] = tree
