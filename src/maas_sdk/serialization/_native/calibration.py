"""Calibrated classifiers: pairs of a classifier and what calibrates its scores, in a private class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.calibration import _CalibratedClassifier

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]

_ATTRIBUTE = "calibrated_classifiers_"


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace the pairs by mappings."""
    pairs = attributes[_ATTRIBUTE]
    for index, pair in enumerate(pairs):
        if not np.array_equal(pair.classes, attributes["classes_"]):
            raise place.attribute(_ATTRIBUTE).item(index).refusal("has other classes")
    attributes[_ATTRIBUTE] = [
        {"estimator": pair.estimator, "calibrators": pair.calibrators, "method": pair.method}
        for pair in pairs
    ]


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace the mappings by pairs."""
    attributes[_ATTRIBUTE] = [
        _CalibratedClassifier(**pair, classes=attributes["classes_"]) for pair in attributes[_ATTRIBUTE]
    ]
