"""Random access to a sealed file: any piece of it, without decrypting the rest."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from maas_sdk.errors import InvalidOptionError, PayloadError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing._age import open_header
from maas_sdk.sealing._armor import is_armored
from maas_sdk.sealing._payload import CHUNK, SEALED_CHUNK, TAG, check_chunk_size
from maas_sdk.sealing._positioned import ArmoredFile, open_positioned, sequential
from maas_sdk.sealing._streams import SourceReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _typeshed import WriteableBuffer

    from maas_sdk.limits import Limits
    from maas_sdk.sealing._keys import Identity
    from maas_sdk.sealing._passphrase import Passphrase
    from maas_sdk.sealing._payload import ChunkCipher
    from maas_sdk.sealing._positioned import PositionedFile
    from maas_sdk.sealing._streams import Source

__all__ = ["SealedReader", "open_sealed"]

_BATCH = 8  # chunks read at a time


def open_sealed(
    file: Source, identities: Sequence[Identity | Passphrase], *, limits: Limits = DEFAULT_LIMITS
) -> SealedReader:
    """Open a sealed file, armored or not, for random access.

    Parameters
    ----------
    file : path, seekable binary file or bytes-like
        The whole of it is the sealed file. A path is opened, and closed with the reader; a file stays the
        caller's to close, after the reader, and must not be used by others meanwhile.
    identities : sequence of Identity or Passphrase
        Tried in their order.
    limits : Limits
        Bounds on the header and on the work for a passphrase.

    Raises
    ------
    NoMatchError, HeaderError, HeaderMacError, PayloadError, ArmorError
        As `decrypt` does. The last chunk is checked at once, so that the size is true; the others when read.
    InvalidOptionError
        When the file cannot seek.
    """
    opened = open_positioned(file)
    try:
        return _open(opened, identities, limits)
    except BaseException:
        opened.close()
        raise


def _open(file: PositionedFile, identities: Sequence[Identity | Passphrase], limits: Limits) -> SealedReader:
    head = SourceReader(sequential(file))
    if is_armored(head):
        file = ArmoredFile(file)
        head = SourceReader(sequential(file))
    cipher = open_header(head, identities, limits=limits)
    return SealedReader(file, head.position, cipher)


class SealedReader(io.RawIOBase):
    """A sealed file, readable like a plain one; made by `open_sealed`.

    Only `pread` and `pread_into` may be called from several threads at once. Every byte that is given out was
    authenticated.
    """

    def __init__(self, file: PositionedFile, start: int, cipher: ChunkCipher) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._cipher = cipher
        self._position = 0
        self._payload = file.size - start
        self._last = max(0, self._payload - 1) // SEALED_CHUNK
        check_chunk_size(self._last, self._payload - self._last * SEALED_CHUNK)
        self._size = self._payload - (self._last + 1) * TAG
        # The chunk read last, so that small pieces in a row decrypt it once; replaced as a whole.
        self._recent = (-1, b"")
        for index, text in self._chunks(self._last, self._last + 1):
            self._recent = (index, bytes(text))

    @property
    def size(self) -> int:
        """Bytes of plaintext."""
        return self._size

    def pread(self, size: int, offset: int) -> bytes:
        """Read at most `size` bytes from `offset` on; fewer where the file ends.

        Raises
        ------
        PayloadError
            When a chunk was altered.
        InvalidOptionError
            For a negative number, or when the reader is closed.
        """
        if size < 0:
            raise InvalidOptionError(f"the size must not be negative: {size}")
        text = io.BytesIO()  # gives its bytes away without a copy
        for piece in self._pieces(offset, offset + size):
            text.write(piece)
        return text.getvalue()

    def pread_into(self, buffer: WriteableBuffer, offset: int) -> int:
        """Read into `buffer` from `offset` on, and give the number of bytes; see `pread`.

        Unverified bytes never get into `buffer`; after an error it holds what came before the fault.
        """
        target = memoryview(buffer).cast("B")
        done = 0
        for piece in self._pieces(offset, offset + len(target)):
            target[done : done + len(piece)] = piece
            done += len(piece)
        return done

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into `buffer` from the position on; less than its size only at the end."""
        count = self.pread_into(buffer, self._position)
        self._position += count
        return count

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes from the position on, fewer only at the end; all without a size."""
        if size is None or size < 0:
            return self.readall()
        data = self.pread(size, self._position)
        self._position += len(data)
        return data

    def readall(self) -> bytes:
        """Read all from the position on."""
        return self.read(self._size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, as in any file."""
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        if whence not in bases:
            raise InvalidOptionError(f"whence must be 0, 1 or 2, not {whence!r}")
        if bases[whence] + offset < 0:
            raise InvalidOptionError("the position must not be negative")
        self._position = bases[whence] + offset
        return self._position

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can seek: yes."""
        return True

    def close(self) -> None:
        """Close the reader, and the file if it was given as a path."""
        if not self.closed:
            self._file.close()
            self._recent = (-1, b"")
        super().close()

    def _pieces(self, offset: int, stop: int) -> Iterator[memoryview]:
        """Give the text from `offset` to `stop`, chunk by chunk; each lives until the next is asked for."""
        if self.closed:
            raise InvalidOptionError("the reader is closed")
        if offset < 0:
            raise InvalidOptionError(f"the offset must not be negative: {offset}")
        stop = min(stop, self._size)
        if stop <= offset:
            return
        for index, text in self._chunks(offset // CHUNK, -(-stop // CHUNK)):
            base = index * CHUNK
            end = min(stop, base + len(text)) - base
            yield text[max(offset - base, 0) : end]
            if end < len(text):
                self._recent = (index, bytes(text))

    def _chunks(self, first: int, stop: int) -> Iterator[tuple[int, memoryview]]:
        """Give chunks `first` to `stop - 1`, authenticated; each lives until the next one is asked for."""
        recent, kept = self._recent
        if recent == first:
            yield first, memoryview(kept)
            first += 1
            if first == stop:
                return
        sealed = memoryview(bytearray(min(_BATCH, stop - first) * SEALED_CHUNK))
        text = memoryview(bytearray(CHUNK))
        for batch in range(first, stop, _BATCH):
            begin = batch * SEALED_CHUNK
            part = sealed[: min(min(batch + _BATCH, stop) * SEALED_CHUNK, self._payload) - begin]
            if self._file.read_at(part, self._start + begin) != len(part):
                raise PayloadError("the sealed file became shorter while it was read")
            for index in range(batch, min(batch + _BATCH, stop)):
                at = (index - batch) * SEALED_CHUNK
                piece = part[at : at + SEALED_CHUNK]
                plain = text[: len(piece) - TAG]
                self._cipher.open(index, piece, plain, last=index == self._last)
                yield index, plain
