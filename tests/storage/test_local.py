"""The folder backend against processes, media that fail, and strangers in the folder."""

import errno
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from maas_sdk.errors import AlreadyExistsError, NotFoundError, StorageError, StorageFullError
from maas_sdk.storage import BlobStore, LocalBackend

RACE = """
import sys, time
from pathlib import Path
from maas_sdk.storage import LocalBackend
from maas_sdk.errors import AlreadyExistsError
folder, me = Path(sys.argv[1]), sys.argv[2]
backend = LocalBackend(folder)
print("ready", flush=True)
while not (folder.parent / "go").exists():
    time.sleep(0.001)
try:
    with backend.create("race/k") as file:
        file.write(me.encode())
    print("won")
except AlreadyExistsError:
    print("lost")
"""
WRITER = """
import itertools, sys
from maas_sdk.storage import BlobStore, LocalBackend
store = BlobStore(LocalBackend(sys.argv[1]))
for number in itertools.count():
    with store.writer() as writer:
        for piece in range(20):
            writer.write(f"{sys.argv[2]} {number} {piece} ".encode() * 2000)
    print(writer.digest, flush=True)
"""


def write(backend, key, data):
    with backend.create(key) as file:
        file.write(data)


def python(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def failing(number):
    def fail(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    return fail


def test_of_16_processes_that_create_one_key_one_wins(local, tmp_path, files):
    children = [python(RACE, local.folder, number) for number in range(16)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    outcomes = [child.communicate()[0].strip() for child in children]
    assert sorted(outcomes) == ["lost"] * 15 + ["won"]
    with local.open("race/k") as file:
        assert file.read() == str(outcomes.index("won")).encode()
    assert files() == ["race/k"]


def test_a_killed_writer_leaves_whole_objects_and_loses_none_that_it_reported(local, files):
    store = BlobStore(local)
    orphans = 0
    for turn in range(6):
        with python(WRITER, local.folder, turn) as child:
            reported = [child.stdout.readline().strip() for _ in range(2)]
            time.sleep(0.003 * turn)
            child.send_signal(signal.SIGKILL)
            reported += child.stdout.read().split()
        for digest in reported:
            assert store.has(digest)
        for key in local.list(""):
            digest = "sha256:" + key.rpartition("/")[2]
            assert key.startswith("blobs/sha256/")
            assert len(store.read(digest, max_bytes=1 << 20)) == store.size(digest)
        orphans = sum(name.startswith(".incoming/") for name in files())
        store.put(b"the next writer %d" % turn)
    assert len(list(local.list(""))) + orphans == len(files())


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EIO, StorageError),
        (errno.EROFS, StorageError),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "link", "open", "mkdir"])
def test_what_the_medium_says_reaches_the_caller_and_nothing_is_left(
    local, files, monkeypatch, call, number, error
):
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number))
        with pytest.raises(error, match=os.strerror(number)):
            write(local, "a/b", b"x")
    assert files() == []
    assert list(local.list("")) == []
    write(local, "a/b", b"x")


def test_a_full_medium_in_the_middle_of_a_write_leaves_nothing(local, files):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(StorageFullError, match="free some space"):
            write(local, "a/b", bytes(1 << 20))
        with pytest.raises(StorageFullError):
            BlobStore(local).put_file(io.BytesIO(bytes(1 << 20)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files() == []


def test_a_medium_without_hard_links_is_named(local, files, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    with pytest.raises(StorageError, match="no hard links"):
        write(local, "a/b", b"x")
    assert files() == []


@pytest.mark.parametrize("call", ["open", "stat"])
def test_a_medium_that_fails_to_open_an_object_is_no_missing_object(local, monkeypatch, call):
    write(local, "a", b"x")
    monkeypatch.setattr(os, call, failing(errno.EIO))
    with pytest.raises(StorageError, match="reading a") as caught:
        local.open("a") if call == "open" else local.size("a")
    assert not isinstance(caught.value, NotFoundError)


def test_a_reader_whose_medium_fails_gets_a_storage_error(local):
    write(local, "a", b"x")
    for read in (
        lambda file: file.read(),
        lambda file: file.read(1),
        lambda file: file.readinto(bytearray(9)),
    ):
        with local.open("a") as file:
            broken = os.open(os.devnull, os.O_WRONLY)
            os.dup2(broken, file.fileno())
            os.close(broken)
            with pytest.raises(StorageError, match="reading a"):
                read(file)


def test_the_bytes_are_synced_before_the_name_and_each_name_before_create_returns(local, monkeypatch):
    events = []
    fsync, link = os.fsync, os.link

    def recorded_fsync(descriptor):
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    def recorded_link(source, target):
        events.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "link", recorded_link)
    write(local, "a/b/c", b"x")
    root = local.folder
    incoming = next(event for event in events if event != "link" and event.parent == root / ".incoming")
    assert events.index(incoming) < events.index("link")
    assert events[events.index("link") + 1 :] == [root / "a" / "b"]
    assert {root, root / "a"} <= set(events[: events.index("link")])


def test_the_folder_that_a_store_makes_is_synced_into_its_parents(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def recorded_fsync(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    LocalBackend(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


def test_whoever_comes_second_syncs_what_the_first_may_not_have(local, monkeypatch):
    store = BlobStore(local)
    digest = store.put(b"x").digest
    second = BlobStore(LocalBackend(local.folder))
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    for rely in (
        lambda: second.put(b"x"),
        lambda: second.put_file(io.BytesIO(b"x"), expected=digest),
        lambda: LocalBackend(local.folder).settle("blobs/sha256/" + digest[7:]),
    ):
        with pytest.raises(StorageError, match="syncing"):
            rely()
    monkeypatch.undo()
    assert second.put_file(io.BytesIO(b"x"), expected=digest).digest == digest
    with pytest.raises(NotFoundError):
        local.settle("a")


def test_a_store_that_vanishes_while_it_is_listed_is_not_taken_for_one_that_ends(local):
    for key in ("a/b", "c/d"):
        write(local, key, b"x")
    keys = local.list("")
    assert next(keys) == "a/b"
    shutil.rmtree(local.folder)
    with pytest.raises(NotFoundError, match="looking for the store"):
        next(keys)


def test_a_folder_of_another_process_is_synced_once_and_one_that_was_removed_is_made_again(local):
    write(local, "a/b", b"x")
    other = LocalBackend(local.folder)
    write(other, "a/c", b"x")
    shutil.rmtree(local.folder / "a")
    write(other, "a/d", b"x")
    assert list(local.list("")) == ["a/d"]


def test_a_store_is_made_only_when_that_was_allowed(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere"):
        LocalBackend(tmp_path / "nowhere", create=False)
    assert list(tmp_path.iterdir()) == []
    LocalBackend(tmp_path / "x" / "y")
    assert LocalBackend(tmp_path / "x" / "y", create=False).folder == tmp_path / "x" / "y"


def test_reading_writes_nothing(local):
    assert list(local.list("")) == []
    with pytest.raises(NotFoundError):
        local.open("a")
    assert list(local.folder.iterdir()) == []


def test_a_file_in_the_place_of_the_store_is_refused(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(StorageError, match="not a folder"):
        LocalBackend(path)
    with pytest.raises(StorageError):
        LocalBackend(path / "below")


def test_a_store_that_vanished_is_not_taken_for_an_empty_one(local):
    write(local, "a", b"x")
    shutil.rmtree(local.folder)
    check_gone(local)


def test_a_store_that_was_replaced_is_not_written_to(local):
    write(local, "a", b"x")
    local.folder.rename(local.folder.with_name("unplugged"))
    local.folder.mkdir()
    check_gone(local)
    assert list(local.folder.iterdir()) == []


def check_gone(backend):
    for attempt in (
        lambda: write(backend, "b", b"x"),
        lambda: backend.list(""),
        lambda: backend.open("a"),
        lambda: backend.size("a"),
        lambda: backend.delete("a"),
    ):
        with pytest.raises(NotFoundError, match=r"looking for the store|unplugged"):
            attempt()


def test_an_unplugged_medium_in_the_middle_of_a_write_is_an_error(local):
    with pytest.raises(StorageError), local.create("a/b") as file:
        file.write(b"x")
        shutil.rmtree(local.folder)
    assert not local.folder.exists()


@contextmanager
def planted(path, kind, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    yield
    assert secret.read_bytes() == b"secret"
    assert os.path.lexists(path)


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe"])
def test_what_is_no_regular_file_is_neither_read_nor_listed_nor_replaced(local, tmp_path, kind):
    with planted(local.folder / "a" / "b", kind, tmp_path):
        for call in (local.open, local.size, local.delete):
            with pytest.raises(StorageError) as caught:
                call("a/b")
            assert not isinstance(caught.value, NotFoundError)
        with pytest.raises(AlreadyExistsError):
            write(local, "a/b", b"x")
        assert list(local.list("")) == []


def test_a_folder_is_no_object(local):
    write(local, "a/b", b"x")
    for call in (local.open, local.size, local.delete):
        with pytest.raises(NotFoundError, match="folder"):
            call("a")
    with pytest.raises(AlreadyExistsError):
        write(local, "a", b"x")
    with pytest.raises(StorageError, match="in the way"):
        write(local, "a/b/c", b"x")
    assert list(local.list("")) == ["a/b"]


def test_a_linked_folder_is_not_followed(local, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_bytes(b"secret")
    (local.folder / "a").symlink_to(outside, target_is_directory=True)
    for call in (local.open, local.size, local.delete, lambda key: write(local, key, b"x")):
        for key in ("a/b", "a/c"):
            with pytest.raises(StorageError, match="symbolic link"):
                call(key)
    with pytest.raises(StorageError, match="symbolic link"):
        local.list("a/")
    assert list(local.list("")) == []
    assert [path.name for path in outside.iterdir()] == ["b"]


def test_a_link_in_the_place_of_the_temporary_folder_is_refused(local, tmp_path):
    (local.folder / ".incoming").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(StorageError, match="in the way"):
        write(local, "a", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_strangers_in_the_folder_are_not_listed(local):
    write(local, "a", b"x")
    for name in (".DS_Store", "not a key", "é"):
        (local.folder / name).touch()
    assert list(local.list("")) == ["a"]


def test_a_store_may_stand_behind_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    write(LocalBackend(tmp_path / "link"), "a", b"x")
    assert (tmp_path / "real" / "a").read_bytes() == b"x"


def test_a_relative_store_stays_where_it_is_when_the_process_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    backend = LocalBackend("store")
    monkeypatch.chdir("/")
    write(backend, "a", b"x")
    assert (tmp_path / "store" / "a").exists()
    assert repr(backend) == f"LocalBackend({str(tmp_path / 'store')!r})"
