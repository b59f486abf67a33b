"""What a backend may do beyond its contract: name an object only after writing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["Stage", "StagingBackend"]


@frozen
class Stage:
    """An object that is being written and has no key yet.

    Attributes
    ----------
    file : BinaryIO
        Takes the bytes.
    commit : callable
        ``commit(key)`` makes the object appear, whole and durable, once; `AlreadyExistsError` when the key is
        taken.
    """

    file: BinaryIO
    commit: Callable[[str], None]


@runtime_checkable
class StagingBackend(Protocol):
    """A `maas_sdk.interfaces.StorageBackend` that spares `BlobStore` a detour.

    With any other backend a blob whose digest is not known in advance is spooled first.
    """

    def stage(self) -> AbstractContextManager[Stage]:
        """Write an object whose key is known after its last byte; without a commit nothing is left."""
        ...
