"""Rows that are in memory as a whole: one permutation of all of them in each epoch."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import train_test_split

from maas_sdk.learning._sources._weights import check_weights, no_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from maas_sdk.learning._sources._source import Batch

__all__ = ["ArraySource", "digest_rows", "in_memory"]

_DIGESTED = 4096  # rows that a digest looks at


def in_memory(
    X: NDArray[np.floating],
    target: NDArray[Any],
    sample_weight: Any,
    *,
    batch_rows: int | None,
    feature_names: NDArray[Any] | None = None,
) -> ArraySource:
    """Make a source of arrays that were checked, but for the weights."""
    weight: NDArray[np.floating] | None = None
    if sample_weight is not None:
        raw = check_weights(sample_weight, len(X))
        kept = raw > 0
        if not kept.any():
            raise no_weights()
        if not kept.all():
            X, target, raw = X[kept], target[kept], raw[kept]
        # Equal weights are none: the same sums, not only nearly.
        if (raw != raw[0]).any():
            weight = (raw / raw.mean()).astype(X.dtype)
    return ArraySource(X, target, weight, batch_rows=batch_rows, feature_names=feature_names)


class ArraySource:
    """A `Source` of arrays in memory.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), C-contiguous
    target : ndarray with n_samples rows
    weight : ndarray of shape (n_samples,), of the dtype of `X`, or None
        Of mean 1.
    batch_rows : int or None
        Rows of a batch; None gives all rows in one piece and in their order.
    """

    repeatable = True

    def __init__(
        self,
        X: NDArray[np.floating],
        target: NDArray[Any],
        weight: NDArray[np.floating] | None,
        *,
        batch_rows: int | None,
        feature_names: NDArray[Any] | None = None,
    ) -> None:
        self._columns = (X, target) if weight is None else (X, target, weight)
        self._batch_rows = batch_rows
        self._buffers: list[NDArray[Any]] = []
        self.feature_names = feature_names
        self.n_samples, self.n_features = X.shape
        self.max_rows = self.n_samples if batch_rows is None else min(batch_rows, self.n_samples)
        self.n_batches = math.ceil(self.n_samples / self.max_rows)

    def epoch(self, rng: np.random.RandomState | None, *, skip: int = 0) -> Iterator[Batch]:
        """Give each row once; see `Source.epoch`."""
        starts = range(skip * self.max_rows, self.n_samples, self.max_rows)
        if rng is None or self._batch_rows is None:
            for start in starts:
                yield _batch([column[start : start + self.max_rows] for column in self._columns])
            return
        order = rng.permutation(self.n_samples)
        # Gathered into buffers that are used again: fresh arrays would cost more than the copy.
        if not self._buffers:
            self._buffers = [np.empty((self.max_rows, *c.shape[1:]), c.dtype) for c in self._columns]
        for start in starts:
            rows = order[start : start + self.max_rows]
            # mode="clip" writes straight into the buffer; the default would go through another one.
            yield _batch(
                [
                    np.take(column, rows, axis=0, out=buffer[: len(rows)], mode="clip")
                    for column, buffer in zip(self._columns, self._buffers, strict=True)
                ]
            )

    def rows(self, numbers: NDArray[np.intp]) -> tuple[NDArray[np.floating], NDArray[Any]]:
        """Give the features and targets of some rows, as copies."""
        X, target, *_ = self._columns
        return X[numbers], target[numbers]

    def split(
        self, fraction: float, rng: np.random.RandomState, *, stratify: bool = False
    ) -> tuple[ArraySource, ArraySource]:
        """Give rows to train on and rows held out; see `Source.split`."""
        parts = train_test_split(
            *self._columns,
            test_size=fraction,
            stratify=self._columns[1].ravel() if stratify else None,
            random_state=rng,
        )
        return self._with(parts[0::2]), self._with(parts[1::2])

    def encoded(self, encode: Callable[[NDArray[Any]], NDArray[Any]]) -> ArraySource:
        """Give the rows with other targets; see `Source.encoded`."""
        X, target, *weight = self._columns
        return self._with([X, encode(target), *weight])

    def mapped(self, function: Callable[[NDArray[Any]], NDArray[np.floating]]) -> ArraySource:
        """Give the rows with another `X`; see `Source.mapped`."""
        X, *others = self._columns
        return self._with([function(X.copy()), *others])

    def digest(self) -> str:
        """Give a digest of rows spread over all of them."""
        step = math.ceil(self.n_samples / _DIGESTED)
        return digest_rows([column[::step] for column in self._columns])

    def _with(self, columns: list[NDArray[Any]]) -> ArraySource:
        X, target, *weight = columns
        return ArraySource(
            X,
            target,
            weight[0] if weight else None,
            batch_rows=self._batch_rows,
            feature_names=self.feature_names,
        )


def digest_rows(columns: Iterable[NDArray[Any]]) -> str:
    """Give a digest of the values of arrays, whatever their dtype."""
    digest = hashlib.sha256()
    for column in columns:
        digest.update(f"{column.dtype} {column.shape};".encode())
        values = column if column.dtype.kind != "O" else np.array([repr(value) for value in column.flat])
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _batch(columns: list[NDArray[Any]]) -> Batch:
    X, target, *weight = columns
    return X, target, weight[0] if weight else None
