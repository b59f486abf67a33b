"""A file that one process, and one thread of it, holds at a time."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from maas_sdk._internal.files import storage_errors
from maas_sdk._internal.flock import lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["locked"]


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
            lock(descriptor)
        yield
    finally:
        os.close(descriptor)
