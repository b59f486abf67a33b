"""What a column transformer has fitted, apart from what it has not because there are no columns for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose._column_transformer import _is_empty_column_selection

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``transformers_`` by names, columns and what is fitted, None where nothing is."""
    triples = [(name, part, _plain(columns)) for name, part, columns in attributes.pop("transformers_", [])]
    attributes["names"] = [name for name, _, _ in triples]
    attributes["columns"] = [columns for _, _, columns in triples]
    attributes["fitted"] = [
        part if _is_drop(part) or not _is_empty_column_selection(columns) else None
        for _, part, columns in triples
    ]


def together(
    estimator: Any,
    attributes: dict[str, Any],
    scope: Scope,  # noqa: ARG001
    place: Place,  # noqa: ARG001
    limits: Limits,  # noqa: ARG001
) -> None:
    """Replace these by ``transformers_``."""
    given = [*(transformer for _, transformer, _ in estimator.transformers), estimator.remainder]
    names, fitted = attributes.pop("names"), attributes.pop("fitted")
    attributes["transformers_"] = [
        (name, given[index] if transformer is None else transformer, columns)
        for index, (name, transformer, columns) in enumerate(
            zip(names, fitted, attributes.pop("columns"), strict=True)
        )
    ]


def _is_drop(transformer: Any) -> bool:
    return isinstance(transformer, str) and transformer == "drop"


def _plain(columns: Any) -> Any:
    """Give columns that pandas or scikit-learn has in a container of its own in one of ours."""
    if isinstance(columns, slice | np.ndarray) or np.isscalar(columns):
        return columns
    if hasattr(columns, "to_numpy"):
        return columns.to_numpy()
    return list(getattr(columns, "data", columns))  # scikit-learn 1.6 warns if its own list is looked at
