"""The plaintext of a part as a file to read from, while a second thread opens it; bounded memory, no disk."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from maas_sdk.artifact._contents.opening import FileTarget
from maas_sdk.artifact._contents.pipe import ClosedPipe, Pipe
from maas_sdk.errors import SealingError

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable  # type: ignore[attr-defined]
    from types import TracebackType

    from maas_sdk.artifact._contents.opening import PartReader
    from maas_sdk.artifact._documents.parts import PartInfo

__all__ = ["Passage"]


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
        self._pipe = Pipe()
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
        self._pipe.stop()
        self._thread.join()
        self.close()

    def readable(self) -> bool:
        """Whether it gives bytes: yes."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read what is there, and wait for a piece where nothing is."""
        count = self._pipe.readinto(buffer)
        self._tell(count)
        return count

    def _work(self) -> None:
        try:
            self._reader.into(self._part, FileTarget(cast("BinaryIO", self._pipe)), lambda _count: None)
        except ClosedPipe:
            return
        except BaseException as exc:  # noqa: BLE001 - it is raised where the bytes are read
            self._pipe.end(exc)
        else:
            self._pipe.end()
