"""Receiving a blob of a known digest: resumed after any interruption, never wrong, never by two at once."""

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import DigestMismatchError, InvalidReferenceError, NotFoundError, StorageError
from maas_sdk.storage import (
    BlobStore,
    DatedBackend,
    LocalBackend,
    MemoryBackend,
    ResumingBackend,
    TidyBackend,
    _local_files,
)

MIB = 1 << 20
DATA = bytes(range(256)) * (5 * MIB // 256) + b"the end"
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()
PARTIAL = f".incoming/{DIGEST[7:]}.partial"
BLOB = f"blobs/sha256/{DIGEST[7:]}"
CHILD = """
import io, os, signal, sys
from maas_sdk.storage import BlobStore, LocalBackend
folder, digest, size, where = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
data = bytes(range(256)) * (5 * 2**20 // 256) + b"the end"
def kill(done):
    if done >= where:
        os.kill(os.getpid(), signal.SIGKILL)
BlobStore(LocalBackend(folder)).receive(io.BytesIO(data), digest=digest, size=size, progress=kill)
"""


class Source(io.BytesIO):
    """Counts what is read, and can fail."""

    def __init__(self, data=DATA, fails_at=None, error=None):
        super().__init__(data)
        self.taken = 0
        self.fails_at = fails_at
        self.error = error

    def readinto(self, buffer):
        if self.fails_at is not None and self.tell() + len(buffer) > self.fails_at:
            raise self.error
        count = super().readinto(buffer)
        self.taken += count
        return count

    def read(self, size=-1):
        data = super().read(size)
        self.taken += len(data)
        return data


class Forward(Source):
    """Cannot be moved."""

    def seekable(self):
        return False

    def seek(self, *_args):
        raise AssertionError("moved")


@pytest.fixture
def store(backend):
    return BlobStore(backend)


def receive(store, source, **options):
    return store.receive(source, **({"digest": DIGEST, "size": len(DATA)} | options))


def interrupted(local, at=3 * MIB, error=KeyboardInterrupt):
    with pytest.raises((KeyboardInterrupt, StorageError)):
        receive(BlobStore(local), Source(fails_at=at, error=error))
    return local.folder / PARTIAL


def test_what_is_new_is_kept_and_what_is_known_is_not_read(store):
    told = []
    assert receive(store, Source(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(DATA)
    assert store.read(DIGEST, max_bytes=len(DATA)) == DATA
    again = Source()
    told.clear()
    assert not receive(store, again, progress=told.append)
    assert (again.taken, told) == (0, [len(DATA)])


def test_a_blob_of_no_bytes(store):
    empty = "sha256:" + hashlib.sha256(b"").hexdigest()
    assert store.receive(io.BytesIO(), digest=empty, size=0)
    assert store.read(empty, max_bytes=1) == b""


@pytest.mark.parametrize(
    ("data", "size"),
    [(b"x" + DATA[1:], len(DATA)), (DATA[:-1], len(DATA)), (DATA + b"x", len(DATA)), (DATA, len(DATA) - 1)],
    ids=["altered", "short", "long", "of another size"],
)
def test_what_is_not_what_it_should_be_leaves_nothing(store, backend, files, data, size):
    with pytest.raises(DigestMismatchError, match=DIGEST):
        receive(store, Source(data), size=size)
    assert list(backend.list("")) == []
    assert files() == []


def test_a_known_blob_of_another_size_is_a_damaged_store(store):
    receive(store, Source())
    with pytest.raises(DigestMismatchError, match="fsck"):
        receive(store, Source(), size=5)


def test_what_is_no_digest_is_refused(store, files):
    with pytest.raises(InvalidReferenceError):
        store.receive(io.BytesIO(), digest="sha256:../x", size=0)
    assert files() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_after_an_interruption_only_the_rest_is_read(local, files, error):
    partial = interrupted(local, error=error)
    assert files() == [PARTIAL]
    kept = partial.stat().st_size
    assert kept == 3 * MIB
    source = Source()
    assert receive(BlobStore(local), source)
    assert source.taken == len(DATA) - kept
    assert files() == [BLOB]
    assert BlobStore(local).read(DIGEST, max_bytes=len(DATA)) == DATA


def test_progress_may_interrupt_and_is_told_of_what_is_there(local, files):
    def stop(done):
        if done > 2 * MIB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        receive(BlobStore(local), Source(), progress=stop)
    assert files() == [PARTIAL]
    told = []
    receive(BlobStore(local), Source(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(DATA)


def test_where_the_backend_keeps_nothing_all_is_read_again():
    memory = MemoryBackend()
    assert not isinstance(memory, ResumingBackend)
    store = BlobStore(memory)
    with pytest.raises(KeyboardInterrupt):
        receive(store, Source(fails_at=3 * MIB, error=KeyboardInterrupt))
    assert list(memory.list("")) == []
    source = Source()
    assert receive(store, source)
    assert source.taken == len(DATA)


def test_a_source_that_cannot_be_moved_is_read_from_its_beginning(local):
    interrupted(local)
    source = Forward()
    assert receive(BlobStore(local), source)
    assert source.taken == len(DATA)


@pytest.mark.parametrize("damage", ["flip", "zeros", "longer"])
def test_a_partial_file_that_is_wrong_costs_a_second_reading_and_no_refusal(local, files, damage):
    partial = interrupted(local)
    data = bytearray(partial.read_bytes())
    if damage == "flip":
        data[5] ^= 1
    elif damage == "zeros":
        data[-MIB:] = bytes(MIB)
    else:
        data += bytes(len(DATA))
    partial.write_bytes(data)
    assert receive(BlobStore(local), Source())
    assert files() == [BLOB]
    assert BlobStore(local).read(DIGEST, max_bytes=len(DATA)) == DATA


def test_a_partial_file_does_not_make_wrong_bytes_right(local, files):
    interrupted(local)
    with pytest.raises(DigestMismatchError):
        receive(BlobStore(local), Source(DATA[:-1] + b"!"))
    assert files() == []


def test_a_whole_partial_file_is_committed_without_reading_the_source(local, files):
    partial = interrupted(local)
    partial.write_bytes(DATA)
    source = Source()
    assert receive(BlobStore(local), source)
    assert source.taken == 0
    assert files() == [BLOB]


def test_a_source_that_cannot_be_moved_after_all_is_an_error_and_nothing_is_lost(local, files):
    interrupted(local)

    class Broken(Source):
        def seek(self, *_args):
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(StorageError, match="reading the source"):
        receive(BlobStore(local), Broken())
    assert files() == [PARTIAL]


def test_of_two_that_receive_one_blob_at_once_each_gets_it(local, files):
    inside, go_on = threading.Event(), threading.Event()

    def wait(done):
        if done < len(DATA):
            inside.set()
            go_on.wait()

    slow = threading.Thread(target=receive, args=(BlobStore(local), Source()), kwargs={"progress": wait})
    slow.start()
    inside.wait()
    second = Source()
    assert receive(BlobStore(LocalBackend(local.folder)), second)
    assert second.taken == len(DATA)
    assert BlobStore(local).read(DIGEST, max_bytes=len(DATA)) == DATA
    go_on.set()
    slow.join()
    assert files() == [BLOB]
    assert BlobStore(local).read(DIGEST, max_bytes=len(DATA)) == DATA


def test_many_at_once_over_what_one_left(local, files):
    interrupted(local)
    failed = []

    def work():
        try:
            receive(BlobStore(LocalBackend(local.folder)), Source())
        except BaseException as exc:  # noqa: BLE001 - it is looked at below
            failed.append(exc)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert files() == [BLOB]
    assert BlobStore(local).read(DIGEST, max_bytes=len(DATA)) == DATA


@pytest.mark.parametrize("where", [1, MIB, 3 * MIB, len(DATA)])
def test_a_process_that_is_killed_leaves_what_the_next_one_goes_on_with(local, files, where):
    arguments = [sys.executable, "-c", CHILD, str(local.folder), DIGEST, str(len(DATA)), str(where)]
    killed = subprocess.run(arguments, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert files() == [PARTIAL]
    source = Source()
    assert receive(BlobStore(local), source)
    assert source.taken < len(DATA)
    assert files() == [BLOB]


def test_a_partial_file_that_was_committed_is_never_written_to(local, files):
    """A writer killed between giving the name and removing the partial one leaves two names of one file."""
    store = BlobStore(local)
    receive(store, Source())
    os.link(local.folder / BLOB, local.folder / PARTIAL)
    with local.partial(DIGEST[7:]) as partial:
        assert partial is None
    assert files() == [BLOB]
    assert store.read(DIGEST, max_bytes=len(DATA)) == DATA


def test_who_opened_a_partial_file_that_another_finished_meanwhile_does_not_get_it(local, monkeypatch):
    interrupted(local)
    lock = _local_files.try_lock

    def late(descriptor):
        monkeypatch.undo()
        receive(BlobStore(local), Source())
        return lock(descriptor)

    monkeypatch.setattr(_local_files, "try_lock", late)
    with local.partial(DIGEST[7:]) as partial:
        assert partial is None
    assert BlobStore(local).read(DIGEST, max_bytes=len(DATA)) == DATA


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_stranger_in_the_place_of_a_partial_file_is_left_alone(local, tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = local.folder / PARTIAL
    path.parent.mkdir()
    {"link": lambda: path.symlink_to(secret), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    assert receive(BlobStore(local), Source())
    assert secret.read_bytes() == b"secret"
    assert os.path.lexists(path)


def test_a_medium_without_locks_has_no_partial_files(local, monkeypatch, files):
    monkeypatch.setattr(_local_files, "try_lock", lambda _descriptor: False)
    assert receive(BlobStore(local), Source())
    assert BLOB in files()


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_a_medium_that_fails_at_the_end_keeps_the_partial_file(local, files, monkeypatch, call):
    def fail(*_args, **_options):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(StorageError, match="Input/output"):
            receive(BlobStore(local), Source())
    if call == "link":
        source = Source()
        assert receive(BlobStore(local), source)
        assert source.taken == 0
    else:
        assert receive(BlobStore(local), Source())
    assert files() == [BLOB]


def test_a_full_medium_is_told_and_the_next_attempt_goes_on(local, files, monkeypatch):
    with pytest.raises(StorageError, match="No space"), local.partial("abc") as partial:
        partial.file.write(bytes(MIB))
        raise OSError(errno.ENOSPC, "No space left on device")
    assert files() == [".incoming/abc.partial"]
    with local.partial("abc") as partial:
        assert partial.file.read() == bytes(MIB)
        partial.discard()
    assert files() == []


def test_a_partial_file_that_nobody_may_open_is_passed_over(local, monkeypatch):
    opened = os.open

    def refuse(path, flags, *rest):
        if str(path).endswith(".partial"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    assert receive(BlobStore(local), Source())


def test_another_error_at_opening_a_partial_file_is_told(local, monkeypatch):
    opened = os.open

    def fail(path, flags, *rest):
        if str(path).endswith(".partial"):
            raise OSError(errno.EIO, "Input/output error")
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(StorageError, match="Input/output"), local.partial("abc"):
        raise AssertionError


@given(cut=st.integers(0, 3000), damage=st.one_of(st.none(), st.integers(0, 2999)), wrong=st.booleans())
@settings(deadline=None, max_examples=60)
def test_whatever_lies_there_the_blob_is_right_or_refused(tmp_path_factory, cut, damage, wrong):
    data = os.urandom(3000)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    local = LocalBackend(tmp_path_factory.mktemp("store"))
    there = bytearray(data[:cut])
    if damage is not None and damage < cut:
        there[damage] ^= 1
    (local.folder / ".incoming").mkdir()
    (local.folder / ".incoming" / f"{digest[7:]}.partial").write_bytes(there)
    store = BlobStore(local)
    whole = cut == 3000 and not (damage is not None and damage < cut)
    if wrong and not whole:  # of a whole one nothing more is read
        with pytest.raises(DigestMismatchError):
            store.receive(io.BytesIO(data[:-1] + bytes([data[-1] ^ 1])), digest=digest, size=3000)
        assert not store.has(digest)
    else:
        assert store.receive(io.BytesIO(data), digest=digest, size=3000)
        assert store.read(digest, max_bytes=3000) == data
    assert list((local.folder / ".incoming").iterdir()) == []


def test_replacing_puts_good_bytes_in_the_place_of_bad_ones(store, backend):
    receive(store, Source())
    backend.delete(BLOB)
    with backend.create(BLOB) as file:
        file.write(b"damaged")
    with pytest.raises(DigestMismatchError):
        store.check(DIGEST)
    with pytest.raises(DigestMismatchError):
        store.replace(io.BytesIO(DATA[1:]), digest=DIGEST)
    assert store.size(DIGEST) == len(b"damaged")
    with pytest.raises(DigestMismatchError):
        store.replace(io.BytesIO(DATA), digest=DIGEST, size=5)
    store.replace(io.BytesIO(DATA), digest=DIGEST)
    assert store.check(DIGEST) == len(DATA)
    backend.delete(BLOB)
    store.replace(io.BytesIO(DATA), digest=DIGEST, size=len(DATA))
    assert store.check(DIGEST) == len(DATA)


def test_a_replacement_that_is_interrupted_leaves_the_old_bytes(store, backend):
    store.put(b"hello")
    digest = "sha256:" + hashlib.sha256(b"hello").hexdigest()

    class Interrupted(io.BytesIO):
        def readinto(self, _buffer):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.replace(Interrupted(), digest=digest)
    assert store.read(digest, max_bytes=5) == b"hello"


def test_checking_reads_all_and_no_more_than_that(local):
    store = BlobStore(local)
    store.put(DATA)
    told = []
    assert store.check(DIGEST, progress=told.append) == len(DATA)
    assert told[-1] == len(DATA)
    with pytest.raises(NotFoundError):
        store.check("sha256:" + "0" * 64)


def test_blobs_and_what_lies_among_them_are_told_apart(store, backend):
    digests = sorted(store.put(data).digest for data in (b"a", b"b"))
    for key in ("blobs/sha256/short", "blobs/sha512/x", "refs/x"):
        with backend.create(key) as file:
            file.write(b"")
    assert list(store.digests()) == digests
    assert list(store.strangers()) == ["blobs/sha256/short", "blobs/sha512/x"]
    store.remove(digests[0])
    assert list(store.digests()) == digests[1:]
    with pytest.raises(NotFoundError):
        store.remove(digests[0])


def test_a_blob_is_young_when_it_was_written_or_found(local):
    assert isinstance(local, DatedBackend)
    store = BlobStore(local)
    old = 1_000_000_000
    digest = store.put(b"hello").digest
    path = local.folder / "blobs" / "sha256" / digest[7:]
    for found in (
        lambda: store.put(b"hello"),
        lambda: store.put_file(io.BytesIO(b"hello"), expected=digest),
        lambda: store.receive(io.BytesIO(b"hello"), digest=digest, size=5),
        lambda: local.settle("blobs/sha256/" + digest[7:]),
    ):
        os.utime(path, (old, old))
        assert store.modified(digest) == old
        found()
        assert store.modified(digest) > old
    with pytest.raises(NotFoundError):
        store.modified("sha256:" + "0" * 64)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EROFS])
def test_a_blob_whose_age_cannot_be_changed_keeps_it(local, monkeypatch, number):
    digest = BlobStore(local).put(b"hello").digest

    def refuse(*_args, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "utime", refuse)
    assert BlobStore(local).put(b"hello").digest == digest


def test_a_medium_that_fails_to_change_an_age_is_told(local, monkeypatch):
    BlobStore(local).put(b"hello")

    def fail(*_args, **_options):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "utime", fail)
    with pytest.raises(StorageError, match="syncing"):
        BlobStore(local).put(b"hello")


def test_in_memory_ages_are_known_too(monkeypatch):
    backend = MemoryBackend()
    store = BlobStore(backend)
    moment = iter((1.0, 2.0, 3.0))
    monkeypatch.setattr("maas_sdk.storage._memory.time.time", lambda: next(moment))
    digest = store.put(b"hello").digest
    assert store.modified(digest) == 1.0
    store.put(b"hello")
    assert store.modified(digest) == 2.0
    with pytest.raises(NotFoundError):
        store.modified("sha256:" + "0" * 64)


def test_a_backend_of_five_calls_tells_no_ages_and_no_leftovers(five_calls):
    store = BlobStore(five_calls)
    digest = store.put(b"hello").digest
    assert store.modified(digest) is None
    assert store.leftovers() == []
    assert not store.remove_leftover("x")


def test_leftovers_are_shown_and_removed_but_for_what_is_in_use(local, files):
    assert isinstance(local, TidyBackend)
    store = BlobStore(local)
    assert store.leftovers() == []
    interrupted(local)
    incoming = local.folder / ".incoming"
    (incoming / "a").write_bytes(b"12345")
    (incoming / ".hidden").write_bytes(b"")
    (incoming / "link").symlink_to(incoming / "a")
    (incoming / "folder").mkdir()
    partial = PARTIAL.removeprefix(".incoming/")
    assert [(each.name, each.size) for each in store.leftovers()] == sorted([("a", 5), (partial, 3 * MIB)])
    assert all(each.modified > 1_000_000_000 for each in store.leftovers())
    with local.partial(DIGEST[7:]):
        assert not store.remove_leftover(partial)
    assert store.remove_leftover(partial)
    assert not store.remove_leftover(partial)
    assert store.remove_leftover("a")
    assert store.leftovers() == []
    with pytest.raises(InvalidReferenceError):
        store.remove_leftover("../refs")


def test_a_partial_file_with_two_names_is_removed_as_a_leftover(local, files):
    store = BlobStore(local)
    receive(store, Source())
    os.link(local.folder / BLOB, local.folder / PARTIAL)
    assert store.remove_leftover(PARTIAL.removeprefix(".incoming/"))
    assert files() == [BLOB]


def test_a_file_that_is_being_written_is_no_leftover(local, files):
    with local.create("a") as file:
        file.write(b"half")
        file.flush()
        (leftover,) = local.leftovers()
        assert leftover.size == 4
        assert not local.remove_leftover(leftover.name)
    assert files() == ["a"]
    assert not local.remove_leftover(leftover.name)


def test_whoever_tidies_up_never_takes_a_file_that_was_just_made(local, files, monkeypatch):
    """It is locked by the one who tidies up before its writer locks it: the writer makes another."""
    lock, turns = _local_files.try_lock, []

    def tidied(descriptor):
        turns.append(descriptor)
        if len(turns) < 3:
            Path(f"/proc/self/fd/{descriptor}").readlink().unlink()
        return lock(descriptor)

    monkeypatch.setattr(_local_files, "try_lock", tidied)
    with local.create("a") as file:
        file.write(b"whole")
    assert len(turns) == 3
    assert files() == ["a"]


def test_a_medium_on_which_temporary_files_vanish_is_told(local, files, monkeypatch):
    def gone(descriptor):
        Path(f"/proc/self/fd/{descriptor}").readlink().unlink()
        return True

    monkeypatch.setattr(_local_files, "try_lock", gone)
    with pytest.raises(StorageError, match="vanish"), local.create("a"):
        raise AssertionError
    assert files() == []


def test_on_a_medium_without_locks_one_can_write_and_nothing_is_tidied_up(local, files, monkeypatch):
    monkeypatch.setattr(_local_files, "try_lock", lambda _descriptor: False)
    with local.create("a") as file:
        file.write(b"whole")
        (leftover,) = local.leftovers()
        assert not local.remove_leftover(leftover.name)
    assert files() == ["a"]


def test_a_leftover_that_goes_while_they_are_listed_is_passed_over(local):
    incoming = local.folder / ".incoming"
    incoming.mkdir()
    for name in ("a", "b", "c"):
        (incoming / name).touch()
    names = []
    for each in local.leftovers():
        names.append(each.name)
        (incoming / "b").unlink(missing_ok=True)
    assert names == ["a", "c"]


def test_whether_a_blob_is_known_is_told_together_with_its_size(store):
    assert not store.settle(DIGEST, size=len(DATA))
    receive(store, Source())
    assert store.settle(DIGEST, size=len(DATA))
    with pytest.raises(DigestMismatchError, match="fsck"):
        store.settle(DIGEST, size=1)
