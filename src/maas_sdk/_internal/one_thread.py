"""Linear algebra in one thread, for results that do not depend on where they are computed."""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import TYPE_CHECKING, Any

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_one_thread", "one_thread"]


class _OneThread:
    """Holds BLAS, whose limit is one of the whole process, while anybody in the process asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._controller: Any = None
        self._before: list[tuple[Any, int]] = []

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._hold()
            self._users += 1
        try:
            # OpenMP's limit is one of each thread.
            with self._controller.limit(limits=1, user_api="openmp"):
                yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    for library, n_threads in self._before:
                        _set_threads(library, n_threads)

    @property
    def held(self) -> bool:
        return self._users > 0

    def _hold(self) -> None:
        # Looked up each time: estimators load libraries that were not there before.
        self._controller = ThreadpoolController()
        libraries = [each for each in self._controller.lib_controllers if each.user_api == "blas"]
        self._before = [(library, library.get_num_threads()) for library in libraries]
        for library in libraries:
            _set_threads(library, 1)


def _set_threads(library: Any, n_threads: int) -> None:
    # Since threadpoolctl 3.8, one thread owns OpenBLAS and the limits of others do nothing. Here the first to
    # come sets it and the last to go sets it back, whichever threads they are.
    disown = getattr(library, "clear_controlling_thread", lambda **_: None)
    disown(force=True)
    library.set_num_threads(n_threads)
    disown(force=True)


def one_thread() -> contextlib.AbstractContextManager[None]:
    """Hold linear algebra to one thread: what is computed within is the same bits wherever it is computed."""
    return _held()()


def is_one_thread() -> bool:
    """Whether anybody in the process holds linear algebra to one thread."""
    return _held().held


@functools.cache
def _held() -> _OneThread:
    return _OneThread()
