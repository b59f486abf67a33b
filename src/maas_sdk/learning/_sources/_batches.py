"""Data that are read batch by batch, as the caller describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_integer
from maas_sdk.learning._sources._pieces import PIECES, Pieces
from maas_sdk.learning._sources._readers import MappedReader, StreamReader, mapped_file
from maas_sdk.learning._sources._tables import is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Batches", "pieces_of"]

_WINDOW: Final = 64 << 20
_BYTES_OF_VALUE: Final = 8
_MATRIX: Final = 2


class Batches:
    """Data that need not fit into memory: a mapped file, Arrow or Parquet, or an iterator of batches.

    Made by `Batches.of`. Models take one as `X`, and most of what it can be made of, too. How batches are
    cut from outside has no influence on a training: its own batches are cut anew.

    What is shuffled in each epoch:

    - a mapped file that fits into a window: all rows, as an array in memory is;
    - a larger one: the window is filled with eight contiguous pieces of the file (or more), drawn at random,
      and its rows are shuffled;
    - everything else: the window is filled with the rows that come next, and they are shuffled. Data that are
      sorted, by class for example, should be shuffled once when they are written.

    Examples
    --------
    >>> import numpy as np
    >>> def chunks():
    ...     for seed in range(3):
    ...         X = np.random.default_rng(seed).normal(size=(100, 4))
    ...         yield X, X[:, 0] > 0
    >>> data = Batches.of(chunks)
    >>> sum(len(X) for X, y, sample_weight in data)
    300
    """

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    @classmethod
    def of(cls, X: Any, y: Any = None, sample_weight: Any = None, *, window_bytes: int = _WINDOW) -> Batches:
        """Describe data.

        Parameters
        ----------
        X : object
            - a ``numpy.memmap`` of shape (n_rows, n_features), or a view of one;
            - of pyarrow a ``Table``, ``RecordBatchReader``, ``dataset.Dataset`` or ``parquet.ParquetFile``;
            - a function without arguments that gives a new iterator of batches each time;
            - a list of batches, or another object that can be iterated again and again;
            - an iterator of batches, which serves one pass.

            A batch is ``(X, y)`` or ``(X, y, sample_weight)``, `X` dense and of two dimensions (array, pandas
            or Polars frame, Arrow table), or a table with the target among its columns.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), str or list of str, default=None
            For a mapped array the targets, mapped or not; for tables the names of their columns.
        sample_weight : array-like of shape (n_rows,) or str, default=None
            Likewise. Weights of tables and batches cost one more pass, which finds their mean.
        window_bytes : int, default=64 MiB
            How many bytes of rows are in memory at a time, and shuffled; batches that the source makes itself
            come on top.

        Raises
        ------
        InvalidOptionError
            When `X` is none of these, or `y` and `sample_weight` do not go with it.
        """
        check_integer("window_bytes", window_bytes, minimum=1)
        if isinstance(X, Batches):
            if y is not None or sample_weight is not None:
                raise InvalidOptionError(
                    "X is a Batches, which has its own y and sample_weight: leave them out"
                )
            return X
        if mapped_file(X) is not None:
            if _names(y) is not None and y is not None:
                raise InvalidOptionError(
                    f"y={y!r} names columns, but X is an array: give the targets as an array"
                )
            return cls(Pieces(MappedReader(X, y, sample_weight), window_bytes))
        return cls(Pieces(_stream(X, y, sample_weight, window_bytes // PIECES), window_bytes))

    @staticmethod
    def takes(X: object) -> bool:
        """Whether a model reads `X` batch by batch: a `Batches`, or what one can be made of.

        Arrays in memory, frames and lists of rows are not, nor is a mapped array that fits into a window of
        64 MiB: it is read as a whole.
        """
        if isinstance(X, Batches):
            return True
        file = mapped_file(X)
        if file is not None:
            return int(getattr(X, "nbytes", 0)) > _WINDOW
        return _is_arrow_source(X) or _kind_of_stream(X) is not None

    def map(self, function: Callable[[Any], Any]) -> Batches:
        """Give the same data with each `X` gone through `function`, such as a preprocessor's `transform`.

        Parameters
        ----------
        function : callable
            Takes the `X` of a batch as it came (that of an Arrow batch as an array) and gives as many rows,
            independent of how batches are cut.
        """
        return Batches(self._pieces.then(function))

    @property
    def n_samples(self) -> int | None:
        """Rows, or None while that is not known: before the first whole pass through a stream."""
        return self._pieces.reader.n_rows

    def first(self) -> tuple[Any, Any, Any]:
        """Give ``(X, y, sample_weight)`` of the first batch, or the first rows of a mapped file."""
        piece = self._pieces.reader.first()
        return self._pieces.apply(piece.X, piece.where), piece.y, piece.weight

    def __iter__(self) -> Iterator[tuple[Any, Any, Any]]:
        """Give ``(X, y, sample_weight)`` in order; what is not there is None."""
        for unread in self._pieces.unread():
            piece = unread.read()
            yield self._pieces.apply(piece.X, piece.where), piece.y, piece.weight

    def __repr__(self) -> str:
        return f"Batches({'' if self.n_samples is None else f'{self.n_samples} rows'})"


def pieces_of(batches: Batches) -> Pieces:
    """Give what is inside, to this package."""
    return batches._pieces  # noqa: SLF001 - seen from inside


def _stream(X: Any, y: Any, sample_weight: Any, bytes_of_piece: int) -> StreamReader:
    kind = "arrow" if _is_arrow_source(X) else _kind_of_stream(X)
    if kind is None:
        raise InvalidOptionError(
            f"no batches can be read from {_article(X)}: give a memory-mapped array, an Arrow or Parquet "
            "source, a function that gives an iterator of (X, y), a list of them, or an iterator"
        )
    targets = _names(y)
    if targets is None or not isinstance(sample_weight, str | None):
        raise InvalidOptionError(
            f"y and sample_weight of {_article(X)} are names of columns, or in its batches: not arrays"
        )
    named: dict[str, Any] = {
        "targets": targets if targets or sample_weight or kind == "arrow" else None,
        "one_target": not isinstance(y, list | tuple),
        "weights": sample_weight,
    }
    if kind == "arrow":
        return _arrow(X, named, bytes_of_piece)
    if kind == "function":
        return StreamReader(X, repeatable=True, **named)
    return StreamReader(lambda: iter(X), repeatable=kind == "list", **named)


def _arrow(X: Any, named: dict[str, Any], bytes_of_piece: int) -> StreamReader:
    """Read an Arrow source in pieces of bounded size, whatever its own chunks are."""
    schema = X.schema_arrow if hasattr(X, "iter_batches") else X.schema
    rows = max(1, bytes_of_piece // (_BYTES_OF_VALUE * max(1, len(schema.names))))
    if hasattr(X, "iter_batches"):  # ParquetFile
        return StreamReader(
            lambda: X.iter_batches(batch_size=rows), repeatable=True, n_rows=X.metadata.num_rows, **named
        )
    if hasattr(X, "count_rows"):  # Dataset; by default it reads far ahead
        return StreamReader(
            lambda: X.to_batches(batch_size=rows, batch_readahead=1, fragment_readahead=1),
            repeatable=True,
            n_rows=X.count_rows(),
            **named,
        )
    if hasattr(X, "num_rows"):  # Table
        return StreamReader(
            lambda: iter(X.to_batches(max_chunksize=rows)), repeatable=True, n_rows=X.num_rows, **named
        )
    return StreamReader(lambda: iter(X), repeatable=False, **named)


def _is_arrow_source(X: object) -> bool:
    if hasattr(X, "iter_batches"):
        return hasattr(X, "schema_arrow")
    return hasattr(X, "schema") and (hasattr(X, "to_batches") or hasattr(X, "read_next_batch"))


def _kind_of_stream(X: object) -> str | None:
    """Tell a function, an iterator and a list of batches from rows in memory, or give None."""
    array_like = any(hasattr(X, name) for name in ("shape", "__array__", "columns"))
    if array_like or isinstance(X, str | bytes | dict | set | frozenset | type):
        return None
    if hasattr(X, "__next__"):
        return "iterator"
    if isinstance(X, list | tuple):
        first = X[0] if X else None
        if isinstance(first, tuple | list) and first:  # a batch rather than a row
            first = first[0]
        return "list" if getattr(first, "ndim", 0) == _MATRIX or is_table(first) else None
    if hasattr(X, "__iter__"):
        return "list"
    return "function" if callable(X) else None


def _names(y: Any) -> list[str] | None:
    """Give the names in `y`, or None if it is something else."""
    if y is None:
        return []
    if isinstance(y, str):
        return [y]
    if isinstance(y, list | tuple) and all(isinstance(name, str) for name in y):
        return list(y)
    return None


def _article(X: object) -> str:
    return f"an object of type {type(X).__name__}"
