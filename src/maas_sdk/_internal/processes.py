"""Which process wrote something, and whether it is gone: told only where it can be told for sure."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["is_gone", "this_process"]

_FIELDS = 4
_STARTED = 19  # place of the start time among the fields of /proc/<pid>/stat that follow the name


def this_process() -> str:
    """Name this process among all that ever ran on this machine; empty where that is not possible.

    On Linux these are the boot, the name space of process numbers, the number and the start time.
    """
    try:
        return ":".join((*_machine(), str(os.getpid()), _start_time(os.getpid())))
    except (OSError, IndexError):
        return ""


def is_gone(process: str) -> bool:
    """Whether the process is known to have ended: one of this boot and name space that runs no more.

    Parameters
    ----------
    process : str
        What `this_process` gave it, or anything else, of which nothing is known.
    """
    fields = process.split(":")
    if len(fields) != _FIELDS or not fields[2].isdecimal() or not fields[2].isascii():
        return False
    try:
        if _machine() != (fields[0], fields[1]):
            return False
        number = int(fields[2])
        os.kill(number, 0)  # asks only whether there is one
        return _start_time(number) != fields[3]
    except ProcessLookupError:
        return True
    except (OSError, IndexError, OverflowError):
        return False


def _machine() -> tuple[str, str]:
    if not sys.platform.startswith("linux"):
        raise OSError
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return boot, str(Path("/proc/self/ns/pid").stat().st_ino)


def _start_time(number: int) -> str:
    """Tell when a process started; one that ended and was not waited for yet counts as ended."""
    text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[_STARTED]
