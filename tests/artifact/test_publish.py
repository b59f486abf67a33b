"""Publishing: what may be given, what is reused, and what is left when it fails."""

import hashlib
import os
import threading

import pytest

from maas_sdk.artifact import DerivedPart, Store
from maas_sdk.artifact._contents.sources import DigestsAhead, MemoryContent
from maas_sdk.errors import (
    DigestMismatchError,
    InvalidOptionError,
    InvalidReferenceError,
    NotFoundError,
    SealingError,
    SigningError,
    StorageError,
)
from maas_sdk.sealing import AgeSealer
from maas_sdk.storage import LocalBackend, MemoryBackend

LARGE = 5 << 20  # bytes: more than is hashed before it is sealed


@pytest.fixture(params=["sealed", "unsealed"])
def audience(request):
    """Options that seal, or do not."""
    return {} if request.param == "sealed" else {"recipients": []}


def keys(store):
    return [key for key in store._backend.list("") if not key.startswith("leases/")]


def layers(release):
    return {layer.file_path.removesuffix(".age"): layer.digest for layer in release._papers.layers}


def noise(size, seed=1):
    return hashlib.shake_128(bytes([seed])).digest(size)


def test_bytes_pieces_and_files_are_parts(sender, organisations, tmp_path, audience):
    big, small = noise(LARGE), noise(300_000, 2)
    (tmp_path / "big").write_bytes(big)
    (tmp_path / "empty").write_bytes(b"")
    parts = {
        "array.bin": memoryview(bytearray(small)).cast("H"),
        "big.bin": tmp_path / "big",
        "empty.bin": tmp_path / "empty",
        "nothing.bin": [],
        "pieces.bin": [big[:1000], bytearray(big[1000:7000]), b"", memoryview(big)[7000:]],
    }
    release = sender.publish(parts=parts, **audience)
    assert release.read_parts(identity=organisations.globex) == {
        "array.bin": small, "big.bin": big, "empty.bin": b"", "nothing.bin": b"", "pieces.bin": big,
    }  # fmt: skip
    assert {part.path: part.size for part in release.parts}["pieces.bin"] == LARGE


def test_files_of_a_size_that_is_known_are_read_twice_and_checked(sender, organisations, tmp_path, audience):
    path = tmp_path / "big"
    path.write_bytes(noise(LARGE))
    sender.publish("1.0.0", parts={"big.bin": path}, **audience)
    path.write_bytes(noise(LARGE, 2))
    release = sender.publish("1.0.1", parts={"big.bin": path}, **audience)
    assert release.read_parts(identity=organisations.acme)["big.bin"] == noise(LARGE, 2)


@pytest.mark.parametrize("size", [1000, LARGE])
@pytest.mark.parametrize("change", [b"", b"more"])
def test_a_file_that_becomes_longer_or_shorter_meanwhile_is_refused(
    sender, tmp_path, monkeypatch, audience, size, change
):
    path = tmp_path / "file"
    path.write_bytes(noise(size))

    def altered(*_arguments):
        path.write_bytes(change and noise(size) + change)

    monkeypatch.setattr(sender.store._catalog, "record", altered)
    with pytest.raises(DigestMismatchError, match="changed while it was published"):
        sender.publish(parts={"part.bin": path}, **audience)
    assert keys(sender.store) == []


def test_a_file_whose_bytes_change_between_two_readings_is_refused(sender, tmp_path, monkeypatch, audience):
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def altered(*_arguments, **_options):
        path.write_bytes(b"behind")

    monkeypatch.setattr(sender.store._catalog, "sealed_layer", altered)
    monkeypatch.setattr(sender.store._catalog.blobs, "has", altered)
    with pytest.raises(DigestMismatchError, match="changed while it was published"):
        sender.publish(parts={"part.bin": path}, **audience)
    assert keys(sender.store) == []


def test_bytes_that_change_between_two_readings_are_refused(sender, monkeypatch):
    data = bytearray(b"before")

    def altered(*_arguments):
        data[:] = b"behind"

    monkeypatch.setattr(sender.store._catalog.blobs, "has", altered)
    with pytest.raises(DigestMismatchError, match=r"'part\.bin' was changed"):
        sender.publish(parts={"part.bin": data}, recipients=[])
    assert keys(sender.store) == []


def test_what_is_no_content_is_refused(sender, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for content in ("text", 7, None, [b"x", "y"], memoryview(b"abcd")[::2], tmp_path, tmp_path / "pipe"):
        with pytest.raises(InvalidOptionError):
            sender.publish(parts={"part.bin": content})
    with pytest.raises(NotFoundError):
        sender.publish(parts={"part.bin": tmp_path / "missing"})
    assert keys(sender.store) == []


def test_a_file_that_vanishes_is_a_storage_error(sender, tmp_path, monkeypatch, audience):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    monkeypatch.setattr(sender.store._catalog, "record", lambda *_: path.unlink())
    with pytest.raises(StorageError, match="reading"):
        sender.publish(parts={"part.bin": path}, **audience)
    assert keys(sender.store) == []


def test_a_part_can_be_made_from_the_digests_of_the_others(sender, organisations, audience):
    given = []

    def make(files):
        given.append(files)
        return "\n".join(files.values()).encode()

    told = []
    parts = {"a.bin": b"1", "m.sig": DerivedPart(make), "z.bin": noise(LARGE)}
    release = sender.publish(parts=parts, progress=lambda *step: told.append(step), **audience)
    expected = {"a.bin": hashlib.sha256(b"1").hexdigest(), "z.bin": hashlib.sha256(noise(LARGE)).hexdigest()}
    assert given == [expected]
    assert release.read_parts(identity=organisations.acme)["m.sig"] == "\n".join(expected.values()).encode()
    assert [part.path for part in release.parts] == ["a.bin", "m.sig", "z.bin"]
    assert told[-1][1:] == (LARGE + 1, LARGE + 1)
    again = sender.publish(parts=parts, **audience)
    assert again.identity == release.identity


def test_the_same_release_out_of_files_is_the_same_release(sender, tmp_path):
    (tmp_path / "file").write_bytes(noise(LARGE))
    first = sender.publish(parts={"part.bin": noise(LARGE)})
    before = keys(sender.store)
    again = sender.publish(parts={"part.bin": tmp_path / "file"})
    assert (again.identity, again.manifest_digest) == (first.identity, first.manifest_digest)
    assert keys(sender.store) == before


@pytest.mark.parametrize("size", [100, LARGE])
def test_a_part_that_did_not_change_is_not_sealed_anew_for_the_same_recipients(sender, organisations, size):
    parts = {"one.bin": noise(size), "two.bin": b"2"}
    first = layers(sender.publish("1.0.0", parts=parts))
    told = []
    second = layers(
        sender.publish("1.0.1", parts=parts | {"two.bin": b"3"}, progress=lambda *step: told.append(step))
    )
    assert first["one.bin"] == second["one.bin"]
    assert first["two.bin"] != second["two.bin"]
    assert told[-1] == ("seal", size + 1, size + 1)
    others = layers(sender.publish("1.0.2", parts=parts, recipients=[organisations.acme]))
    assert others["one.bin"] not in first.values()
    # Another model of the same content, whose sizes nobody looked at before.
    elsewhere = layers(sender.publish("1.0.0", parts=parts, name="acme/other"))
    assert elsewhere["one.bin"] == first["one.bin"]
    for version in ("1.0.0", "1.0.1"):
        got = sender.store.open(f"acme/digits@{version}").read_parts(identity=organisations.globex)
        assert got["one.bin"] == noise(size)


def test_of_what_turns_out_to_be_known_nothing_is_written(sender):
    parts = {"one.bin": noise(LARGE)}
    sender.publish("1.0.0", parts=parts)
    blobs = {key for key in keys(sender.store) if key.startswith("blobs/")}
    sender.publish("1.0.0", parts=parts, name="acme/other")
    more = {key for key in keys(sender.store) if key.startswith("blobs/")} - blobs
    assert all(sender.store._backend.size(key) < LARGE for key in more)


def test_two_equal_parts_are_two_layers(sender, organisations):
    parts = {"one.bin": noise(1000), "two.bin": noise(1000)}
    for version in ("1.0.0", "1.0.1"):
        release = sender.publish(version, parts=parts)
        found = layers(release)
        assert found["one.bin"] != found["two.bin"]
        assert release.read_parts(identity=organisations.globex) == parts


def test_a_signer_that_fails_removes_what_was_sealed_for_it_and_nothing_else(sender, organisations):
    class Broken:
        def public_key_pem(self):
            return organisations.acme.signer.public_key_pem()

        def sign(self, message):
            raise OSError("the token was pulled out")

    sender.publish("1.0.0")
    before = keys(sender.store)
    with pytest.raises(SigningError):
        sender.publish("1.0.1", parts={"new.bin": b"new", "model.json": b'{"nodes":[]}'}, signers=[Broken()])
    assert keys(sender.store) == before


class Foreign:
    """A sealer of somebody else's."""

    suffix = ".foreign"

    def encrypt(self, source, sink, recipients):
        data = source.read()
        sink.write(b"!" + bytes(255 - byte for byte in data))


def test_a_sealer_of_others_that_raises_is_a_sealing_error(sender):
    class Raising(Foreign):
        def encrypt(self, source, sink, recipients):
            if source.read():
                raise ValueError("no")

    with pytest.raises(SealingError, match="Raising failed: ValueError: no"):
        sender.publish(sealer=Raising())
    assert keys(sender.store) == []


def test_a_sealer_that_leaves_bytes_unread_is_noticed(sender):
    class Lazy(Foreign):
        def encrypt(self, source, sink, recipients):
            sink.write(source.read(5))

    with pytest.raises(SealingError, match=r"did not read all of 'card\.md'"):
        sender.publish(sealer=Lazy())
    assert keys(sender.store) == []


def test_a_sealer_of_others_may_reuse_its_buffers(sender, organisations, tmp_path):
    class Reusing(AgeSealer):
        def encrypt(self, source, sink, recipients):
            class Copy:
                def write(self, data):
                    buffer = bytearray(data)
                    count = sink.write(buffer)
                    buffer[:] = bytes(len(buffer))
                    return count

            super().encrypt(source, Copy(), recipients)

    (tmp_path / "file").write_bytes(noise(LARGE))
    release = sender.publish(parts={"part.bin": tmp_path / "file"}, sealer=Reusing())
    assert release.read_parts(identity=organisations.acme)["part.bin"] == noise(LARGE)


def test_no_disk_and_no_error_of_the_medium_is_taken_for_the_sealers(sender, monkeypatch):
    class Full(MemoryBackend):
        def create(self, key):
            if key.startswith("blobs/"):
                raise StorageError("no space")
            return super().create(key)

    sender.store = Store(Full())
    with pytest.raises(StorageError, match="no space"):
        sender.publish(sealer=Foreign())
    assert keys(sender.store) == []


@pytest.mark.parametrize("backend", [MemoryBackend, LocalBackend])
def test_publishing_can_be_interrupted_within_a_part(sender, tmp_path, backend, audience):
    sender.store = Store(backend() if backend is MemoryBackend else backend(tmp_path / "store"))
    told = []

    def interrupt(_stage, done, total):
        told.append(done)
        if done > total // 2:
            raise KeyboardInterrupt

    parts = {"large.bin": noise(2 * LARGE)}
    with pytest.raises(KeyboardInterrupt):
        sender.publish(parts=parts, progress=interrupt, **audience)
    assert 0 < told[0] < told[-1] < 2 * LARGE
    assert not [key for key in keys(sender.store) if key.startswith(("blobs/", "refs/"))]
    assert not list((tmp_path / "store/.incoming").glob("*"))
    assert not [t for t in threading.enumerate() if t.name.startswith("maas-sdk")]
    assert sender.publish(parts=parts, **audience).sequence == 1


def test_without_threads_it_works_all_the_same(sender, organisations, monkeypatch, audience):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    release = sender.publish(parts={"part.bin": noise(LARGE)}, **audience)
    assert release.read_parts(identity=organisations.acme)["part.bin"] == noise(LARGE)


def test_digests_of_what_cannot_be_read_are_errors_each():
    class Broken(MemoryContent):
        def pieces(self):
            raise StorageError("pulled out")

    whole = MemoryContent([memoryview(b"1")])
    with DigestsAhead({"a": whole, "b": Broken([]), "c": whole}) as ahead:
        assert ahead["a"] == "sha256:" + hashlib.sha256(b"1").hexdigest()
        for path in "bc":
            with pytest.raises(StorageError, match="pulled out"):
                ahead[path]


def test_a_sealer_may_read_as_it_likes(sender, tmp_path):
    read = []

    class Picky(Foreign):
        def encrypt(self, source, sink, recipients):
            assert source.readable()
            read.append(source.read(0))
            while piece := source.read(7):
                read.append(piece)
                sink.write(piece)

    (tmp_path / "file").write_bytes(noise(100))
    sender.publish(parts={"part.bin": tmp_path / "file"}, sealer=Picky())
    assert b"".join(read) == noise(100)


def test_lineage_and_figures_are_signed(sender):
    parent = sender.publish("1.0.0")
    digest = "sha256:" + "ab" * 32
    child = sender.publish(
        "1.1.0",
        parents=["acme/digits@1.0.0", parent.identity, digest],
        datasets={"train": digest, "more": parent.identity},
        metrics={"accuracy": 1, "loss": 0.25},
    )
    assert child.parents == tuple(sorted([parent.identity, digest]))
    assert child.datasets == {"more": parent.identity, "train": digest}
    assert child.metrics == {"accuracy": 1.0, "loss": 0.25}
    assert (parent.parents, parent.datasets, parent.metrics, parent.epoch) == ((), {}, {}, 1)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"parents": "acme/digits@1.0.0"}, InvalidOptionError),
        ({"parents": ["acme/digits@9.0.0"]}, NotFoundError),
        ({"parents": ["no reference"]}, InvalidReferenceError),
        ({"datasets": {"train": "md5:1"}}, InvalidOptionError),
        ({"datasets": [("train", "sha256:" + "ab" * 32)]}, InvalidOptionError),
        ({"metrics": {"accuracy": float("nan")}}, InvalidOptionError),
        ({"metrics": {"accuracy": "high"}}, InvalidOptionError),
        ({"metrics": [("accuracy", 1.0)]}, InvalidOptionError),
        ({"recipients": 7}, InvalidOptionError),
    ],
)  # fmt: skip
def test_lineage_and_figures_that_are_wrong_are_refused(sender, options, error):
    with pytest.raises(error):
        sender.publish(**options)
    assert keys(sender.store) == []


def test_a_release_after_a_rotation_is_of_its_epoch(sender, organisations):
    acme, globex = organisations.acme, organisations.globex
    sender.store.rotate("acme", signers=[acme.signer], keys={"new": globex.signer})
    with pytest.raises(SigningError, match="epoch 2"):
        sender.publish()
    release = sender.publish(signers=[globex.signer])
    assert release.epoch == 2
    assert sender.publish(signers=[globex.signer]).identity == release.identity
