"""Signed envelopes that contradict each other, kept as files; it verifies none and reads none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk._internal.files import atomic_file, storage_errors, sync_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["keep_evidence", "list_evidence"]

_FOLDER: Final = "evidence"
_SUFFIX: Final = ".dsse.json"
_NAME: Final = re.compile(r"[0-9a-f]{64}\.dsse\.json", re.ASCII)
_MAX_FILES: Final = 512  # of 256 pairs; whatever arrives, the disk of the receiver must not fill up
_MAX_BYTES: Final = 1 << 20


def keep_evidence(folder: Path, envelopes: Collection[bytes]) -> None:
    """Keep envelopes under the SHA-256 of their bytes, unless one is too large or there are too many files.

    The caller holds the lock of the trust folder.

    Raises
    ------
    StorageError
        When they cannot be written.
    """
    if any(len(envelope) > _MAX_BYTES for envelope in envelopes):
        return
    place = folder / _FOLDER
    kept = {path.name for path in list_evidence(folder)}
    wanted = {hex_of(sha256(envelope)) + _SUFFIX: envelope for envelope in envelopes}
    if len(kept | wanted.keys()) > _MAX_FILES:
        return
    with storage_errors(f"making {place}"):
        place.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder)
    for name in wanted.keys() - kept:
        with atomic_file(place / name, mode=0o600) as file:
            file.write(wanted[name])


def list_evidence(folder: Path) -> tuple[Path, ...]:
    """Give the files that were kept, sorted by name.

    Raises
    ------
    StorageError
        When the folder cannot be read.
    """
    place = folder / _FOLDER
    with storage_errors(f"reading {place}"):
        if not place.exists():
            return ()
        return tuple(sorted(path for path in place.iterdir() if _NAME.fullmatch(path.name)))
