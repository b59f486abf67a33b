"""Runs something many times at once."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["at_once"]

T = TypeVar("T")

_PATIENCE = 60.0  # seconds; a thread that never comes must not hold up a run of tests for ever


def at_once(function: Callable[[int], T], count: int) -> list[T]:
    """Call ``function(0)`` to ``function(count - 1)``, each in a thread of its own, released together.

    Raises
    ------
    BaseException
        What the first of them raised.
    AssertionError
        If one does not end within ten minutes; says where it stands.
    """
    barrier = threading.Barrier(count)
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}

    def run(index: int) -> None:
        try:
            with contextlib.suppress(threading.BrokenBarrierError):  # who came in time goes on
                barrier.wait(_PATIENCE)
            results[index] = function(index)
        except BaseException as exc:  # noqa: BLE001 - raised again where it was called for
            errors[index] = exc

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 10 * _PATIENCE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - public but for its name
            raise AssertionError(
                f"one of {count} calls at once does not end:\n{''.join(traceback.format_stack(frame))}"
            )
    for index in sorted(errors):
        raise errors[index]
    return [results[index] for index in range(count)]
