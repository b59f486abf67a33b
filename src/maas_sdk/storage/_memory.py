"""Objects in memory, for tests and for passing a release on within one process."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from typing import TYPE_CHECKING, BinaryIO

from maas_sdk.errors import AlreadyExistsError, NotFoundError
from maas_sdk.storage._keys import check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MemoryBackend"]


class MemoryBackend:
    """A `maas_sdk.interfaces.StorageBackend` that lives as long as the object; safe from several threads.

    Each one is private: two backends share nothing.
    """

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._modified: dict[str, float] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryBackend({len(self._objects)} objects)"

    @contextlib.contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """Write a new object: put if absent; see `maas_sdk.interfaces.StorageBackend.create`."""
        if check_key(key) in self._objects:
            with self._lock:
                raise self._taken(key)
        with io.BytesIO() as file:
            yield file
            data = file.getvalue()
        with self._lock:
            if self._objects.setdefault(key, data) is not data:
                raise self._taken(key)
            self._modified[key] = time.time()

    def open(self, key: str) -> BinaryIO:
        """Read an object: a seekable binary file; `NotFoundError` if there is none."""
        return io.BytesIO(self._get(key))

    def size(self, key: str) -> int:
        """Give the size of an object in bytes; `NotFoundError` if there is none."""
        return len(self._get(key))

    def list(self, prefix: str) -> Iterator[str]:
        """Give the keys that start with `prefix`, sorted; nothing if there are none."""
        check_prefix(prefix)
        with self._lock:
            return iter(sorted(key for key in self._objects if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        """Remove an object; `NotFoundError` if there is none."""
        check_key(key)
        with self._lock:
            if self._objects.pop(key, None) is None:
                raise NotFoundError(f"{key} is not in memory")

    def modified(self, key: str) -> float:
        """Tell when an object was written or last found by a writer, in seconds since 1970."""
        with self._lock:
            self._get(key)
            return self._modified[key]

    def _taken(self, key: str) -> AlreadyExistsError:
        self._modified[key] = time.time()
        return AlreadyExistsError(f"{key} exists already in memory")

    def _get(self, key: str) -> bytes:
        try:
            return self._objects[check_key(key)]
        except KeyError:
            raise NotFoundError(f"{key} is not in memory") from None
