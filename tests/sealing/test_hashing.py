"""The hash of the ciphertext, taken while a file is sealed or opened."""

from __future__ import annotations

import hashlib
import io
import os
import threading

import pytest

from maas_sdk import sealing
from maas_sdk.errors import InvalidOptionError, PayloadError

CHUNK = 65536
BATCH = 32 * CHUNK


class Pipe(io.RawIOBase):
    """Gives and takes some bytes at a time, as a pipe does."""

    def __init__(self, data=b"", step=CHUNK):
        self._data = io.BytesIO(data)
        self._step = step
        self.written = bytearray()

    def readinto(self, buffer):
        return self._data.readinto(buffer[: self._step])

    def write(self, data):
        self.written += data[: self._step]
        return min(len(data), self._step)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
@pytest.mark.parametrize("size", [0, 1, BATCH, BATCH + 1, 3 * BATCH + 7])
def test_it_is_the_hash_of_the_sealed_file_both_ways(size, armor, alice):
    data = os.urandom(size)
    sealed, opened = Pipe(), io.BytesIO()
    sealing_hash, opening_hash = hashlib.sha256(), hashlib.sha256()
    sealing.encrypt(Pipe(data), sealed, [alice.recipient], armor=armor, ciphertext_hash=sealing_hash)
    expected = hashlib.sha256(sealed.written).digest()
    assert sealing_hash.digest() == expected
    sealing.decrypt(Pipe(bytes(sealed.written), 50_000), opened, [alice], ciphertext_hash=opening_hash)
    assert opened.getvalue() == data
    assert opening_hash.digest() == expected


def test_a_fault_ends_the_thread_and_releases_nothing_past_it(alice, seal):
    data = os.urandom(40 * CHUNK)
    sealed = bytearray(seal(data))
    sealed[-20 * CHUNK] ^= 1
    sink = io.BytesIO()
    with pytest.raises(PayloadError):
        sealing.decrypt(bytes(sealed), sink, [alice], ciphertext_hash=hashlib.sha256())
    assert 0 < len(sink.getvalue()) < 22 * CHUNK
    assert data.startswith(sink.getvalue())


class Interrupted(io.RawIOBase):
    """A sink at which somebody presses Ctrl-C."""

    def write(self, data):
        if len(data) > CHUNK:
            raise KeyboardInterrupt
        return len(data)


def test_an_interruption_ends_the_thread(alice):
    with pytest.raises(KeyboardInterrupt):
        sealing.encrypt(bytes(2 * BATCH), Interrupted(), [alice.recipient], ciphertext_hash=hashlib.sha256())


def test_what_is_no_hash_is_refused_before_anything_is_written(alice, seal):
    sink = io.BytesIO()
    with pytest.raises(InvalidOptionError, match="hashlib"):
        sealing.encrypt(b"text", sink, [alice.recipient], ciphertext_hash="sha256")
    with pytest.raises(InvalidOptionError, match="hashlib"):
        sealing.decrypt(seal(b"text"), sink, [alice], ciphertext_hash=hashlib.sha256)
    assert sink.getvalue() == b""
