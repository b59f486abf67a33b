"""Interrupted at any write, on a full or failing medium: the store stays whole, and the next run heals."""

import contextlib
import errno

import pytest

from maas_sdk._internal.files import storage_errors
from maas_sdk.artifact import Store
from maas_sdk.errors import RefusedError, StorageError, StorageFullError
from maas_sdk.storage import LocalBackend, MemoryBackend
from maas_sdk.trust import Trust

NAME = "acme/digits"
FAULTS = {
    "interrupted": KeyboardInterrupt,
    "full": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "failing": lambda: OSError(errno.EIO, "Input/output error"),
}
CASES = [
    ("interrupted", "before"), ("interrupted", "middle"), ("interrupted", "after"), ("full", "middle"),
    ("failing", "before"),
]  # fmt: skip


class Faulty:
    """A backend that fails at one write: before it, in the middle of it, or just after it."""

    def __init__(self, inner):
        self.inner = inner
        self.countdown = -1
        self.where = "middle"
        self.error = KeyboardInterrupt

    @contextlib.contextmanager
    def create(self, key):
        self.countdown -= 1
        hit = self.countdown == 0
        with storage_errors(f"writing {key}"):
            if hit and self.where == "before":
                raise self.error()
            with self.inner.create(key) as file:
                yield file
                if hit and self.where == "middle":
                    raise self.error()
            if hit and self.where == "after":
                raise self.error()

    def open(self, key):
        return self.inner.open(key)

    def size(self, key):
        return self.inner.size(key)

    def list(self, prefix):
        return self.inner.list(prefix)

    def delete(self, key):
        self.inner.delete(key)


def check_whole(store, organisations):
    """Every version that the store has can be opened and read to the last byte."""
    for name in store.names():
        for version in store.versions(name):
            release = store.open(f"{name}@{version}")
            assert release.read_parts(identity=organisations.globex)


@pytest.mark.parametrize(("fault", "where"), CASES)
def test_a_publish_that_fails_at_any_write_leaves_the_store_whole_and_the_next_one_works(
    sender, organisations, fault, where
):
    parts = {"model.json": b'{"a":1}', "tensors/000.safetensors": bytes(100)}
    writes = 0
    while True:
        writes += 1
        backend = Faulty(MemoryBackend())
        sender.store = Store(backend)
        sender.publish("0.1.0", parts=parts)
        backend.countdown, backend.where, backend.error = writes, where, FAULTS[fault]
        try:
            sender.publish("1.0.0", parts=parts | {"card.md": b"new"})
        except (KeyboardInterrupt, StorageError) as exc:
            assert isinstance(exc, StorageFullError) == (fault == "full")  # noqa: PT017 - which kind, if any
        if backend.countdown > 0:
            break
        check_whole(sender.store, organisations)
        again = sender.publish("1.0.0", parts=parts | {"card.md": b"new"})
        assert sender.store.versions(NAME) == ["0.1.0", "1.0.0"]
        assert again.previous == sender.store.open("acme/digits@0.1.0").identity
        check_whole(sender.store, organisations)
    # One more than: a lease, the one layer that is new (the others are those of 0.1.0), the number, seven
    # documents, the mark of the layout, the entry in the log, the version.
    assert writes == 14


@pytest.mark.parametrize(("fault", "where"), CASES)
def test_an_import_that_fails_at_any_write_leaves_the_store_whole_and_the_next_one_works(
    sender, organisations, tmp_path, fault, where
):
    path = sender.bundle()
    writes = 0
    while True:
        writes += 1
        backend = Faulty(MemoryBackend())
        received = Store(backend)
        trust = Trust.create(tmp_path / f"trust-{writes}", policy=organisations.policy())
        backend.countdown, backend.where, backend.error = writes, where, FAULTS[fault]
        try:
            received.import_bundle(path, trust=trust, first_use=[NAME])
        except (KeyboardInterrupt, StorageError) as exc:
            assert isinstance(exc, StorageFullError) == (fault == "full")  # noqa: PT017 - which kind, if any
        if backend.countdown > 0:
            break
        check_whole(received, organisations)
        received.import_bundle(path, trust=trust, first_use=[NAME])
        assert received.versions(NAME) == ["1.0.0"]
        check_whole(received, organisations)
    # One more than: a lease, five layers, seven documents, the mark of the layout, the number, a line of the
    # log, the version.
    assert writes == 18


def test_a_crash_between_memory_and_reference_never_lets_an_older_release_in(
    sender, receiver, trust, failures
):
    one, two = sender.bundle("1.0.0"), sender.bundle("1.1.0")

    def crash(*_):
        raise KeyboardInterrupt

    add, receiver._catalog.add_version = receiver._catalog.add_version, crash
    with pytest.raises(KeyboardInterrupt):
        receiver.import_bundle(two, trust=trust, first_use=[NAME])
    receiver._catalog.add_version = add
    assert receiver.names() == []
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(one, trust=trust, first_use=[NAME])
    assert failures(caught.value.verdict) == ["rollback"]
    assert receiver.import_bundle(two, trust=trust).version == "1.1.0"


def test_after_an_interruption_verified_layers_are_not_copied_again(sender, tmp_path, trust):
    path = sender.bundle()
    store = Store(LocalBackend(tmp_path / "received"))
    pulled = []

    def unplug(_stage, done, total):
        pulled.append(done)
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.import_bundle(path, trust=trust, first_use=[NAME], progress=unplug)
    kept = list(store._backend.list("blobs/"))
    assert len(kept) == len(pulled) - 1 > 2
    assert store.names() == []
    assert store.import_bundle(path, trust=trust, first_use=[NAME]).version == "1.0.0"


def damage_last_layer(path, tar):
    items = tar.entries(path)
    name, data = items[-1]
    items[-1] = (name, bytes([data[0] ^ 1]) + data[1:])
    return tar.pack(path, items)


def test_a_bundle_whose_last_layer_is_damaged_leaves_nothing(sender, receiver, tar, trust, failures):
    path = damage_last_layer(sender.bundle(), tar)
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(path, trust=trust, first_use=[NAME])
    assert failures(caught.value.verdict) == ["contents"]
    assert list(receiver._backend.list("")) == []
    assert trust.ratchet.remembered(NAME) is None


def test_what_another_version_needs_stays_when_a_bundle_is_refused(
    sender, receiver, tar, organisations, tmp_path
):
    trust = Trust.create(tmp_path / "lax", policy=organisations.policy(require_sealed=False))
    parts = {"model.json": b'{"a":1}', "shared.bin": b"shared", "z.bin": b"one"}
    receiver.import_bundle(sender.bundle("1.0.0", parts=parts, recipients=[]), trust=trust, first_use=[NAME])
    before = list(receiver._backend.list(""))
    second = sender.bundle("1.1.0", parts=parts | {"new.bin": b"new", "z.bin": b"two"}, recipients=[])
    with pytest.raises(RefusedError):
        receiver.import_bundle(damage_last_layer(second, tar), trust=trust)
    assert list(receiver._backend.list("")) == before
    assert receiver.open(NAME).read_parts() == parts


def test_what_a_publisher_needed_meanwhile_stays_when_a_bundle_is_refused(
    sender, receiver, tar, organisations, tmp_path
):
    """A release that shares a layer is published between the copying of that layer and the refusal."""
    trust = Trust.create(tmp_path / "lax", policy=organisations.policy(require_sealed=False))
    parts = {"model.json": b'{"a":1}', "shared.bin": b"shared", "z.bin": b"one"}
    path = damage_last_layer(sender.bundle("1.0.0", parts=parts, recipients=[]), tar)
    sender.store = receiver

    def publish(_stage, done, total):
        if done == total:
            sender.publish("1.0.0", name="acme/words", parts={"s": b"shared"}, recipients=[])

    with pytest.raises(RefusedError):
        receiver.import_bundle(path, trust=trust, first_use=[NAME], progress=publish)
    assert receiver.open("acme/words").read_parts() == {"s": b"shared"}


def test_in_a_damaged_store_nothing_is_removed(sender, receiver, tar, trust):
    receiver.import_bundle(sender.bundle("1.0.0"), trust=trust, first_use=[NAME])
    manifest = receiver.open(NAME).manifest_digest.replace(":", "/")
    receiver._backend.delete(f"blobs/{manifest}")
    before = set(receiver._backend.list(""))
    with pytest.raises(RefusedError):
        receiver.import_bundle(
            damage_last_layer(sender.bundle("1.1.0", parts={"a.bin": b"a", "b.bin": b"b"}), tar), trust=trust
        )
    assert before < set(receiver._backend.list(""))


def test_a_blob_that_another_refused_import_removed_is_not_missed(sender, receiver, tar, trust):
    path = damage_last_layer(sender.bundle(), tar)
    removed = []

    def remove(_stage, done, total):
        for key in list(receiver._backend.list("blobs/")) if done == total else ():
            receiver._backend.delete(key)
            removed.append(key)

    with pytest.raises(RefusedError):
        receiver.import_bundle(path, trust=trust, first_use=[NAME], progress=remove)
    assert removed
    assert list(receiver._backend.list("")) == []


def test_a_layer_that_changes_on_the_medium_while_it_is_copied_is_refused(
    sender, receiver, tar, trust, monkeypatch
):
    path = sender.bundle()
    opened = receiver._catalog.blobs.receive

    def altered(source, **options):
        return opened(_Reversed(source), **options)

    monkeypatch.setattr(receiver._catalog.blobs, "receive", altered)
    with pytest.raises(RefusedError, match="contents"):
        receiver.import_bundle(path, trust=trust, first_use=[NAME])


class _Reversed:
    def __init__(self, file):
        self.file = file

    def read(self, size=-1):
        return self.file.read(size)[::-1]
