"""Files read at a position, from several threads at once: plain ones, bytes in memory, and armored ones.

Positions count from the start of the file; a caller's file is taken as a whole, wherever it stands.
"""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from maas_sdk._internal.files import storage_errors
from maas_sdk.errors import ArmorError, InvalidOptionError
from maas_sdk.sealing import _armor
from maas_sdk.sealing._streams import SourceReader, as_binary, file_reader

if TYPE_CHECKING:
    from maas_sdk.sealing._streams import BytesLike, ReadInto, Source

__all__ = ["ArmoredFile", "PositionedFile", "open_positioned", "sequential"]


_NAME = "the sealed file"


class PositionedFile(Protocol):
    """What is read at a position."""

    size: int

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset` on; fewer bytes mean that the end was reached."""
        ...

    def close(self) -> None:
        """Close the file, unless it is the caller's."""
        ...


def open_positioned(source: Source) -> PositionedFile:
    """Open a path, take a seekable binary file as a whole, or read bytes in memory.

    Raises
    ------
    InvalidOptionError
        When the file cannot seek.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _Memory(source)
    if isinstance(source, (str, os.PathLike)):
        with storage_errors(f"reading {os.fspath(source)}"):
            return _over(Path(source).open("rb", buffering=0), own=True)
    return _over(as_binary(source, "source"), own=False)


def sequential(file: PositionedFile) -> ReadInto:
    """Read a positioned file forward from its start."""
    offset = 0

    def read_into(buffer: memoryview) -> int:
        nonlocal offset
        count = file.read_at(buffer, offset)
        offset += count
        return count

    return read_into


def _over(file: BinaryIO | io.FileIO, *, own: bool) -> PositionedFile:
    if not file.seekable():
        if own:
            file.close()
        raise InvalidOptionError("random access needs a file that can seek; decrypt() reads the others")
    raw = file.raw if type(file) is io.BufferedReader else file
    # Only of these a descriptor tells what the file tells; gzip's fileno(), say, is of the packed file.
    if type(raw) is io.FileIO and hasattr(os, "preadv"):
        return _SystemFile(raw, own=own)
    return _SeekableFile(file, own=own)


class _Memory:
    __slots__ = ("_view", "size")

    def __init__(self, data: BytesLike) -> None:
        self._view = memoryview(data).cast("B")
        self.size = len(self._view)

    def read_at(self, buffer: memoryview, offset: int) -> int:
        piece = self._view[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._view.release()


class _SystemFile:
    """A file of the operating system, read without touching its position."""

    __slots__ = ("_file", "_own", "size")

    def __init__(self, file: io.FileIO, *, own: bool) -> None:
        self._file = file
        self._own = own
        self.size = os.fstat(file.fileno()).st_size

    def read_at(self, buffer: memoryview, offset: int) -> int:
        done = 0
        with storage_errors(f"reading {_NAME}"):
            while done < len(buffer):
                count = os.preadv(self._file.fileno(), [buffer[done:]], offset + done)
                if not count:
                    break
                done += count
        return done

    def close(self) -> None:
        if self._own:
            self._file.close()


class _SeekableFile:
    """Any seekable binary file, moved under a lock."""

    __slots__ = ("_file", "_lock", "_own", "_read_into", "size")

    def __init__(self, file: BinaryIO | io.FileIO, *, own: bool) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._own = own
        self._read_into = file_reader(file, _NAME)
        with storage_errors(f"reading {_NAME}"):
            self.size = file.seek(0, os.SEEK_END)

    def read_at(self, buffer: memoryview, offset: int) -> int:
        with self._lock:
            with storage_errors(f"reading {_NAME}"):
                self._file.seek(offset)
            return SourceReader(self._read_into).fill(buffer)

    def close(self) -> None:
        if self._own:
            self._file.close()


class ArmoredFile:
    """The bytes in an armor; its lines are all of one length, so that their places can be computed.

    Raises
    ------
    ArmorError
        At once when begin, end or last line break the format; of the other lines when they are read.
    """

    __slots__ = ("_begin", "_end", "_file", "_line_end", "size")

    def __init__(self, file: PositionedFile) -> None:
        self._file = file
        head = SourceReader(sequential(file))
        self._line_end = _armor.read_begin(head)
        self._begin = head.position
        tail_at = max(self._begin, file.size - len(_armor.END) - _armor.MAX_WHITE_SPACE)
        lines, dash, after = self._text(tail_at, file.size).partition(b"-")
        _armor.check_after(dash + after)
        self._end = tail_at + len(lines)
        last = max(0, self._end - self._begin - 1) // self._width
        last_line = self._text(self._begin + last * self._width, self._end)
        self.size = last * _armor.LINE_BYTES + len(_armor.decode_lines(last_line, self._line_end, final=True))

    @property
    def _width(self) -> int:
        return _armor.COLUMNS + len(self._line_end)

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Decode the lines that hold the bytes."""
        stop = min(offset + len(buffer), self.size)
        if stop <= offset:
            return 0
        first, skip = divmod(offset, _armor.LINE_BYTES)
        lines = -(-stop // _armor.LINE_BYTES) - first
        begin = self._begin + first * self._width
        end = min(begin + lines * self._width, self._end)
        data = _armor.decode_lines(self._text(begin, end), self._line_end, final=end == self._end)
        buffer[: stop - offset] = data[skip : skip + stop - offset]
        return stop - offset

    def close(self) -> None:
        """Close the file, unless it is the caller's."""
        self._file.close()

    def _text(self, begin: int, end: int) -> bytes:
        buffer = bytearray(end - begin)
        if self._file.read_at(memoryview(buffer), begin) != len(buffer):
            raise ArmorError("the armored file became shorter while it was read")
        return bytes(buffer)
