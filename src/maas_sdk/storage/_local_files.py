"""Single files of a store, guarded against what else may lie in their place; it knows no keys."""

from __future__ import annotations

import errno
import io
import os
import stat
from typing import TYPE_CHECKING, Final, cast

from maas_sdk._internal.files import storage_errors
from maas_sdk._internal.locks import try_lock

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["READ", "StoreFile", "open_alone", "refresh"]

# Not blocking, so that a pipe in the place of an object is refused rather than waited for.
READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
"""How objects are opened for reading."""

_CONTINUE: Final = READ | os.O_RDWR | os.O_CREAT
_NOT_MINE: Final = {errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR, errno.ENXIO}
_UNTOUCHABLE: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


def refresh(path: Path) -> None:
    """Make an object young, unless it belongs to somebody else or the medium is read-only."""
    if stat.S_ISREG(path.lstat().st_mode):
        try:
            os.utime(path)
        except OSError as exc:
            if exc.errno not in _UNTOUCHABLE:
                raise


def open_alone(path: Path) -> int | None:
    """Open a partial file, made when missing, for this process alone; None when that cannot be."""
    try:
        descriptor = os.open(path, _CONTINUE, 0o644)
    except OSError as exc:
        if exc.errno in _NOT_MINE:
            return None
        raise
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and try_lock(descriptor) and _is_still(path, status):
        if os.fstat(descriptor).st_nlink == 1:
            return descriptor
        # It was committed, and its writer killed before this name was gone: it is an object now.
        path.unlink()
    os.close(descriptor)
    return None


def _is_still(path: Path, status: os.stat_result) -> bool:
    """Whether the name was not taken from the file while its lock was waited for."""
    try:
        return os.path.samestat(path.lstat(), status)
    except FileNotFoundError:
        return False


class StoreFile(io.FileIO):
    """A file whose reads fail with `StorageError`, as when the medium is unplugged."""

    def __init__(self, descriptor: int, key: str) -> None:
        super().__init__(descriptor, "rb")
        self._key = key

    def readinto(self, buffer: object, /) -> int:
        with storage_errors(f"reading {self._key}"):
            return cast("int", super().readinto(buffer))  # type: ignore[arg-type]

    def readall(self) -> bytes:
        with storage_errors(f"reading {self._key}"):
            return super().readall()
