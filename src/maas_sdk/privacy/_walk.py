"""Visits every fitted object inside a model, with its path and the training data that reaches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from maas_sdk.privacy._rows import TrainingRows

__all__ = ["Node", "walk"]

_MAX_DEPTH = 64
_BIRCH_TREE = frozenset({"root_", "dummy_leaf_"})
"""Linked nodes by the thousand, whose centroids `subcluster_centers_` holds all together."""

_NOT_OBJECTS = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)


@frozen(eq=False)
class Node:
    """One object of a model.

    Attributes
    ----------
    path : str
        Such as ``steps[1].estimators_[0]``; empty for the model itself.
    value : object
        It has attributes; estimators mostly.
    rows : TrainingRows
        The training data that it was fitted on, as far as that is known.
    """

    path: str
    value: Any
    rows: TrainingRows


def walk(model: Any, rows: TrainingRows) -> Iterator[Node]:
    """Visit `model` and every object in its attributes, lists, tuples, mappings and arrays, each once."""
    seen: set[int] = set()
    pending = [(Node("", model, rows), 0)]
    while pending:
        node, depth = pending.pop()
        if id(node.value) in seen or depth > _MAX_DEPTH:
            continue
        seen.add(id(node.value))
        yield node
        pending.extend((child, depth + 1) for child in reversed(list(_children(node))))


def _children(node: Node) -> Iterator[Node]:
    names = {cls.__name__ for cls in type(node.value).__mro__}
    state = vars(node.value)
    if "Pipeline" in names and "steps" in state:
        rows = node.rows
        for index, (_name, step) in enumerate(state["steps"]):
            yield from _objects(step, _join(node.path, f"steps[{index}]"), rows)
            rows = rows.through(step) if index + 1 < len(state["steps"]) else rows
        return
    if "ColumnTransformer" in names and "transformers_" in state:
        for index, (_name, step, columns) in enumerate(state["transformers_"]):
            path = _join(node.path, f"transformers_[{index}]")
            yield from _objects(step, path, node.rows.columns(columns))
        return
    for name, value in state.items():
        if not ("Birch" in names and name in _BIRCH_TREE):
            yield from _objects(value, _join(node.path, name), node.rows)


def _objects(value: Any, path: str, rows: TrainingRows, depth: int = 0) -> Iterator[Node]:
    if _has_attributes(value):
        yield Node(path, value, rows)
    elif depth < _MAX_DEPTH:
        for item, place in _members(value, path):
            yield from _objects(item, place, rows, depth + 1)


def _members(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, Mapping):
        yield from ((item, f"{path}[{key!r}]") for key, item in value.items())
    elif isinstance(value, tuple) and value and isinstance(value[0], str):
        # (name, estimator, …), as scikit-learn's compositions keep their members.
        yield from ((item, path) for item in value[1:])
    elif isinstance(value, (list, tuple)):
        yield from ((item, f"{path}[{index}]") for index, item in enumerate(value))
    elif isinstance(value, np.ndarray) and value.dtype == object:
        for place, item in np.ndenumerate(value):
            yield item, f"{path}[{', '.join(map(str, place))}]"


def _has_attributes(value: Any) -> bool:
    # Matrices and frames are data, not models, whatever attributes they have.
    is_data = hasattr(value, "shape") and hasattr(value, "ndim")
    is_object = hasattr(value, "__dict__") and not isinstance(value, (*_NOT_OBJECTS, Mapping))
    return is_object and not is_data


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
