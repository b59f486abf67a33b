"""What the columns of decision trees may be; that they are trees is proved where they are built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk.serialization._kinds import Scope, describe
from maas_sdk.serialization._kinds_arrays import Array
from maas_sdk.serialization._kinds_compound import ListOf

if TYPE_CHECKING:
    from maas_sdk.serialization._kinds import Kind
    from maas_sdk.serialization._place import Place

__all__ = ["ColumnsOf", "boosting_blocks", "tree_blocks", "tree_columns"]

_STRUCTURE: dict[str, Kind] = {
    "node_count": Array(("n_trees",), dtypes="i"),
    "depth": Array(("n_nodes",), dtypes="u"),
}
_CHILDREN: dict[str, Kind] = {
    "left_child": Array(("n_nodes",), dtypes="i"),
    "right_child": Array(("n_nodes",), dtypes="i"),
}
_SPLITS: dict[str, Kind] = {
    "feature": Array(("n_inner",), dtypes="i"),
    "threshold": Array(("n_inner",), finite=False),  # infinite where a split sets missing values apart
    "missing_go_to_left": Array(("n_inner",), dtypes="b"),
}
_SAMPLES: dict[str, Kind] = {"n_node_samples": Array(("n_nodes",), dtypes="i")}
_DETAILS: dict[str, Kind] = {
    "impurity": Array(("n_nodes",)),
    **_SAMPLES,
    "weighted_n_node_samples": Array(("n_nodes",)),
}


@frozen
class ColumnsOf:
    """Columns of a block of trees: those that all have, and groups that are there whole or not at all.

    Parameters
    ----------
    always : dict of str to Kind
    groups : tuple of dict of str to Kind
    """

    always: dict[str, Kind]
    groups: tuple[dict[str, Kind], ...] = field(default=())

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if type(value) is not dict:
            raise place.refusal(f"expected columns, not {describe(value)}")
        kinds = dict(self.always)
        for group in self.groups:
            if group.keys() <= value.keys():
                kinds |= group
        if value.keys() != kinds.keys():
            names = ", ".join(map(str, value.keys() ^ kinds.keys()))[:200]
            raise place.refusal(f"there are columns too many, or some are missing: {names}")
        for name, kind in kinds.items():
            kind.check(value[name], scope, place.attribute(name))


def tree_columns(n_outputs: int | str, max_n_classes: int | str) -> ColumnsOf:
    """Describe the columns of trees with so many outputs, and values for each."""
    value = Array(("n_values", n_outputs, max_n_classes))
    return ColumnsOf({**_STRUCTURE, **_SPLITS, "value": value}, (_CHILDREN, _SAMPLES, _DETAILS))


def tree_blocks(n_outputs: int | str, max_n_classes: int | str) -> ListOf:
    """Describe the blocks of an ensemble's trees."""
    return ListOf(tree_columns(n_outputs, max_n_classes), apart=True)


def boosting_blocks() -> ListOf:
    """Describe the blocks of histogram-based boosting's trees."""
    columns: dict[str, Kind] = {
        **_STRUCTURE,
        **_SPLITS,
        "is_categorical": Array(("n_inner",), dtypes="b"),
        "categories": Array(("n_bitsets", 8), dtypes="u"),
        "value": Array(("n_values",)),
    }
    details: dict[str, Kind] = {
        "count": Array(("n_nodes",), dtypes="u"),
        "gain": Array(("n_nodes",), finite=False),
        "bin_threshold": Array(("n_inner",), dtypes="u"),
        "binned_categories": Array(("n_bitsets", 8), dtypes="u"),
    }
    return ListOf(ColumnsOf(columns, (details,)), apart=True)
