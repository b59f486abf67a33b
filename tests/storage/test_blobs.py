"""Bytes under their digest."""

import hashlib
import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import (
    DigestMismatchError,
    InvalidReferenceError,
    LimitExceededError,
    NotFoundError,
    StorageError,
)
from maas_sdk.storage import BlobStore, Descriptor, MemoryBackend

HELLO = "sha256:" + hashlib.sha256(b"hello").hexdigest()
OTHER = "sha256:" + hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def store(backend):
    return BlobStore(backend)


def keys(backend):
    return list(backend.list(""))


def test_bytes_lie_where_an_oci_layout_has_them(store, backend):
    assert store.put(b"hello") == Descriptor(HELLO, 5)
    assert keys(backend) == ["blobs/sha256/" + HELLO[7:]]
    assert store.read(HELLO, max_bytes=5) == b"hello"
    assert store.size(HELLO) == 5
    assert store.has(HELLO)
    assert not store.has(OTHER)
    with store.open(HELLO) as file:
        assert file.read() == b"hello"


def test_the_same_bytes_by_every_way_are_one_blob(store, backend):
    assert store.put(bytearray(b"hello")) == store.put(memoryview(b"hello"))
    assert store.put_file(io.BytesIO(b"hello")) == Descriptor(HELLO, 5)
    assert store.put_file(io.BytesIO(b"hello"), expected=HELLO, max_bytes=5) == Descriptor(HELLO, 5)
    with store.writer() as writer:
        writer.write(b"hel")
        writer.write(memoryview(b"lo"))
        assert writer.size == 5
    assert (writer.digest, writer.size) == (HELLO, 5)
    assert keys(backend) == ["blobs/sha256/" + HELLO[7:]]


def test_the_size_of_a_view_is_in_bytes(store):
    data = memoryview(bytes(24)).cast("d")
    assert store.put(data).size == 24
    with store.writer() as writer:
        assert writer.write(data) == 24
    assert writer.size == 24


def test_a_known_blob_is_not_written_again(store, backend, files, monkeypatch):
    store.put(b"hello")

    def refuse(*_args):
        raise AssertionError("written again")

    monkeypatch.setattr(type(store), "_stage", refuse)
    assert store.put_file(io.BytesIO(b"hello"), expected=HELLO) == Descriptor(HELLO, 5)
    with pytest.raises(DigestMismatchError):
        store.put_file(io.BytesIO(b"other"), expected=HELLO)
    assert store.read(HELLO, max_bytes=5) == b"hello"


def test_bytes_that_are_not_what_was_expected_never_appear(store, backend, files):
    with pytest.raises(DigestMismatchError, match=OTHER):
        store.put_file(io.BytesIO(b"hello"), expected=OTHER)
    with pytest.raises(DigestMismatchError), store.writer(expected=OTHER) as writer:
        writer.write(b"hello")
    assert keys(backend) == []
    assert files() == []


def test_no_more_is_taken_than_allowed(store, backend, files):
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size=-1):
            self.taken += size
            return bytes(size)

    source = Endless()
    with pytest.raises(LimitExceededError, match="3000000 bytes"):
        store.put_file(source, max_bytes=3_000_000)
    assert source.taken < 3_000_000 + (2 << 20)
    assert store.put_file(io.BytesIO(bytes(3)), max_bytes=3).size == 3
    with pytest.raises(LimitExceededError), store.writer(max_bytes=4) as writer:
        writer.write(b"hello")
    assert len(keys(backend)) == 1
    assert len(files()) <= 1


def test_an_interruption_leaves_nothing(store, backend, files):
    with pytest.raises(KeyboardInterrupt), store.writer() as writer:
        writer.write(b"half")
        raise KeyboardInterrupt
    assert keys(backend) == []
    assert files() == []


def test_a_source_that_fails_is_named_as_such(store, backend, files):
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(StorageError, match="reading the source"):
        store.put_file(Broken())
    assert keys(backend) == []
    assert files() == []


def test_a_blob_that_was_damaged_in_the_store_is_not_given_out(local):
    store = BlobStore(local)
    store.put(b"hello")
    (local.folder / "blobs" / "sha256" / HELLO[7:]).write_bytes(b"hellO")
    with pytest.raises(DigestMismatchError, match=HELLO):
        store.read(HELLO, max_bytes=5)


def test_a_blob_larger_than_allowed_is_not_read(store):
    store.put(b"hello")
    with pytest.raises(LimitExceededError, match="4 bytes"):
        store.read(HELLO, max_bytes=4)


@pytest.mark.parametrize(
    "digest",
    ["", "hello", HELLO.upper(), HELLO[7:], HELLO + "\n", "sha256:../../etc/passwd", "sha512:" + "0" * 128],
)
def test_what_is_no_digest_is_refused(store, digest):
    for call in (store.open, store.size, store.has, lambda text: store.read(text, max_bytes=1)):
        with pytest.raises(InvalidReferenceError, match="64 lower-case"):
            call(digest)
    with pytest.raises(InvalidReferenceError):
        store.put_file(io.BytesIO(b""), expected=digest)


def test_what_is_not_there_is_not_found(store):
    for call in (store.open, store.size, lambda text: store.read(text, max_bytes=1)):
        with pytest.raises(NotFoundError):
            call(HELLO)


def test_a_large_blob_passes_a_backend_that_must_know_the_key_first(store):
    data = bytes(range(256)) * (1 << 16) + b"x"
    descriptor = store.put_file(io.BytesIO(data))
    assert store.read(descriptor.digest, max_bytes=len(data)) == data


@given(st.lists(st.binary(max_size=40), max_size=6))
@settings(deadline=None, max_examples=50)
def test_pieces_make_the_digest_of_the_whole(pieces):
    store = BlobStore(MemoryBackend())
    with store.writer() as writer:
        assert writer.writable()
        for piece in pieces:
            writer.write(piece)
    whole = b"".join(pieces)
    assert store.put(whole) == Descriptor(writer.digest, writer.size)
    assert store.read(writer.digest, max_bytes=len(whole)) == whole


def test_a_buffer_may_be_reused_as_soon_as_it_was_written(store):
    buffer = bytearray(300_000)
    whole = hashlib.sha256()
    with store.writer() as writer:
        for number in range(20):
            buffer[:] = bytes([number]) * len(buffer)
            whole.update(buffer)
            writer.write(buffer)
        buffer[:] = bytes(len(buffer))
    assert writer.digest == f"sha256:{whole.hexdigest()}"
    assert store.read(writer.digest, max_bytes=20 * len(buffer))[-1] == 19


def test_more_than_a_piece_at_once_is_kept_whole(store):
    data = os.urandom((5 << 20) + 3)
    with store.writer() as writer:
        assert writer.write(data) == len(data)
    assert store.read(writer.digest, max_bytes=len(data)) == data
