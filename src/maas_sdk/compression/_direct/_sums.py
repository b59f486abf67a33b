"""Sums of the leaves of many trees, in the order in which scikit-learn adds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.compression._direct._gate import has_nan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.compression._direct._compiled import Answer
    from maas_sdk.compression._direct._walk import Walk

__all__ = ["CHUNK", "stages_sum", "sum_in_order"]

CHUNK = 2**15
"""Rows times trees at a time: what the walk reads and writes of them stays in the cache."""


def stages_sum(
    walk: Walk, values: NDArray[np.float64], start: NDArray[np.float64], n_outputs: int, dtype: Any
) -> Answer:
    """Make what adds the leaves of all stages to where they start from."""

    def raw(rows: NDArray[Any]) -> NDArray[Any]:
        rows = np.ascontiguousarray(rows, dtype)
        missing = dtype is np.float64 and has_nan(rows)
        steps = values.take(walk.leaves(rows, has_nan=missing))
        steps = steps.reshape(-1, n_outputs, len(rows))
        steps[0] += start.T
        return np.ascontiguousarray(sum_in_order(steps).T)

    return raw


def sum_in_order(values: NDArray[Any]) -> NDArray[Any]:
    """Sum over the first axis, one after the other; numpy sums a single column pairwise instead."""
    if values.size == len(values):
        return np.array(np.add.accumulate(values, axis=0)[-1])
    total: NDArray[Any] = np.add.reduce(values, axis=0)
    return total
