"""Runs something many times at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["at_once"]

T = TypeVar("T")


def at_once(function: Callable[[int], T], count: int) -> list[T]:
    """Call ``function(0)`` to ``function(count - 1)``, each in a thread of its own, released together."""
    barrier = threading.Barrier(count)

    def run(index: int) -> T:
        barrier.wait()
        return function(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
