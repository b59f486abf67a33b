"""Which metrics each kind of prediction is measured by."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from maas_sdk.learning._metrics._classification import MULTILABEL, ONE_CLASS
from maas_sdk.learning._metrics._regression import VALUES
from maas_sdk.learning._metrics._weighted import Weighted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.learning._metrics._entry import Entry
    from maas_sdk.learning._metrics._predictions import Predictions

__all__ = ["LOWER_IS_BETTER", "OWN_NAMES", "is_foreign", "measure", "table_of"]

_TABLES: Mapping[str, Mapping[str, Entry]] = MappingProxyType(
    {"classification": ONE_CLASS, "multilabel": MULTILABEL, "regression": VALUES}
)
OWN_NAMES = frozenset(name for table in _TABLES.values() for name in table)
LOWER_IS_BETTER = frozenset(
    name for table in _TABLES.values() for name, entry in table.items() if not entry.greater_is_better
)


def table_of(kind: str) -> Mapping[str, Entry]:
    """Give the metrics by name of ``"classification"``, ``"multilabel"`` or ``"regression"``."""
    return _TABLES[kind]


def is_foreign(name: str, kind: str) -> bool:
    """Whether a metric is for values and what is predicted are classes, or the other way round."""
    values = kind == "regression"
    return any(name in table for of, table in _TABLES.items() if (of == "regression") != values)


def measure(predictions: Predictions) -> dict[str, float]:
    """Measure predictions by each metric of their kind; NaN for what has no value here."""
    view = Weighted.once(predictions)
    return {name: float(entry.compute(view)[0]) for name, entry in table_of(predictions.kind).items()}
