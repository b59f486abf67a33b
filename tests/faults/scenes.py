"""Operations on a small folder of everything, and what must be true of it whatever happened in between.

The folder holds ``store`` (where the operation works), ``trust``, ``in`` (bundles that came) and ``out``. It is
made once for each operation and copied for each fault.
"""

import contextlib
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta

from maas_sdk.artifact import Receipt, Store, verify
from maas_sdk.errors import AlreadyExistsError, IncompleteError
from maas_sdk.identity import Identity
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import Policy, Revoked, Trust, TrustedKey

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
}
TOP = {"store", "trust", "in", "out"}
IGNORED = (".lock", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal")
"""Ends of the names of files that need not survive a power cut: locks, and the index, which is made anew."""
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
_NO_GRACE = timedelta(0)


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


def publish(folder, people, version="1.0.0", *, recipients=None):
    return Store(LocalBackend(folder)).publish(
        PARTS[version],
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
        if not _LEFTOVER.fullmatch(path.name) and path.is_file():
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
    store.gc(delete=True, grace=_NO_GRACE)
    report = store.gc(grace=_NO_GRACE)
    assert (report.orphans, report.young) == ((), ())
    assert not list((root / "store" / ".incoming").iterdir())
    check_store(root, people, have=before)
    assert store.fsck().ok


@dataclass(frozen=True)
class Scene:
    """One operation.

    `prepare(root, people)` makes what is there before it; `act(root, people)` is it, gives what JSON can hold,
    and the same each time; `check(root, people)` is what holds at any time, `done(root, people)` once it has
    returned, and `clean(root, people)` tidies up afterwards. `kept(root, people)` is what holds after a power
    cut once it has returned: as `done`, unless it only removes what nobody misses.
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


# Publish.


def _prepare_publish(root, people):
    prepare(root, people)
    publish(root / "store", people, "0.1.0")


def _publish(root, people):
    # Not the identity: a publisher that was killed may have used up a number.
    release = publish(root / "store", people)
    return [release.version, release.previous, [part.digest for part in release.parts]]


def _check_publish(root, people):
    check_store(root, people, have=["0.1.0"], may=["1.0.0"])


def _done_publish(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    store = store_of(root)
    assert store.open(f"{NAME}@1.0.0").previous == store.open(f"{NAME}@0.1.0").identity


# Seal for others.


def _prepare_reseal(root, people):
    _prepare_publish(root, people)
    publish(root / "store", people)


def _reseal(root, people):
    release = store_of(root).reseal(
        f"{NAME}@1.0.0",
        recipients=[people.acme, people.initech.public],
        identity=people.acme,
        signers=[people.acme.signer],
    )
    return [release.version, release.identity == store_of(root).open(f"{NAME}@1.0.0").identity]


def _check_reseal(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    for release in store_of(root).envelopes(f"{NAME}@1.0.0"):
        who = people.globex if people.globex.public.recipient.fingerprint in release.recipients else people.initech
        verdict = release.verify(people.policy(), recipient=who, now=NOW)
        assert verdict.passed, str(verdict)
        assert release.read_parts(identity=who) == PARTS["1.0.0"]


def _done_reseal(root, people):
    _check_reseal(root, people)
    assert len(store_of(root).envelopes(f"{NAME}@1.0.0")) == 2


# Aliases, yanks, notes.


def _notices(root, people):
    store, signers = store_of(root), [people.acme.signer]
    store.set_alias("stable", f"{NAME}@1.0.0", signers=signers)
    store.annotate(f"{NAME}@1.0.0", signers=signers, tags=["good"])
    if not store.search(NAME, yanked=True, tag="good"):
        return None
    if "0.1.0" in [each.version for each in store.search(NAME)]:
        store.yank(f"{NAME}@0.1.0", signers=signers, reason="old")
    return [each.version for each in store.search(NAME, yanked=True)]


def _check_notices(root, people):
    store = store_of(root)
    assert set(store.versions(NAME)) >= {"1.0.0"}
    for version in ("0.1.0", "1.0.0"):
        assert store.open(f"{NAME}@{version}").read_parts(identity=people.globex) == PARTS[version]
    assert {alias: notice.version for alias, notice in store.aliases(NAME).items()} in ({}, {"stable": "1.0.0"})
    assert store.audit.check().ok


def _done_notices(root, people):
    store = store_of(root)
    assert store.open(f"{NAME}@stable").version == "1.0.0"
    assert [each.version for each in store.search(NAME)] == ["1.0.0"]
    assert [each.version for each in store.search(NAME, tag="good")] == ["1.0.0"]
    assert [each.version for each in store.search(NAME, yanked=True)] == ["1.0.0", "0.1.0"]


def _clean_notices(root, people):
    store_of(root).gc(delete=True, grace=_NO_GRACE)
    _check_notices(root, people)
    _done_notices(root, people)
    assert store_of(root).fsck().ok


# Import.


def _prepare_import(root, people):
    prepare(root, people)
    for version in PARTS:
        publish(root / "sender", people, version).export(root / "in" / f"{version}.maas")
    shutil.rmtree(root / "sender")
    import_(root, people, "0.1.0.maas")


def import_(root, people, file, **options):
    return store_of(root).import_bundle(
        root / "in" / file,
        trust=trust_of(root), first_use=[NAME], recipient=people.globex, now=NOW, **options,
    )  # fmt: skip


def _import(root, people):
    path = root / "out" / "digits.receipt.json"
    release = import_(root, people, "1.0.0.maas", receipt=path, signer=people.globex.signer)
    return release.identity


def _check_import(root, people):
    found = check_store(root, people, have=["0.1.0"], may=["1.0.0"])
    # An older release is never let in afterwards: what is there is remembered.
    assert check_memory(root).sequence >= len(found)
    for path in (root / "out").glob("*.receipt.json"):
        if not _LEFTOVER.fullmatch(path.name):
            receipt = Receipt.load(path)
            receipt.verify(people.globex.public.public_key)
            assert receipt.statement.version == "1.0.0"
            assert "1.0.0" in found


def _done_import(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert check_memory(root).version == "1.0.0"
    assert (root / "out" / "digits.receipt.json").exists()


# Import of what is in several files, one of which presumes the old version.


def _prepare_volumes(root, people):
    prepare(root, people)
    sender = root / "sender"
    old = publish(sender, people, "0.1.0")
    old.export(root / "in" / "0.1.0.maas")
    publish(sender, people).export_volumes(root / "in" / "1.0.0.maas", max_bytes=40_000, have=[old.manifest_digest])
    shutil.rmtree(sender)
    import_(root, people, "0.1.0.maas")


def _volumes(root, people):
    missing = []
    for path in sorted((root / "in").glob("1.0.0.*.maas"), reverse=True):
        try:
            import_(root, people, path.name)
        except IncompleteError as exc:
            missing.append(len(exc.missing))
    return [store_of(root).versions(NAME), len(missing) <= len(list((root / "in").glob("1.0.0.*.maas")))]


def _check_volumes(root, people):
    found = check_store(root, people, have=["0.1.0"], may=["1.0.0"])
    assert check_memory(root).sequence >= len(found)


def _done_volumes(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert check_memory(root).version == "1.0.0"


# Import with a change of keys, a list of revocations and an alias.


def _prepare_rotation(root, people):
    prepare(root, people)
    sender = root / "sender"
    publish(sender, people, "0.1.0").export(root / "in" / "0.1.0.maas")
    store = Store(LocalBackend(sender))
    store.set_alias("stable", f"{NAME}@0.1.0", signers=[people.acme.signer])
    store.rotate("acme", signers=[people.acme.signer], keys={"new": people.initech.signer})
    store.revoke(
        "acme", signers=[people.initech.signer], keys={people.acme.public.public_key.fingerprint: "lost"}
    )
    release = store.publish(
        PARTS["1.0.0"], name=NAME, version="1.0.0", signers=[people.initech.signer],
        recipients=[people.globex.public], created=NOW,
    )  # fmt: skip
    release.export(root / "in" / "1.0.0.maas")
    shutil.rmtree(sender)
    import_(root, people, "0.1.0.maas")


def _rotation(root, people):
    return import_(root, people, "1.0.0.maas").identity


def _check_rotation(root, people):
    store, trust = store_of(root), trust_of(root)
    found = store.versions(NAME)
    assert set(found) <= {"0.1.0", "1.0.0"}
    for version in found:
        assert store.open(f"{NAME}@{version}").read_parts(identity=people.globex) == PARTS[version]
    assert trust.audit.check().ok
    assert "0.1.0" in found
    rule, seen, revoked = trust.policy.rule_for(NAME), trust.ratchet.remembered(NAME), trust.ratchet.revoked("acme")
    if "1.0.0" in found:
        assert (rule.epoch, seen.epoch, revoked.number) == (2, 2, 1)
        assert store.open(f"{NAME}@1.0.0").verify(trust, recipient=people.globex, now=NOW).passed
    assert {key.fingerprint for key in rule.keys} == {
        (people.acme if rule.epoch == 1 else people.initech).public.public_key.fingerprint
    }


def _done_rotation(root, people):
    _check_rotation(root, people)
    assert store_of(root).versions(NAME) == ["0.1.0", "1.0.0"]


def _clean_rotation(root, people):
    store_of(root).gc(delete=True, grace=_NO_GRACE)
    _done_rotation(root, people)
    assert store_of(root).fsck().ok


# Export.


def _prepare_export(root, people):
    _prepare_reseal(root, people)
    store_of(root).open(f"{NAME}@0.1.0").export(root / "out" / "digits.maas")


def _export(root, people):
    return store_of(root).open(f"{NAME}@1.0.0").export(root / "out" / "digits.maas").name


def _check_export(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert check_out(root, people) <= {("digits.maas", "0.1.0"), ("digits.maas", "1.0.0")}
    assert (root / "out" / "digits.maas").exists()


def _done_export(root, people):
    assert check_out(root, people) == {("digits.maas", "1.0.0")}


def _export_volumes(root, people):
    release = store_of(root).open(f"{NAME}@1.0.0")
    return [path.name for path in release.export_volumes(root / "out" / "new.maas", max_bytes=40_000)]


def _check_export_volumes(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert {version for name, version in check_out(root, people) if name != "digits.maas"} <= {"1.0.0"}


def _done_export_volumes(root, people):
    names = {name for name, version in check_out(root, people) if version == "1.0.0"}
    assert names == {f"new.{number}of{len(names)}.maas" for number in range(1, len(names) + 1)}
    assert len(names) > 2


# Unpack.


def _unpack(root, people):
    # Whoever was killed at the very end finds the folder there, whole.
    with contextlib.suppress(AlreadyExistsError):
        store_of(root).open(f"{NAME}@1.0.0").unpack(root / "out" / "model", identity=people.globex)
    return sorted(PARTS["1.0.0"])


def _check_unpack(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    folder = root / "out" / "model"
    if folder.exists():
        assert {path: (folder / path).read_bytes() for path in PARTS["1.0.0"]} == PARTS["1.0.0"]
        assert (folder / "card.md").stat().st_mode & 0o077 == 0


def _done_unpack(root, people):
    _check_unpack(root, people)
    assert (root / "out" / "model").exists()


# Collect garbage, and repair.


def _prepare_gc(root, people):
    _prepare_reseal(root, people)
    blobs = store_of(root)._catalog.blobs
    for number in range(6):
        blobs.put(b"orphan %d" % number)
    for number in range(2):
        (root / "store" / ".incoming" / f"{number:032x}").write_bytes(b"left behind")


def _gc(root, people):
    store_of(root).gc(delete=True, grace=_NO_GRACE)
    return len(list((root / "store" / "blobs" / "sha256").iterdir()))


def _check_gc(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])


def _done_gc(root, people):
    report = store_of(root).gc(grace=_NO_GRACE)
    assert (report.orphans, report.young) == ((), ())


def _prepare_repair(root, people):
    _prepare_reseal(root, people)
    release = store_of(root).open(f"{NAME}@1.0.0")
    release.export(root / "in" / "good.maas")
    for number, path in enumerate(sorted(_only_of(root, release, people))):
        data = path.read_bytes()
        if number % 2:
            path.unlink()
        else:
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def _only_of(root, release, people):
    """Give the layers that no other version shares."""
    other = {layer.digest for layer in store_of(root).open(f"{NAME}@0.1.0")._papers.layers}
    for layer in release._papers.layers:
        if layer.digest not in other:
            yield root / "store" / "blobs" / layer.digest.replace(":", "/")


def _repair(root, people):
    return store_of(root).fsck(repair_from=[root / "in" / "good.maas"]).ok


def _check_repair(root, people):
    """What was whole stays whole; what is damaged is not made worse."""
    store = store_of(root)
    assert store.versions(NAME) == ["0.1.0", "1.0.0"]
    assert store.open(f"{NAME}@0.1.0").read_parts(identity=people.globex) == PARTS["0.1.0"]


def _done_repair(root, people):
    check_store(root, people, have=["0.1.0", "1.0.0"])
    assert store_of(root).fsck().ok


# Trust.


def _prepare_trust(root, people):
    prepare(root, people)
    trust_of(root).ratchet.advance(NAME, 1, "sha256:" + "1" * 64, NOW, version="0.1.0")


def _trust(root, people):
    trust = trust_of(root)
    trust.save_policy(people.policy(require_sealed=False))
    trust.ratchet.advance(NAME, 2, "sha256:" + "2" * 64, NOW, version="1.0.0")
    trust.ratchet.revoke("acme", Revoked(1, (), ("sha256:" + "3" * 64,)))
    trust.audit.append("verify", outcome="done", subject=NAME, time=NOW)
    with contextlib.suppress(AlreadyExistsError):
        Trust.create(root / "out" / "another", policy=people.policy())
    return trust.ratchet.remembered(NAME).version


def _check_trust(root, people):
    trust = trust_of(root)
    assert trust.policy in (people.policy(), people.policy(require_sealed=False))
    assert check_memory(root).sequence in (1, 2)
    assert trust.audit.check().ok
    if (root / "out" / "another").exists():
        assert Trust.open(root / "out" / "another").policy == people.policy()


def _done_trust(root, people):
    trust = trust_of(root)
    assert trust.policy == people.policy(require_sealed=False)
    assert check_memory(root).sequence == 2
    assert trust.ratchet.revoked("acme").number == 1
    assert trust.audit.head[0] >= 1
    assert Trust.open(root / "out" / "another").ratchet.remembered(NAME) is None


def _nothing(root, people):
    pass


SCENES = {
    scene.name: scene
    for scene in (
        Scene("publish", _prepare_publish, _publish, _check_publish, _done_publish),
        Scene("reseal", _prepare_reseal, _reseal, _check_reseal, _done_reseal),
        Scene("notices", _prepare_reseal, _notices, _check_notices, _done_notices, _clean_notices),
        Scene("import", _prepare_import, _import, _check_import, _done_import),
        Scene("import of volumes", _prepare_volumes, _volumes, _check_volumes, _done_volumes),
        Scene("import of a rotation", _prepare_rotation, _rotation, _check_rotation, _done_rotation, _clean_rotation),
        Scene("export", _prepare_export, _export, _check_export, _done_export),
        Scene("export of volumes", _prepare_export, _export_volumes, _check_export_volumes, _done_export_volumes),
        Scene("unpack", _prepare_reseal, _unpack, _check_unpack, _done_unpack),
        Scene("gc", _prepare_gc, _gc, _check_gc, _done_gc, kept=_check_gc),
        Scene("repair", _prepare_repair, _repair, _check_repair, _done_repair),
        Scene("trust", _prepare_trust, _trust, _check_trust, _done_trust, _nothing),
    )
}
