"""Which validation rows the search may use, and which judge what it chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.base import is_classifier
from sklearn.utils import _safe_indexing, check_consistent_length

from maas_sdk.compression._measurement import n_rows
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["Rows", "split_rows"]

_FEWEST = 4
"""A bootstrap needs two rows in each half."""


@frozen(eq=False)
class Rows:
    """Some rows and their truth."""

    X: Any
    y: Any

    def __len__(self) -> int:
        return n_rows(self.X)


def split_rows(chain: Pipeline, X: Any, y: Any, *, seed: int) -> tuple[Rows, Rows]:
    """Deal validation rows to two halves, at random, for a classifier each class on its own.

    Returns
    -------
    search, judge : Rows
        The first has one more when the number is odd.

    Raises
    ------
    InvalidOptionError
        When `X` and `y` do not belong together, or there are fewer than four rows.
    """
    if not hasattr(X, "shape") and not isinstance(X, list | tuple):
        raise InvalidOptionError(
            f"X_valid must have rows that can be taken by number: {type(X).__name__} has not."
        )
    truth = y if hasattr(y, "shape") else np.asarray(y)
    try:
        check_consistent_length(X, truth)
    except (TypeError, ValueError) as exc:
        raise InvalidOptionError(f"X_valid and y_valid: {exc}") from exc
    n = n_rows(X)
    if n < _FEWEST:
        raise InvalidOptionError(
            f"{n} validation rows: half of them choose, half of them judge, and both need two at least."
        )
    order = np.random.RandomState(seed).permutation(n)
    if is_classifier(chain) and truth.ndim == 1:
        _, codes = np.unique(np.asarray(truth), return_inverse=True)
        order = order[np.argsort(codes[order], kind="stable")]
    halves = (np.sort(order[start::2]) for start in (0, 1))
    search, judge = (Rows(_safe_indexing(X, half), _safe_indexing(truth, half)) for half in halves)
    return search, judge
