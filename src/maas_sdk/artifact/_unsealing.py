"""Unsealing while importing: what is copied into the store goes to a folder, too, in the same reading.

The copy is what is checked against the layer's digest; the plaintext is checked against the statement, as
always. Nothing that is written here is the caller's before the import has ended well. A part that could not
be written this way, for whatever reason, is left out: it is read from the store afterwards.
"""

from __future__ import annotations

import contextlib
import io
import threading
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from maas_sdk.artifact._contents.opening import FileTarget, PartReader
from maas_sdk.artifact._contents.pipe import ClosedPipe, Pipe
from maas_sdk.artifact._contents.unpack import new_folder, write_parts
from maas_sdk.errors import MaasError

if TYPE_CHECKING:
    from collections.abc import Buffer, Iterator  # type: ignore[attr-defined]
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from maas_sdk.artifact._bundles.pieces import Piece
    from maas_sdk.artifact._documents.parts import PartInfo
    from maas_sdk.artifact._documents.statements import ReleaseStatement, SealingStatement
    from maas_sdk.artifact._release import Release
    from maas_sdk.interfaces import Sealer
    from maas_sdk.limits import Limits

__all__ = ["Unsealing", "unsealing_into"]


@contextlib.contextmanager
def unsealing_into(
    folder: Path, *, identity: Any, sealer: Sealer | None, limits: Limits
) -> Iterator[Unsealing]:
    """Unseal into a new folder that appears when the block ends well.

    Raises
    ------
    AlreadyExistsError
        When there is something of that name.
    StorageError
        When it cannot be written.
    """
    with new_folder(folder, private=True) as inside:
        yield Unsealing(inside, identity=identity, sealer=sealer, limits=limits)


class Unsealing:
    """Writes parts into a folder while their layers are copied.

    Parameters
    ----------
    folder : Path
        Empty; not the caller's yet.
    identity : object
        What opens the layers.
    sealer : Sealer or None
        What they were sealed with; age by default.
    limits : Limits
        For the built-in sealer.

    Attributes
    ----------
    written : set of str
        Paths of the parts that are there, whole and checked.
    """

    def __init__(self, folder: Path, *, identity: Any, sealer: Sealer | None, limits: Limits) -> None:
        self._folder = folder
        self._identity = identity
        self._sealer = sealer
        self._limits = limits
        self.written: set[str] = set()

    def tap(
        self, statement: ReleaseStatement, sealing: SealingStatement | None, piece: Piece, source: BinaryIO
    ) -> AbstractContextManager[BinaryIO]:
        """Give a file with the bytes of `source`, the layer of `piece`, that unseals what is read from it."""
        layers = () if sealing is None else sealing.layers
        path = next((layer.part for layer in layers if layer.digest == piece.layer), None)
        if path is None or not piece.whole:
            return contextlib.nullcontext(source)
        pipe = Pipe()
        try:
            reader = PartReader(
                _Only(pipe),
                statement,
                sealing,
                limits=self._limits,
                identity=self._identity,
                sealer=self._sealer,
                checked=True,
            )
        except MaasError:  # told when it is read from the store
            return contextlib.nullcontext(source)
        if not reader.at_once:
            return contextlib.nullcontext(source)
        part = next(part for part in statement.parts if part.path == path)
        return cast("AbstractContextManager[BinaryIO]", _Tap(self, source, piece.size, pipe, reader, part))

    def finish(self, release: Release) -> None:
        """Write the parts that are not there yet, out of the store; errors as of `Release.unpack`."""
        reader = release._reader(self._identity, self._sealer)  # noqa: SLF001 - Release's other half
        for part in release.parts:
            if part.path not in self.written:
                self.write(reader, part)

    def write(self, reader: PartReader, part: PartInfo) -> None:
        """Write one part; nothing is left of it when that fails."""
        try:
            write_parts(self._folder, reader, [part], private=True, tell=lambda _count: None)
        except BaseException:
            with contextlib.suppress(OSError):
                self._folder.joinpath(*part.path.split("/")).unlink()
            raise
        self.written.add(part.path)


class _Only:
    """A source of one layer, which is read once."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def read(self, digest: str, *, max_bytes: int) -> bytes:
        raise NotImplementedError

    def open(self, _digest: str) -> BinaryIO:
        return cast("BinaryIO", self._pipe)


class _Tap(io.RawIOBase):
    """A file that passes on what is read from it, as long as all of it is read in order."""

    def __init__(
        self,
        unsealing: Unsealing,
        source: BinaryIO,
        size: int,
        pipe: Pipe,
        reader: PartReader,
        part: PartInfo,
    ) -> None:
        super().__init__()
        self._unsealing = unsealing
        self._source = source
        self._size = size
        self._pipe = pipe
        self._reader = reader
        self._part = part
        self._target = FileTarget(cast("BinaryIO", pipe))
        self._passed = 0
        self._passing = True
        self._thread = threading.Thread(target=self._work, name="maas-sdk unsealing", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._thread.start()
        except RuntimeError:  # no more threads are to be had
            self._passing = False
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        whole = error is None and self._passing and self._passed == self._size
        self._pipe.end(None if whole else ClosedPipe())
        if self._thread.is_alive():
            self._thread.join()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._passing = False
        return self._source.seek(offset, whence)

    def readinto(self, buffer: Buffer, /) -> int:
        with memoryview(buffer) as given, given.cast("B") as view:
            count = self._source.readinto(view)  # type: ignore[attr-defined]
            if count and self._passing:
                try:
                    # The store reads into two buffers in turn, so that this one stays for long enough.
                    self._target.take(view[:count], stable=True)
                    self._target.flush()
                except ClosedPipe:
                    self._passing = False
            self._passed += count
        return int(count)

    def _work(self) -> None:
        try:
            self._unsealing.write(self._reader, self._part)
        except BaseException:  # noqa: BLE001 - it is read from the store afterwards, which tells the reason
            self._pipe.stop()
