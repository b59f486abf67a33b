"""Runs something many times at once."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["at_once"]

T = TypeVar("T")

_PATIENCE = 60.0  # seconds; a thread that never comes must not hold up a run of tests for ever


def at_once(function: Callable[[int], T], count: int) -> list[T]:
    """Call ``function(0)`` to ``function(count - 1)``, each in a thread of its own, released together."""
    barrier = threading.Barrier(count)

    def run(index: int) -> T:
        with contextlib.suppress(threading.BrokenBarrierError):  # who came in time goes on
            barrier.wait(_PATIENCE)
        return function(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count), timeout=10 * _PATIENCE))
