"""Random access to sealed files."""

from __future__ import annotations

import gzip
import io
import os
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maas_sdk import sealing
from maas_sdk.errors import (
    ArmorError,
    HeaderError,
    InvalidOptionError,
    NoMatchError,
    NotFoundError,
    PayloadError,
)

CHUNK = 65536
SEALED = CHUNK + 16
DATA = random.Random(1).randbytes(35 * CHUNK + 1234)

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=[False, True], ids=["binary", "armored"])
def sealed(request, seal):
    return seal(DATA, armor=request.param)


@pytest.fixture(scope="module")
def reader(sealed, alice):
    with sealing.open_sealed(sealed, [alice]) as opened:
        yield opened


@given(offset=st.integers(0, len(DATA) + 10), size=st.integers(0, 3 * CHUNK))
@quick
def test_any_piece_is_the_one_of_the_plain_file(offset, size, reader):
    assert reader.pread(size, offset) == DATA[offset : offset + size]


@pytest.mark.parametrize("offset", [0, 1, CHUNK - 1, CHUNK, 34 * CHUNK, 35 * CHUNK, len(DATA) - 1, len(DATA)])
@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 20 * CHUNK, len(DATA)])
def test_pieces_at_the_borders_of_chunks_are_right(offset, size, reader):
    buffer = bytearray(b"\xaa" * size)
    count = reader.pread_into(buffer, offset)
    assert buffer[:count] == DATA[offset : offset + size]
    assert buffer[count:] == b"\xaa" * (size - count)


@given(
    moves=st.lists(
        st.tuples(st.sampled_from([0, 1, 2]), st.integers(-200_000, 200_000), st.integers(-1, 100_000)),
        max_size=12,
    )
)
@quick
def test_reading_and_seeking_is_as_in_a_plain_file(moves, reader):
    plain = io.BytesIO(DATA)
    plain.seek(reader.seek(0))
    for whence, distance, size in moves:
        base = {0: 0, 1: plain.tell(), 2: len(DATA)}[whence]
        if base + distance < 0:
            with pytest.raises(ValueError, match="negative"):
                reader.seek(distance, whence)
            continue
        assert reader.seek(distance, whence) == plain.seek(base + distance)
        assert reader.read(size) == plain.read(size)
        assert reader.tell() == plain.tell()


def test_it_is_a_file_like_any_other(sealed, alice):
    with sealing.open_sealed(sealed, [alice]) as reader:
        assert reader.readable()
        assert reader.seekable()
        assert not reader.writable()
        assert reader.size == len(DATA)
        buffered = io.BufferedReader(reader, 10_000)
        assert buffered.read(15_000) == DATA[:15_000]
        assert buffered.read() == DATA[15_000:]
    with sealing.open_sealed(sealed, [alice]) as reader:
        assert reader.read(None) == DATA
        assert reader.read(5) == b""
        reader.seek(-5, os.SEEK_END)
        assert reader.readall() == DATA[-5:]
    with pytest.raises(ValueError, match="closed"):
        reader.read()
    reader.close()


def test_small_reads_in_a_row_give_the_whole(alice, seal):
    data = DATA[: 2 * CHUNK + 77]
    with sealing.open_sealed(seal(data), [alice]) as reader:
        assert b"".join(iter(lambda: reader.read(1000), b"")) == data


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK])
def test_files_of_whole_chunks_and_empty_ones_are_right(size, alice, seal):
    with sealing.open_sealed(seal(DATA[:size]), [alice]) as reader:
        assert reader.size == size
        assert reader.read() == DATA[:size]


def kinds_of_files(sealed, folder):
    path = folder / "file.age"
    path.write_bytes(sealed)
    yield path
    yield str(path)
    yield bytearray(sealed)
    yield io.BytesIO(sealed)
    yield path.open("rb")
    yield path.open("rb", buffering=0)
    yield path.open("r+b")
    packed = folder / "file.gz"
    packed.write_bytes(gzip.compress(sealed, 1))
    yield gzip.GzipFile(packed)
    temporary = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - the test closes it
    temporary.write(sealed)
    yield temporary


def test_every_kind_of_file_is_taken(sealed, alice, tmp_path):
    for file in kinds_of_files(sealed, tmp_path):
        with sealing.open_sealed(file, [alice]) as reader:
            assert reader.pread(10, len(DATA) - 20) == DATA[-20:-10]
            assert reader.read(100) == DATA[:100]
        if hasattr(file, "close"):
            assert not file.closed
            file.close()


def test_a_system_without_preadv_is_served(sealed, alice, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "preadv")
    path = tmp_path / "file.age"
    path.write_bytes(sealed)
    with sealing.open_sealed(path, [alice]) as reader:
        assert reader.pread(10, CHUNK) == DATA[CHUNK : CHUNK + 10]


def test_the_position_of_a_callers_file_does_not_matter(sealed, alice, tmp_path):
    path = tmp_path / "file.age"
    path.write_bytes(sealed)
    with path.open("rb") as file:
        file.seek(100)
        with sealing.open_sealed(file, [alice]) as reader:
            assert reader.read(10) == DATA[:10]
        assert file.tell() == 100


@pytest.mark.parametrize("kind", ["path", "memory", "gzip"])
def test_threads_read_at_once(kind, sealed, alice, tmp_path):
    path = tmp_path / "file.age"
    path.write_bytes(gzip.compress(sealed, 1) if kind == "gzip" else sealed)
    source = {"path": path, "memory": sealed, "gzip": None}[kind] or gzip.GzipFile(path)
    chance = random.Random(2)
    pieces = [
        (chance.randrange(3 * CHUNK), chance.randrange(len(DATA))) for _ in range(64 if kind != "gzip" else 8)
    ]
    with sealing.open_sealed(source, [alice]) as reader, ThreadPoolExecutor(8) as pool:
        for (size, offset), piece in zip(pieces, pool.map(lambda at: reader.pread(*at), pieces), strict=True):
            assert piece == DATA[offset : offset + size]
    if kind == "gzip":
        source.close()


def test_a_negative_place_is_refused(reader):
    for call in (
        lambda: reader.pread(-1, 0),
        lambda: reader.pread(1, -1),
        lambda: reader.seek(-1),
        lambda: reader.seek(0, 9),
    ):
        with pytest.raises(InvalidOptionError):
            call()


def test_an_altered_chunk_is_noticed_when_it_is_read(alice, seal):
    sealed = bytearray(seal(DATA))
    start = len(sealed) - len(DATA) - 36 * 16
    sealed[start + 3 * SEALED + 5] ^= 1
    with sealing.open_sealed(sealed, [alice]) as reader:
        assert reader.pread(3 * CHUNK, 0) == DATA[: 3 * CHUNK]
        assert reader.pread(10, 4 * CHUNK) == DATA[4 * CHUNK : 4 * CHUNK + 10]
        buffer = bytearray(5 * CHUNK)
        with pytest.raises(PayloadError, match="chunk 3"):
            reader.pread_into(buffer, 0)
        assert buffer == DATA[: 3 * CHUNK] + bytes(2 * CHUNK)


def test_an_altered_last_chunk_is_noticed_at_once(alice, seal):
    for cut in (seal(DATA)[:-1], seal(DATA)[: -1234 - 16], seal(DATA) + b"\0"):
        with pytest.raises(PayloadError):
            sealing.open_sealed(cut, [alice])


def test_an_altered_line_of_armor_is_noticed_when_it_is_read(alice, seal):
    lines = seal(DATA, armor=True).split(b"\n")
    lines[5000] = lines[5000][:-1] + b"*"
    with sealing.open_sealed(b"\n".join(lines), [alice]) as reader:
        assert reader.pread(10, 0) == DATA[:10]
        with pytest.raises(ArmorError):
            reader.pread(CHUNK, 4990 * 48)


def test_a_file_that_shrinks_is_noticed(alice, seal, tmp_path):
    for armor, error in ((False, PayloadError), (True, ArmorError)):
        path = tmp_path / "file.age"
        path.write_bytes(seal(DATA, armor=armor))
        with sealing.open_sealed(path, [alice]) as reader:
            os.truncate(path, 20 * CHUNK)
            assert reader.pread(10, 0) == DATA[:10]
            with pytest.raises(error, match="shorter"):
                reader.pread(10, 30 * CHUNK)


def test_what_cannot_be_opened_is_told_and_closed(alice, seal, tmp_path):
    other = sealing.generate_identity(post_quantum=False)
    path = tmp_path / "file.age"
    path.write_bytes(seal(b"text"))
    with pytest.raises(NoMatchError):
        sealing.open_sealed(path, [other])
    with pytest.raises(HeaderError):
        sealing.open_sealed(b"", [alice])
    with pytest.raises(NotFoundError):
        sealing.open_sealed(tmp_path / "nothing", [alice])


def test_what_cannot_seek_is_refused(alice, tmp_path):
    read_end, write_end = os.pipe()
    os.close(write_end)
    with open(read_end, "rb") as pipe, pytest.raises(InvalidOptionError, match="seek"):  # noqa: PTH123 - a descriptor
        sealing.open_sealed(pipe, [alice])
    path = tmp_path / "pipe"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    with pytest.raises(InvalidOptionError, match="seek"):
        sealing.open_sealed(path, [alice])
    os.close(held)
