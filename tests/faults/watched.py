"""System calls below a folder, seen one by one as a process makes them; a hook may kill it or make them fail.

`watch` replaces functions of `os` and `open` in the running process, for good: call it in a child that ends
soon (`children.run`). What Python's C code calls by itself is not seen: `sqlite3`, `mmap`. A test holds the
list of calls against that of strace.
"""

import builtins
import io
import os
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

CHANGES = (
    "create", "write", "truncate", "sync", "link", "rename", "unlink", "mkdir", "rmdir", "mode", "times",
    "sql",
)  # fmt: skip
"""The kinds of calls that change a medium, or promise that a change is there to stay."""
GROWTH = ("create", "write", "sync", "link", "mkdir", "sql")
"""Those that a full medium refuses."""
READS = ("open", "read", "stat", "list")
_WRITES = os.O_WRONLY | os.O_RDWR


@dataclass
class Call:
    """A call that is about to be made, or was.

    `path` and `other` are relative to the watched folder; `data` is what a write writes and `position` where
    (of "create": the flags); `half` makes half of the write; `new` and `mode` are of a file that is made.
    """

    number: int
    kind: str
    path: str
    other: str = ""
    data: bytes = b""
    position: int = 0
    half: object = None
    new: bool = False
    mode: int = 0


class Hook:
    """Sees every call: before it, and after it was made or failed."""

    def before(self, call):
        pass

    def after(self, call):
        pass

    def failed(self, call):
        pass


class Watch:
    """Replaces the functions; `watch` makes it."""

    def __init__(self, root, hook):
        self.root = os.path.realpath(root)
        self.hook = hook
        self.count = 0
        self.lock = threading.RLock()
        self.real = {name: getattr(os, name) for name in dir(os)}
        self.real_open = io.open
        self.real_connect = sqlite3.connect

    # Where a call goes to.

    def path_of(self, path, dir_fd=None):
        """Give the path below the root as text; None for what lies elsewhere."""
        if isinstance(path, int):
            try:
                found = self.real["readlink"](f"/proc/self/fd/{path}")
            except OSError:
                return None
            found = found.removesuffix(" (deleted)")
        else:
            found = os.fsdecode(path)
            if dir_fd is not None and not found.startswith("/"):
                found = self.real["readlink"](f"/proc/self/fd/{dir_fd}") + "/" + found
            found = os.path.abspath(found)  # noqa: PTH100 - links are not followed
        if found == self.root:
            return "."
        return found.removeprefix(self.root + "/") if found.startswith(self.root + "/") else None

    def exists(self, where):
        try:
            self.real["lstat"](f"{self.root}/{where}")
        except OSError:
            return False
        return True

    def make(self, kind, path, real, **facts):
        """Make a call, with the hook before and after it."""
        with self.lock:
            call = Call(self.count if kind in CHANGES else -1, kind, path, **facts)
            if kind in CHANGES:
                self.count += 1
            self.hook.before(call)
            try:
                result = real()
            except OSError:
                self.hook.failed(call)
                raise
            self.hook.after(call)
            return result

    # The functions.

    def install(self):
        for name in ("unlink", "remove", "rmdir", "mkdir"):
            kind = "unlink" if name == "remove" else name
            setattr(os, name, self._one(kind, self.real[name]))
        for name in ("link", "rename", "replace", "symlink"):
            setattr(os, name, self._two("rename" if name == "replace" else name, self.real[name]))
        for name in ("chmod", "fchmod", "utime"):
            setattr(os, name, self._one("times" if name == "utime" else "mode", self.real[name]))
        for name, kind in (("stat", "stat"), ("lstat", "stat"), ("scandir", "list"), ("listdir", "list")):
            setattr(os, name, self._one(kind, self.real[name]))
        for name in ("fsync", "fdatasync"):
            setattr(os, name, self._one("sync", self.real[name]))
        for name in ("truncate", "ftruncate"):
            setattr(os, name, self._truncate(self.real[name]))
        for name in (
            "sendfile",
            "copy_file_range",
            "writev",
            "pwritev",
            "posix_fallocate",
            "splice",
            "mkfifo",
        ):
            if name in self.real:
                setattr(os, name, self._refuse(name, self.real[name]))
        os.open, os.write, os.pwrite = self.open, self.write, self.pwrite
        os.read, os.pread = self._one("read", self.real["read"]), self._one("read", self.real["pread"])
        io.open = builtins.open = self.open_file
        sqlite3.connect = sqlite3.dbapi2.connect = self.connect
        for kind in _readers():
            kind.__bases__ = (_reader(self),)

    def _one(self, kind, real):
        def call(path=".", *args, dir_fd=None, **options):
            if dir_fd is not None:
                options["dir_fd"] = dir_fd
            where = self.path_of(path, dir_fd)
            if where is None:
                return real(path, *args, **options)
            return self.make(kind, where, lambda: real(path, *args, **options))

        return call

    def _two(self, kind, real):
        def call(source, target, **options):
            where = self.path_of(target, options.get("dst_dir_fd"))
            other = self.path_of(source, options.get("src_dir_fd")) if kind != "symlink" else ""
            if where is None:
                return real(source, target, **options)
            return self.make(kind, where, lambda: real(source, target, **options), other=other or "")

        return call

    def _truncate(self, real):
        def call(path, length):
            where = self.path_of(path)
            if where is None:
                return real(path, length)
            return self.make("truncate", where, lambda: real(path, length), position=length)

        return call

    def _refuse(self, name, real):
        """Let nobody write in a way that is not watched; callers fall back to plain reads and writes."""

        def call(target, *args, **options):
            if self.path_of(target) is None:
                return real(target, *args, **options)
            raise AssertionError(f"os.{name} is not watched: teach tests/faults/watched.py about it")

        return call

    def open(self, path, flags, mode=0o777, *, dir_fd=None):
        real = self.real["open"]
        where = self.path_of(path, dir_fd)
        if where is None:
            return real(path, flags, mode, dir_fd=dir_fd)
        if flags & (os.O_CREAT | os.O_TRUNC):
            new = not self.exists(where)
            return self.make(
                "create", where, lambda: real(path, flags, mode, dir_fd=dir_fd),
                new=new, position=flags, mode=mode,
            )  # fmt: skip
        return self.make("open", where, lambda: real(path, flags, mode, dir_fd=dir_fd))

    def write(self, descriptor, data):
        where = self.path_of(descriptor)
        if where is None:
            return self.real["write"](descriptor, data)
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        return self._written(where, bytes(data), lambda part: self.real["write"](descriptor, part), at)

    def pwrite(self, descriptor, data, offset):
        where = self.path_of(descriptor)
        if where is None:
            return self.real["pwrite"](descriptor, data, offset)
        return self._written(
            where, bytes(data), lambda part: self.real["pwrite"](descriptor, part, offset), offset
        )

    def _written(self, where, data, write, at):
        half = data[: len(data) // 2]
        return self.make(
            "write", where, lambda: write(data), data=data, position=at, half=lambda: write(half)
        )

    def open_file(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None,
                  closefd=True, opener=None):  # fmt: skip
        """Stand for `open`: what it gives writes and reads through the watch."""
        if self.path_of(file) is None:
            return self.real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        plain = mode.replace("b", "").replace("t", "")
        raw = _file(self)(file, plain, closefd, opener or self._open_for(plain))
        if buffering == 0:
            return raw
        if "+" in plain:
            buffered = io.BufferedRandom(raw)
        else:
            buffered = io.BufferedReader(raw) if plain == "r" else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    def _open_for(self, mode):
        return lambda path, flags: self.open(path, flags, 0o666)

    def connect(self, database, *args, **options):
        """Stand for `sqlite3.connect`: each statement is a call."""
        where = self.path_of(database) if isinstance(database, str | os.PathLike) else None
        if where is None:
            return self.real_connect(database, *args, **options)
        watch = self
        base = options.pop("factory", sqlite3.Connection)

        class Connection(base):
            def execute(self, *args):
                return watch.make("sql", where, lambda: super(Connection, self).execute(*args))

            def executemany(self, *args):
                return watch.make("sql", where, lambda: super(Connection, self).executemany(*args))

            def commit(self):
                return watch.make("sql", where, lambda: super(Connection, self).commit())

        return self.real_connect(database, *args, factory=Connection, **options)


def watch(root, hook):
    """See every call below `root` from now on."""
    found = Watch(root, hook)
    found.install()
    return found


def _readers():
    """Find the SDK's own kinds of raw files."""
    return [kind for kind in io.FileIO.__subclasses__() if kind.__module__.startswith("maas_sdk.")]


def _reader(watch):
    class WatchedReader(io.FileIO):
        def readinto(self, buffer, /):
            where = watch.path_of(self.fileno())
            if where is None:
                return super().readinto(buffer)
            return watch.make("read", where, lambda: super(WatchedReader, self).readinto(buffer))

        def readall(self):
            where = watch.path_of(self.fileno())
            if where is None:
                return super().readall()
            return watch.make("read", where, lambda: super(WatchedReader, self).readall())

        def read(self, size=-1, /):
            where = watch.path_of(self.fileno())
            if where is None:
                return super().read(size)
            return watch.make("read", where, lambda: super(WatchedReader, self).read(size))

    return WatchedReader


def _file(watch):
    class WatchedFile(_reader(watch)):
        def write(self, data, /):
            where = watch.path_of(self.fileno())
            if where is None:
                return super().write(data)
            return watch._written(where, bytes(data), super().write, self.tell())

        def truncate(self, size=None, /):
            length = self.tell() if size is None else size
            where = watch.path_of(self.fileno())
            if where is None:
                return super().truncate(size)
            return watch.make(
                "truncate", where, lambda: super(WatchedFile, self).truncate(size), position=length
            )

    return WatchedFile


def tree(root):
    """Give every file below a folder with its content, every folder with None, every link with its target."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            where = str(path.relative_to(root))
            if path.is_symlink():
                found[where] = str(path.readlink())
            else:
                found[where] = path.read_bytes() if path.is_file() else None
    return found
