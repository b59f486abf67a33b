"""The contract of a storage backend: five calls on keys and bytes, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

__all__ = ["StorageBackend"]


@runtime_checkable
class StorageBackend(Protocol):
    """Keeps bytes under keys.

    A key is one or more segments of ``[A-Za-z0-9._+@-]`` joined by ``/``, no segment starting with a dot, at
    most 512 characters; the SDK checks keys before a backend sees them. Nothing is ever changed in place. All
    calls are safe from several threads and processes. What the medium says reaches the caller as a
    `StorageError`.
    """

    def create(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Write a new object: put if absent.

        The object appears, whole and durable, when the block ends well; when it ends with an exception,
        nothing is left. Of several writers of one key one wins, the others get `AlreadyExistsError` (at the
        latest when the block ends).
        """
        ...

    def open(self, key: str) -> BinaryIO:
        """Read an object: a seekable binary file that the caller closes; `NotFoundError` if there is none."""
        ...

    def size(self, key: str) -> int:
        """Give the size of an object in bytes; `NotFoundError` if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Give the keys that start with `prefix`, sorted; nothing if there are none."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; `NotFoundError` if there is none."""
        ...
