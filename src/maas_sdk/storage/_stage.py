"""What a backend may do beyond its contract: name an object after writing it, vouch for one that is there."""

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
    """A `maas_sdk.interfaces.StorageBackend` that can do more, which `BlobStore` makes use of.

    With any other backend a blob whose digest is not known in advance is spooled first, and an object that is
    there counts as durable.
    """

    def stage(self) -> AbstractContextManager[Stage]:
        """Write an object whose key is known after its last byte; without a commit nothing is left."""
        ...

    def settle(self, key: str) -> None:
        """Make an object durable that somebody else wrote, perhaps just now; `NotFoundError` if none."""
        ...
