"""Parts of a release into memory or into a new folder, each checked; nothing half, nothing outside."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from maas_sdk._internal.beside import guarded, temporary_beside
from maas_sdk._internal.files import storage_errors, sync_folder
from maas_sdk._internal.hashing_thread import HashingThread
from maas_sdk.artifact._contents.opening import FileTarget, MemoryTarget
from maas_sdk.errors import AlreadyExistsError, DigestMismatchError, InvalidArtifactError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from maas_sdk.artifact._contents.opening import PartReader
    from maas_sdk.artifact._documents.papers import BlobSource
    from maas_sdk.artifact._documents.parts import PartInfo

__all__ = ["map_part", "new_folder", "read_part", "write_parts"]

_WORTH_MAPPING: Final = 64 * 1024
_SLICE: Final = 4 << 20  # bytes of a map that are hashed at a time
_NEW: Final = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)


def read_part(reader: PartReader, part: PartInfo, tell: Callable[[int], None]) -> memoryview:
    """Read a part into memory; the view is read-only."""
    buffer = memoryview(bytearray(part.size))
    reader.into(part, MemoryTarget(buffer), tell)
    return buffer.toreadonly()


def map_part(source: BlobSource, part: PartInfo) -> memoryview | None:
    """Map the layer of an unsealed part and check it; None where that cannot be had or does not pay.

    Raises
    ------
    DigestMismatchError
        When the layer is missing, or not what was signed.
    """
    if part.size < _WORTH_MAPPING:
        return None
    try:
        opened = source.open(part.digest)
    except NotFoundError as exc:
        raise DigestMismatchError(f"the layer {part.digest} is missing") from exc
    with opened as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (AttributeError, OSError, ValueError):  # no file of the system's, or an empty one
            return None
    view = memoryview(mapped)
    digest = hashlib.sha256()
    if view.nbytes == part.size:
        with HashingThread(digest) as hashing:
            for start in range(0, view.nbytes, _SLICE):
                hashing.update(view[start : start + _SLICE])
    if digest.hexdigest() != part.sha256:
        raise DigestMismatchError(f"the layer {part.digest} is damaged or altered")
    return view


@contextlib.contextmanager
def new_folder(target: Path, *, private: bool) -> Iterator[Path]:
    """Fill a folder that appears whole under its name, or not at all.

    Parameters
    ----------
    target : Path
        Where it shall be; its parent must exist, and it must not.
    private : bool
        Whether it is its owner's alone.

    Raises
    ------
    AlreadyExistsError
        When there is something of that name.
    StorageError
        When it cannot be written.
    """
    temporary = temporary_beside(target)
    with storage_errors(f"writing {target}"):
        if os.path.lexists(target):
            raise AlreadyExistsError(f"{target} exists; name a new folder")
        temporary.mkdir(mode=0o700 if private else 0o755)
    try:
        with contextlib.ExitStack() as guard:
            with storage_errors(f"writing {target}"):
                guard.enter_context(guarded(temporary))
            yield temporary
            with storage_errors(f"writing {target}"):
                _sync(temporary)
                if os.path.lexists(target):  # a rename would replace an empty folder
                    raise AlreadyExistsError(
                        f"{target} was made by somebody else meanwhile; name a new folder"
                    )
                temporary.rename(target)
                sync_folder(target.parent)
    finally:
        # A medium that is gone took the folder along; the first error tells more.
        shutil.rmtree(temporary, ignore_errors=True)


def write_parts(
    folder: Path,
    reader: PartReader,
    parts: Sequence[PartInfo],
    *,
    private: bool,
    tell: Callable[[int], None],
) -> None:
    """Write parts into a folder that is empty and whose files nobody uses yet.

    Raises
    ------
    StorageError
        When a file cannot be written.
    DigestMismatchError, NoMatchError, SealingError
        As `PartReader.into`.
    """
    for part in parts:
        path = _inside(folder, part.path)
        with storage_errors(f"writing {part.path} into {folder}"):
            path.parent.mkdir(mode=0o700 if private else 0o755, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, _NEW, 0o600 if private else 0o644), "wb", buffering=0) as file:
                whole = cast("BinaryIO", _Whole(file))
                reader.into(part, FileTarget(whole), tell)
                os.fsync(file.fileno())


class _Whole:
    """A raw file that takes all it is given."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: memoryview, /) -> int:
        done = 0
        while done < data.nbytes:
            done += self._file.write(data[done:])
        return done


def _inside(folder: Path, path: str) -> Path:
    """Give the place of a part; the statement has checked its path, and here it is checked once more."""
    segments = path.split("/")
    if not all(segments) or any(
        segment in (".", "..") or "\\" in segment or ":" in segment for segment in segments
    ):
        raise InvalidArtifactError(f"{path!r} is not the path of a part")
    return folder.joinpath(*segments)


def _sync(folder: Path) -> None:
    for parent, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(parent))
