"""Single files of a store, guarded against what else may lie in their place; it knows no keys."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final, cast

from maas_sdk._internal.files import storage_errors
from maas_sdk._internal.flock import try_lock

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["READ", "StoreFile", "create_alone", "open_alone", "refresh"]

# Not blocking, so that a pipe in the place of an object is refused rather than waited for.
READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
"""How objects are opened for reading."""

_WRITE: Final = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_CONTINUE: Final = READ | os.O_RDWR
_ATTEMPTS: Final = 3
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


def create_alone(folder: Path) -> tuple[Path, int]:
    """Make a temporary file and lock it, so that nobody takes it for one that a dead process left.

    Whoever tidies up may lock it between the two; then another is made. Where that happens time and again
    the file system has no locks, and nobody can tidy up.
    """
    for attempt in range(_ATTEMPTS):
        path = folder / secrets.token_hex(16)
        descriptor = os.open(path, _WRITE, 0o644)
        mine = False
        try:
            locked = try_lock(descriptor) or attempt == _ATTEMPTS - 1
            mine = locked and _is_still(path, os.fstat(descriptor))
        finally:
            if not mine:
                os.close(descriptor)
                path.unlink(missing_ok=True)
        if mine:
            return path, descriptor
    raise FileNotFoundError(errno.ENOENT, "temporary files vanish", str(folder))


def open_alone(path: Path, *, create: bool = True) -> int | None:
    """Open a temporary file for this process alone; None when that cannot be."""
    try:
        descriptor = os.open(path, _CONTINUE | (os.O_CREAT if create else 0), 0o644)
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
