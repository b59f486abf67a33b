"""Rows that are read window by window: bounded memory, whatever the size of the data."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from attrs import evolve, field, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._sources._arrays import digest_rows
from maas_sdk.learning._sources._tables import count_rows
from maas_sdk.learning._sources._weights import no_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maas_sdk.learning._sources._pieces import Features, Pieces
    from maas_sdk.learning._sources._readers import Piece, Unread
    from maas_sdk.learning._sources._source import Batch

__all__ = ["WindowSource", "open_windows"]

_HELD_BLOCK: Final = 4096  # rows whose holding out is drawn together
_ROWS_AT_ONCE: Final = 8192  # of a batch, where the optimizer wants all of them
_BYTES_AT_ONCE: Final = 4 << 20
_BYTES_BESIDE: Final = 16  # target and weight of a row


@frozen
class _Part:
    """One of the two parts of a split: a draw for each row, by its number alone, so the same in each pass."""

    seed: tuple[int, ...]
    fraction: float
    held_out: bool

    def has(self, start: int, n_rows: int) -> NDArray[np.bool_]:
        """Tell which of the rows from `start` on are in this part."""
        first, last = start // _HELD_BLOCK, (start + n_rows) // _HELD_BLOCK
        drawn = [
            np.random.RandomState([*self.seed, block]).random_sample(_HELD_BLOCK) < self.fraction
            for block in range(first, last + 1)
        ]
        mask = np.concatenate(drawn)[start - first * _HELD_BLOCK :][:n_rows]
        return mask if self.held_out else ~mask


@frozen(eq=False)
class WindowSource:
    """A `Source` of `Batches`. An epoch draws one seed from its generator; all else follows from that.

    So a pass that goes on in the middle needs no windows before it, and reads none where the data are a file.
    """

    pieces: Pieces
    features: Features
    dtype: np.dtype[Any]
    max_rows: int
    _factor: float | None = None  # what makes the mean weight 1; None where there are no weights
    _parts: tuple[_Part, ...] = ()
    _encode: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = ()
    _change: tuple[Callable[[NDArray[Any]], NDArray[np.floating]], ...] = ()
    _counted: list[int] = field(factory=list)  # rows of a whole pass, once there was one

    def __attrs_post_init__(self) -> None:
        if self.pieces.reader.skips and not self._counted:  # counting costs nothing
            self._end_pass(sum(_size(unread, self._kept(unread)) for unread in self._unread(None)))

    @property
    def n_features(self) -> int:
        """Columns of `X`."""
        return self.features.number

    @property
    def feature_names(self) -> NDArray[Any] | None:
        """Names of the columns, where they are strings."""
        return self.features.names

    @property
    def repeatable(self) -> bool:
        """Whether there can be a second pass."""
        return self.pieces.reader.repeatable

    @property
    def n_samples(self) -> int | None:
        """Rows, or None while that is not known."""
        return self._counted[0] if self._counted else None

    @property
    def n_batches(self) -> int | None:
        """Batches of a pass, or None while that is not known."""
        return math.ceil(self._counted[0] / self.max_rows) if self._counted else None

    def epoch(self, rng: np.random.RandomState | None, *, skip: int = 0) -> Iterator[Batch]:
        """Give each row once; see `Source.epoch` and `Batches`."""
        if rng is None:
            for columns in self._filled(self.max_rows, skip * self.max_rows, None):
                yield _batch(columns)
            return
        seed = rng.randint(0, 2**32, size=4, dtype=np.uint32).tolist()
        rows = self._rows_of_window()
        window, behind = divmod(skip * self.max_rows, rows)
        order = np.random.RandomState(seed)
        yield from _cut(
            _permuted(self._filled(rows, window * rows, order), seed, window, behind), self.max_rows
        )

    def split(
        self,
        fraction: float,
        rng: np.random.RandomState,
        *,
        stratify: bool = False,  # noqa: ARG002 - each row by itself: in proportion, but for chance
    ) -> tuple[WindowSource, WindowSource]:
        """Give rows to train on and rows held out, drawn by their number; see `Source.split`."""
        if not self.repeatable:
            raise InvalidOptionError(
                "rows cannot be held out of an iterator, which is read once: give a function that makes a "
                "new iterator, or a list of batches"
            )
        seed = tuple(rng.randint(0, 2**32, size=4, dtype=np.uint32).tolist())
        train, held_out = (
            evolve(self, parts=(*self._parts, _Part(seed, fraction, held)), counted=[])
            for held in (False, True)
        )
        return train, held_out

    def encoded(self, encode: Callable[[NDArray[Any]], NDArray[Any]]) -> WindowSource:
        """Give the rows with other targets; see `Source.encoded`."""
        return evolve(self, encode=(*self._encode, encode))

    def mapped(self, function: Callable[[NDArray[Any]], NDArray[np.floating]]) -> WindowSource:
        """Give the rows with another `X`; see `Source.mapped`."""
        return evolve(self, change=(*self._change, function))

    def digest(self) -> str:
        """Give a digest of the first piece, and of what decides how rows are shuffled."""
        reader = self.pieces.reader
        piece = reader.first()
        given = [] if piece.weight is None else [piece.weight]
        # What is known of a stream changes while it is read.
        sizes = np.array([self._rows_of_window(), (reader.n_rows or 0) if reader.skips else 0])
        parts = (
            column
            for at in range(0, count_rows(piece.X), self.max_rows)
            for column in self._columns(piece.rows(at, at + self.max_rows), None)[:2]
        )
        return digest_rows(chain([sizes], parts, given))

    def whole(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64] | None]:
        """Give `X`, target and the weights as they came, of all rows at once."""
        pieces = self.pieces.reader.pieces(self.pieces.reader.n_rows or 1, None)
        piece = next(pieces).read()
        X, y, *_ = self._columns(piece, None)
        return X, y, piece.weight

    def _rows_of_window(self) -> int:
        row = self.n_features * self.dtype.itemsize + _BYTES_BESIDE
        return max(self.max_rows, self.pieces.window_bytes // row)

    def _unread(self, rng: np.random.RandomState | None) -> Iterator[Unread]:
        return self.pieces.unread(rng, window_rows=self._rows_of_window())

    def _end_pass(self, n_rows: int) -> None:
        """Note how many rows a pass has."""
        if not n_rows:
            held_out = any(part.held_out for part in self._parts)
            what = "validate with" if held_out else "train on"
            raise InvalidOptionError(
                f"no rows are left to {what}: change validation_fraction, or give more rows"
            )
        if not self._counted:
            self._counted.append(n_rows)

    def _kept(self, unread: Unread) -> NDArray[np.intp] | None:
        """Tell which rows of a piece count; None for all."""
        masks = [part.has(unread.start, unread.n_rows) for part in self._parts]
        if self._factor is not None and unread.weight is not None and not unread.weight.all():
            masks.append(unread.weight > 0)
        return np.flatnonzero(np.logical_and.reduce(masks)) if masks else None

    def _pieces(self, skip: int, rng: np.random.RandomState | None) -> Iterator[list[NDArray[Any]]]:
        """Give the rows that count, piece by piece, but for the first `skip`."""
        total = 0
        for unread in self._unread(rng):
            kept = self._kept(unread)
            size = _size(unread, kept)
            total += size
            if skip >= size:
                skip -= size
                continue
            columns = self._columns(unread.read(), kept)
            yield [column[skip:] for column in columns] if skip else columns
            skip = 0
        self._end_pass(total)

    def _columns(self, piece: Piece, kept: NDArray[np.intp] | None) -> list[NDArray[Any]]:
        """Check a piece and give `X`, target and weights as a training wants them."""
        X, features = self.pieces.matrix(piece.X, piece.where)
        self.features.check(features, piece.where)
        y, weight = piece.y, piece.weight
        if y is None:
            y = np.empty((len(X), 0))
        with np.errstate(over="ignore", invalid="ignore"):  # what became infinite is found next
            X = np.ascontiguousarray(X, self.dtype)
            finite = np.isfinite(X.sum())  # quick, and wrong only when the sum is too large
        if not finite:
            _check_finite(X, piece)
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            row = piece.at + int((~np.isfinite(y.reshape(len(y), -1))).any(axis=1).argmax())
            raise InvalidOptionError(f"y is not finite{piece.where}, row {row} there")
        if kept is not None:
            X, y = X[kept], y[kept]
            weight = None if weight is None else weight[kept]
        if self._change and not self.pieces.reader.skips:  # it may be the caller's own
            X = X.copy()
        for change in self._change:
            X = change(X)
        for encode in self._encode:
            y = encode(y)
        if self._factor is None or weight is None:
            return [X, y]
        return [X, y, (weight * self._factor).astype(self.dtype)]

    def _filled(
        self, capacity: int, skip: int, rng: np.random.RandomState | None
    ) -> Iterator[list[NDArray[Any]]]:
        """Give the rows that count in buffers of `capacity` rows, used again; the last is shorter."""
        buffers: list[NDArray[Any]] = []
        filled = 0
        for columns in self._pieces(skip, rng):
            if not buffers:
                buffers = [np.empty((capacity, *c.shape[1:]), c.dtype) for c in columns]
            taken, size = 0, len(columns[0])
            while taken < size:
                count = min(capacity - filled, size - taken)
                for buffer, column in zip(buffers, columns, strict=True):
                    _copy_rows(buffer[filled : filled + count], column[taken : taken + count])
                filled, taken = filled + count, taken + count
                if filled == capacity:
                    yield buffers
                    filled = 0
        if filled:
            yield [buffer[:filled] for buffer in buffers]


def open_windows(pieces: Pieces, *, dtype: Any, batch_rows: int | None, target: bool) -> WindowSource:
    """Look at the first piece, and at all weights."""
    dtype = np.dtype(dtype)
    piece = pieces.reader.first()
    if target and piece.y is None:
        raise InvalidOptionError("there is no target: batches are (X, y), and of tables y='column' names it")
    _, features = pieces.matrix(piece.X, piece.where)
    if not features.number:
        raise InvalidOptionError(f"X has no features{piece.where}")
    if batch_rows is None:
        fit = _BYTES_AT_ONCE // (features.number * dtype.itemsize)
        batch_rows = min(max(fit, 1), _ROWS_AT_ONCE)
    factor = _weight_factor(pieces) if piece.weight is not None else None
    return WindowSource(pieces, features, dtype, batch_rows, factor)


def _permuted(
    windows: Iterator[list[NDArray[Any]]], seed: list[int], number: int, behind: int
) -> Iterator[tuple[list[NDArray[Any]], NDArray[np.intp]]]:
    """Give each window with an order of its rows; the first `behind` rows of the first are done already."""
    for at, columns in enumerate(windows, start=number):
        order = np.random.RandomState([*seed, at]).permutation(len(columns[0]))
        yield columns, order[behind:]
        behind = 0


def _cut(windows: Iterator[tuple[list[NDArray[Any]], NDArray[np.intp]]], n_rows: int) -> Iterator[Batch]:
    """Cut batches of `n_rows` rows from windows; one may have rows of two."""
    buffers: list[NDArray[Any]] = []
    filled = 0
    for columns, order in windows:
        if not buffers:
            buffers = [np.empty((n_rows, *c.shape[1:]), c.dtype) for c in columns]
        taken = 0
        while taken < len(order):
            count = min(n_rows - filled, len(order) - taken)
            rows = order[taken : taken + count]
            for buffer, column in zip(buffers, columns, strict=True):
                np.take(column, rows, axis=0, out=buffer[filled : filled + count], mode="clip")
            filled, taken = filled + count, taken + count
            if filled == n_rows:
                yield _batch(buffers)
                filled = 0
    if filled:
        yield _batch([buffer[:filled] for buffer in buffers])


def _batch(columns: list[NDArray[Any]]) -> Batch:
    X, target, *weight = columns
    return X, target, weight[0] if weight else None


def _copy_rows(buffer: NDArray[Any], rows: NDArray[Any]) -> None:
    if rows.dtype != buffer.dtype and not np.can_cast(rows.dtype, buffer.dtype, "same_kind"):
        raise InvalidOptionError(
            f"y has the dtype {rows.dtype} in one batch and {buffer.dtype} in those before: give one dtype"
        )
    if rows.shape[1:] != buffer.shape[1:]:
        raise InvalidOptionError(
            f"y has rows of shape {rows.shape[1:]} in one batch and {buffer.shape[1:]} in those before"
        )
    np.copyto(buffer, rows, casting="same_kind")


def _size(unread: Unread, kept: NDArray[np.intp] | None) -> int:
    return unread.n_rows if kept is None else len(kept)


def _check_finite(X: NDArray[np.floating], piece: Piece) -> None:
    wrong = ~np.isfinite(X).all(axis=1)
    if wrong.any():
        raise InvalidOptionError(
            f"X is infinite, NaN or too large for {X.dtype}{piece.where}, "
            f"row {piece.at + int(wrong.argmax())} there"
        )


def _weight_factor(pieces: Pieces) -> float | None:
    """Give what makes the mean of the weights 1; None where all are equal."""
    if not pieces.reader.repeatable:
        raise InvalidOptionError(
            "weights of an iterator cannot be scaled to a mean of 1, which takes a pass of its own: give a "
            "function that makes a new iterator, or a list of batches"
        )
    total, count, low, high = 0.0, 0, math.inf, 0.0
    for unread in pieces.unread():
        assert unread.weight is not None  # the reader sees to it
        kept = unread.weight[unread.weight > 0]
        total, count = total + float(kept.sum()), count + len(kept)
        low = min(low, float(unread.weight.min(initial=math.inf)))
        high = max(high, float(kept.max(initial=0.0)))
    if not count:
        raise no_weights()
    return None if low == high else count / total
