"""Tables and arrays of other libraries as numpy arrays; known by what they can do, none is imported."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "column_names",
    "count_rows",
    "is_arrow",
    "is_table",
    "take_columns",
    "take_rows",
    "to_labels",
    "to_matrix",
]

_TWO_DIMENSIONS = 2


def is_arrow(value: object) -> bool:
    """Whether it is an Arrow table or record batch."""
    return all(hasattr(value, name) for name in ("schema", "column", "num_rows", "num_columns"))


def is_table(value: object) -> bool:
    """Whether it has named columns: an Arrow table or record batch, a frame of pandas or Polars."""
    return is_arrow(value) or (hasattr(value, "columns") and hasattr(value, "to_numpy"))


def column_names(table: Any) -> list[Any]:
    """Give the names of a table's columns."""
    return list(table.schema.names if is_arrow(table) else table.columns)


def count_rows(X: Any) -> int:
    """Give the number of rows of a table or an array."""
    if is_arrow(X):
        return int(X.num_rows)
    return int(X.shape[0]) if getattr(X, "shape", ()) else len(X)


def take_rows(X: Any, start: int, stop: int) -> Any:
    """Give some rows of a table or an array, without a copy where it can."""
    if is_arrow(X):
        return X.slice(start, stop - start)
    return (X.iloc if hasattr(X, "iloc") else X)[start:stop]


def take_columns(table: Any, names: Sequence[str], where: str) -> tuple[Any, list[Any]]:
    """Give a table without the named columns, and those columns.

    Raises
    ------
    InvalidOptionError
        If a column is missing.
    """
    present = column_names(table)
    for name in names:
        if name not in present:
            raise InvalidOptionError(
                f"there is no column {name!r}{where}: the columns are {', '.join(map(repr, present[:20]))}"
            )
    rest = [name for name in present if name not in names]
    if is_arrow(table):
        return table.select(rest), [table.column(present.index(name)) for name in names]
    return table[rest], [table[name] for name in names]


def to_matrix(X: Any, where: str) -> NDArray[Any]:
    """Give rows of numbers as an array of two dimensions.

    Raises
    ------
    InvalidOptionError
        If `X` is sparse, not of two dimensions, or holds something else than real numbers.
    """
    if hasattr(X, "tocsr"):
        raise InvalidOptionError(f"X{where} is sparse; batches must be dense: call toarray() on each")
    if is_arrow(X):
        matrix = _arrow_matrix(X, where)
    elif is_table(X):
        matrix = _numbers(_frame_values(X), where)
    else:
        matrix = _numbers(np.asarray(X), where)
    if matrix.ndim != _TWO_DIMENSIONS:
        raise InvalidOptionError(
            f"X{where} must have two dimensions, rows and features, but its shape is {matrix.shape}"
        )
    return matrix


def to_labels(y: Any) -> NDArray[Any]:
    """Give targets as an array whose dtype does not depend on the values of a batch.

    Integers become int64 and texts objects, so that all batches are of one kind.
    """
    if isinstance(y, list) and y and not np.isscalar(y[0]):  # several columns
        return np.stack([to_labels(column) for column in y], axis=1)
    if hasattr(y, "to_numpy"):
        values = _arrow_column(y) if hasattr(y, "dictionary_encode") else y.to_numpy()
    else:
        values = np.asarray(y)
    if values.dtype.kind in "US":
        return values.astype(object)
    return values.astype(np.int64) if values.dtype.kind in "iu" else values


def _arrow_matrix(table: Any, where: str) -> NDArray[Any]:
    columns = [
        _numbers(_arrow_column(table.column(number)), f"{where}, column {name!r}")
        for number, name in enumerate(table.schema.names)
    ]
    dtype = np.result_type(*{column.dtype for column in columns}) if columns else np.float64
    matrix = np.empty((table.num_rows, len(columns)), dtype)
    for number, column in enumerate(columns):
        matrix[:, number] = column
    return matrix


def _frame_values(frame: Any) -> NDArray[Any]:
    values: NDArray[Any] = frame.to_numpy()
    if values.dtype.kind == "O" and hasattr(frame, "iloc"):  # pandas has a missing value of its own
        with contextlib.suppress(TypeError, ValueError):
            values = frame.to_numpy(np.float64, na_value=np.nan)
    return values


def _arrow_column(column: Any) -> NDArray[Any]:
    # The flag is one of Array; a ChunkedArray, which a Table has, always may copy.
    values: NDArray[Any] = (
        column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
    )
    return values


def _numbers(values: NDArray[Any], where: str) -> NDArray[Any]:
    if values.dtype.kind == "O":  # of frames with columns of several dtypes, or with missing values
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError) as exc:
            raise InvalidOptionError(f"X{where} must hold numbers only: {exc}") from exc
    if values.dtype.kind not in "fiub":
        raise InvalidOptionError(f"X{where} must hold real numbers, but its dtype is {values.dtype}")
    return values
