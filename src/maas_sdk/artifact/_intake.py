"""Brings the layers of a bundle into a store, each against its digest; nothing refers to them yet.

What the store has is not read from the medium. What was interrupted goes on where it ended. Pieces of a layer
are kept under their own digests until all are there, and are then joined.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from maas_sdk.artifact._bundles.checked import CheckedReader, fill
from maas_sdk.errors import DigestMismatchError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Sequence  # type: ignore[attr-defined]
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from maas_sdk.artifact._bundles.bundle import Bundle
    from maas_sdk.artifact._bundles.pieces import Piece
    from maas_sdk.artifact._documents.progress import Progress
    from maas_sdk.storage import BlobStore

    Tap: TypeAlias = Callable[[Piece, BinaryIO], AbstractContextManager[BinaryIO]]

__all__ = ["Intake"]


class Intake:
    """Copies what a store lacks.

    Parameters
    ----------
    blobs : BlobStore
        Of the store.
    bundle : Bundle
        Its documents were read.
    progress : callable
        Called with ``"import"`` or ``"join"``, bytes done and bytes in all.
    tap : callable
        ``tap(piece, source)`` gives the file that is read instead of `source`, with the same bytes.

    Attributes
    ----------
    copied : set of str
        Digests of the blobs that came into the store by this.
    missing : tuple of str
        Digests of the layers that are not in the store afterwards.
    """

    def __init__(self, blobs: BlobStore, bundle: Bundle, progress: Progress, tap: Tap) -> None:
        plan = bundle.shipment.plan
        self._blobs = blobs
        self._bundle = bundle
        self._progress = progress
        self._tap = tap
        self._sizes = {layer.digest: layer.size for layer in bundle.papers.blobs()}
        self._spread = () if plan is None else tuple(plan)
        self._done = 0
        self.copied: set[str] = set()
        self.missing: tuple[str, ...] = ()

    def copy(self) -> str:
        """Copy, join, look what is missing, and give the reason why all of it is in order.

        Raises
        ------
        DigestMismatchError
            When something is not what its digest says.
        StorageError
            When the bundle cannot be read, or the store cannot be written.
        """
        known = {digest for digest in self._sizes if self._is_known(digest)}
        total = sum(piece.size for piece in self._bundle.pieces)

        def tell(count: int) -> None:
            self._progress("import", self._done + count, total)

        for piece in self._bundle.pieces:
            if piece.layer in known:
                tell(piece.size)
            else:
                with self._bundle.open(piece.digest) as source, self._tap(piece, source) as file:
                    new = self._blobs.receive(file, digest=piece.digest, size=piece.size, progress=tell)
                if new:
                    self.copied.add(piece.digest)
            self._done += piece.size
        for layer in dict.fromkeys(piece.layer for _, piece in self._spread if not piece.whole):
            if layer not in known:
                self._join(layer)
        there = known | self.copied
        self.missing = tuple(each for each in self._sizes if each not in there and not self._is_known(each))
        return self._reason(known)

    def open_layer(self, digest: str) -> BinaryIO | None:
        """Open a layer that is in the store by now; None when it is missing."""
        return None if digest in self.missing else self._blobs.open(digest)

    def leftovers(self) -> set[str]:
        """Give the pieces in the store that nobody needs any more, since their layers are whole."""
        needed = {piece.digest for _, piece in self._spread if piece.layer in self.missing}
        pieces = {piece.digest for _, piece in self._spread}
        return {each for each in pieces - needed - self._sizes.keys() if self._blobs.has(each)}

    def numbers(self) -> list[int]:
        """Give the numbers of the volumes that have something that is missing."""
        return sorted(
            {
                number
                for number, piece in self._spread
                if piece.layer in self.missing and not self._blobs.has(piece.digest)
            }
        )

    def _is_known(self, digest: str) -> bool:
        return self._blobs.settle(digest, size=self._sizes[digest])

    def _join(self, layer: str) -> None:
        """Make a layer of its pieces, when every one is there."""
        pieces = [piece for _, piece in self._spread if piece.layer == layer]
        if not all(self._blobs.has(piece.digest) for piece in pieces):
            return
        size = self._sizes[layer]
        try:
            with _Joined(self._blobs, pieces) as source:
                self._blobs.receive(
                    cast("BinaryIO", source),
                    digest=layer,
                    size=size,
                    progress=lambda done: self._progress("join", done, size),
                )
        except NotFoundError:
            return  # another import joined them meanwhile, and removed them
        except DigestMismatchError as exc:
            if self._remove_damaged(pieces):
                return  # it came in order, and was damaged in the store: it has to come again
            raise DigestMismatchError(
                f"the pieces of the layer {layer} do not make it up, although each is what the plan of the "
                f"volumes says: {exc}"
            ) from exc
        self.copied.add(layer)

    def _remove_damaged(self, pieces: Sequence[Piece]) -> bool:
        reader = CheckedReader()
        damaged = False
        for piece in pieces:
            try:
                for _ in reader.entry(self._blobs, piece):
                    pass
            except DigestMismatchError:
                self._blobs.remove(piece.digest)
                damaged = True
        return damaged

    def _reason(self, known: set[str]) -> str:
        head = f"{len(self._sizes)} layers of {sum(self._sizes.values())} bytes"
        if not known and not self.missing:
            return f"{head} are what the manifest says"
        new = len(self._sizes) - len(known) - len(self.missing)
        return (
            f"{head}: {new} came and are what the manifest says, {len(known)} were in the store already, "
            f"{len(self.missing)} are still missing"
        )


class _Joined(io.RawIOBase):
    """The pieces of a layer in a store, read as one file."""

    def __init__(self, blobs: BlobStore, pieces: Sequence[Piece]) -> None:
        self._blobs = blobs
        self._pieces = pieces
        self._position = 0
        self._file: BinaryIO | None = None
        self._left = 0  # bytes of the piece that is open

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        assert whence == io.SEEK_SET
        self._put_away()
        self._position = offset
        return offset

    def readinto(self, buffer: Buffer, /) -> int:
        if self._left == 0:
            self._put_away()
            self._open()
        if self._file is None:
            return 0
        with memoryview(buffer) as view:
            count = fill(self._file, view[: self._left])
        self._left -= count
        self._position += count
        return count

    def close(self) -> None:
        self._put_away()
        super().close()

    def _open(self) -> None:
        for piece in self._pieces:
            if piece.offset <= self._position < piece.offset + piece.size:
                self._file = self._blobs.open(piece.digest)
                self._file.seek(self._position - piece.offset)
                self._left = piece.offset + piece.size - self._position

    def _put_away(self) -> None:
        self._left = 0
        if self._file is not None:
            self._file.close()
            self._file = None
