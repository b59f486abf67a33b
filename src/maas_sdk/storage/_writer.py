"""Copying with a hash beside it, in two buffers that take turns; it names and keeps nothing."""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO, Final

from maas_sdk._internal.files import storage_errors
from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Iterator  # type: ignore[attr-defined]
    from hashlib import _Hash as HASH

__all__ = ["BlobWriter", "blob_writer", "copy", "pieces"]

_PIECE: Final = 1 << 20  # bytes that are read, hashed and written at a time


class BlobWriter(io.BufferedIOBase):
    """A binary file to write to, that counts what it takes and hashes it on a second thread meanwhile.

    `BlobStore.writer` makes it.
    """

    def __init__(
        self,
        file: BinaryIO | None,
        hash_: HASH,
        hashing: HashingThread,
        *,
        max_bytes: int | None = None,
        size: int = 0,
    ) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._hash = hash_
        self._hashing = hashing
        self._size = size

    def writable(self) -> bool:
        """Whether it takes bytes: yes."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take bytes, all of them; they may change afterwards.

        Raises
        ------
        LimitExceededError
            When they would be more than `max_bytes` in all; none of these is taken.
        """
        size = self.write_ahead(data)
        self._hashing.wait()
        return size

    def write_ahead(self, data: Buffer, /) -> int:
        """Take bytes that stay as they are until the next call of any method has returned: `write`, faster.

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
            for start in range(0, size, _PIECE):
                piece = plain[start : start + _PIECE]
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


@contextlib.contextmanager
def blob_writer(file: BinaryIO | None, *, max_bytes: int | None = None) -> Iterator[BlobWriter]:
    """Make a writer, and end its second thread with the block."""
    hash_ = hashlib.sha256()
    with HashingThread(hash_) as hashing:
        yield BlobWriter(file, hash_, hashing, max_bytes=max_bytes)


def copy(
    source: BinaryIO,
    writer: BlobWriter,
    *,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Copy from where `source` stands to its end, or `limit` bytes; `progress` gets the writer's size."""
    for piece in pieces(source, limit=limit):
        writer.write_ahead(piece)
        if progress is not None:
            progress(writer.size)


def pieces(source: BinaryIO, *, limit: int | None = None) -> Iterator[Buffer]:
    """Give a file piece by piece, to its end or `limit` bytes; each stays as it is until the one after next.

    Raises
    ------
    StorageError
        When `source` cannot be read.
    """
    left = _PIECE if limit is None else limit
    read_into = _read_into(source)
    size = min(_PIECE, max(left, 1))
    buffers = [memoryview(bytearray(size)) for _ in range(2 if read_into is not None else 0)]
    while left > 0:
        wanted = min(_PIECE, left)
        with storage_errors("reading the source of a blob"):
            if read_into is None:
                piece: Buffer = source.read(wanted)
                count = len(piece)
            else:
                count = read_into(buffers[0][:wanted]) or 0
                piece = buffers[0][:count]
                buffers.reverse()
        if not count:
            return
        if limit is not None:
            left -= count
        yield piece


def _read_into(source: BinaryIO) -> Callable[[Buffer], int | None] | None:
    if getattr(type(source), "readinto", None) is io.RawIOBase.readinto:
        return None  # inherited, and implemented by nobody
    return getattr(source, "readinto", None)
