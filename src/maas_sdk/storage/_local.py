"""Objects as files below a folder: durable, put if absent, never half written."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from maas_sdk._internal.files import storage_errors, sync_folder
from maas_sdk.errors import AlreadyExistsError, NotFoundError, StorageError
from maas_sdk.storage._keys import check_key, check_prefix, is_segment
from maas_sdk.storage._local_files import READ, StoreFile, create_alone, open_alone, refresh
from maas_sdk.storage._stage import Leftover, Partial, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["LocalBackend"]

_TEMPORARY: Final = ".incoming"
_PARTIAL: Final = ".partial"  # ends the names of temporary files that outlive an interruption
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class LocalBackend:
    """The built-in `maas_sdk.interfaces.StorageBackend`: one file for each object, below one folder.

    An object is written to a temporary file in the folder ``.incoming``, synced, and given its name with
    link(2), which fails when the name is taken; then the folder is synced, and each parent folder in its own
    parent. A process killed half way leaves at most a temporary file, which nothing ever reads but `partial`,
    for those that it made, and `leftovers` shows. Only when the
    medium fails in the very last step, syncing the folder, can an object be visible although `create` raised:
    it is whole, and trying again settles whether it is durable.

    Symbolic links, devices and pipes below the folder are refused, other strangers are ignored. On a file
    system that ignores case, a key that differs from another in case only is taken.

    Parameters
    ----------
    folder : path-like
        Where the objects are.
    create : bool
        Whether the folder may be made, with its parents.

    Raises
    ------
    NotFoundError
        When the folder is missing and may not be made.
    StorageError
        When the path is something else than a folder.
    """

    def __init__(self, folder: str | os.PathLike[str], *, create: bool = True) -> None:
        self._folder = Path(folder).absolute()
        self._text = str(self._folder)
        self._durable: set[Path] = set()
        with storage_errors(f"opening the store {self._folder}"):
            if create:
                missing = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
                for path in reversed(missing):
                    self._make_folder(path)
            status = self._folder.stat()
        if not stat.S_ISDIR(status.st_mode):
            raise StorageError(f"opening the store {self._folder}: it is not a folder")
        self._place = (status.st_dev, status.st_ino)

    def __repr__(self) -> str:
        return f"LocalBackend({str(self._folder)!r})"

    @property
    def folder(self) -> Path:
        """Where the objects are."""
        return self._folder

    @contextlib.contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """Write a new object: put if absent; see `maas_sdk.interfaces.StorageBackend.create`."""
        path = self._path(key)
        if os.path.lexists(path):
            raise self._taken(key)
        with self.stage() as stage:
            yield stage.file
            stage.commit(key)

    @contextlib.contextmanager
    def stage(self) -> Iterator[Stage]:
        """Write a new object whose key is known only after its last byte.

        It appears with `Stage.commit`; without that, or when the block ends with an exception, nothing
        is left.
        """
        self._check_present()
        folder = self._folder / _TEMPORARY
        with storage_errors(f"writing into {self._folder}"):
            self._make_folder(folder)
            temporary, descriptor = create_alone(folder)
        try:
            with (
                storage_errors(f"writing into {self._folder}"),
                os.fdopen(descriptor, "wb") as file,
            ):
                yield Stage(file, lambda key: self._commit(file, temporary, key))
        finally:
            # A medium that is gone or broken took the temporary file along; the first error tells more.
            with contextlib.suppress(OSError):
                temporary.unlink()

    @contextlib.contextmanager
    def partial(self, name: str) -> Iterator[Partial | None]:
        """Go on with a partial object, or begin it; see `ResumingBackend.partial`.

        It is the file ``.incoming/<name>.partial``. Whoever writes to it has it locked, which ends with the
        process; on a file system without locks there are no partial objects.
        """
        self._check_present()
        path = self._folder / _TEMPORARY / (check_key(name) + _PARTIAL)
        done = False

        def commit(key: str) -> None:
            nonlocal done
            try:
                self._commit(file, path, key)
            except AlreadyExistsError:
                done = True
                raise
            done = True

        def discard() -> None:
            nonlocal done
            done = True

        with storage_errors(f"writing into {self._folder}"):
            self._make_folder(path.parent)
            descriptor = open_alone(path)
            if descriptor is None:
                yield None
                return
            with os.fdopen(descriptor, "r+b") as file:
                try:
                    yield Partial(file, commit, discard)
                finally:
                    # The first error tells more than one that follows from it.
                    with contextlib.suppress(OSError):
                        if done:
                            path.unlink()
                        else:
                            file.flush()
                            os.fsync(file.fileno())

    def leftovers(self) -> Iterator[Leftover]:
        """Give the temporary files, sorted by name; those that are being written now are among them."""
        self._check_present()
        with storage_errors(f"listing {self._folder / _TEMPORARY}"):
            try:
                with os.scandir(self._folder / _TEMPORARY) as entries:
                    names = sorted(
                        entry.name
                        for entry in entries
                        if is_segment(entry.name) and entry.is_file(follow_symlinks=False)
                    )
            except FileNotFoundError:
                return
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    status = (self._folder / _TEMPORARY / name).lstat()
                    yield Leftover(name, status.st_size, status.st_mtime)

    def remove_leftover(self, name: str) -> bool:
        """Remove a temporary file; not when it is gone, or somebody is writing to it."""
        path = self._folder / _TEMPORARY / check_key(name)
        with storage_errors(f"deleting {path}"):
            try:
                descriptor = open_alone(path, create=False)
            except FileNotFoundError:
                return False
            if descriptor is None:
                return not os.path.lexists(path)
            try:
                path.unlink()
            finally:
                os.close(descriptor)
            return True

    def open(self, key: str) -> BinaryIO:
        """Read an object: a seekable binary file that the caller closes.

        Raises
        ------
        NotFoundError
            When there is none.
        StorageError
            When there is something else than a regular file, and from the file when the medium fails.
        """
        path = self._place_of(key)
        with storage_errors(f"reading {key} in {self._folder}"):
            try:
                descriptor = os.open(path, READ)
            except (FileNotFoundError, NotADirectoryError) as exc:
                raise self._missing(key) from exc
            except OSError as exc:
                if exc.errno == errno.ELOOP:
                    raise self._not_an_object(Path(path)) from exc
                raise
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise self._not_an_object(Path(path))
            return io.BufferedReader(StoreFile(descriptor, key))

    def size(self, key: str) -> int:
        """Give the size of an object in bytes; `NotFoundError` if there is none."""
        return self._status(key).st_size

    def _status(self, key: str) -> os.stat_result:
        path = self._path(key)
        with storage_errors(f"reading {key} in {self._folder}"):
            try:
                status = path.lstat()
            except (FileNotFoundError, NotADirectoryError) as exc:
                raise self._missing(key) from exc
        if not stat.S_ISREG(status.st_mode):
            raise self._not_an_object(path)
        return status

    def list(self, prefix: str) -> Iterator[str]:
        """Give the keys that start with `prefix`, sorted; nothing if there are none."""
        *parents, start = check_prefix(prefix).split("/")
        self._folder_of(parents)
        self._check_present()
        return self._walk("".join(parent + "/" for parent in parents), start)

    def delete(self, key: str) -> None:
        """Remove an object; `NotFoundError` if there is none."""
        self.size(key)
        path = self._path(key)
        with storage_errors(f"deleting {key} in {self._folder}"):
            path.unlink()
            sync_folder(path.parent)

    def settle(self, key: str) -> None:
        """Make an object durable that somebody else wrote, perhaps just now; `NotFoundError` if none."""
        self.size(key)
        self._sync_names(key)

    def modified(self, key: str) -> float:
        """Tell when an object was written or last relied upon by a writer; see `DatedBackend.modified`."""
        return self._status(key).st_mtime

    def _walk(self, parent: str, start: str) -> Iterator[str]:
        with storage_errors(f"listing {self._folder}"):
            try:
                with os.scandir(self._folder / parent) as entries:
                    # A folder sorts with its slash, so that keys come in the order of their characters.
                    found = sorted(
                        (entry.name + "/" * entry.is_dir(follow_symlinks=False))
                        for entry in entries
                        if is_segment(entry.name)
                        and entry.name.startswith(start)
                        and (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False))
                    )
            except (FileNotFoundError, NotADirectoryError):
                self._check_present()
                return
        for name in found:
            if name.endswith("/"):
                yield from self._walk(parent + name, "")
            else:
                yield parent + name

    def _path(self, key: str) -> Path:
        """Find the file of a key."""
        return Path(self._place_of(key))

    def _place_of(self, key: str) -> str:
        """Find the file of a key; as a text, since a path's own methods take four times as long."""
        *parents, last = check_key(key).split("/")
        return f"{self._folder_of(parents)}{os.sep}{last}"

    def _folder_of(self, segments: Sequence[str]) -> str:
        """Find a folder, with no symbolic link on the way to it."""
        path = self._text
        with storage_errors(f"looking into {path}"):
            for segment in segments:
                path = f"{path}{os.sep}{segment}"
                try:
                    mode = os.lstat(path).st_mode
                except (FileNotFoundError, NotADirectoryError):
                    continue
                if stat.S_ISLNK(mode):
                    raise StorageError(
                        f"{path} is a symbolic link; a store holds none: replace it by the folder"
                    )
        return path

    def _commit(self, file: BinaryIO, temporary: Path, key: str) -> None:
        path = self._path(key)
        file.flush()
        os.fsync(file.fileno())
        self._make_folders(key)
        try:
            os.link(temporary, path)  # put if absent: the one conditional write that is portable
        except FileExistsError as exc:
            raise self._taken(key) from exc
        except OSError as exc:
            if exc.errno in _NO_LINKS:
                raise StorageError(
                    f"writing {key}: the file system of {self._folder} has no hard links, which a store "
                    f"needs for writing; keep the store on another one, such as ext4, XFS, APFS or NTFS"
                ) from exc
            raise
        sync_folder(path.parent)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder unless it exists; sync its parent once, another process may not have yet."""
        try:
            folder.mkdir()
        except FileExistsError:
            if folder in self._durable:
                return
            if not stat.S_ISDIR(folder.lstat().st_mode):
                raise StorageError(f"{folder} is in the way: a folder must be there") from None
        sync_folder(folder.parent)
        self._durable.add(folder)

    def _make_folders(self, key: str) -> None:
        folder = self._folder
        for segment in key.split("/")[:-1]:
            folder /= segment
            self._make_folder(folder)

    def _taken(self, key: str) -> AlreadyExistsError:
        self._sync_names(key)
        return AlreadyExistsError(f"{key} exists already in {self._folder}")

    def _sync_names(self, key: str) -> None:
        """Sync what whoever was first may not have synced yet: others may rely on the object now."""
        with storage_errors(f"syncing {key} in {self._folder}"):
            path = self._path(key)
            self._make_folders(key)
            refresh(path)
            sync_folder(path.parent)

    def _missing(self, key: str) -> NotFoundError:
        self._check_present()
        return NotFoundError(f"{key} is not in {self._folder}")

    def _not_an_object(self, path: Path) -> StorageError:
        if path.is_dir() and not path.is_symlink():
            return NotFoundError(f"{path} is a folder, not an object")
        return StorageError(
            f"{path} is not a regular file; a store holds no links, devices or pipes: remove it"
        )

    def _check_present(self) -> None:
        """Tell an empty store from one whose medium was unplugged."""
        with storage_errors(f"looking for the store {self._folder}"):
            status = self._folder.stat()
        if (status.st_dev, status.st_ino) != self._place:
            raise NotFoundError(
                f"the store {self._folder} is not the one that was opened: its medium was unplugged or the "
                f"folder was replaced; open it again"
            )
