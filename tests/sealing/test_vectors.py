"""The byte-level rules of the format: files made by `tests/vectors/make_sealing.py`."""

from __future__ import annotations

import hashlib
import io
import json
import runpy
from pathlib import Path

import pytest
from attrs import evolve

from maas_sdk import errors, sealing
from maas_sdk.limits import DEFAULT_LIMITS

FOLDER = Path(__file__).parent.parent / "vectors" / "sealing"
VECTORS = sorted(path.stem for path in FOLDER.glob("*.json"))


class Vector:
    def __init__(self, name):
        record = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
        self.data = b"".join(piece_bytes(piece) for piece in record["file"])
        self.identities = [sealing.parse_identity(text) for text in record["identities"]]
        if record["passphrase"] is not None:
            self.identities.append(sealing.Passphrase(record["passphrase"]))
        self.limits = evolve(DEFAULT_LIMITS, **record["limits"])
        self.error = None if record["expect"] == "success" else getattr(errors, record["expect"])
        self.size, self.sha256 = record["size"], record["sha256"]

    def check(self, decrypt, *, partial=True):
        """Run `decrypt(sink)` and compare with what is expected."""
        sink = io.BytesIO()
        if self.error is None:
            decrypt(sink)
        else:
            with pytest.raises(errors.MaasError) as caught:
                decrypt(sink)
            assert type(caught.value) is self.error
        text = sink.getvalue()
        if partial or self.error is None:
            assert (len(text), hashlib.sha256(text).hexdigest()) == (self.size, self.sha256)
        else:
            assert text == b""


def piece_bytes(piece):
    if isinstance(piece, str):
        return piece.encode("ascii")
    if isinstance(piece, dict):
        return bytes.fromhex(piece["hex"])
    what, count = piece
    return (what.encode("ascii") if isinstance(what, str) else bytes([what])) * count


class Dribble(io.RawIOBase):
    """Gives a few bytes at a time, as a pipe may."""

    def __init__(self, data, step):
        self._data = memoryview(data)
        self._step = step
        self._at = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self._data[self._at : self._at + min(self._step, len(buffer))]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_decrypts_or_fails_as_it_says(name):
    vector = Vector(name)
    vector.check(lambda sink: sealing.decrypt(vector.data, sink, vector.identities, limits=vector.limits))


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_read_in_small_pieces_gives_the_same(name):
    vector = Vector(name)
    step = 7 if len(vector.data) < 10_000 else 9_999

    def decrypt(sink):
        sealing.decrypt(Dribble(vector.data, step), sink, vector.identities, limits=vector.limits)

    vector.check(decrypt)


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_read_at_random_gives_the_same(name):
    vector = Vector(name)

    def decrypt(sink):
        with sealing.open_sealed(vector.data, vector.identities, limits=vector.limits) as reader:
            sink.write(reader.read())

    vector.check(decrypt, partial=False)


def test_there_are_vectors_of_every_outcome():
    outcomes = {Vector(name).error for name in VECTORS}
    assert outcomes == {
        None,
        errors.NoMatchError,
        errors.HeaderError,
        errors.HeaderMacError,
        errors.PayloadError,
        errors.ArmorError,
    }


def test_the_generator_writes_these_vectors(tmp_path):
    generator = runpy.run_path(str(FOLDER.parent / "make_sealing.py"))
    generator["main"].__globals__["FOLDER"] = tmp_path
    generator["main"]()
    assert sorted(path.stem for path in tmp_path.iterdir()) == VECTORS
    for name in VECTORS:
        assert (tmp_path / f"{name}.json").read_bytes() == (FOLDER / f"{name}.json").read_bytes()
