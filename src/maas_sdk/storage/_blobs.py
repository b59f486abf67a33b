"""Bytes under their own digest, ``blobs/sha256/<hex>`` as in an OCI image layout."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from attrs import frozen

from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk._internal.files import storage_errors
from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidReferenceError,
    LimitExceededError,
    NotFoundError,
)
from maas_sdk.storage._stage import Stage, StagingBackend

if TYPE_CHECKING:
    from collections.abc import Buffer, Iterator  # type: ignore[attr-defined]
    from contextlib import AbstractContextManager
    from hashlib import _Hash as HASH

    from maas_sdk.interfaces import StorageBackend

__all__ = ["BlobStore", "BlobWriter", "Descriptor"]

_FOLDER: Final = "blobs/sha256/"
_CHUNK: Final = 1 << 20
_SPOOLED_IN_MEMORY: Final = 16 << 20


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


class BlobWriter(io.BufferedIOBase):
    """A binary file to write to, that counts what it takes and hashes it on a second thread meanwhile.

    `BlobStore.writer` makes it.
    """

    def __init__(
        self, file: BinaryIO | None, max_bytes: int | None, hash_: HASH, hashing: HashingThread
    ) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._hash = hash_
        self._hashing = hashing
        self._size = 0

    def writable(self) -> bool:
        """Whether it takes bytes: yes."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take bytes, all of them.

        Raises
        ------
        LimitExceededError
            When they would be more than `max_bytes` in all; none of these is taken.
        """
        with memoryview(data) as view, view.cast("B") as plain:
            size = plain.nbytes
            if self._max_bytes is not None and self._size + size > self._max_bytes:
                raise LimitExceededError(
                    f"the blob is larger than the {self._max_bytes} bytes that are allowed"
                )
            for start in range(0, size, _CHUNK):
                piece = bytes(plain[start : start + _CHUNK])  # the caller may change its own after this
                self._hashing.update(piece)
                if self._file is not None:
                    self._file.write(piece)
        self._size += size
        return size

    @property
    def digest(self) -> str:
        """The digest of what was written so far: ``"sha256:…"``."""
        self._hashing.wait()
        return "sha256:" + self._hash.hexdigest()

    @property
    def size(self) -> int:
        """How many bytes were written so far."""
        return self._size


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
            with _blob_writer(None, max_bytes) as writer:
                yield writer
            _check(writer.digest, expected)
            if isinstance(self._backend, StagingBackend):
                self._backend.settle(_key(expected))
            return
        with self._stage() as stage:
            with _blob_writer(stage.file, max_bytes) as writer:
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
            for chunk in _chunks(source):
                writer.write(chunk)
        return Descriptor(writer.digest, writer.size)

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

    def _stage(self) -> AbstractContextManager[Stage]:
        if isinstance(self._backend, StagingBackend):
            return self._backend.stage()
        return _spooled(self._backend)


@contextlib.contextmanager
def _blob_writer(file: BinaryIO | None, max_bytes: int | None) -> Iterator[BlobWriter]:
    hash_ = hashlib.sha256()
    with HashingThread(hash_) as hashing:
        yield BlobWriter(file, max_bytes, hash_, hashing)


@contextlib.contextmanager
def _spooled(backend: StorageBackend) -> Iterator[Stage]:
    """Write to memory, or to a temporary file if there is much, and to the backend once the key is known."""
    with (
        storage_errors("spooling a blob"),
        tempfile.SpooledTemporaryFile(max_size=_SPOOLED_IN_MEMORY) as spool,
    ):

        def commit(key: str) -> None:
            spool.seek(0)
            with backend.create(key) as target:
                shutil.copyfileobj(spool, target, _CHUNK)

        yield Stage(cast("BinaryIO", spool), commit)


def _chunks(source: BinaryIO) -> Iterator[Buffer]:
    while True:
        with storage_errors("reading the source of a blob"):
            chunk = source.read(_CHUNK)
        if not chunk:
            return
        yield chunk


def _key(digest: str) -> str:
    if not is_digest(digest):
        raise InvalidReferenceError(
            f"{str(digest)[:100]!r} is not a digest; write sha256: and 64 lower-case hexadecimal digits"
        )
    return _FOLDER + hex_of(digest)


def _check(found: str, expected: str) -> None:
    if found != expected:
        raise DigestMismatchError(f"the bytes of {expected} are not what it names, they hash to {found}")
