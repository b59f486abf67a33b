"""What a backend may do beyond its contract: each power is a protocol of its own, and none is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["DatedBackend", "Leftover", "Partial", "ResumingBackend", "Stage", "StagingBackend", "TidyBackend"]


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


@frozen
class Partial:
    """An object that is being written and outlives an interruption.

    Attributes
    ----------
    file : BinaryIO
        Holds what an earlier attempt wrote, and stands at its beginning; read, written, moved and truncated.
    commit : callable
        ``commit(key)`` makes the object appear, whole and durable, once; `AlreadyExistsError` when the key is
        taken. Nothing else is left then.
    discard : callable
        Lets nothing be left when the block ends.
    """

    file: BinaryIO
    commit: Callable[[str], None]
    discard: Callable[[], None]


@frozen
class Leftover:
    """What a writer left that was killed, or what one is writing now.

    Attributes
    ----------
    name : str
        Names it to `TidyBackend.remove_leftover`.
    size : int
        In bytes.
    modified : float
        When it was last written to, in seconds since 1970.
    """

    name: str
    size: int
    modified: float


@runtime_checkable
class StagingBackend(Protocol):
    """A `maas_sdk.interfaces.StorageBackend` that names an object after writing it, and vouches for others.

    With any other backend a blob whose digest is not known in advance is spooled first, and an object that is
    there counts as durable.
    """

    def stage(self) -> AbstractContextManager[Stage]:
        """Write an object whose key is known after its last byte; without a commit nothing is left."""
        ...

    def settle(self, key: str) -> None:
        """Make an object durable that somebody else wrote, perhaps just now; `NotFoundError` if none."""
        ...


@runtime_checkable
class ResumingBackend(Protocol):
    """A `maas_sdk.interfaces.StorageBackend` that keeps what an interrupted writer wrote.

    With any other backend an interrupted blob is written again from its first byte.
    """

    def partial(self, name: str) -> AbstractContextManager[Partial | None]:
        """Go on with the partial object `name`, a segment of a key, or begin it.

        None when another writer has it, or when it cannot be kept here: then the caller uses a stage. When
        the block ends without a commit or `Partial.discard`, what was written stays.
        """
        ...


@runtime_checkable
class DatedBackend(Protocol):
    """A `maas_sdk.interfaces.StorageBackend` that knows ages; `gc` needs them for its grace period."""

    def modified(self, key: str) -> float:
        """Tell when an object was written, or last relied upon by a writer, in seconds since 1970.

        That is by `create`, also when it found the object there, and by `StagingBackend.settle`;
        `NotFoundError` if there is none.
        """
        ...


@runtime_checkable
class TidyBackend(Protocol):
    """A `maas_sdk.interfaces.StorageBackend` that can show what killed writers left, and remove it."""

    def leftovers(self) -> Iterator[Leftover]:
        """Give what is no object, sorted by name; work in progress is among it."""
        ...

    def remove_leftover(self, name: str) -> bool:
        """Remove one, and tell whether it was: not when it is gone or known to be in use."""
        ...
