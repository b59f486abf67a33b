"""Sources and sinks of any kind (paths, binary files, bytes), read and written forward."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk.errors import InvalidOptionError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BytesLike",
    "ReadInto",
    "Sink",
    "Source",
    "SourceReader",
    "Write",
    "as_binary",
    "file_reader",
    "open_sink",
    "open_source",
]

BytesLike: TypeAlias = bytes | bytearray | memoryview
Source: TypeAlias = BinaryIO | str | os.PathLike[str] | BytesLike
Sink: TypeAlias = BinaryIO | str | os.PathLike[str]
if TYPE_CHECKING:
    ReadInto: TypeAlias = Callable[[memoryview], int]  # some bytes, at least one; 0 at the end
    Write: TypeAlias = Callable[[BytesLike], None]  # all of them

_BLOCK = 4096  # bytes read at a time where lines are looked for


class SourceReader:
    """Reads forward, by lines and by blocks, with as much look-ahead as asked.

    Attributes
    ----------
    position : int
        Bytes taken so far.
    """

    __slots__ = ("_ahead", "_read_into", "position")

    def __init__(self, read_into: ReadInto) -> None:
        self._read_into = read_into
        self._ahead = bytearray()
        self.position = 0

    def peek(self, size: int) -> bytes:
        """Look at the next `size` bytes, fewer at the end, without taking them."""
        while len(self._ahead) < size and self._more():
            pass
        return bytes(self._ahead[:size])

    def line(self, limit: int) -> bytes:
        """Take a line with its line feed; without one where `limit` bytes or the end came first."""
        searched = 0
        while (feed := self._ahead.find(b"\n", searched, limit)) < 0:
            searched = len(self._ahead)
            if searched >= limit or not self._more():
                return self._take(limit)
        return self._take(feed + 1)

    def fill(self, buffer: memoryview) -> int:
        """Fill `buffer`; fewer bytes mean that the end was reached."""
        ahead = self._take(len(buffer))
        done = len(ahead)
        buffer[:done] = ahead
        while done < len(buffer):
            count = self._read_into(buffer[done:])
            if not count:
                break
            done += count
            self.position += count
        return done

    def take(self, size: int) -> bytes:
        """Take `size` bytes; fewer mean that the end was reached."""
        buffer = bytearray(size)
        return bytes(buffer[: self.fill(memoryview(buffer))])

    def _take(self, size: int) -> bytes:
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        self.position += len(taken)
        return taken

    def _more(self) -> bool:
        block = bytearray(_BLOCK)
        count = self._read_into(memoryview(block))
        self._ahead += block[:count]
        return count > 0


@contextlib.contextmanager
def open_source(source: Source) -> Iterator[ReadInto]:
    """Open a source for reading forward, a file from where it stands."""
    if isinstance(source, (str, os.PathLike)):
        with storage_errors(f"reading {os.fspath(source)}"):
            file = Path(source).open("rb", buffering=0)  # noqa: SIM115 - closed two lines down
        with file:
            yield file_reader(file, str(source))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield _memory_reader(source)
    else:
        yield file_reader(as_binary(source, "source"), "the source")


@contextlib.contextmanager
def open_sink(sink: Sink, *, mode: int) -> Iterator[Write]:
    """Open a sink; a path is written whole or not at all, with the permissions `mode`."""
    if isinstance(sink, (str, os.PathLike)):
        with atomic_file(Path(sink), mode=mode) as file:
            yield _file_writer(file, str(sink), left="nothing was half-written")
    else:
        yield _file_writer(as_binary(sink, "sink"), "the sink", left="it holds a part only")


def as_binary(file: BinaryIO, what: str) -> BinaryIO:
    """Give `file` back, or raise `InvalidOptionError` unless it is a binary "source" or "sink"."""
    if isinstance(file, io.TextIOBase):
        raise InvalidOptionError(f"the {what} is a text file; open it in binary mode")
    if not hasattr(file, "read" if what == "source" else "write"):
        raise InvalidOptionError(f"the {what} must be a binary file or a path, not {type(file).__name__}")
    return file


def _memory_reader(data: BytesLike) -> ReadInto:
    view = memoryview(data).cast("B")
    place = 0

    def read_into(buffer: memoryview) -> int:
        nonlocal place
        piece = view[place : place + len(buffer)]
        buffer[: len(piece)] = piece
        place += len(piece)
        return len(piece)

    return read_into


def file_reader(file: BinaryIO | io.RawIOBase, name: str) -> ReadInto:
    """Read a binary file forward; `name` is for messages."""
    own = getattr(file, "readinto", None)

    def read_into(buffer: memoryview) -> int:
        with storage_errors(f"reading {name}"):
            if own is not None:
                count: int | None = own(buffer)
            elif (data := file.read(len(buffer))) is None:
                count = None
            else:
                count = len(data)
                buffer[:count] = data
        if count is None:
            raise StorageError(f"reading {name}: it has no bytes yet; open it in blocking mode")
        return count

    return read_into


def _file_writer(file: BinaryIO, name: str, *, left: str) -> Write:
    raw = isinstance(file, io.RawIOBase)

    def write(data: BytesLike) -> None:
        rest = memoryview(data)
        while rest:
            with storage_errors(f"writing {name}", left=left):
                count = file.write(rest)
            if count is None and not raw:
                return  # only a raw file means "nothing" by it; others just do not say that they took all
            if not count:
                raise StorageError(f"writing {name}: it takes no bytes now; open it in blocking mode")
            rest = rest[count:]

    return write
