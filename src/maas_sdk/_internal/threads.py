"""Threads for arithmetic on large arrays; numpy lets go of the interpreter's lock while it computes."""

from __future__ import annotations

import contextvars
import functools
import os
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

__all__ = ["most_threads", "run_parts"]

_MOST: Final = 8  # memory is the limit before that
_DIGITS: Final = 6


@functools.cache
def most_threads() -> int:
    """Give how many threads compute at once: one for each processor, ``OMP_NUM_THREADS`` or 8 at most."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    bound = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < _DIGITS else 0
    return min(processors, bound or _MOST, _MOST)


def run_parts(parts: Sequence[Callable[[], object]]) -> None:
    """Do all parts, the first of them in this thread; when it comes back, none is running any more.

    numpy's `errstate` holds in all of them. An error of one is raised when all have ended.
    """
    here, *elsewhere = parts
    left = [here]
    futures: list[Future[object]] = []
    try:
        for part in elsewhere:
            try:
                futures.append(_pool().submit(contextvars.copy_context().run, part))
            except RuntimeError:  # no thread can be had, or the interpreter is going down
                left.append(part)
        for part in left:
            part()
    finally:
        wait(futures)
    for future in futures:
        future.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MOST - 1, thread_name_prefix="arithmetic (maas-sdk)")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # its threads are not in the child
