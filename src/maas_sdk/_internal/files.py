"""Files that are either whole or absent, and operating system errors under `StorageError`."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, BinaryIO

from maas_sdk._internal.beside import guarded, temporary_beside
from maas_sdk.errors import AlreadyExistsError, NotFoundError, StorageError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["atomic_file", "storage_errors", "sync_folder"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BROKEN = "; the medium fails or is gone: connect it again or use another one, then try again"
_TODO = {
    errno.EIO: _BROKEN,
    errno.ENODEV: _BROKEN,
    errno.ENXIO: _BROKEN,
    errno.EROFS: "; the medium is write-protected: make it writable or choose another place",
}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


@contextlib.contextmanager
def storage_errors(action: str, *, left: str = "nothing was half-written") -> Iterator[None]:
    """Turn `OSError` into the fitting `StorageError`.

    Parameters
    ----------
    action : str
        Reads like ``"writing digits.maas"``.
    left : str
        What a full medium leaves behind.
    """
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or str(exc)
        if exc.errno in _FULL:
            raise StorageFullError(f"{action}: {reason}; {left}, free some space and try again") from exc
        if isinstance(exc, FileNotFoundError):
            raise NotFoundError(f"{action}: {reason}") from exc
        if isinstance(exc, FileExistsError):
            raise AlreadyExistsError(f"{action}: {reason}") from exc
        raise StorageError(f"{action}: {reason}{_TODO.get(exc.errno or 0, '')}") from exc


def sync_folder(folder: Path) -> None:
    """Make renames and links in `folder` survive a power cut (POSIX; nothing to do elsewhere)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: Path, *, mode: int = 0o644, replace: bool = True) -> Iterator[BinaryIO]:
    """Write a file that appears whole, or not at all.

    The bytes go to a temporary file in the same folder, are synced and moved into place when the block ends
    well. When it ends with an exception (`KeyboardInterrupt` too) nothing is left behind; what a killed
    process left is removed by the next one that writes the same file.

    Parameters
    ----------
    path : Path
        Where the file shall be; its folder must exist.
    mode : int
        Permissions, before the umask.
    replace : bool
        Whether an existing file may be replaced; otherwise `AlreadyExistsError`, with the file untouched.

    Raises
    ------
    StorageError
        In the subclass that fits what the operating system said.
    """
    temporary = temporary_beside(path)
    with storage_errors(f"writing {path}"):
        if not replace and path.exists():
            raise FileExistsError(errno.EEXIST, "the file exists", str(path))
        descriptor = os.open(temporary, _NEW, mode)
    try:
        with storage_errors(f"writing {path}"), contextlib.ExitStack() as guard:
            with os.fdopen(descriptor, "wb") as file:
                guard.enter_context(guarded(temporary))  # until it has its name
                yield file
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                os.link(temporary, path)  # put if absent: the one conditional write that is portable
            sync_folder(path.parent)
    finally:
        # A medium that is gone or broken took the temporary file along; the first error tells more.
        with contextlib.suppress(OSError):
            temporary.unlink()
