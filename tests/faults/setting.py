"""People, releases and a small folder of everything, and what must be true of it whatever happened.

The folder holds ``store`` (where an operation works), ``trust``, ``in`` (bundles that came) and ``out``. It
is made once for each operation and copied for each fault.
"""

import re
import shutil
from dataclasses import dataclass
from datetime import timedelta

from maas_sdk.artifact import Store, verify
from maas_sdk.identity import Identity
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import Policy, Trust, TrustedKey

NAME = "acme/digits"
NOW = "2026-06-01T12:00:00Z"
PARTS = {
    "0.1.0": {"card.md": b"# old\n", "model.json": b'{"nodes":[]}', "tensors/000.safetensors": b"\1" * 3000},
    "1.0.0": {
        "card.md": b"# new\n",
        "model.json": b'{"nodes":[]}',
        "tensors/000.safetensors": b"\1" * 3000,
        "tensors/001.safetensors": bytes(range(256)) * 300,
    },
    "2.0.0": {"card.md": b"# other\n", "model.json": b'{"nodes":[]}', "tensors/000.safetensors": b"\2" * 500},
}
TOP = {"store", "trust", "in", "out"}
IGNORED = (".lock", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal")
"""Ends of the names of files that need not survive a power cut: locks, and the index, which is made anew."""
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
NO_GRACE = timedelta(0)


class People:
    """Who plays, with their keys; made once."""

    def __init__(self):
        self.acme, self.globex, self.initech = (Identity.generate(x) for x in ("acme", "globex", "initech"))

    def policy(self, **options):
        return Policy().with_key("acme/*", trusted(self.acme), **options)


def trusted(person):
    public = person.public.public_key
    return TrustedKey(person.name, public.fingerprint, public.pem)


def store_of(root):
    return Store(LocalBackend(root / "store"))


def trust_of(root):
    return Trust.open(root / "trust")


def publish(folder, people, version="1.0.0", *, recipients=None, parts=None):
    return Store(LocalBackend(folder)).publish(
        PARTS[version] if parts is None else parts,
        name=NAME,
        version=version,
        signers=[people.acme.signer],
        recipients=[people.acme, people.globex.public] if recipients is None else recipients,
        created=NOW,
    )


# What holds at any time.


def check_store(root, people, *, have, may=(), policy=None):
    """Every version that is listed is whole to its last byte; `have` is there, `may` may be, nothing else."""
    assert {path.name for path in root.iterdir()} <= TOP
    store = store_of(root)
    found = store.versions(NAME)
    assert set(have) <= set(found) <= set(have) | set(may), found
    for version in found:
        release = store.open(f"{NAME}@{version}")
        verdict = release.verify(policy or people.policy(), recipient=people.globex, now=NOW)
        assert verdict.passed, str(verdict)
        assert release.read_parts(identity=people.globex) == PARTS[version]
    assert [each.version for each in store.search(NAME)] == found[::-1]
    for log in (store.audit, trust_of(root).audit):
        assert log.check().ok
    return found


def check_out(root, people):
    """What stands in ``out`` under its name is whole; gives the names with the versions that are in them."""
    found = set()
    for path in sorted((root / "out").iterdir()):
        if not LEFTOVER.fullmatch(path.name) and path.is_file():
            found.add((path.name, check_bundle(path, people)))
    return found


def check_bundle(path, people):
    verdict = verify(path, trust=people.policy(), recipient=people.globex, now=NOW)
    assert verdict.passed, str(verdict)
    return verdict.version


def check_memory(root):
    """The receiver's memory is readable."""
    trust = trust_of(root)
    assert trust.policy.rule_for(NAME)
    return trust.ratchet.remembered(NAME)


def collect(root, people):
    """Whatever was left behind can be collected, and everything else stays."""
    store = store_of(root)
    before = store.versions(NAME)
    store.gc(delete=True, grace=NO_GRACE)
    report = store.gc(grace=NO_GRACE)
    assert (report.orphans, report.young) == ((), ())
    assert not list((root / "store" / ".incoming").iterdir())
    check_store(root, people, have=before)
    assert store.fsck().ok


@dataclass(frozen=True)
class Scene:
    """One operation.

    `prepare(root, people)` makes what is there before it; `act(root, people)` is it, gives what JSON can
    hold, and the same each time; `check(root, people)` is what holds at any time, `done(root, people)` once
    it has returned, and `clean(root, people)` tidies up afterwards. `kept(root, people)` is what holds after
    a power cut once it has returned: as `done`, unless it only removes what nobody misses.
    """

    name: str
    prepare: object
    act: object
    check: object
    done: object
    clean: object = collect
    kept: object = None

    def __post_init__(self):
        if self.kept is None:
            object.__setattr__(self, "kept", self.done)

    def copy(self, template, target):
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(template, target, symlinks=True)
        return target


def prepare(root, people, **policy):
    for name in TOP:
        if name != "trust":
            (root / name).mkdir(parents=True, exist_ok=True)
    Trust.create(root / "trust", policy=people.policy(**policy))


def prepare_two(root, people):
    """Make a store with two versions that share layers."""
    prepare(root, people)
    for version in ("0.1.0", "1.0.0"):
        publish(root / "store", people, version)
