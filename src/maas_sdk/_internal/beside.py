"""Temporary names beside a target; what a killed process leaves there, the next one with this target removes.

A temporary file or folder is locked by whoever fills it, for as long as it has that name. What is not locked
and a minute old belongs to nobody. Where the file system has no locks, nothing is removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from maas_sdk._internal.flock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["guarded", "temporary_beside"]

_YOUNG: Final = 60  # seconds in which a name may be made and not locked yet
_DIGITS: Final = 16
_FOLLOW_NOTHING: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def temporary_beside(target: Path) -> Path:
    """Give a new name in the target's folder; what killed processes left of that target is removed first."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{{_DIGITS}}}\.tmp")
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for entry in [entry for entry in entries if ours.fullmatch(entry.name)]:
            _remove_if_abandoned(Path(entry.path))
    return target.with_name(f".{target.name}.{secrets.token_hex(_DIGITS // 2)}.tmp")


@contextlib.contextmanager
def guarded(temporary: Path) -> Iterator[None]:
    """Hold the lock of a temporary file or folder that was just made."""
    descriptor = _open(temporary)
    try:
        try_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _remove_if_abandoned(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_symlink() or time.time() - path.stat().st_mtime < _YOUNG:
            return
        descriptor = _open(path)
        try:
            if not try_lock(descriptor):
                return
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        finally:
            os.close(descriptor)


def _open(path: Path) -> int:
    """Open for locking; a file for writing, which some file systems want for that."""
    return os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | _FOLLOW_NOTHING)
