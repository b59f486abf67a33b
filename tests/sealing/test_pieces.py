"""Sealing what is in memory from where it is, and buffers that stay until the next one was taken."""

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk import sealing
from maas_sdk.errors import InvalidOptionError

CHUNK = 64 * 1024
BATCH = 32 * CHUNK


@pytest.fixture(scope="module")
def alice():
    return sealing.generate_identity(post_quantum=False)


class Watching:
    """A file that remembers what it was given, and looks whether it stayed until the next write."""

    def __init__(self):
        self.data = b""
        self.last = (b"", b"")

    def write(self, data):
        given, copy = self.last
        assert bytes(given) == copy
        self.data += bytes(data)
        self.last = (data, bytes(data))
        return len(data)


def sealed(pieces, identity):
    sink = Watching()
    sealing.encrypt_pieces(pieces, sink, [identity.recipient])
    return sink.data


def opened(data, identity):
    sink = Watching()
    sealing.decrypt(io.BytesIO(data), sink, [identity])
    return sink.data


@pytest.mark.parametrize(
    "sizes",
    [
        [], [0], [1], [0, 0, 1], [CHUNK], [CHUNK - 1, 1], [1, CHUNK], [CHUNK + 1], [2 * CHUNK],
        [CHUNK, CHUNK], [10, CHUNK, CHUNK - 10],
        [BATCH], [BATCH + 1], [192, BATCH, 7], [2 * BATCH - 1, 1], [5] * 7,
        [CHUNK // 2] * 5, [3 * BATCH + 17],
    ],
)  # fmt: skip
def test_pieces_in_a_row_are_one_file(alice, sizes):
    pieces = [os.urandom(size) for size in sizes]
    text = b"".join(pieces)
    data = sealed(iter(pieces), alice)
    assert opened(data, alice) == text
    whole = io.BytesIO()
    sealing.encrypt(io.BytesIO(text), whole, [alice.recipient])
    assert len(data) == len(whole.getvalue())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3 * CHUNK), max_size=8))
def test_any_cut_gives_the_same_text(sizes):
    identity = sealing.generate_identity(post_quantum=False)
    pieces = [bytes([at + 1]) * size for at, size in enumerate(sizes)]
    assert opened(sealed(pieces, identity), identity) == b"".join(pieces)


def test_every_kind_of_bytes_is_taken_and_a_path_appears_whole(alice, tmp_path):
    pieces = [b"ab", bytearray(b"cd"), memoryview(b"efgh").cast("H")]
    sealing.encrypt_pieces(pieces, tmp_path / "sealed", [alice.recipient])
    assert opened((tmp_path / "sealed").read_bytes(), alice) == b"abcdefgh"

    def broken():
        yield b"ab"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sealing.encrypt_pieces(broken(), tmp_path / "other", [alice.recipient])
    assert [path.name for path in tmp_path.iterdir()] == ["sealed"]


def test_nobody_is_no_recipient(alice):
    with pytest.raises(InvalidOptionError):
        sealing.encrypt_pieces([b"x"], io.BytesIO(), [])
