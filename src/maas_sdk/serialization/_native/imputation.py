"""The steps of an iterative imputer: which columns, from which others, by which estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(estimator: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``imputation_sequence_`` by columns; from all other columns is what goes without saying."""
    steps = attributes.pop("imputation_sequence_", [])
    attributes["step_columns"] = columns = np.array([step.feat_idx for step in steps], np.int64)
    attributes["step_estimators"] = [step.estimator for step in steps]
    others = np.array([step.neighbor_feat_idx for step in steps], np.int64)
    if steps and not np.array_equal(others, _all_others(columns, attributes["_min_value"].size)):
        attributes["step_others"] = others
    if profile == "inference" and not estimator.sample_posterior:
        attributes.pop("random_state_", None)


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace these by ``imputation_sequence_``."""
    from sklearn.impute._iterative import _ImputerTriplet  # noqa: PLC0415 - experimental: named by what has one

    columns, estimators = attributes.pop("step_columns"), attributes.pop("step_estimators")
    others = attributes.pop("step_others", None)
    if others is None:
        others = _all_others(columns, scope.sizes["n_kept"])
    attributes["imputation_sequence_"] = [
        _ImputerTriplet(*step) for step in zip(columns, others, estimators, strict=True)
    ]


def _all_others(columns: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Give for each of these columns all others, in order."""
    others = np.broadcast_to(np.arange(count - 1), (columns.size, count - 1))
    return np.asarray(others + (others >= columns[:, np.newaxis]))
