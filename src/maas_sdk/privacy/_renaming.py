"""Renames the columns that go into the steps of a fitted model, and follows the names that come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from maas_sdk.privacy._rows import TrainingRows
from maas_sdk.privacy._walk import attributes_of, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.privacy._mask import Mask

__all__ = ["is_of", "rename_columns", "renamed"]

_NAMES: Final = "feature_names_in_"
_ABOUT_COLUMNS: Final = ("categorical_features", "monotonic_cst")
"""Parameters that may name columns."""


def is_of(value: Any, *names: str) -> bool:
    """Whether an object is of a class, or of one derived from a class, of one of these names."""
    return not {cls.__name__ for cls in type(value).__mro__}.isdisjoint(names)


def rename_columns(step: Any, original: Any, known: Mapping[str, str], mask: Mask) -> dict[str, str]:
    """Rename the columns that go into a step, in place.

    Parameters
    ----------
    step, original : estimator
        The fitted step, and the same before anything in it was masked.
    known : mapping of str to str
        Columns that go in, with their masks.
    mask : Mask
        For names that a step before cannot tell.

    Returns
    -------
    dict of str to str
        The names of the columns that come out: what they were, and what they are.
    """
    if is_of(step, "Pipeline"):
        for (_, inner), (_, before) in zip(step.steps, original.steps, strict=True):
            known = rename_columns(inner, before, known, mask)
        return dict(known)
    if is_of(step, "ColumnTransformer"):
        # Transformers are often called like their columns: their names are masked with them.
        for name, value in vars(step).items():
            vars(step)[name] = renamed(value, known)
        _rename_members(_members(step.transformers_), _members(original.transformers_), known, mask)
    elif is_of(step, "FeatureUnion"):
        members = _members(step.transformer_list)
        _rename_members(members, _members(original.transformer_list), known, mask)
        _rename_own(step, known, mask)
    else:
        for node in walk(step, TrainingRows()):
            _rename_own(node.value, known, mask)
    return _names_out(step, original)


def renamed(value: Any, known: Mapping[str, str]) -> Any:
    """Replace texts in lists, tuples, mappings, slices and arrays; leave objects alone."""
    if isinstance(value, str):
        return known.get(value, value)
    if isinstance(value, list) or type(value) is tuple:
        return type(value)(renamed(item, known) for item in value)
    if type(value) is dict:
        return {renamed(key, known): renamed(item, known) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(renamed(value.start, known), renamed(value.stop, known), value.step)
    if isinstance(value, np.ndarray) and value.dtype.kind in "OU":
        made = np.empty(value.size, dtype=object)
        made[:] = [renamed(item, known) for item in value.ravel().tolist()]
        return made.reshape(value.shape).astype(object if value.dtype == object else str)
    return value


def _members(members: Any) -> list[Any]:
    return [member[1] for member in members]


def _rename_members(members: list[Any], originals: list[Any], known: Mapping[str, str], mask: Mask) -> None:
    for step, original in zip(members, originals, strict=True):
        if step is not None and not isinstance(step, str):
            rename_columns(step, original, known, mask)


def _rename_own(value: Any, known: Mapping[str, str], mask: Mask) -> None:
    """Rename the columns in one object's own attributes."""
    state = attributes_of(value)
    for name in _ABOUT_COLUMNS:
        if name in state:
            setattr(value, name, renamed(state[name], known))
    if _NAMES in state and known:
        # What a step before cannot tell is masked by itself, so that nothing is left.
        strange = [name for name in state[_NAMES].tolist() if name not in known]
        masks = {**known, **dict(zip(strange, mask.columns(strange), strict=True))}
        setattr(value, _NAMES, renamed(state[_NAMES], masks))


def _names_out(step: Any, original: Any) -> dict[str, str]:
    try:
        old = [str(name) for name in original.get_feature_names_out()]
        new = [str(name) for name in step.get_feature_names_out()]
    except Exception:  # noqa: BLE001 - not every step can tell
        return {}
    return dict(zip(old, new, strict=True))
