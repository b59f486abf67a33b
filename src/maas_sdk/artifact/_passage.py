"""The plaintext of a part as a file to read from, while a second thread opens it; bounded memory, no disk."""

from __future__ import annotations

import io
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from maas_sdk.artifact._opening import FileTarget
from maas_sdk.errors import SealingError

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable  # type: ignore[attr-defined]
    from types import TracebackType

    from maas_sdk.artifact._opening import PartReader
    from maas_sdk.artifact._parts import PartInfo

__all__ = ["Passage"]


class _Closed(Exception):  # noqa: N818 - never leaves this module
    """Nobody wants the rest."""


class Passage(io.RawIOBase):
    """The plaintext of a part; a context manager.

    What is read may be wrong until the end was reached, which happens only when the whole part was found to
    be what was signed; anything else is raised where it is read.

    Parameters
    ----------
    reader : PartReader
        Opens it.
    part : PartInfo
        Which one.
    tell : callable
        Gets the number of bytes of each piece that was read.
    """

    def __init__(self, reader: PartReader, part: PartInfo, tell: Callable[[int], None]) -> None:
        super().__init__()
        self._reader = reader
        self._part = part
        self._tell = tell
        self._filled: SimpleQueue[memoryview | BaseException | None] = SimpleQueue()
        self._free: SimpleQueue[bool] = SimpleQueue()
        self._free.put(True)
        self._rest = memoryview(b"")
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="maas-sdk opening", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._thread.start()
        except RuntimeError as exc:
            raise SealingError("sealing anew takes a second thread, and the system gives none") from exc
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._free.put(False)
        self._thread.join()
        self.close()

    def readable(self) -> bool:
        """Whether it gives bytes: yes."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read what is there, and wait for a piece where nothing is."""
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
        self._tell(count)
        return count

    def write_piece(self, data: memoryview) -> int:
        """Take a piece from the other thread once the one before was read."""
        if not self._free.get():
            raise _Closed
        self._filled.put(data)
        return data.nbytes

    def _work(self) -> None:
        try:
            target = FileTarget(cast("BinaryIO", _Inlet(self)))
            self._reader.into(self._part, target, lambda _count: None)
        except _Closed:
            return
        except BaseException as exc:  # noqa: BLE001 - it is raised where the bytes are read
            self._filled.put(exc)
        else:
            self._filled.put(None)


class _Inlet:
    """The other end, as a file."""

    def __init__(self, passage: Passage) -> None:
        self.write = passage.write_piece
