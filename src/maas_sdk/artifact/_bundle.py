"""Bundles, one file with a whole release: an oci-archive, written deterministically and read strictly.

The entries of the tar are ``oci-layout``, ``index.json``, the documents (manifests, configuration,
signatures) and then the layers, in exactly this order: a receiver can decide before it reads gigabytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk.artifact import _oci, _ustar
from maas_sdk.artifact._papers import MAX_DOCUMENT, read_papers
from maas_sdk.errors import BundleError, DigestMismatchError, LimitExceededError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Buffer, Iterator  # type: ignore[attr-defined]
    from pathlib import Path

    from maas_sdk.artifact._papers import BlobSource, Papers
    from maas_sdk.artifact._progress import Progress
    from maas_sdk.limits import Limits

__all__ = ["Bundle", "checked_chunks", "open_bundle", "write_bundle"]

_CHUNK: Final = 1 << 20  # bytes that are copied or hashed at a time

_LAYOUT: Final = "oci-layout"
_INDEX: Final = "index.json"
_BLOBS: Final = "blobs/sha256/"


def write_bundle(path: Path, papers: Papers, source: BlobSource, *, progress: Progress) -> None:
    """Write a bundle: the same release gives the same bytes; nothing is left when it fails.

    Raises
    ------
    DigestMismatchError
        When a layer in the store is not what its digest says.
    StorageError
        When the file cannot be written.
    """
    files = [(_LAYOUT, _oci.LAYOUT), (_INDEX, papers.index)]
    files += list({_name(sha256(data)): data for data in papers.documents()}.items())
    layers = papers.blobs()
    total = sum(layer.size for layer in layers)
    done = 0
    with atomic_file(path) as file:
        for name, data in files:
            file.write(_ustar.header(name, len(data)) + data + _ustar.padding(len(data)))
        for layer in layers:
            file.write(_ustar.header(_name(layer.digest), layer.size))
            for chunk in checked_chunks(source, layer):
                file.write(chunk)
                done += len(chunk)
                progress("export", done, total)
            file.write(_ustar.padding(layer.size))
        file.write(_ustar.END)


def checked_chunks(source: BlobSource, layer: _oci.OciDescriptor) -> Iterator[bytes]:
    """Give a layer piece by piece; `DigestMismatchError` after the last when size or digest is another."""
    digest = hashlib.sha256()
    left = layer.size
    try:
        opened = source.open(layer.digest)
    except NotFoundError as exc:
        raise DigestMismatchError(f"the layer {layer.digest} is missing") from exc
    with opened as blob:
        while chunk := blob.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            yield chunk
    found = f"sha256:{digest.hexdigest()}"
    if left != 0 or found != layer.digest:
        what = (
            f"its bytes hash to {found}" if left == 0 else f"it has not the {layer.size} bytes it should have"
        )
        raise DigestMismatchError(f"the layer {layer.digest} is damaged or altered: {what}")


class Bundle:
    """A bundle that is being read; `open_bundle` makes it.

    Every entry of the archive is accounted for: each is needed, none is missing, none comes twice.

    Attributes
    ----------
    papers : Papers
        The documents; nothing in them is trusted yet.
    """

    papers: Papers

    def __init__(self, file: io.BufferedReader, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._entries: dict[str, _ustar.TarEntry] = {}

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
        for entry in _ustar.scan(self._file, total):
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
                    f"{entry.name} at byte {entry.offset - _ustar.BLOCK} is not part of a bundle"
                )
        if len(self._entries) < len((_LAYOUT, _INDEX)):
            raise BundleError(f"the archive holds no {_INDEX if self._entries else _LAYOUT}")
        if self._content(_LAYOUT) != _oci.LAYOUT:
            raise BundleError("oci-layout is not that of OCI image layout 1.0.0")

    def read_papers(self) -> None:
        """Read the documents, and check that the entries are exactly what they name.

        Raises
        ------
        InvalidArtifactError
            When a document breaks its form, or an entry is missing, unnamed or out of place.
        DigestMismatchError
            When a document is not what its digest says.
        """
        index = self._content(_INDEX)
        model, *referrers = _oci.parse_index(index, limits=self._limits)
        papers = read_papers(self, model, referrers, limits=self._limits)
        if papers.index != index:
            raise BundleError("index.json does not say what a bundle of this release says")
        sizes = {_name(sha256(data)): len(data) for data in papers.documents()}
        sizes.update({_name(layer.digest): layer.size for layer in papers.layers})
        expected = {_LAYOUT: len(_oci.LAYOUT), _INDEX: len(index), **sizes}
        found = {name: entry.size for name, entry in self._entries.items()}
        for name in [*expected, *found]:
            if expected.get(name) != found.get(name):
                raise BundleError(
                    f"{name} should have {_bytes(expected.get(name))} and has {_bytes(found.get(name))}"
                )
        if list(expected) != list(found):
            raise BundleError("the entries are not in the order of a bundle")
        self.papers = papers

    def read(self, digest: str, *, max_bytes: int) -> bytes:
        """Read a whole blob and check it against its digest."""
        data = self._content(_name(digest), max_bytes=max_bytes)
        if sha256(data) != digest:
            raise DigestMismatchError(f"{_name(digest)} was altered: its bytes hash to {sha256(data)}")
        return data

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading; nothing is checked. One blob is read at a time."""
        return cast("BinaryIO", io.BufferedReader(_Region(self._file, self._entry(_name(digest)))))

    def _entry(self, name: str) -> _ustar.TarEntry:
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
        with path.open("rb") as file:
            yield Bundle(file, limits)


class _Region(io.RawIOBase):
    """The bytes of one entry."""

    def __init__(self, file: io.BufferedReader, entry: _ustar.TarEntry) -> None:
        self._file = file
        self._position = entry.offset
        self._end = entry.offset + entry.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        with memoryview(buffer) as view:
            wanted = min(view.nbytes, self._end - self._position)
            self._file.seek(self._position)
            count = self._file.readinto(view[:wanted])
        self._position += count
        return count


def _is_expected(name: str, number: int) -> bool:
    if number <= len((_LAYOUT, _INDEX)):
        return name == (_LAYOUT, _INDEX)[number - 1]
    return name.startswith(_BLOBS) and is_digest("sha256:" + name.removeprefix(_BLOBS))


def _name(digest: str) -> str:
    return _BLOBS + hex_of(digest)


def _bytes(size: int | None) -> str:
    return "no entry" if size is None else f"{size} bytes"
