"""Keeps objects in one SQLite database."""

from __future__ import annotations

import io
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from maas_sdk.errors import AlreadyExistsError, InvalidOptionError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SqliteBackend"]

_TABLE = "CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID"
_PATIENCE = 60.0  # seconds that a writer waits for another one


class SqliteBackend:
    """Objects of up to a gigabyte, each held in memory while it is written or read.

    Parameters
    ----------
    file : str or Path
        The database; made when it is not there.

    Raises
    ------
    InvalidOptionError
        When `file` is not a path.
    StorageError
        When the database cannot be used.
    """

    def __init__(self, *, file: str | Path) -> None:
        try:
            self._file = Path(file)
        except TypeError as exc:
            raise InvalidOptionError(f"file must be a path, not {file!r}") from exc
        with self._transaction("opening") as connection:
            connection.execute(_TABLE)

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """Write a new object, which appears when the block ends well."""
        file = io.BytesIO()
        yield file  # an exception of the block ends this function here: nothing is written
        with self._transaction(f"writing {key}") as connection:
            try:
                connection.execute("INSERT INTO objects VALUES (?, ?)", (key, file.getbuffer()))
            except sqlite3.IntegrityError as exc:
                raise AlreadyExistsError(f"{key} exists in {self._file}") from exc

    def open(self, key: str) -> BinaryIO:
        """Read an object."""
        return io.BytesIO(self._one("SELECT content FROM objects WHERE key = ?", key))

    def size(self, key: str) -> int:
        """Give the size of an object in bytes."""
        return int(self._one("SELECT length(content) FROM objects WHERE key = ?", key))

    def list(self, prefix: str) -> Iterator[str]:
        """Give the keys that start with `prefix`, sorted."""
        query = "SELECT key FROM objects WHERE substr(key, 1, ?) = ? ORDER BY key"
        with self._transaction("listing") as connection:
            rows = connection.execute(query, (len(prefix), prefix)).fetchall()
        return iter([key for (key,) in rows])

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self._transaction(f"deleting {key}") as connection:
            if not connection.execute("DELETE FROM objects WHERE key = ?", (key,)).rowcount:
                raise NotFoundError(f"there is no {key} in {self._file}")

    def _one(self, query: str, key: str) -> Any:
        with self._transaction(f"reading {key}") as connection:
            row = connection.execute(query, (key,)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no {key} in {self._file}")
        return row[0]

    @contextmanager
    def _transaction(self, action: str) -> Iterator[sqlite3.Connection]:
        # A connection for each call: they must not be shared between threads.
        try:
            connection = sqlite3.connect(self._file, timeout=_PATIENCE)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as exc:
            raise StorageError(f"{action} in {self._file}: {exc}") from exc
