"""Reads blobs at the speed of the medium, and checks each against its digest meanwhile; it copies nothing."""

from __future__ import annotations

import hashlib
from itertools import cycle
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.errors import DigestMismatchError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_sdk.artifact._bundles.pieces import Piece
    from maas_sdk.artifact._documents.papers import BlobSource

__all__ = ["CheckedReader", "fill"]

_CHUNK: Final = 1 << 20  # bytes that are read at a time


class CheckedReader:
    """Reads one blob after the other into two buffers in turn.

    While one is hashed on a second thread, the caller uses it and the next one is read.
    """

    def __init__(self) -> None:
        self._buffers = (memoryview(bytearray(_CHUNK)), memoryview(bytearray(_CHUNK)))

    def piece(self, source: BlobSource, piece: Piece) -> Iterator[memoryview]:
        """Give a layer, or a stretch of it, part by part; each part is good until the next one is asked for.

        Raises
        ------
        DigestMismatchError
            When the layer is missing, and after the last part when size or digest is another.
        """
        try:
            opened = source.open(piece.layer)
        except NotFoundError as exc:
            raise DigestMismatchError(f"the layer {piece.layer} is missing") from exc
        with opened as blob:
            if not piece.whole:
                blob.seek(piece.offset)
            yield from self._stream(blob, piece)

    def entry(self, bundle: BlobSource, piece: Piece) -> Iterator[memoryview]:
        """Give what a bundle has of a layer, likewise."""
        with bundle.open(piece.digest) as blob:
            yield from self._stream(blob, piece)

    def _stream(self, blob: BinaryIO, piece: Piece) -> Iterator[memoryview]:
        hash_ = hashlib.sha256()
        left = piece.size
        # Of a whole layer one byte more than there should be, so that a longer one is noticed.
        more = int(piece.whole)
        with HashingThread(hash_) as hashing:
            turns = cycle(self._buffers)
            while True:
                buffer = next(turns)
                count = fill(blob, buffer[: left + more])
                left -= count
                if count == 0 or left < 0:
                    break
                hashing.update(buffer[:count])
                yield buffer[:count]
        found = f"sha256:{hash_.hexdigest()}"
        if left != 0 or found != piece.digest:
            what = (
                f"its bytes hash to {found}"
                if left == 0
                else f"it has not the {piece.size} bytes it should have"
            )
            kind = "the layer" if piece.whole else "the piece"
            raise DigestMismatchError(f"{kind} {piece.digest} is damaged or altered: {what}")


def fill(file: Any, buffer: memoryview) -> int:
    """Read into a buffer, and tell how many bytes came: none at the end only.

    Raises
    ------
    OSError, StorageError
        As the file does.
    """
    if hasattr(file, "readinto"):
        return int(file.readinto(buffer))
    data = file.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)
