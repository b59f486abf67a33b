"""A hash computed on a second thread, while the first one reads, encrypts and writes."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]
    from types import TracebackType

__all__ = ["Hash", "HashingThread"]

_SMALL = 32 * 1024  # bytes that are hashed sooner than handed over


class Hash(Protocol):
    """What takes bytes: an object of `hashlib`."""

    def update(self, data: memoryview, /) -> None:
        """Take bytes."""
        ...


class HashingThread:
    """Feeds a hash; a context manager, after which the hash has everything and no thread is left.

    Parameters
    ----------
    hash_ : Hash
        It must let other threads run meanwhile, as those of `hashlib` do; ask it for its digest afterwards.
    """

    __slots__ = ("_alone", "_busy", "_done", "_hash", "_thread", "_todo")

    def __init__(self, hash_: Hash) -> None:
        self._hash = hash_
        self._todo: SimpleQueue[memoryview | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._thread: threading.Thread | None = None  # made for the first piece that is worth it
        self._busy = False
        self._alone = False  # whether all is hashed by the caller's thread

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._alone = True
        self._todo.put(None)
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        if error is None:
            self.wait()

    def update(self, data: Buffer) -> None:
        """Hash `data`, which must stay as it is until the next `update` or `wait` has returned."""
        self.wait()
        view = memoryview(data)
        if view.nbytes < _SMALL or not self._started():
            self._hash.update(view)
        else:
            self._busy = True
            self._todo.put(view)

    def wait(self) -> None:
        """Return once all is hashed; raise what the hash raised."""
        if self._busy:
            error = self._done.get()
            self._busy = False
            if error is not None:
                raise error

    def _started(self) -> bool:
        if self._thread is None and not self._alone:
            # A daemon: interrupted at the wrong moment, it must not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name="maas-sdk hash", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads are to be had
                self._alone = True
        return not self._alone

    def _work(self) -> None:
        while (data := self._todo.get()) is not None:
            error = None
            try:
                self._hash.update(data)
            except BaseException as exc:  # noqa: BLE001 - it is raised where the next piece comes from
                error = exc
            del data
            self._done.put(error)
