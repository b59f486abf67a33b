"""Training data as the steps of a model see it, and which rows of an array equal some of its rows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["TrainingRows"]


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

    def equal_rows(self, array: Any, *, skip_zeros: bool = False) -> int | None:
        """Count the rows of `array`, dense or sparse, that equal a training row in the array's precision.

        Parameters
        ----------
        array : ndarray, sparse matrix or nested list
            What a model keeps.
        skip_zeros : bool, default=False
            Leave out rows of zeros alone: in weights these mean nothing.

        Returns
        -------
        int or None
            `None` where they cannot be compared: the data is not known or has other columns.
        """
        matrix = self._numbers()
        stored = _as_csr(array)
        if matrix is None or stored is None or stored.shape[1] != matrix.shape[1]:
            return None
        dtype = stored.dtype if stored.dtype.kind == "f" else np.dtype(np.float64)
        if dtype not in self._keys:
            self._keys[dtype] = frozenset(_row_keys(matrix.astype(dtype)))
        keys = self._keys[dtype] - {b""} if skip_zeros else self._keys[dtype]
        return sum(key in keys for key in _row_keys(stored.astype(dtype)))

    def _numbers(self) -> Any:
        if self._matrix is None and self._X is not None:
            self._matrix = _as_csr(self._X)
            if self._matrix is None:
                self._X = None
        return self._matrix


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
    matrix = sparse.csr_array(array)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


def _row_keys(matrix: Any) -> list[bytes]:
    # Where the non-zero numbers stand, and what they are: the same for dense and sparse, for 0.0 and -0.0.
    indices = matrix.indices.astype(np.int64)
    return [
        indices[start:end].tobytes() + matrix.data[start:end].tobytes()
        for start, end in pairwise(matrix.indptr.tolist())
    ]
