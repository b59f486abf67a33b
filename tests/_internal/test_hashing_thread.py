"""A hash on a second thread."""

import hashlib
import threading

import pytest

from maas_sdk._internal.hashing_thread import HashingThread

LARGE = bytes(range(256)) * 1024


def hashing_threads():
    return [thread for thread in threading.enumerate() if thread.name == "maas-sdk hash"]


def test_large_and_small_pieces_are_hashed_in_their_order():
    pieces = [b"a", LARGE, b"", LARGE + b"b", b"c", bytearray(LARGE), memoryview(LARGE)[1:]]
    digest = hashlib.sha256()
    with HashingThread(digest) as thread:
        for piece in pieces:
            thread.update(piece)
    assert digest.digest() == hashlib.sha256(b"".join(pieces)).digest()
    assert not hashing_threads()


def test_what_was_handed_over_may_change_once_the_next_update_is_back():
    digest = hashlib.sha256()
    buffers = bytearray(LARGE), bytearray(LARGE)
    with HashingThread(digest) as thread:
        for number in range(50):
            buffer = buffers[number % 2]
            buffer[:] = bytes([number]) * len(LARGE)
            thread.update(buffer)
    assert digest.digest() == hashlib.sha256(b"".join(bytes([n]) * len(LARGE) for n in range(50))).digest()


def test_small_pieces_need_no_thread():
    digest = hashlib.sha256()
    with HashingThread(digest) as thread:
        thread.update(b"small")
        assert not hashing_threads()
    assert digest.digest() == hashlib.sha256(b"small").digest()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_no_thread(interruption):
    with pytest.raises(interruption), HashingThread(hashlib.sha256()) as thread:
        thread.update(LARGE)
        assert hashing_threads()
        raise interruption
    assert not hashing_threads()


class Failing:
    """A hash that cannot."""

    def __init__(self):
        self.calls = 0

    def update(self, data):
        self.calls += 1
        raise OSError("no token")


@pytest.mark.parametrize("pieces", [1, 2])
def test_what_the_hash_raises_reaches_the_caller(pieces):
    failing = Failing()
    with pytest.raises(OSError, match="no token"), HashingThread(failing) as thread:
        for _ in range(pieces):
            thread.update(LARGE)
    assert failing.calls == 1
    assert not hashing_threads()


def test_without_another_thread_this_one_hashes(monkeypatch):
    def refuse(_self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    digest = hashlib.sha256()
    with HashingThread(digest) as thread:
        thread.update(LARGE)
        thread.update(LARGE)
    assert digest.digest() == hashlib.sha256(LARGE * 2).digest()


def test_all_is_hashed_after_a_wait_and_what_comes_late_is_too():
    digest = hashlib.sha256()
    with HashingThread(digest) as thread:
        thread.update(LARGE)
        thread.wait()
        assert digest.digest() == hashlib.sha256(LARGE).digest()
    thread.update(LARGE)
    assert digest.digest() == hashlib.sha256(LARGE * 2).digest()
    assert not hashing_threads()
