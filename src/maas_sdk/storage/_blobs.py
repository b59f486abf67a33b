"""Bytes under their own digest, ``blobs/sha256/<hex>`` as in an OCI image layout."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from attrs import frozen

from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk._internal.files import storage_errors
from maas_sdk.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidReferenceError,
    LimitExceededError,
    NotFoundError,
)
from maas_sdk.storage._receive import continue_partial, take_whole
from maas_sdk.storage._stage import (
    DatedBackend,
    Leftover,
    Partial,
    ResumingBackend,
    Stage,
    StagingBackend,
    TidyBackend,
)
from maas_sdk.storage._writer import BlobWriter, blob_writer, copy

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Iterator  # type: ignore[attr-defined]
    from contextlib import AbstractContextManager

    from maas_sdk.interfaces import StorageBackend

__all__ = ["BlobStore", "Descriptor"]

_FOLDER: Final = "blobs/sha256/"
_CHUNK: Final = 1 << 20
_SPOOLED_IN_MEMORY: Final = 16 << 20
_LARGE: Final = 1 << 20  # bytes that are hashed while they are written, at the risk of writing them in vain


@frozen
class Descriptor:
    """What a blob is.

    Attributes
    ----------
    digest : str
        ``"sha256:…"``.
    size : int
        In bytes.
    """

    digest: str
    size: int


class BlobStore:
    """Content-addressed blobs over a backend.

    A blob that is known is not written again. Nothing appears under a digest that was not computed from the
    very bytes.

    Parameters
    ----------
    backend : StorageBackend
        Where the blobs are.
    """

    def __init__(self, backend: StorageBackend) -> None:
        self._backend = backend

    def put(self, data: Buffer) -> Descriptor:
        """Keep some bytes; the same bytes again are fine."""
        with memoryview(data) as view:
            if view.nbytes >= _LARGE and isinstance(self._backend, StagingBackend):
                with self.writer() as writer:
                    writer.write(view)
                return Descriptor(writer.digest, writer.size)
            descriptor = Descriptor(sha256(view), view.nbytes)
            with (
                contextlib.suppress(AlreadyExistsError),
                self._backend.create(_key(descriptor.digest)) as file,
            ):
                file.write(view)
        return descriptor

    @contextlib.contextmanager
    def writer(self, *, expected: str | None = None, max_bytes: int | None = None) -> Iterator[BlobWriter]:
        """Keep bytes that come piece by piece.

        The blob appears when the block ends well; when it ends with an exception, nothing is left. The
        writer's `digest` and `size` say afterwards what was kept.

        Parameters
        ----------
        expected : str or None
            The digest that the bytes must have.
        max_bytes : int or None
            How many bytes are taken at most.

        Raises
        ------
        DigestMismatchError
            When the block ends and the bytes are others than expected; nothing is left.
        LimitExceededError
            From a write past `max_bytes`.
        """
        if expected is not None and self.has(expected):
            with blob_writer(None, max_bytes=max_bytes) as writer:
                yield writer
            _check(writer.digest, expected)
            self._settle(expected)
            return
        with self._stage() as stage:
            with blob_writer(stage.file, max_bytes=max_bytes) as writer:
                yield writer
            if expected is not None:
                _check(writer.digest, expected)
            with contextlib.suppress(AlreadyExistsError):
                stage.commit(_key(writer.digest))

    def put_file(
        self, source: BinaryIO, *, expected: str | None = None, max_bytes: int | None = None
    ) -> Descriptor:
        """Keep what `source` gives until its end, hashing while it copies.

        Parameters
        ----------
        source : BinaryIO
            Read from where it stands; it is read and checked although the blob may be known.
        expected : str or None
            The digest that the bytes must have.
        max_bytes : int or None
            How many bytes `source` may give at most.

        Raises
        ------
        DigestMismatchError
            When the bytes are others than expected; nothing is left.
        LimitExceededError
            When `source` gives more than `max_bytes`; nothing is left.
        """
        with self.writer(expected=expected, max_bytes=max_bytes) as writer:
            copy(source, writer)
        return Descriptor(writer.digest, writer.size)

    def receive(
        self,
        source: BinaryIO,
        *,
        digest: str,
        size: int,
        progress: Callable[[int], None] | None = None,
    ) -> bool:
        """Keep a blob whose digest and size are known, going on where an earlier attempt was interrupted.

        A blob that is known is not read from `source` at all. Otherwise what an interrupted attempt left is
        hashed again, and `source` is read from there on, if the backend can keep such a thing and `source`
        can be moved. When this is interrupted in turn, what was written stays for the next attempt.
        Of two that receive one blob at once, the second begins from its first byte, apart from the other.

        Parameters
        ----------
        source : BinaryIO
            Read from its beginning, where it stands; it must end with the blob.
        digest : str
            The digest that the bytes must have.
        size : int
            How many they must be.
        progress : callable, optional
            Called with the bytes of this blob that are there, time and again.

        Returns
        -------
        bool
            Whether the blob is new here.

        Raises
        ------
        DigestMismatchError
            When digest or size are others than expected; nothing is left. Also when a known blob has
            another size: then the store is damaged, or `size` is wrong.
        StorageError
            When `source` cannot be read or the blob cannot be written.
        """
        report = progress or _silent
        if self.settle(digest, size=size):
            report(size)
            return False
        with self._partial(digest) as partial:
            if partial is not None:
                continue_partial(partial, source, digest=digest, size=size, progress=report)
                with contextlib.suppress(AlreadyExistsError):
                    partial.commit(_key(digest))
                return True
        with self._stage() as stage:
            take_whole(stage.file, source, digest=digest, size=size, progress=report)
            with contextlib.suppress(AlreadyExistsError):
                stage.commit(_key(digest))
        return True

    def settle(self, digest: str, *, size: int) -> bool:
        """Tell whether a blob is known; then it is as durable and as young as if it were written now.

        Raises
        ------
        DigestMismatchError
            When it has another size: then the store is damaged, or `size` is wrong.
        """
        try:
            self._settle_known(digest, size)
        except NotFoundError:
            return False
        return True

    def replace(self, source: BinaryIO, *, digest: str, size: int | None = None) -> None:
        """Put good bytes in the place of a blob that was damaged or lost in the store.

        They are written and checked first, and only then the damaged blob is removed. A process killed
        between the two leaves the blob missing, which replacing it again cures.

        Parameters
        ----------
        source : BinaryIO
            Read from where it stands to its end.
        digest : str
            The digest that the bytes must have.
        size : int or None
            How many they must be, when that is known.

        Raises
        ------
        DigestMismatchError
            When they are others; the store stays as it was.
        """
        key = _key(digest)
        with self._stage() as stage:
            take_whole(stage.file, source, digest=digest, size=size)
            with contextlib.suppress(NotFoundError):
                self._backend.delete(key)
            stage.commit(key)

    def check(self, digest: str, *, progress: Callable[[int], None] | None = None) -> int:
        """Read a whole blob, of any size, and check that it is what its digest says.

        Parameters
        ----------
        digest : str
            ``"sha256:…"``.
        progress : callable, optional
            Called with the bytes that were read, time and again.

        Returns
        -------
        int
            Its size in bytes.

        Raises
        ------
        NotFoundError
            When there is none.
        DigestMismatchError
            When it was damaged or altered in the store.
        StorageError
            When it cannot be read.
        """
        size = self.size(digest)
        with self.open(digest) as file, blob_writer(None) as writer:
            # One byte more than there should be, so that a blob that grows is no endless one.
            copy(file, writer, limit=size + 1, progress=progress)
        _check(writer.digest, digest)
        return size

    def digests(self) -> Iterator[str]:
        """Give the digest of every blob, sorted; what lies beside them under another name is passed over."""
        for key in self._backend.list(_FOLDER):
            if is_digest(_digest(key)):
                yield _digest(key)

    def strangers(self) -> Iterator[str]:
        """Give the keys of what lies among the blobs and has no digest for a name, sorted."""
        for key in self._backend.list("blobs/"):
            if not key.startswith(_FOLDER) or not is_digest(_digest(key)):
                yield key

    def modified(self, digest: str) -> float | None:
        """Tell when a blob was written, or last found here by one who meant to write it.

        Returns
        -------
        float or None
            In seconds since 1970; None when the backend tells no ages.

        Raises
        ------
        NotFoundError
            When there is none.
        """
        key = _key(digest)
        return self._backend.modified(key) if isinstance(self._backend, DatedBackend) else None

    def remove(self, digest: str) -> None:
        """Remove a blob that nothing needs, which the caller knows; `NotFoundError` if there is none."""
        self._backend.delete(_key(digest))

    def leftovers(self) -> list[Leftover]:
        """Give what killed writers left and running ones write; nothing when the backend cannot tell."""
        return list(self._backend.leftovers()) if isinstance(self._backend, TidyBackend) else []

    def remove_leftover(self, name: str) -> bool:
        """Remove one, unless a writer is known to use it; tell whether it was removed."""
        return isinstance(self._backend, TidyBackend) and self._backend.remove_leftover(name)

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading; whoever reads it checks its digest, or uses `read`.

        Raises
        ------
        NotFoundError
            When there is none.
        """
        return self._backend.open(_key(digest))

    def read(self, digest: str, *, max_bytes: int) -> bytes:
        """Read a whole blob and check that it is what its digest says.

        Parameters
        ----------
        digest : str
            ``"sha256:…"``.
        max_bytes : int
            How large it may be.

        Raises
        ------
        NotFoundError
            When there is none.
        LimitExceededError
            When it is larger.
        DigestMismatchError
            When it was damaged or altered in the store.
        """
        with self.open(digest) as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise LimitExceededError(f"blob {digest} is larger than the {max_bytes} bytes that are allowed")
        _check(sha256(data), digest)
        return data

    def size(self, digest: str) -> int:
        """Give the size of a blob in bytes; `NotFoundError` if there is none."""
        return self._backend.size(_key(digest))

    def has(self, digest: str) -> bool:
        """Whether there is a blob of that digest."""
        try:
            self.size(digest)
        except NotFoundError:
            return False
        return True

    def _settle_known(self, digest: str, size: int) -> None:
        found = self.size(digest)
        if found != size:
            raise DigestMismatchError(
                f"the blob {digest} is in the store with {found} bytes, not the {size} that it should have: "
                "the store is damaged, or what names the blob is wrong; check the store with fsck"
            )
        self._settle(digest)

    def _settle(self, digest: str) -> None:
        if isinstance(self._backend, StagingBackend):
            self._backend.settle(_key(digest))

    def _partial(self, digest: str) -> AbstractContextManager[Partial | None]:
        if isinstance(self._backend, ResumingBackend):
            return self._backend.partial(hex_of(digest))
        return contextlib.nullcontext()

    def _stage(self) -> AbstractContextManager[Stage]:
        if isinstance(self._backend, StagingBackend):
            return self._backend.stage()
        return _spooled(self._backend)


@contextlib.contextmanager
def _spooled(backend: StorageBackend) -> Iterator[Stage]:
    """Write to memory, or to a temporary file if there is much, and to the backend once the key is known."""
    import shutil  # noqa: PLC0415 - slow to import, and needed for few backends
    import tempfile  # noqa: PLC0415

    with (
        storage_errors("spooling a blob"),
        tempfile.SpooledTemporaryFile(max_size=_SPOOLED_IN_MEMORY) as spool,
    ):

        def commit(key: str) -> None:
            spool.seek(0)
            with backend.create(key) as target:
                shutil.copyfileobj(spool, target, _CHUNK)

        yield Stage(cast("BinaryIO", spool), commit)


def _silent(_done: int) -> None:
    """Tell nobody."""


def _key(digest: str) -> str:
    if not is_digest(digest):
        raise InvalidReferenceError(
            f"{str(digest)[:100]!r} is not a digest; write sha256: and 64 lower-case hexadecimal digits"
        )
    return _FOLDER + hex_of(digest)


def _digest(key: str) -> str:
    return "sha256:" + key.removeprefix(_FOLDER)


def _check(found: str, expected: str) -> None:
    if found != expected:
        raise DigestMismatchError(f"the bytes of {expected} are not what it names, they hash to {found}")
