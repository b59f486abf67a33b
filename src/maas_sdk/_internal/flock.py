"""The operating system's lock on an open file, which it gives back when the process dies."""

from __future__ import annotations

import sys

__all__ = ["lock", "try_lock"]


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, and tell whether it could be had at once.

    Parameters
    ----------
    descriptor : int
        Of a file that is open for writing, or of a folder.
    """
    try:
        lock(descriptor, wait=False)
    except OSError:
        return False
    return True


if sys.platform == "win32":

    def lock(descriptor: int, *, wait: bool = True) -> None:
        """Lock an open file until it is closed; `OSError` when that cannot be."""
        import msvcrt  # noqa: PLC0415 - exists on Windows only

        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:

    def lock(descriptor: int, *, wait: bool = True) -> None:
        """Lock an open file until it is closed; `OSError` when that cannot be."""
        import fcntl  # noqa: PLC0415 - exists on POSIX only

        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
