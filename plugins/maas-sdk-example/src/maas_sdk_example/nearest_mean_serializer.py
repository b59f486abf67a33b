"""Takes `NearestMean` apart and puts it together again, without pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidArtifactError, UnsupportedModelError
from maas_sdk_example.nearest_mean import NearestMean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NearestMeanSerializer"]

_MEANS_DIMENSIONS = 2


class NearestMeanSerializer:
    """Its state is a number and two arrays; what comes in is untrusted, so that all of it is checked."""

    type_name = "example.NearestMean"
    target_type = NearestMean

    def to_state(self, estimator: NearestMean) -> dict[str, Any]:
        """Take apart.

        Raises
        ------
        UnsupportedModelError
            When the labels are objects, which cannot be stored.
        """
        if estimator.classes_.dtype.kind not in "biuU":
            raise UnsupportedModelError("labels must be numbers, booleans or strings")
        return {
            "shrinkage": float(estimator.shrinkage),
            "classes": estimator.classes_.copy(),
            "means": estimator.means_.copy(),
        }

    def from_state(self, state: Mapping[str, Any]) -> NearestMean:
        """Put together.

        Raises
        ------
        InvalidArtifactError
            When the state is not one that `to_state` gives.
        """
        if set(state) != {"shrinkage", "classes", "means"}:
            raise InvalidArtifactError(f"NearestMean has shrinkage, classes and means, not {sorted(state)}")
        classes, means = state["classes"], state["means"]
        made = NearestMean(shrinkage=_shrinkage(state["shrinkage"]))
        if not _are_labels(classes):
            raise InvalidArtifactError("classes must be sorted labels in an array, each once")
        if not _are_means(means) or len(means) != len(classes):
            raise InvalidArtifactError("means must be finite, float64, and a row for each class")
        made.classes_, made.means_, made.n_features_in_ = classes, means, means.shape[1]
        return made


def _shrinkage(value: Any) -> float:
    if type(value) is float and 0 <= value <= 1:
        return value
    raise InvalidArtifactError(f"shrinkage must be a number from 0 to 1, not {value!r}")


def _are_labels(value: Any) -> bool:
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "biuU":
        return False
    return len(value) > 0 and bool((value[:-1] < value[1:]).all())


def _are_means(value: Any) -> bool:
    if not isinstance(value, np.ndarray) or value.ndim != _MEANS_DIMENSIONS or value.dtype != np.float64:
        return False
    return value.shape[1] > 0 and bool(np.isfinite(value).all())
