"""Training data as the steps of a model see it, and which rows of an array equal some of its rows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["TrainingRows"]

_FEW_COLUMNS = 3


class TrainingRows:
    """Training data at one place of a model.

    Parameters
    ----------
    X : array-like, sparse matrix or frame of shape (n_samples, n_features), or None
        `None` where it is not known what arrives at that place.
    """

    def __init__(self, X: Any = None) -> None:
        self._X = X
        self._keys: dict[np.dtype[Any], frozenset[bytes]] = {}
        self._matrix: Any = None
        self._read = False
        self._values: tuple[Any, frozenset[str]] | None = None

    @property
    def known(self) -> bool:
        """Whether it is known what arrives here."""
        return self._X is not None

    @property
    def comparable(self) -> bool:
        """Whether it is a table of numbers, whose rows can be compared."""
        return self._numbers() is not None

    def through(self, transformer: Any) -> TrainingRows:
        """Give the data as it comes out of a fitted transformer; unknown where that raises."""
        if self._X is None or transformer is None or isinstance(transformer, str):
            return self
        try:
            return TrainingRows(transformer.transform(self._X))
        except Exception:  # noqa: BLE001 - the scan goes on, and says that it did not compare
            return TrainingRows()

    def columns(self, columns: Any) -> TrainingRows:
        """Give some columns only; unknown where they cannot be selected."""
        if self._X is None:
            return self
        from sklearn.utils import _safe_indexing  # noqa: PLC0415 - heavy

        try:
            return TrainingRows(_safe_indexing(self._X, columns, axis=1))
        except Exception:  # noqa: BLE001 - likewise
            return TrainingRows()

    def equal_rows(self, array: Any, *, telling: bool = False) -> int | None:
        """Count the rows of `array`, dense or sparse, that equal a training row in the array's precision.

        Parameters
        ----------
        array : ndarray, sparse matrix or nested list
            What a model keeps.
        telling : bool, default=False
            Leave out rows of zeros, and of zeros but for one whole number: in weights these mean nothing.

        Returns
        -------
        int or None
            `None` where they cannot be compared: the data is not known or has other columns.
        """
        matrix = self._numbers()
        stored = None if matrix is None else _as_csr(array)
        if stored is None or stored.shape[1] != matrix.shape[1]:
            return None
        dtype = stored.dtype if stored.dtype.kind == "f" else np.dtype(np.float64)
        if dtype not in self._keys:
            self._keys[dtype] = frozenset(_row_keys(matrix.astype(dtype)))
        if telling:
            stored = stored[_telling(stored)]
        keys = self._keys[dtype]
        return sum(key in keys for key in _row_keys(stored.astype(dtype)))

    def hidden_rows(self, array: Any) -> tuple[int, int]:
        """Look for training rows in another shape: flat, of more axes, beside other columns, turned.

        Only telling rows are looked for, and only where there are three columns: less is met by chance.

        Returns
        -------
        tuple of int
            How many rows the best way of reading it has, and how many of them equal training rows.
        """
        matrix = self._numbers()
        if matrix is None or matrix.shape[1] < _FEW_COLUMNS or array.dtype.kind not in "fiu":
            return 0, 0
        best = 0, 0
        for rows in _readings(array, matrix.shape[1]):
            equal = self.equal_rows(rows, telling=True)
            if equal and equal > best[1]:
                best = len(rows), equal
        return best

    def equal_values(self, array: Any) -> int | None:
        """Count the numbers or texts of an array or of nested lists that are values of the training data.

        Returns
        -------
        int or None
            `None` where the data is not known or is no table.
        """
        if self._X is None:
            return None
        if self._values is None:
            self._values = _values_of(self._X)
        numbers, texts = self._values
        if numbers is None:
            return None
        found = 0
        for part in _parts_of(array):
            if part.dtype.kind in "fiub":
                found += int(np.isin(part.astype(np.float64).ravel(), numbers).sum())
            else:
                found += sum(str(item) in texts for item in part.ravel().tolist())
        return found

    def _numbers(self) -> Any:
        if not self._read:
            self._read = True
            self._matrix = None if self._X is None else _as_csr(self._X)
        return self._matrix


def _readings(array: Any, width: int) -> list[Any]:
    """Give the ways in which an array can hold rows of so many columns, but the plain one."""
    if array.ndim == 2:  # noqa: PLR2004 - rows and columns
        beside = [array[:, :width], array[:, -width:]] if array.shape[1] > width else []
        return [*beside, array.T] if array.shape[0] == width else beside
    return [array.reshape(-1, width)] if array.size and array.size % width == 0 else []


def _parts_of(value: Any) -> list[Any]:
    """Give the arrays of plain dtypes in an array, or in nested lists."""
    if isinstance(value, (list, tuple)):
        return [part for item in value for part in _parts_of(item)]
    array = np.asarray(value)
    if array.dtype == object and array.size and isinstance(array.flat[0], np.ndarray):
        return [part for item in array.ravel() for part in _parts_of(item)]
    return [array]


def _values_of(X: Any) -> tuple[Any, frozenset[str]]:
    """Give the distinct numbers and texts of a table; `None` for the numbers where it is none."""
    matrix = _as_csr(X)
    if matrix is not None:
        return np.unique(np.append(matrix.data.astype(np.float64), 0.0)), frozenset()
    try:
        array = np.asarray(X, dtype=object)
    except (TypeError, ValueError):
        return None, frozenset()
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        return None, frozenset()
    items = array.ravel().tolist()
    numbers = [float(item) for item in items if isinstance(item, (int, float, np.number))]
    return np.unique(numbers), frozenset(str(item) for item in items if isinstance(item, str))


def _as_csr(array: Any) -> Any:
    """Give a matrix of numbers in compressed rows without stored zeros, or `None`."""
    from scipy import sparse  # noqa: PLC0415 - heavy

    if not sparse.issparse(array):
        try:
            array = np.asarray(array, dtype=None if getattr(array, "dtype", None) is not None else np.float64)
            if array.dtype.kind not in "fiub":
                array = array.astype(np.float64)
        except (TypeError, ValueError):
            return None
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        return None
    matrix = sparse.csr_array(array, copy=True)  # what follows would alter the model's own arrays
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


def _telling(matrix: Any) -> Any:
    """Whether each row has two numbers that are not zero, or one that is not whole."""
    fractions = matrix.astype(np.float64)
    fractions.data = (fractions.data != np.round(fractions.data)).astype(np.float64)
    return (np.diff(matrix.indptr) > 1) | (np.asarray(fractions.sum(axis=1)).ravel() > 0)


def _row_keys(matrix: Any) -> list[bytes]:
    # Where the non-zero numbers stand, and what they are: the same for dense and sparse, for 0.0 and -0.0.
    indices = matrix.indices.astype(np.int64)
    return [
        indices[start:end].tobytes() + matrix.data[start:end].tobytes()
        for start, end in pairwise(matrix.indptr.tolist())
    ]
