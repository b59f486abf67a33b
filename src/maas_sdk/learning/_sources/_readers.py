"""Where batches come from: a file mapped into memory, which is read anywhere, or a stream, in its order."""

from __future__ import annotations

import contextlib
import functools
import mmap
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from attrs import evolve, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._sources._tables import (
    count_rows,
    is_table,
    take_columns,
    take_rows,
    to_labels,
    to_matrix,
)
from maas_sdk.learning._sources._weights import check_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["MappedReader", "Piece", "Reader", "StreamReader", "Unread", "mapped_file"]

_PAIR, _TRIPLE = 2, 3


@frozen
class Piece:
    """Rows as they came: `X` a table or an array, `where` their place for messages: ``" in batch 3"``.

    There they begin at the row `at`.
    """

    X: Any
    y: NDArray[Any] | None
    weight: NDArray[np.float64] | None
    where: str
    at: int = 0

    def rows(self, start: int, stop: int) -> Piece:
        """Give some of the rows."""
        return evolve(
            self,
            X=take_rows(self.X, start, stop),
            y=None if self.y is None else self.y[start:stop],
            weight=None if self.weight is None else self.weight[start:stop],
            at=self.at + start,
        )


@frozen
class Unread:
    """Rows to come: their place and weights are known before they are read."""

    start: int
    n_rows: int
    weight: NDArray[np.float64] | None
    read: Callable[[], Piece]


class Reader(Protocol):
    """Gives rows piece by piece.

    Attributes
    ----------
    repeatable : bool
    n_rows : int or None
        None while it is not known.
    bytes_of_row : int
        Of a piece in memory; 0 where that is not known.
    skips : bool
        Whether a piece that is not read costs nothing.
    """

    repeatable: bool
    n_rows: int | None
    bytes_of_row: int
    skips: bool

    def first(self) -> Piece:
        """Give the first piece, which the next pass gives again."""
        ...

    def pieces(self, rows: int | None, rng: np.random.RandomState | None) -> Iterator[Unread]:
        """Give all pieces, none of more than `rows` rows, in a random order where possible."""
        ...


def mapped_file(X: object) -> np.memmap[Any, Any] | None:
    """Give the memory-mapped array that `X` is or looks into, or None."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap) and getattr(X, "_mmap", None) is not None:
            return X
        X = X.base
    return None


class MappedReader:
    """Reads rows of a memory-mapped array, and lets go of each page when it was read.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Memory-mapped.
    y : array-like with n_rows rows, or None
    sample_weight : array-like of shape (n_rows,), or None
    """

    repeatable = True
    skips = True

    def __init__(self, X: NDArray[Any], y: Any, sample_weight: Any) -> None:
        self._X = to_matrix(X, "")
        self.n_rows: int | None = len(self._X)
        self._y = None if y is None else (y if isinstance(y, np.ndarray) else to_labels(y))
        if self._y is not None and len(self._y) != len(self._X):
            raise InvalidOptionError(f"X has {len(self._X)} rows, but y has {len(self._y)}")
        self._weights = None if sample_weight is None else np.asarray(sample_weight)
        if self._weights is not None and self._weights.shape != self._X.shape[:1]:
            check_weights(self._weights, len(self._X))  # which says so
        self.bytes_of_row = self._X.itemsize * self._X.shape[1]

    def first(self) -> Piece:
        """Give the first rows."""
        return self._read(0, min(len(self._X), 256))

    def pieces(self, rows: int | None, rng: np.random.RandomState | None) -> Iterator[Unread]:
        """Give contiguous rows, the pieces in a random order."""
        rows = rows or max(1, len(self._X))
        starts: Any = range(0, len(self._X), rows)
        for number in range(len(starts)) if rng is None else rng.permutation(len(starts)):
            start = starts[number]
            stop = min(start + rows, len(self._X))
            read = functools.partial(self._read, start, stop)
            yield Unread(start, stop - start, self._weights_of(start, stop), read)

    def _read(self, start: int, stop: int) -> Piece:
        X = np.array(self._X[start:stop], order="C")  # a copy: the pages can go at once
        y = None if self._y is None else to_labels(np.array(self._y[start:stop]))
        self._let_go(self._X[start:stop])
        if self._y is not None and mapped_file(self._y) is not None:
            self._let_go(self._y[start:stop])
        return Piece(X, y, self._weights_of(start, stop), f" in the rows from {start} on")

    def _weights_of(self, start: int, stop: int) -> NDArray[np.float64] | None:
        if self._weights is None:
            return None
        where = f" in the rows from {start} on"
        return check_weights(self._weights[start:stop], stop - start, where=where)

    def _let_go(self, rows: NDArray[Any]) -> None:
        """Tell the kernel that pages are not needed soon; they would count as memory of the process."""
        file: Any = mapped_file(rows)
        # In mode "c" changes that nobody saved live in these pages alone.
        if file is None or file.mode == "c" or not hasattr(mmap, "MADV_DONTNEED"):
            return
        pages = file._mmap  # noqa: SLF001 - numpy has no other way to it
        base = np.frombuffer(pages, np.uint8).ctypes.data
        low, high = np.lib.array_utils.byte_bounds(rows)
        begin = (low - base) // mmap.PAGESIZE * mmap.PAGESIZE
        end = min(high - base, len(pages))
        with contextlib.suppress(OSError, ValueError):  # a wish, no need
            pages.madvise(mmap.MADV_DONTNEED, begin, end - begin)


class StreamReader:
    """Reads batches one after the other, each pass from a new iterator.

    Parameters
    ----------
    begin : callable
        Gives an iterator of batches.
    repeatable : bool
        Whether it can be called again.
    n_rows : int or None
        Where it is known without reading.
    targets : sequence of str or None
        The columns that are the target, where batches are tables.
    one_target : bool
        Whether the target has one dimension.
    weights : str or None
        The column with weights.
    """

    bytes_of_row = 0  # whoever makes batches decides how large they are
    skips = False

    def __init__(
        self,
        begin: Callable[[], Iterator[Any]],
        *,
        repeatable: bool,
        n_rows: int | None = None,
        targets: Sequence[str] | None = None,
        one_target: bool = True,
        weights: str | None = None,
    ) -> None:
        self._begin, self.repeatable, self.n_rows = begin, repeatable, n_rows
        self._targets, self._one_target, self._weights = targets, one_target, weights
        self._first: Piece | None = None
        self._ahead: Iterator[Any] | None = None  # the rest of a pass that was begun to see its first piece
        self._begun = False

    def first(self) -> Piece:
        """Give the first batch; that of an iterator also when it was read."""
        if self._first is None:
            batches = self._new_pass()
            self._first = self._next(batches, 1)
            if self._first is None:
                raise self._empty()
            self._ahead = batches
        return self._first

    def pieces(self, rows: int | None, rng: np.random.RandomState | None) -> Iterator[Unread]:  # noqa: ARG002 - as they come
        """Give the batches in their order, larger ones in parts."""
        piece: Piece | None = self.first()
        if self._ahead is None:
            batches = self._new_pass()
            piece = self._next(batches, 1)
        else:
            batches, self._ahead = self._ahead, None
        if piece is None:
            raise self._empty()
        start, number = 0, 1
        targeted, weighted = piece.y is not None, piece.weight is not None
        while piece is not None:
            if (piece.weight is not None) != weighted:
                raise InvalidOptionError(f"batch {number} differs: either all batches have weights, or none")
            if (piece.y is not None) != targeted:
                raise InvalidOptionError(f"batch {number} differs: either all batches have targets, or none")
            n_rows = count_rows(piece.X)
            size = rows or max(1, n_rows)
            for at in range(0, max(1, n_rows), size):  # an empty one is checked, too
                yield _in_memory(piece, at, min(at + size, n_rows), start + at)
            start, number = start + n_rows, number + 1
            piece = self._next(batches, number)
        if self.n_rows is not None and start != self.n_rows:
            raise InvalidOptionError(
                f"a pass gave {start} rows, another {self.n_rows}: each pass must give the same rows; where "
                "a function gives the iterator, it must make a new one each time"
            )
        self.n_rows = start

    def _new_pass(self) -> Iterator[Any]:
        if self._begun and not self.repeatable:
            raise InvalidOptionError(
                "the data came from an iterator, which was read already: give a function that makes a new "
                "iterator, or a list of batches, where data are read more than once"
            )
        self._begun = True
        batches = self._begin()
        try:
            return iter(batches)
        except TypeError as exc:
            raise InvalidOptionError(
                f"the function for batches must give an iterator of them, not {batches!r}"
            ) from exc

    def _next(self, batches: Iterator[Any], number: int) -> Piece | None:
        where = f" in batch {number}"
        for batch in batches:
            return self._table(batch, where) if self._targets is not None else self._tuple(batch, where)
        return None

    def _table(self, table: Any, where: str) -> Piece:
        assert self._targets is not None
        if not is_table(table):
            raise InvalidOptionError(
                f"y names columns, but there are none{where}: it is a {type(table).__name__}, no table"
            )
        named = [*self._targets, *([self._weights] if self._weights else [])]
        X, columns = take_columns(table, named, where)
        weight = (
            check_weights(to_labels(columns.pop()), count_rows(table), where=where) if self._weights else None
        )
        y = None
        if self._targets:
            y = to_labels(columns[0] if self._one_target else columns)
        return Piece(X, y, weight, where)

    def _tuple(self, batch: Any, where: str) -> Piece:
        if not isinstance(batch, tuple | list) or not _PAIR <= len(batch) <= _TRIPLE:
            raise InvalidOptionError(
                f"a batch must be (X, y) or (X, y, sample_weight), but{where} there is a "
                f"{type(batch).__name__}; of tables name the target: y='column'"
            )
        X, y, *weights = batch
        n_rows = count_rows(X)
        y = None if y is None else to_labels(y)
        if y is not None and len(y) != n_rows:
            raise InvalidOptionError(f"X has {n_rows} rows{where}, but y has {len(y)}")
        given = weights and weights[0] is not None
        return Piece(X, y, check_weights(weights[0], n_rows, where=where) if given else None, where)

    def _empty(self) -> InvalidOptionError:
        return InvalidOptionError(
            "there are no rows: the first batch is missing; where a function gives the iterator, it must "
            "make a new one each time"
        )


def _in_memory(piece: Piece, start: int, stop: int, number: int) -> Unread:
    weight = None if piece.weight is None else piece.weight[start:stop]
    return Unread(number, stop - start, weight, functools.partial(piece.rows, start, stop))
