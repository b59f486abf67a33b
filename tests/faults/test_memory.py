"""Whatever comes and however large it is: memory stays under 64 MiB above what a small bundle needs."""

import os
import resource
import shutil
from pathlib import Path

import children
import hostile
import pytest
from setting import NAME, NOW

from maas_sdk._internal.digests import hex_of
from maas_sdk.artifact import Store, verify
from maas_sdk.errors import RefusedError
from maas_sdk.storage import LocalBackend, MemoryBackend
from maas_sdk.trust import Trust

MIB = 1 << 20
BOUND = 64 * MIB
LARGE = 512 * MIB


def grown(function):
    """Give by how much the memory of a child grew at its peak, and what `function` gave.

    The peak counts from a mark that the kernel sets back when 5 is written to clear_refs (proc(5)).
    """

    def act():
        Path("/proc/self/clear_refs").write_text("5")
        before = _memory("VmRSS")
        value = function()
        return [_memory("VmHWM") - before, value]

    outcome = children.run(act)
    assert not outcome.error, outcome.message
    return outcome.value


def _memory(field):
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024


pytestmark = pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux' proc")


@pytest.fixture(scope="module")
def large(workplace, people):
    """A store with a release of 512 MiB that takes no space, and its bundle."""
    if shutil.disk_usage(workplace).free < 4 * LARGE:
        pytest.skip("not enough space for large files")
    folder = workplace / "large"
    folder.mkdir()
    part = folder / "part"
    with part.open("wb") as file:
        file.truncate(LARGE)
    store = Store(LocalBackend(folder / "sender"))
    release = store.publish(
        {"model.json": b"{}", "tensors/000.safetensors": part},
        name=NAME, version="1.0.0", signers=[people.acme.signer], created=NOW,
    )  # fmt: skip
    path = release.export(folder / "large.maas")
    Trust.create(folder / "trust", policy=people.policy(require_sealed=False))
    yield folder, path
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_release_of_half_a_gibibyte_is_verified_exported_and_imported_in_little_memory(large, people):
    folder, path = large
    policy = people.policy(require_sealed=False)
    growth, passed = grown(lambda: verify(path, trust=policy, now=NOW).passed)
    assert passed
    assert growth < BOUND

    def export():
        release = Store(LocalBackend(folder / "sender")).open(NAME)
        return release.export(folder / "again.maas").stat().st_size

    growth, size = grown(export)
    assert size > LARGE
    assert growth < BOUND
    (folder / "again.maas").unlink()

    def receive():
        store = Store(LocalBackend(folder / "receiver"))
        trust = Trust.open(folder / "trust")
        return store.import_bundle(path, trust=trust, first_use=[NAME], now=NOW).version

    growth, version = grown(receive)
    assert version == "1.0.0"
    assert growth < BOUND
    shutil.rmtree(folder / "receiver")


@pytest.mark.slow
def test_half_a_gibibyte_is_sealed_and_unpacked_in_little_memory(large, people):
    folder, _ = large

    def publish():
        release = Store(LocalBackend(folder / "sealed")).publish(
            {"tensors/000.safetensors": folder / "part"},
            name=NAME, version="1.0.0", signers=[people.acme.signer], recipients=[people.globex.public],
            created=NOW,
        )  # fmt: skip
        return release.sealed

    growth, sealed = grown(publish)
    assert sealed
    assert growth < BOUND

    def unpack():
        release = Store(LocalBackend(folder / "sealed")).open(NAME)
        where = release.unpack(folder / "unpacked", identity=people.globex)
        return (where / "tensors" / "000.safetensors").stat().st_size

    growth, size = grown(unpack)
    assert size == LARGE
    assert growth < BOUND
    shutil.rmtree(folder / "sealed")
    shutil.rmtree(folder / "unpacked")


def test_no_hostile_archive_takes_much_memory(workplace, people):
    folder = workplace / "bombs"
    folder.mkdir()
    release = Store(MemoryBackend()).publish(
        {"card.md": b"x", "model.json": b"{}"}, name=NAME, version="1.0.0",
        signers=[people.acme.signer], recipients=[people.globex.public], created=NOW,
    )  # fmt: skip
    items = hostile.entries(release.export(folder / "honest.maas"))
    verify(folder / "honest.maas", trust=people.policy(), now=NOW)
    paths = []
    for number, write in enumerate(hostile.ARCHIVES.values()):
        paths.append(folder / f"{number}.maas")
        paths[-1].write_bytes(write(items))
    paths += bombs(folder, items)

    def show():
        for path in paths:
            assert not verify(path, trust=people.policy(), now=NOW).passed, path
        return len(paths)

    growth, count = grown(show)
    assert count > 60
    assert growth < BOUND

    def receive():
        store, trust = Store(LocalBackend(folder / "store")), Trust.open(folder / "trust")
        for path in paths:
            with pytest.raises(RefusedError):
                store.import_bundle(path, trust=trust, first_use=[NAME], now=NOW)
        return store.names()

    Trust.create(folder / "trust", policy=people.policy())
    growth, names = grown(receive)
    assert names == []
    assert growth < BOUND
    shutil.rmtree(folder)


def bombs(folder, items):
    """Give archives that are gigantic on paper, and documents as large as they may be."""
    name, _ = items[-1]
    size = 8 * 1024 * MIB - 512  # the most that eleven octal digits hold, in whole blocks
    honest = hostile.archive(items[:-1], end=b"")
    for title, at in (("layer", name), ("index.json", None), ("manifest", items[2][0])):
        path = folder / f"bomb-{title}.maas"
        with path.open("wb") as file:
            if title == "layer":
                file.write(honest + hostile.header(at, size))
            elif title == "index.json":
                file.write(hostile.archive(items[:1], end=b"") + hostile.header("index.json", size))
            else:
                file.write(hostile.archive(items[:2], end=b"") + hostile.header(at, size))
            file.truncate(file.tell() + size + 1024)
        yield path
    documents = [
        b'{"a":' * 60 + b"[" + b"0," * (2 * MIB - 400),
        b'{"a":[' + b"[]," * (MIB + MIB // 4) + b"[]]}",
        b'{"' + b"a" * (4 * MIB - 10) + b'":1}',
        b"{" + b",".join(b'"%06d":0' % number for number in range(380_000)) + b"}",
        b"[" + rb'"\\",' * (4 * MIB // 5 - 10) + b"0]",
    ]
    for number, document in enumerate(documents):
        assert len(document) <= 4 * MIB
        path = folder / f"document-{number}.maas"
        path.write_bytes(hostile.archive([items[0], ("index.json", document), *items[2:]]))
        yield path
    # Every blob that may be there, each as large as a document may be, none of them needed.
    path = folder / "many.maas"
    with path.open("wb") as file:
        file.write(hostile.archive(items, end=b""))
        for number in range(1024 - len(items)):
            file.write(hostile.header("blobs/sha256/" + hex_of(f"sha256:{number:064x}"), 4 * MIB))
            file.seek(4 * MIB, os.SEEK_CUR)
        file.write(bytes(1024))
    yield path


def test_the_measure_sees_what_is_taken():
    growth, _ = grown(lambda: len(bytearray(os.urandom(1) * (100 * MIB))))
    assert growth > 90 * MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
