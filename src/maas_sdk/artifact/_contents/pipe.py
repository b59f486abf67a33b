"""Bytes from one thread to another, as a file to read from; at most two pieces are under way."""

from __future__ import annotations

import io
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]

__all__ = ["ClosedPipe", "Pipe"]


class ClosedPipe(Exception):  # noqa: N818 - tells the writer that nobody wants the rest
    """The reader has stopped."""


class Pipe(io.RawIOBase):
    """The end that is read from; the other thread calls `write` and `end`."""

    def __init__(self) -> None:
        super().__init__()
        self._filled: SimpleQueue[memoryview | BaseException | None] = SimpleQueue()
        self._free: SimpleQueue[bool] = SimpleQueue()
        self._free.put(True)
        self._rest = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """Whether it gives bytes: yes."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read what is there, and wait for a piece where nothing is; raise what the writer ended with."""
        if not self._rest and not self._ended:
            item = self._filled.get()
            if isinstance(item, BaseException):
                self._filled.put(item)
                raise item
            self._ended = item is None
            self._rest = memoryview(b"") if item is None else item
        with memoryview(buffer) as given, given.cast("B") as target:
            count = min(self._rest.nbytes, target.nbytes)
            target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        if count and not self._rest:
            self._free.put(True)
        return count

    def write(self, data: memoryview, /) -> int:  # type: ignore[override]
        """Hand over a piece once the one before was read; it stays as it is until the next call has returned.

        Raises
        ------
        ClosedPipe
            When the reader has stopped.
        """
        if not self._free.get():
            self._free.put(False)
            raise ClosedPipe
        self._filled.put(data)
        return data.nbytes

    def end(self, error: BaseException | None = None) -> None:
        """Say that this was all, or why no more comes."""
        self._filled.put(error)

    def stop(self) -> None:
        """Read no more; the writer is told."""
        self._free.put(False)
