"""Arrays to work in, a set for each thread, made when the thread first needs them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Buffers"]


class Buffers:
    """Gives each thread arrays of its own; they grow to the most rows that were asked for.

    Parameters
    ----------
    layout : sequence of (int, dtype)
        Columns and dtype of each array.
    transposed : bool, default=False
        Whether rows of data lie along the second axis.
    """

    def __init__(self, layout: Sequence[tuple[int, Any]], *, transposed: bool = False) -> None:
        self._layout = tuple(layout)
        self._transposed = transposed
        self._local = threading.local()

    def of(self, n_rows: int) -> list[NDArray[Any]]:
        """Give contiguous arrays for so many rows; what they hold is valid until the next call."""
        local = self._local
        if getattr(local, "n_rows", None) == n_rows:
            views: list[NDArray[Any]] = local.views
            return views
        return self._cut(n_rows)

    def _cut(self, n_rows: int) -> list[NDArray[Any]]:
        local = self._local
        if n_rows > getattr(local, "capacity", 0):
            local.whole = [np.empty(n_rows * columns, dtype) for columns, dtype in self._layout]
            local.capacity = n_rows
        views: list[NDArray[Any]] = [
            whole[: n_rows * columns].reshape((columns, n_rows) if self._transposed else (n_rows, columns))
            for whole, (columns, _) in zip(local.whole, self._layout, strict=True)
        ]
        local.views, local.n_rows = views, n_rows
        return views
