"""Data to train on, wherever the rows are: arrays in memory, or batches that are read one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from maas_sdk.learning._sources._arrays import ArraySource, digest_rows, in_memory
from maas_sdk.learning._sources._batches import Batches, pieces_of
from maas_sdk.learning._sources._source import Source
from maas_sdk.learning._sources._weights import check_weights
from maas_sdk.learning._sources._windows import open_windows

__all__ = ["ArraySource", "Batches", "Source", "check_weights", "digest_rows", "open_source"]


def open_source(
    X: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    dtype: Any,
    batch_rows: int | None,
    target: bool = True,
) -> Source:
    """Make data what the training loop reads.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), or whatever `Batches.takes`
        An array was validated already.
    y : array-like
        Likewise; None for a `Batches`, which has its own.
    sample_weight : array-like of shape (n_samples,), or None
        Not validated yet. It is scaled to a mean of 1 over all rows, and rows of weight 0 are left out.
    dtype : dtype
        Of what is trained on.
    batch_rows : int or None
        Rows of a batch; None gives arrays in one piece and other data in pieces that fit.
    target : bool, default=True
        Whether batches must have a target; without one they have an array of shape (n_rows, 0) in its place.

    Raises
    ------
    InvalidOptionError
        When weights are wrong, or batches are not what they must be; also while they are read.
    """
    if not isinstance(X, Batches) and not Batches.takes(X):
        X = np.ascontiguousarray(X, dtype)
        return in_memory(X, np.asarray(y), sample_weight, batch_rows=batch_rows)
    pieces = pieces_of(Batches.of(X, y, sample_weight))
    source = open_windows(pieces, dtype=dtype, batch_rows=batch_rows, target=target)
    reader = pieces.reader
    if not reader.skips or (reader.n_rows or 0) * reader.bytes_of_row > pieces.window_bytes:
        return source
    # A file that fits into a window is trained on as an array is, to the very bits.
    X, y, weight = source.whole()
    return in_memory(X, y, weight, batch_rows=batch_rows, feature_names=source.feature_names)
