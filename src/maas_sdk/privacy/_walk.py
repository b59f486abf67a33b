"""Visits every fitted object inside a model, with its path and the training data that reaches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from attrs import frozen

from maas_sdk.privacy._rows import TrainingRows

__all__ = ["Node", "attributes_of", "walk"]

_MAX_DEPTH = 64
_BIRCH_TREE = frozenset({"root_", "dummy_leaf_"})
"""Linked nodes by the thousand, whose centroids `subcluster_centers_` holds all together."""

_PLAIN = frozenset(
    {"builtins", "datetime", "decimal", "enum", "fractions", "pathlib", "re", "uuid", "zoneinfo"}
)
"""Modules whose objects are values; what is in a container of theirs is visited."""

_NOT_OBJECTS = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType, np.ufunc, partial)


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


def walk(model: Any, rows: TrainingRows, path: str = "") -> Iterator[Node]:
    """Visit `model` and every object in its attributes, lists, tuples, mappings and arrays, each once."""
    seen: set[int] = set()
    pending = [(Node(path, model, rows), 0)]
    while pending:
        node, depth = pending.pop()
        if id(node.value) in seen or depth > _MAX_DEPTH:
            continue
        seen.add(id(node.value))
        yield node
        pending.extend((child, depth + 1) for child in reversed(list(_children(node))))


def attributes_of(value: Any) -> dict[str, Any]:
    """Give what an object keeps, in its dictionary and in slots."""
    state: dict[str, Any] = {}
    for cls in reversed(type(value).__mro__):
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                state[name] = getattr(value, name)
    return state | getattr(value, "__dict__", {})


def _children(node: Node) -> Iterator[Node]:
    names = {cls.__name__ for cls in type(node.value).__mro__}
    state = attributes_of(node.value)
    if "Pipeline" in names and "steps" in state:
        rows = node.rows
        steps = state.pop("steps")
        for index, (_name, step) in enumerate(steps):
            yield from _objects(step, _join(node.path, f"steps[{index}]"), rows)
            rows = rows.through(step) if index + 1 < len(steps) else rows
    elif "ColumnTransformer" in names and "transformers_" in state:
        for index, (_name, step, columns) in enumerate(state.pop("transformers_")):
            path = _join(node.path, f"transformers_[{index}]")
            yield from _objects(step, path, node.rows.columns(columns))
        # Of what it was made with nothing is known that it was fitted on.
        node = Node(node.path, node.value, TrainingRows())
    elif "estimators_features_" in state:
        for index, features in enumerate(state["estimators_features_"]):
            path = _join(node.path, f"estimators_[{index}]")
            yield Node(path, state["estimators_"][index], node.rows.columns(features))
        state = {name: value for name, value in state.items() if name != "estimators_"}
    elif "support_" in state and "estimator_" in state:
        selected = node.rows.columns(np.flatnonzero(state["support_"]))
        yield from _objects(state.pop("estimator_"), _join(node.path, "estimator_"), selected)
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
        # Keys may be words of the data: their numbers stand for them.
        yield from ((item, f"{path}[{index}]") for index, item in enumerate(value.values()))
    elif isinstance(value, partial):
        yield from ((item, path) for item in (value.func, value.args, value.keywords))
    elif isinstance(value, tuple) and value and isinstance(value[0], str):
        # (name, estimator, …), as scikit-learn's compositions keep their members.
        yield from ((item, path) for item in value[1:])
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((item, f"{path}[{index}]") for index, item in enumerate(value))
    elif isinstance(value, np.ndarray) and value.dtype == object:
        for place, item in np.ndenumerate(value):
            yield item, f"{path}[{', '.join(map(str, place))}]"


def _has_attributes(value: Any) -> bool:
    # Matrices and frames are data, not models, whatever attributes they have.
    is_data = hasattr(value, "shape") and hasattr(value, "ndim")
    if is_data or isinstance(value, (*_NOT_OBJECTS, Mapping)):
        return False
    module = type(value).__module__
    if module.startswith(("numpy.", "sklearn.")) or module == "numpy":
        return hasattr(
            value, "__dict__"
        )  # what has none, compiled trees and generators, is known where it is kept
    return hasattr(value, "__dict__") or module not in _PLAIN


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
