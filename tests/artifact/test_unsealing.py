"""Unsealing while importing: one reading for both, and the same result whatever comes in between."""

import threading

import pytest

from maas_sdk.artifact import Store
from maas_sdk.artifact._contents.pipe import ClosedPipe, Pipe
from maas_sdk.errors import (
    AlreadyExistsError,
    IncompleteError,
    NoMatchError,
    RefusedError,
    SealingError,
    StorageError,
)
from maas_sdk.sealing import AgeSealer
from maas_sdk.storage import LocalBackend

LARGE = 5 << 20
WEIGHTS = "tensors/000.safetensors"
PARTS = {"card.md": b"# digits\n", "empty.txt": b"", WEIGHTS: bytes(range(251)) * (LARGE // 251 + 1)}


@pytest.fixture
def receiver(tmp_path):
    return Store(LocalBackend(tmp_path / "received"))


@pytest.fixture
def take(receiver, trust, organisations, tmp_path):
    """Import for globex and unpack; options change that."""

    def run(path, **options):
        given = {"trust": trust, "first_use": ["acme/digits"], "identity": organisations.globex}
        return receiver.import_bundle(path, **given | {"unpack": tmp_path / "out"} | options)

    return run


@pytest.fixture
def opened(receiver, monkeypatch):
    """Digests of the layers that were read from the receiver's store."""
    read = []
    original = receiver._catalog.blobs.open
    monkeypatch.setattr(
        receiver._catalog.blobs, "open", lambda digest: (read.append(digest), original(digest))[1]
    )
    return read


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("maas-sdk")]


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def left(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".out", "out")))


def test_a_bundle_is_imported_and_unpacked_in_one_reading(sender, take, opened, tmp_path):
    path = sender.bundle(parts=PARTS)
    told = []
    release = take(path, progress=lambda *step: told.append(step))
    assert content(tmp_path / "out") == PARTS
    assert {step[0] for step in told} == {"import"}
    assert not set(opened) & {layer.digest for layer in release._papers.layers}
    modes = {each.stat().st_mode & 0o077 for each in [tmp_path / "out", *(tmp_path / "out").rglob("*")]}
    assert modes == {0}
    assert left(tmp_path) == ["out"]


def test_what_the_store_has_is_unpacked_out_of_it(sender, take, opened, tmp_path):
    path = sender.bundle(parts=PARTS)
    release = take(path, unpack=None)
    take(path)
    assert content(tmp_path / "out") == PARTS
    assert set(opened) >= {layer.digest for layer in release._papers.layers}


def test_what_an_interruption_left_is_continued_and_unpacked(sender, take, tmp_path):
    path = sender.bundle(parts=PARTS)

    def interrupt(_stage, done, _total):
        if done > LARGE // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(path, progress=interrupt)
    assert left(tmp_path) == []
    take(path)
    assert content(tmp_path / "out") == PARTS


def test_an_unsealed_release_and_one_by_another_sealer_are_unpacked_too(sender, take, trust, tmp_path):
    class Other(AgeSealer):
        pass

    take(sender.bundle(parts=PARTS), sealer=Other())
    assert content(tmp_path / "out") == PARTS
    policy = sender.organisations.policy(require_sealed=False)
    trust.save_policy(policy)
    take(sender.bundle("1.0.1", parts=PARTS, recipients=[]), unpack=tmp_path / "out2", identity=None)
    assert content(tmp_path / "out2") == PARTS


def test_what_its_publisher_sealed_wrongly_is_told_after_the_import(sender, take, receiver, tmp_path):
    class Rubbish(AgeSealer):
        def encrypt(self, source, sink, recipients):
            source.read()
            sink.write(b"age-encryption.org/v1\n-> nothing of the kind")

    with pytest.raises(SealingError):
        take(sender.bundle(parts={"part.bin": b"1"}, sealer=Rubbish()))
    assert left(tmp_path) == []
    assert receiver.versions("acme/digits") == ["1.0.0"]


def test_volumes_are_unpacked_with_the_last_one(sender, take, tmp_path):
    volumes = sender.publish(parts=PARTS).export_volumes(tmp_path / "digits.maas", max_bytes=2 << 20)
    *others, last = reversed(volumes)
    for path in others:
        with pytest.raises(IncompleteError):
            take(path)
        assert left(tmp_path) == []
    take(last)
    assert content(tmp_path / "out") == PARTS


def test_of_what_is_refused_nothing_is_unpacked(sender, take, receiver, tar, tmp_path):
    path = sender.bundle(parts=PARTS)
    items = tar.entries(path)
    name, data = items[-1]
    tar.pack(path, [*items[:-1], (name, data[:-1] + bytes([data[-1] ^ 1]))])
    with pytest.raises(RefusedError, match="contents"):
        take(path)
    assert left(tmp_path) == []
    assert receiver.names() == []


def test_whoever_it_is_not_sealed_for_gets_nothing(sender, take, organisations, receiver, tmp_path):
    path = sender.bundle(parts=PARTS)
    with pytest.raises(RefusedError, match="recipient"):
        take(path, identity=organisations.initech)
    with pytest.raises(NoMatchError):
        take(path, identity=organisations.initech, recipient=organisations.globex)
    with pytest.raises(NoMatchError):
        take(path, identity=None)
    assert left(tmp_path) == []
    assert receiver.versions("acme/digits") == ["1.0.0"]


def test_what_is_there_is_not_replaced(sender, take, receiver, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(AlreadyExistsError):
        take(sender.bundle(parts=PARTS))
    assert left(tmp_path) == ["out"]
    assert receiver.names() == []


def test_a_folder_that_cannot_take_it_is_an_error_after_the_import(
    sender, take, receiver, tmp_path, monkeypatch
):
    from maas_sdk.artifact._contents import unpack as _unpack

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_unpack._Whole, "write", full)
    with pytest.raises(StorageError, match="No space left"):
        take(sender.bundle(parts=PARTS))
    assert left(tmp_path) == []
    assert receiver.versions("acme/digits") == ["1.0.0"]


def test_without_threads_it_is_unpacked_all_the_same(sender, take, tmp_path, monkeypatch):
    path = sender.bundle(parts=PARTS)

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    take(path)
    assert content(tmp_path / "out") == PARTS


def test_a_pipe_tells_its_writer_that_nobody_reads_any_more():
    pipe = Pipe()
    assert pipe.readable()
    assert pipe.write(memoryview(b"one")) == 3
    pipe.stop()
    for _ in range(2):
        with pytest.raises(ClosedPipe):
            pipe.write(memoryview(b"two"))
    assert pipe.read(2) == b"on"


def test_a_pipe_tells_its_reader_why_no_more_comes_as_often_as_it_asks():
    pipe = Pipe()
    pipe.write(memoryview(b"one"))
    pipe.end(StorageError("pulled out"))
    assert pipe.read(3) == b"one"
    for _ in range(2):
        with pytest.raises(StorageError):
            pipe.read(1)
