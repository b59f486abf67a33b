"""Taking a blob of a known digest, on top of what an interrupted attempt left; it decides no names."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, BinaryIO

from maas_sdk._internal.files import storage_errors
from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.errors import DigestMismatchError
from maas_sdk.storage._writer import BlobWriter, blob_writer, copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.storage._stage import Partial

__all__ = ["continue_partial", "take_whole"]


def take_whole(
    file: BinaryIO,
    source: BinaryIO,
    *,
    digest: str,
    size: int | None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write what `source` gives to `file`, and check it.

    Raises
    ------
    DigestMismatchError
        When digest or size are others than expected.
    """
    with blob_writer(file) as writer:
        copy(source, writer, limit=size, progress=progress)
        _check(writer, source, digest, writer.size if size is None else size)


def continue_partial(
    partial: Partial, source: BinaryIO, *, digest: str, size: int, progress: Callable[[int], None]
) -> None:
    """Go on with a partial object where it ends, and check the whole.

    What a power failure left may be other bytes than those that were written. So when the whole is wrong, and
    not all of it came from `source`, all of it is read once more.

    Raises
    ------
    DigestMismatchError
        When digest or size are others than expected; the partial object is discarded.
    """
    kept = partial.file.seek(0, os.SEEK_END)
    try:
        if 0 < kept <= size and source.seekable():
            try:
                _take(partial, source, digest, size, progress, kept=kept)
            except DigestMismatchError:
                with storage_errors("reading the source of a blob"):
                    source.seek(0)
            else:
                return
        _take(partial, source, digest, size, progress, kept=0)
    except DigestMismatchError:
        partial.discard()
        raise


def _take(
    partial: Partial,
    source: BinaryIO,
    digest: str,
    size: int,
    progress: Callable[[int], None],
    *,
    kept: int,
) -> None:
    hash_ = hashlib.sha256()
    with HashingThread(hash_) as hashing:
        partial.file.seek(0)
        copy(partial.file, BlobWriter(None, hash_, hashing), limit=kept, progress=progress)
        if kept:
            with storage_errors("reading the source of a blob"):
                source.seek(kept)
        partial.file.seek(kept)
        partial.file.truncate()
        writer = BlobWriter(partial.file, hash_, hashing, size=kept)
        copy(source, writer, limit=size - kept, progress=progress)
        _check(writer, source, digest, size)


def _check(writer: BlobWriter, source: BinaryIO, digest: str, size: int) -> None:
    with storage_errors("reading the source of a blob"):
        more = source.read(1)
    if more or writer.size != size:
        found = f"more than {size}" if more else f"{writer.size}"
        raise DigestMismatchError(f"{digest} should have {size} bytes, and its source gives {found}")
    if writer.digest != digest:
        raise DigestMismatchError(
            f"the bytes of {digest} are not what it names, they hash to {writer.digest}"
        )
