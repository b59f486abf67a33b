"""Imports that are interrupted, killed, unplugged or starved of memory: the next run heals them."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import sha256
from maas_sdk.artifact import Store, verify
from maas_sdk.artifact._bundles import bundle as _bundle
from maas_sdk.artifact._documents import oci
from maas_sdk.errors import BusyError, IncompleteError, RefusedError, StorageError
from maas_sdk.storage import Leases, LocalBackend, MemoryBackend
from maas_sdk.trust import Trust

NAME = "acme/digits"
MIB = 1 << 20
PARTS = {
    "card.md": b"# digits\n",
    "tensors/000.safetensors": bytes(range(256)) * 4096 * 6,
    "tensors/001.safetensors": b"\1" * MIB,
}
TOTAL = sum(map(len, PARTS.values()))


@pytest.fixture
def policy(organisations):
    return organisations.policy(require_sealed=False)


@pytest.fixture
def lax(tmp_path, policy):
    return Trust.create(tmp_path / "lax", policy=policy)


@pytest.fixture
def path(sender):
    return sender.bundle(parts=PARTS, recipients=[])


@pytest.fixture
def store(tmp_path):
    return Store(LocalBackend(tmp_path / "received"))


@pytest.fixture
def medium(monkeypatch):
    """Count what is read of layers, and fail where it is told to."""

    class Medium:
        def __init__(self):
            self.read = 0
            self.fails_at = None
            self.error = OSError(errno.EIO, "Input/output error")

    counter = Medium()
    readinto = _bundle._Region.readinto

    def counted(self, buffer):
        if counter.fails_at is not None and counter.read >= counter.fails_at:
            raise counter.error
        count = readinto(self, buffer)
        counter.read += count
        return count

    monkeypatch.setattr(_bundle._Region, "readinto", counted)
    return counter


def take(store, path, trust, **options):
    return store.import_bundle(path, trust=trust, first_use=[NAME], **options)


@pytest.mark.parametrize("fails_at", [0, 100, 2 * MIB, 5 * MIB, 6 * MIB + 1000])
def test_a_medium_that_is_unplugged_is_no_verdict_and_the_next_run_goes_on(
    store, path, lax, medium, fails_at
):
    medium.fails_at = fails_at
    with pytest.raises(StorageError, match="Input/output error"):
        take(store, path, lax)
    assert store.names() == []
    assert lax.ratchet.remembered(NAME) is None
    first, medium.read, medium.fails_at = medium.read, 0, None
    assert take(store, path, lax).read_parts() == PARTS
    assert first + medium.read <= TOTAL + 8192
    assert list(store._backend.list("leases/")) == []


def test_an_interrupted_layer_is_continued(store, path, lax, medium):
    def interrupt(_stage, done, _total):
        if done > 3 * MIB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(store, path, lax, progress=interrupt)
    assert medium.read > 3 * MIB
    medium.read = 0
    assert take(store, path, lax).read_parts() == PARTS
    assert medium.read < TOTAL - 2 * MIB


def test_what_the_store_has_is_not_read_again(store, path, lax, medium):
    take(store, path, lax)
    medium.read = 0
    told = []
    take(store, path, lax, progress=lambda *step: told.append(step))
    assert medium.read == 0
    assert told[-1] == ("import", TOTAL, TOTAL)


def test_a_partial_layer_that_is_not_the_beginning_of_it_is_begun_anew(store, path, lax, medium, tmp_path):
    medium.fails_at = 3 * MIB
    with pytest.raises(StorageError):
        take(store, path, lax)
    medium.fails_at = None
    (partial,) = [
        file for file in (tmp_path / "received").rglob("*") if file.is_file() and file.stat().st_size > MIB
    ]
    partial.write_bytes(bytes(2 * MIB))
    assert take(store, path, lax).read_parts() == PARTS


def test_a_bundle_that_shrinks_while_it_is_read_is_no_verdict(store, path, lax):
    def shrink(_stage, _done, _total):
        os.truncate(path, 3 * MIB)

    with pytest.raises(StorageError, match="became shorter"):
        take(store, path, lax, progress=shrink)
    with pytest.raises(RefusedError, match="truncated"):
        take(store, path, lax)


KILLED = """
    import os, signal, sys
    from maas_sdk.artifact import Store
    from maas_sdk.storage import LocalBackend
    from maas_sdk.trust import Trust

    folder, path, trust, at = sys.argv[1:]
    steps = 0

    def progress(stage, done, total):
        global steps
        steps += 1
        if steps == int(at):
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        Store(LocalBackend(folder)).import_bundle(
            path, trust=Trust.open(trust), first_use=["acme/digits"], progress=progress
        )
    except Exception as exc:
        print(type(exc).__name__)
"""


def killed_at(step, folder, path, trust):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), folder, path, trust, str(step)]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("step", [3, 5, 8])
def test_a_killed_import_is_healed_by_the_next(path, policy, tmp_path, medium, step):
    trust = Trust.create(tmp_path / "trust", policy=policy)
    assert killed_at(step, tmp_path / "received", path, tmp_path / "trust").returncode == -signal.SIGKILL
    store = Store(LocalBackend(tmp_path / "received"))
    assert store.names() == []
    assert take(store, path, trust).read_parts() == PARTS
    assert medium.read < TOTAL


def test_an_import_that_is_killed_while_it_joins_is_healed_by_any_volume(sender, policy, tmp_path):
    trust = Trust.create(tmp_path / "trust", policy=policy)
    release = sender.publish(parts=PARTS, recipients=[])
    volumes = release.export_volumes(tmp_path / "digits.maas", max_bytes=4 * MIB)
    store = Store(LocalBackend(tmp_path / "received"))
    with pytest.raises(IncompleteError):
        take(store, volumes[0], trust)
    steps = []
    clean = Store(LocalBackend(tmp_path / "clean"))
    with pytest.raises(IncompleteError):
        take(clean, volumes[0], trust)
    other = Trust.create(tmp_path / "other", policy=policy)
    take(clean, volumes[1], other, progress=lambda *step: steps.append(step))
    joining = next(n for n, step in enumerate(steps, 1) if step[0] == "join") + 2
    killed = killed_at(joining, tmp_path / "received", volumes[1], tmp_path / "trust")
    assert killed.returncode == -signal.SIGKILL
    assert store.names() == []
    assert take(store, volumes[0], trust).read_parts() == PARTS
    layers = {layer.digest for layer in release._papers.layers}
    documents = {sha256(data) for data in release._papers.documents()}
    assert {"sha256:" + key[-64:] for key in store._backend.list("blobs/")} == layers | documents


def test_an_import_holds_a_lease_while_it_writes(store, path, lax):
    seen = []
    take(store, path, lax, progress=lambda *_: seen.append(list(store._backend.list("leases/"))))
    assert all(len(leases) == 1 for leases in seen)
    assert list(store._backend.list("leases/")) == []


def test_an_import_waits_for_gc_and_then_says_who_is_at_work(path, lax):
    store = Store(MemoryBackend())
    now = [1_780_000_000.0]
    leases = Leases(store._backend, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    store._catalog.leases = leases
    with leases.exclusive("gc"), pytest.raises(BusyError, match="gc"):
        take(store, path, lax)
    assert take(store, path, lax).version == "1.0.0"


def test_an_import_whose_lease_ran_out_refers_to_nothing(path, lax):
    store = Store(MemoryBackend())
    now = [1_780_000_000.0]
    store._catalog.leases = Leases(store._backend, clock=lambda: now[0])

    def asleep(_stage, done, total):
        if done == total:
            now[0] += 7200

    with pytest.raises(BusyError, match="ran out"):
        take(store, path, lax, progress=asleep)
    assert store.names() == []
    assert take(store, path, lax).version == "1.0.0"


# Whatever the bytes are, reading them takes little memory.

MEASURED = r"""
    import re, sys
    from pathlib import Path
    from maas_sdk.artifact import Store, verify
    from maas_sdk.storage import LocalBackend
    from maas_sdk.errors import MaasError
    from maas_sdk.trust import Trust

    honest, trust, folder, *hostile = sys.argv[1:]
    trust = Trust.open(trust)

    def peak():
        # getrusage would tell of the process that started this one.
        return int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1])

    store = Store(LocalBackend(folder))
    verify(honest, trust=trust)
    try:
        store.import_bundle(honest, trust=trust)
    except MaasError:
        pass
    before = peak()
    for path in hostile:
        verdict = verify(path, trust=trust, first_use=["acme/digits"])
        try:
            store.import_bundle(path, trust=trust, first_use=["acme/digits"])
        except MaasError:
            pass
        print(path.rpartition("/")[2], verdict.passed, peak() - before)
"""


def _index(*documents, **more):
    described = [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(d), "size": len(d)}
        for d in documents
    ]
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}
    return strict_json.dumps(index | {"manifests": described} | more)


def _hostile(tar, items):
    """Give documents that are as dear to read as their bounds allow."""
    size = 4 * MIB - 64
    blob, index = tar.blob, json.loads(items[1][1])
    head, rest = items[0], items[2:]
    bombs = {
        "arrays": b"[" + b"[]," * (size // 3) + b"[]]",
        "objects": b"[" + b'{"a":{}},' * (size // 9) + b"{}]",
        "numbers": b"[" + b"1e9," * (size // 4) + b"1]",
        "few-objects": b"[" + b'{"a":{}},' * 13_000 + b"{}]",
        "wide-text": b'{"a":"' + "\N{GRINNING FACE}".encode() * (size // 4) + b'"}',
        "escapes": b'{"a":"' + rb"\u1234" * (size // 6) + b'"}',
        "keys": b"{" + b",".join(b'"%d":1' % n for n in range(32_000)) + b"}",
    }
    for name, bomb in bombs.items():
        yield f"index-{name}", [head, ("index.json", bomb), *rest]
        yield f"manifest-{name}", [head, ("index.json", _index(bomb)), blob(bomb)]
    bad = {"mediaType": "x", "digest": 1, "size": "y"}
    manifest = json.loads(items[2][1])
    layers = strict_json.dumps(manifest | {"layers": [bad] * 9_000})
    yield "bad-layers", [head, ("index.json", _index(layers)), blob(layers)]
    layers = strict_json.dumps(manifest | {"layers": [manifest["layers"][0]] * 5_000})
    yield "many-layers", [head, ("index.json", _index(layers)), blob(layers)]
    yield "many-manifests", [head, ("index.json", _index(*[b"{}"] * 5_000)), *rest]
    plan = {"number": 1, "volumes": [[{"digest": 1}] * 9] * 999}
    annotations = {"vnd.maas-sdk.volume": strict_json.dumps(plan).decode()}
    yield "bad-plan", [head, ("index.json", strict_json.dumps(index | {"annotations": annotations})), *rest]
    envelopes = []
    subject = oci.describe(items[2][1])
    for number in range(12):
        envelope = b'{"payload":"%d%s"}' % (number, b"A" * (size - 100))
        kind = oci.NOTICES[0]
        referrer = oci.build_referrer(kind, subject=subject, envelope=oci.describe_envelope(envelope))
        envelopes += [referrer, envelope]
    documents = [items[2][1], *envelopes]
    yield "notices", [head, ("index.json", _index(documents[0], *envelopes[::2])), *map(blob, documents),
                      *rest[1:]]  # fmt: skip
    yield "entries", [head, items[1], *(blob(b"%d" % n) for n in range(1020))]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("index-arrays", "index.json holds more values"),
        ("manifest-arrays", "the manifest holds more values"),
        ("bad-layers", "max_parts"),
        ("many-manifests", "more than 128 manifests"),
        ("bad-plan", "a set has 2 to 999"),
        ("notices", "the documents are more than"),
        ("entries", "is missing"),
    ],
)
def test_a_bomb_is_refused_for_what_it_is(sender, policy, tar, tmp_path, failures, name, reason):
    items = dict(_hostile(tar, tar.entries(sender.bundle(recipients=[]))))[name]
    verdict = verify(tar.pack(tmp_path / "bomb.maas", items), trust=policy)
    assert failures(verdict) == ["manifest"]
    assert reason in verdict.failures[0].reason


linux = pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")


@linux
def test_hostile_bundles_take_little_memory(sender, policy, tar, tmp_path):
    Trust.create(tmp_path / "trust", policy=policy)
    honest = sender.bundle(recipients=[])
    folder = tmp_path / "hostile"
    folder.mkdir()
    paths = [tar.pack(folder / f"{name}.maas", items) for name, items in _hostile(tar, tar.entries(honest))]
    sparse = folder / "sparse.maas"
    sparse.write_bytes(honest.read_bytes()[:-1024])
    os.truncate(sparse, 1 << 40)
    command = [sys.executable, "-c", textwrap.dedent(MEASURED), honest, tmp_path / "trust",
               tmp_path / "store", *paths, sparse]  # fmt: skip
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr

    for line in ran.stdout.splitlines():
        name, passed, grown = line.split()
        assert passed == "False"
        assert int(grown) < 64 * 1024, f"{name}: {ran.stdout}"
    assert len(ran.stdout.splitlines()) == len(paths) + 1


@linux
def test_a_large_honest_bundle_takes_little_memory_too(sender, policy, tmp_path):
    trust = Trust.create(tmp_path / "trust", policy=policy)
    path = sender.bundle(recipients=[], parts={"a.bin": bytes(96 * MIB)})
    small = sender.bundle("1.0.1", recipients=[])
    assert verify(small, trust=trust, first_use=[NAME]).passed
    command = [sys.executable, "-c", textwrap.dedent(MEASURED), small, tmp_path / "trust",
               tmp_path / "store", path]  # fmt: skip
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    _, passed, grown = ran.stdout.split()
    assert passed == "True"
    assert int(grown) < 32 * 1024
