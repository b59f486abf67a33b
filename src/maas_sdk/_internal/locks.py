"""A file that one process, and one thread of it, holds at a time."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from maas_sdk._internal.files import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["locked", "try_lock"]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it for the length of the block.

    The lock belongs to the open file: the operating system gives it back when the process dies, however it
    dies. The file is made when missing, stays, and its content means nothing.

    Raises
    ------
    StorageError
        When the file cannot be made or locked.
    """
    with storage_errors(f"locking {path}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        with storage_errors(f"locking {path}"):
            _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, and tell whether it could be had at once.

    Parameters
    ----------
    descriptor : int
        Of a file that is open for writing.
    """
    try:
        _lock(descriptor, wait=False)
    except OSError:
        return False
    return True


if sys.platform == "win32":

    def _lock(descriptor: int, *, wait: bool = True) -> None:
        import msvcrt  # noqa: PLC0415 - exists on Windows only

        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:

    def _lock(descriptor: int, *, wait: bool = True) -> None:
        import fcntl  # noqa: PLC0415 - exists on POSIX only

        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
