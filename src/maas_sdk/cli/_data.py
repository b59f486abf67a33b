"""Rows in and predictions out: NumPy, CSV and Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_rows", "write_predictions"]

_FORMATS = "use .npy, .csv or .parquet"


def read_rows(path: Path) -> Any:
    """Read rows; a table keeps its column names.

    Returns
    -------
    ndarray or polars.DataFrame of shape (n_samples, n_features)

    Raises
    ------
    InvalidOptionError
        When the file is of no known format or breaks it.
    StorageError
        When it cannot be read.
    """
    readers = {
        ".npy": lambda file: np.load(file, allow_pickle=False),
        ".csv": pl.read_csv,
        ".parquet": pl.read_parquet,
    }
    if path.suffix not in readers:
        raise InvalidOptionError(f"cannot read {path}: {_FORMATS}")
    with storage_errors(f"reading {path}"), path.open("rb") as file:
        try:
            return readers[path.suffix](file)
        except (ValueError, EOFError, pl.exceptions.PolarsError) as exc:
            raise InvalidOptionError(f"{path} is not a {path.suffix} file of rows: {exc}") from exc


def write_predictions(path: Path, predictions: Any) -> None:
    """Write predictions, shape (n_samples,) or (n_samples, n_outputs), whole or not at all.

    Raises
    ------
    InvalidOptionError
        For an unknown format.
    StorageError
        When the file cannot be written.
    """
    values = np.asarray(predictions)
    if path.suffix not in (".npy", ".csv", ".parquet"):
        raise InvalidOptionError(f"cannot write {path}: {_FORMATS}")
    with atomic_file(path) as file:
        if path.suffix == ".npy":
            np.save(file, values.astype(str) if values.dtype == object else values, allow_pickle=False)
            return
        columns = values.reshape(len(values), -1)
        names = ["prediction"] if values.ndim == 1 else [f"output_{i}" for i in range(columns.shape[1])]
        frame = pl.DataFrame({name: columns[:, i].tolist() for i, name in enumerate(names)})
        if path.suffix == ".csv":
            frame.write_csv(file)
        else:
            frame.write_parquet(file)
