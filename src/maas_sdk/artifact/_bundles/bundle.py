"""Bundles, one file with a release or a part of it: an oci-archive, written deterministically, read strictly.

The entries of the tar are ``oci-layout``, ``index.json``, the documents (manifests, configuration,
signatures) and then the layers, in exactly this order: a receiver can decide before it reads gigabytes. A
bundle has every layer, or its index says which it leaves out (see `Shipment`).
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk.artifact._bundles import ustar
from maas_sdk.artifact._bundles.checked import CheckedReader, fill
from maas_sdk.artifact._bundles.pieces import Shipment, whole
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.papers import MAX_DOCUMENT, MAX_DOCUMENTS, for_documents, read_papers
from maas_sdk.errors import (
    BundleError,
    DigestMismatchError,
    InvalidOptionError,
    LimitExceededError,
    StorageError,
)

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Iterable, Iterator, Sequence  # type: ignore[attr-defined]
    from pathlib import Path

    from maas_sdk.artifact._bundles.pieces import Piece
    from maas_sdk.artifact._documents.papers import BlobSource, Papers
    from maas_sdk.artifact._documents.progress import Progress
    from maas_sdk.limits import Limits

__all__ = ["Bundle", "archive_size", "open_bundle", "write_archive", "write_bundle"]

_LAYOUT: Final = "oci-layout"
_INDEX: Final = "index.json"
_BLOBS: Final = "blobs/sha256/"


def write_bundle(
    path: Path,
    papers: Papers,
    source: BlobSource,
    *,
    absent: frozenset[str] = frozenset(),
    presumes: Sequence[str] = (),
    progress: Progress,
) -> None:
    """Write a bundle: the same release gives the same bytes; nothing is left when it fails.

    Parameters
    ----------
    path : Path
        The file.
    papers : Papers
        The documents.
    source : BlobSource
        Has the layers.
    absent : frozenset of str
        Digests of layers that are left out, because the receiver has them.
    presumes : sequence of str
        Digests of the manifests by which the receiver has them.
    progress : callable
        Called with ``"export"``, bytes done and bytes in all.

    Raises
    ------
    InvalidOptionError
        When layers are left out and nothing is presumed, or the other way round.
    DigestMismatchError
        When a layer in the store is not what its digest says.
    StorageError
        When the file cannot be written.
    """
    layers = papers.blobs()
    pieces = [whole(layer) for layer in layers if layer.digest not in absent]
    if (len(pieces) < len(layers)) != bool(presumes):
        raise InvalidOptionError("a bundle that leaves layers out says what it presumes, and no other does")
    shipment = Shipment(presumes=tuple(sorted(set(presumes))))
    total = sum(piece.size for piece in pieces)
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        progress("export", done, total)

    with atomic_file(path) as file:
        write_archive(file, papers, shipment, pieces, source, tell)


def write_archive(
    file: BinaryIO,
    papers: Papers,
    shipment: Shipment,
    pieces: Iterable[Piece],
    source: BlobSource,
    tell: Callable[[int], None],
) -> None:
    """Write an archive with these pieces, and tell how many bytes of them were written each time."""
    written = set()
    for name, data in _documents(papers, papers.index_of(shipment.annotations)).items():
        file.write(ustar.header(name, len(data)) + data + ustar.padding(len(data)))
        written.add(name)
    reader = CheckedReader()
    for piece in pieces:
        name = _name(piece.digest)
        if name in written:
            tell(piece.size)
            continue
        written.add(name)
        file.write(ustar.header(name, piece.size))
        for chunk in reader.piece(source, piece):
            file.write(chunk)
            tell(len(chunk))
        file.write(ustar.padding(piece.size))
    file.write(ustar.END)


def archive_size(papers: Papers, index: bytes) -> int:
    """Give the bytes of an archive with this index and no layer."""
    return len(ustar.END) + sum(ustar.entry_size(len(data)) for data in _documents(papers, index).values())


class Bundle:
    """A bundle that is being read; `open_bundle` makes it.

    Every entry of the archive is accounted for: each is needed, none is missing, none comes twice.

    Attributes
    ----------
    papers : Papers
        The documents; nothing in them is trusted yet.
    shipment : Shipment
        What the index says of the layers; nobody signed that.
    pieces : tuple of Piece
        What is here of the layers, in the order of the archive.
    """

    papers: Papers
    shipment: Shipment
    pieces: tuple[Piece, ...]

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._entries: dict[str, ustar.TarEntry] = {}
        self._documents = 0

    def scan(self) -> None:
        """Read the headers, and check that the names are a bundle's.

        Raises
        ------
        BundleError
            At the first entry that a bundle must not hold, with its place.
        LimitExceededError
            When there are too many entries or one is too large.
        """
        total = self._file.seek(0, os.SEEK_END)
        for entry in ustar.scan(self._file, total):
            if entry.name in self._entries:
                raise BundleError(f"{entry.name} comes twice, again before byte {entry.offset}")
            if len(self._entries) == self._limits.max_bundle_entries:
                raise LimitExceededError(
                    f"more entries than Limits.max_bundle_entries ({self._limits.max_bundle_entries})"
                )
            if entry.size > self._limits.max_part_bytes:
                raise LimitExceededError(
                    f"{entry.name} is {entry.size} bytes; "
                    f"Limits.max_part_bytes allows {self._limits.max_part_bytes}"
                )
            self._entries[entry.name] = entry
            if not _is_expected(entry.name, len(self._entries)):
                raise BundleError(
                    f"{entry.name} at byte {entry.offset - ustar.BLOCK} is not part of a bundle"
                )
        if len(self._entries) < len((_LAYOUT, _INDEX)):
            raise BundleError(f"the archive holds no {_INDEX if self._entries else _LAYOUT}")
        if self._content(_LAYOUT) != oci.LAYOUT:
            raise BundleError("oci-layout is not that of OCI image layout 1.0.0")

    def read_papers(self) -> None:
        """Read the documents, and check that the entries are exactly what they name.

        A document is `MAX_DOCUMENT` bytes at most, all of them together `MAX_DOCUMENTS`.

        Raises
        ------
        InvalidArtifactError
            When a document breaks its form, or an entry is missing, unnamed or out of place.
        DigestMismatchError
            When a document is not what its digest says.
        """
        limits = for_documents(self._limits)
        index = self._content(_INDEX)
        (model, *referrers), annotations = oci.parse_index(index, limits=limits)
        shipment = Shipment.from_annotations(annotations, limits=limits)
        papers = read_papers(self, model, referrers, limits=limits)
        if papers.index_of(shipment.annotations) != index:
            raise BundleError("index.json does not say what a bundle of this release says")
        pieces = shipment.pieces(papers.blobs(), map(_digest, self._entries))
        expected = {name: len(data) for name, data in _documents(papers, index).items()}
        for piece in pieces:
            if expected.setdefault(_name(piece.digest), piece.size) != piece.size:
                raise BundleError(f"{_name(piece.digest)} should have two sizes")
        found = {name: entry.size for name, entry in self._entries.items()}
        for name in [*expected, *found]:
            if expected.get(name) != found.get(name):
                raise BundleError(
                    f"{name} should have {_bytes(expected.get(name))} and has {_bytes(found.get(name))}"
                )
        if list(expected) != list(found):
            raise BundleError("the entries are not in the order of a bundle")
        self.papers = papers
        self.shipment = shipment
        self.pieces = pieces

    def read(self, digest: str, *, max_bytes: int) -> bytes:
        """Read a document and check it against its digest."""
        data = self._content(_name(digest), max_bytes=max_bytes)
        self._documents += len(data)
        if self._documents > MAX_DOCUMENTS:
            raise LimitExceededError(f"the documents are more than {MAX_DOCUMENTS} bytes together")
        if sha256(data) != digest:
            raise DigestMismatchError(f"{_name(digest)} was altered: its bytes hash to {sha256(data)}")
        return data

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading; nothing is checked. One blob is read at a time."""
        return cast("BinaryIO", io.BufferedReader(_Region(self._file, self._entry(_name(digest)))))

    def _entry(self, name: str) -> ustar.TarEntry:
        try:
            return self._entries[name]
        except KeyError as exc:
            raise BundleError(f"{name} is missing") from exc

    def _content(self, name: str, *, max_bytes: int = MAX_DOCUMENT) -> bytes:
        entry = self._entry(name)
        if entry.size > max_bytes:
            raise LimitExceededError(f"{name} is {entry.size} bytes; {max_bytes} are allowed")
        self._file.seek(entry.offset)
        return self._file.read(entry.size)


@contextlib.contextmanager
def open_bundle(path: Path, *, limits: Limits) -> Iterator[Bundle]:
    """Open a file that should be a bundle; nothing of it is read yet.

    Raises
    ------
    NotFoundError
        When there is no such file.
    StorageError
        When it cannot be read, or is not a regular file.
    """
    with storage_errors(f"reading {path}"):
        # Asked first: opening a FIFO would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise StorageError(f"reading {path}: not a regular file")
        # A header is a block: a larger buffer would read what is stepped over.
        with path.open("rb", buffering=ustar.BLOCK) as file:
            yield Bundle(file, limits)


class _Region(io.RawIOBase):
    """The bytes of one entry."""

    def __init__(self, file: BinaryIO, entry: ustar.TarEntry) -> None:
        self._file = file
        self._begin = entry.offset
        self._end = entry.offset + entry.size
        self._position = entry.offset

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: self._begin, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = max(self._begin, base + offset)
        return self._position - self._begin

    def readinto(self, buffer: Buffer, /) -> int:
        with memoryview(buffer) as view:
            wanted = max(0, min(view.nbytes, self._end - self._position))
            with storage_errors(f"reading {self._file.name}"):
                self._file.seek(self._position)
                count = fill(self._file, view[:wanted])
        if count < wanted:
            # It was whole when its headers were read: this is the medium, and no verdict on the bundle.
            raise StorageError("the bundle became shorter while it was read; is its medium still there?")
        self._position += count
        return count


def _documents(papers: Papers, index: bytes) -> dict[str, bytes]:
    """Give what comes before the layers, by name and in order."""
    blobs = {_name(sha256(data)): data for data in papers.documents()}
    return {_LAYOUT: oci.LAYOUT, _INDEX: index, **blobs}


def _is_expected(name: str, number: int) -> bool:
    if number <= len((_LAYOUT, _INDEX)):
        return name == (_LAYOUT, _INDEX)[number - 1]
    return name.startswith(_BLOBS) and is_digest(_digest(name))


def _name(digest: str) -> str:
    return _BLOBS + hex_of(digest)


def _digest(name: str) -> str:
    return "sha256:" + name.removeprefix(_BLOBS)


def _bytes(size: int | None) -> str:
    return "no entry" if size is None else f"{size} bytes"
