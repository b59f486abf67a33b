"""The payload of an age file: chunks of 64 KiB under ChaCha20-Poly1305, sealed and opened as a stream.

Source: https://c2sp.org/age, section "Payload". Buffers are reused and hold several chunks, so that memory is
constant (about 8 MiB) and a call costs little beside the cipher. They also hold one byte more: whoever
has read it knows that another chunk follows, and which chunk is the last. There are two buffers in turn of
what is handed on: one may still be hashed or written on another thread while the next is filled.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from maas_sdk.errors import HeaderError, PayloadError
from maas_sdk.sealing._wrap import hkdf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maas_sdk.sealing._streams import BytesLike, SourceReader, Write

__all__ = [
    "CHUNK",
    "SEALED_CHUNK",
    "TAG",
    "ChunkCipher",
    "check_chunk_size",
    "open_payload",
    "read_nonce",
    "seal_payload",
    "seal_pieces",
]

CHUNK = 64 * 1024
TAG = 16
SEALED_CHUNK = CHUNK + TAG
_BATCH = 32  # chunks worked on between two reads; fewer would change threads too often
_NONCE_BYTES = 16


class ChunkCipher:
    """Seals and opens single chunks; safe to use from several threads.

    Parameters
    ----------
    file_key, nonce : bytes
        16 bytes each; the nonce stands before the chunks.
    """

    __slots__ = ("_aead",)

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._aead = ChaCha20Poly1305(hkdf(file_key, salt=nonce, info=b"payload"))

    def seal(self, index: int, text: memoryview, sealed: memoryview, *, last: bool) -> None:
        """Encrypt `text` into `sealed`, which is `TAG` bytes longer."""
        self._aead.encrypt_into(_chunk_nonce(index, last=last), text, None, sealed)

    def open(self, index: int, sealed: memoryview, text: memoryview, *, last: bool) -> None:
        """Decrypt `sealed` into `text`, which is `TAG` bytes shorter and holds rubbish after an error."""
        try:
            self._aead.decrypt_into(_chunk_nonce(index, last=last), sealed, None, text)
        except InvalidTag as exc:
            raise PayloadError(f"chunk {index} was altered, moved or cut off; get the file again") from exc


def read_nonce(source: SourceReader) -> bytes:
    """Take the payload's nonce from `source`; a file that ends before it has no whole header."""
    nonce = source.take(_NONCE_BYTES)
    if len(nonce) != _NONCE_BYTES:
        raise HeaderError("the file ends before the payload's nonce; get the file again")
    return nonce


def check_chunk_size(index: int, size: int) -> None:
    """Raise `PayloadError` when no chunk at `index` can have `size` sealed bytes."""
    if size < TAG:
        raise PayloadError(f"the payload is cut off in chunk {index}; get the file again")
    if size == TAG and index:
        raise PayloadError("the last chunk is empty, which no writer of the format makes")


def seal_payload(source: SourceReader, write: Write, file_key: bytes) -> None:
    """Encrypt all of `source` into `write`: a fresh nonce, then the chunks.

    What `write` is given stays as it is until it has returned from the next call.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    write(nonce)
    cipher = ChunkCipher(file_key, nonce)
    batch = _batch(source, CHUNK)
    text = memoryview(bytearray(batch * CHUNK + 1))
    sealed, other = _two_buffers(batch * SEALED_CHUNK)
    index = held = 0
    more = True
    while more:
        size = held + source.fill(text[held:])
        more = size == len(text)
        end = size - 1 if more else size
        done = 0
        for at in range(0, end or 1, CHUNK):
            piece = text[at : min(at + CHUNK, end)]
            target = sealed[done : done + len(piece) + TAG]
            cipher.seal(index, piece, target, last=not more and at + CHUNK >= end)
            done += len(target)
            index += 1
        write(sealed[:done])
        text[0] = text[-1]
        held = 1
        sealed, other = other, sealed


def seal_pieces(pieces: Iterable[BytesLike], write: Write, file_key: bytes) -> None:
    """Encrypt what is in memory, piece after piece, from where it is: as `seal_payload`, without a copy.

    A piece stays as it is until the one after next was asked for.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    write(nonce)
    cipher = ChunkCipher(file_key, nonce)
    sealed, other = _two_buffers(_BATCH * SEALED_CHUNK)
    done = 0
    for index, (chunk, last) in enumerate(_chunks(pieces)):
        target = sealed[done : done + len(chunk) + TAG]
        cipher.seal(index, chunk, target, last=last)
        done += len(target)
        if last or done == len(sealed):
            write(sealed[:done])
            sealed, other = other, sealed
            done = 0


def _chunks(pieces: Iterable[BytesLike]) -> Iterator[tuple[memoryview, bool]]:
    """Cut pieces into chunks, copying those that lie in two pieces; tell which one is the last."""
    waiting: memoryview | None = None
    for chunk in _cut(pieces):
        if waiting is not None:
            yield waiting, False
        waiting = chunk
    yield memoryview(b"") if waiting is None else waiting, True


def _cut(pieces: Iterable[BytesLike]) -> Iterator[memoryview]:
    joint, other = _two_buffers(CHUNK)
    held = 0
    for piece in pieces:
        rest = memoryview(piece).cast("B")
        while len(rest) >= CHUNK - held:
            if held:
                joint[held:] = rest[: CHUNK - held]
                yield joint
                joint, other = other, joint
            else:
                yield rest[:CHUNK]
            rest = rest[CHUNK - held :]
            held = 0
        joint[held : held + len(rest)] = rest
        held += len(rest)
    if held:
        yield joint[:held]


def open_payload(source: SourceReader, write: Write, cipher: ChunkCipher) -> None:
    """Decrypt all of `source` into `write`, which sees nothing that was not authenticated.

    What `source` has read stays as it is until it has read again, and what `write` is given until it has
    returned from the next call.

    Raises
    ------
    PayloadError
        When a chunk was altered, moved, added or cut off; the chunks before it were written.
    """
    batch = _batch(source, SEALED_CHUNK)
    sealed, other = _two_buffers(batch * SEALED_CHUNK + 1)
    text, spare = _two_buffers(batch * CHUNK)
    index = held = 0
    more = True
    while more:
        size = held + source.fill(sealed[held:])
        more = size == len(sealed)
        end = size - 1 if more else size
        done = 0
        try:
            for at in range(0, end or 1, SEALED_CHUNK):
                piece = sealed[at : min(at + SEALED_CHUNK, end)]
                check_chunk_size(index, len(piece))
                target = text[done : done + len(piece) - TAG]
                cipher.open(index, piece, target, last=not more and at + SEALED_CHUNK >= end)
                done += len(target)
                index += 1
        finally:
            write(text[:done])
        other[0] = sealed[-1]
        held = 1
        sealed, other = other, sealed
        text, spare = spare, text


def _batch(source: SourceReader, chunk: int) -> int:
    """Give the number of chunks that buffers are made for: one for a small file, which they would slow."""
    return _BATCH if len(source.peek(chunk + 1)) > chunk else 1


def _two_buffers(size: int) -> tuple[memoryview, memoryview]:
    return memoryview(bytearray(size)), memoryview(bytearray(size))


def _chunk_nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
