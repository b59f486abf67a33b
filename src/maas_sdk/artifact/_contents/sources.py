"""Where the content of a part comes from: bytes, pieces of bytes, or a file; read as a stream, never copied.

It says what a content is, and writes nothing. A file is expected to stay as it is while it is published: its
size is looked at first, and one that became another meanwhile is refused.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from attrs import frozen

from maas_sdk._internal.files import storage_errors
from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.errors import DigestMismatchError, InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Generator, Mapping, Sequence  # type: ignore[attr-defined]
    from types import TracebackType

__all__ = ["Content", "DerivedPart", "DigestsAhead", "FileContent", "MemoryContent", "Reader", "read_content"]

_SLICE: Final = 4 << 20  # bytes of a memory that are worked on between two looks at whether to go on
_PIECE: Final = 1 << 20  # bytes that are read from a file at a time


@frozen
class DerivedPart:
    """A part that is made out of the digests of all others, such as a signature over them.

    Parameters
    ----------
    make : callable
        ``make(files)`` gets the SHA-256 in hexadecimal by path and gives the content, bytes. It is called
        once, when the others have been read.
    """

    make: Callable[[Mapping[str, str]], bytes]


class Content(Protocol):
    """What a part holds."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    @property
    def in_memory(self) -> bool:
        """Whether it is there to be read twice."""
        ...

    def open(self, tell: Callable[[int], None], hash_: Any = None) -> Reader:
        """Open it for reading forward.

        Parameters
        ----------
        tell : callable
            Gets the number of bytes each time some were read.
        hash_ : object of hashlib, optional
            Takes every byte, on a second thread; it is complete when the end was read.
        """
        ...

    def pieces(self) -> Generator[memoryview]:
        """Give it piece by piece; each is good until the one after next is asked for."""
        ...

    def changed(self, path: str) -> DigestMismatchError:
        """Say that it is another by now; `path` is the part's."""
        ...


class MemoryContent:
    """Bytes, or pieces of them in a row."""

    in_memory: Final = True

    def __init__(self, views: Sequence[memoryview]) -> None:
        self._views = views
        self.size = sum(view.nbytes for view in views)

    def open(self, tell: Callable[[int], None], hash_: Any = None) -> Reader:
        """See `Content.open`."""
        return Reader(self.pieces() if hash_ is None else _hashed(self.pieces(), hash_), tell)

    def pieces(self) -> Generator[memoryview]:
        """See `Content.pieces`."""
        for view in self._views:
            for start in range(0, view.nbytes, _SLICE):
                yield view[start : start + _SLICE]

    def changed(self, path: str) -> DigestMismatchError:
        """See `Content.changed`."""
        return _changed(f"the content of {path!r}")


class FileContent:
    """A regular file, of a size that was looked at.

    Parameters
    ----------
    path : Path
        Read each time it is asked for.
    """

    in_memory: Final = False

    def __init__(self, path: Path) -> None:
        self._path = path
        # Asked first: opening a FIFO would wait for its writer.
        with storage_errors(f"reading {path}"):
            status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidOptionError(f"the part's file {path} is not a regular file")
        self.size = status.st_size

    def open(self, tell: Callable[[int], None], hash_: Any = None) -> Reader:
        """See `Content.open`."""
        return Reader(self.pieces() if hash_ is None else _hashed(self.pieces(), hash_), tell)

    def pieces(self) -> Generator[memoryview]:
        """See `Content.pieces`.

        Raises
        ------
        DigestMismatchError
            When the file has not the size any more that it had.
        StorageError
            When it cannot be read.
        """
        buffers = [memoryview(bytearray(min(_PIECE, self.size + 1))) for _ in range(2)]
        left = self.size
        with storage_errors(f"reading {self._path}"):
            file = self._path.open("rb", buffering=0)
        with file:
            while True:
                with storage_errors(f"reading {self._path}"):
                    count = file.readinto(buffers[0][: left + 1]) or 0
                left -= count
                if left < 0 or (not count and left):
                    raise self.changed("")
                if not count:
                    return
                yield buffers[0][:count]
                buffers.reverse()

    def changed(self, _path: str) -> DigestMismatchError:
        """See `Content.changed`."""
        return _changed(self._path)


class Reader(io.RawIOBase):
    """Pieces as a file; `Content.open` makes it."""

    def __init__(self, pieces: Generator[memoryview], tell: Callable[[int], None]) -> None:
        super().__init__()
        self._pieces = pieces
        self._tell = tell
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        with memoryview(buffer) as given, given.cast("B") as target:
            done = 0
            while done < target.nbytes:
                if not self._rest:
                    piece = next(self._pieces, None)
                    if piece is None:
                        break
                    self._rest = piece
                count = min(self._rest.nbytes, target.nbytes - done)
                target[done : done + count] = self._rest[:count]
                self._rest = self._rest[count:]
                done += count
        self._tell(done)
        return done

    def close(self) -> None:
        self._pieces.close()
        super().close()


def read_content(value: Any, path: object) -> Content:
    """Take what a caller gives for a part.

    Parameters
    ----------
    value : bytes-like, list or tuple of bytes-like, or path-like
        A text is refused: it could be meant as the content or as a path.
    path : object
        Of the part, for messages.

    Raises
    ------
    InvalidOptionError
        When it is something else.
    NotFoundError
        When there is no such file.
    """
    if isinstance(value, os.PathLike):
        return FileContent(Path(os.fspath(value)))
    pieces = value if isinstance(value, list | tuple) else [value]
    try:
        return MemoryContent([memoryview(piece).cast("B") for piece in pieces])
    except TypeError as exc:
        raise InvalidOptionError(
            f"the part {path!r} must be bytes, a list of pieces of bytes (contiguous), or a pathlib.Path of "
            f"a file, not {type(value).__name__}: {exc}"
        ) from exc


def _hashed(pieces: Generator[memoryview], hash_: Any) -> Generator[memoryview]:
    """Give the same pieces, and feed a hash on a second thread meanwhile; complete after the last piece."""
    with HashingThread(hash_) as hashing:
        for piece in pieces:
            hashing.update(piece)
            yield piece


def _changed(what: object) -> DigestMismatchError:
    return DigestMismatchError(
        f"{what} was changed while it was published; publish again when nobody writes to it"
    )


class DigestsAhead:
    """Digests of contents, taken one after the other on a second thread; a context manager.

    Parameters
    ----------
    contents : mapping of str to Content
        By path, in the order in which they will be asked for.
    """

    def __init__(self, contents: Mapping[str, Content]) -> None:
        self._contents = contents
        self._digests: dict[str, Future[str]] = {path: Future() for path in contents}
        self._ended = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        # A daemon: interrupted at the wrong moment, it must not keep the process from ending.
        thread = threading.Thread(target=self._work, name="maas-sdk digests", daemon=True)
        if self._contents:
            try:
                thread.start()
            except RuntimeError:  # no more threads are to be had
                self._work()
            else:
                self._thread = thread
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended = True
        if self._thread is not None:
            self._thread.join()

    def __getitem__(self, path: str) -> str:
        """Wait for the digest of a content, ``sha256:…``; raise what reading it raised."""
        return self._digests[path].result()

    def _work(self) -> None:
        for path, content in self._contents.items():
            try:
                digest = self._digest(content)
            except BaseException as exc:  # noqa: BLE001 - it is raised where a digest is asked for
                for future in self._digests.values():
                    if not future.done():
                        future.set_exception(exc)
                return
            if digest is None:
                return
            self._digests[path].set_result(digest)

    def _digest(self, content: Content) -> str | None:
        digest = hashlib.sha256()
        for piece in content.pieces():
            if self._ended:
                return None
            digest.update(piece)
        return f"sha256:{digest.hexdigest()}"
