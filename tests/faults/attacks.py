"""The attacks that are tried, each as a function that mounts it and tells what refused it.

An attack on a bundle is shown to `verify` and to `Store.import_bundle`, which must agree; the store must hold
nothing of it afterwards, and the trust folder must remember nothing new.
"""

import importlib.util
import os
import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import hostile
from attrs import evolve
from scenes import NAME, NOW, PARTS
from watched import tree

from maas_sdk.artifact import Store, verify
from maas_sdk.errors import MaasError, RefusedError
from maas_sdk.signing import sign_envelope
from maas_sdk.storage import LocalBackend, MemoryBackend
from maas_sdk.trust import Trust, TrustedKey

LATER = "2027-06-01T12:00:00Z"


def the_forger():
    """Give the module with the forger of documents, and its two tables of attacks."""
    path = Path(__file__).parents[1] / "artifact" / "test_attacks.py"
    name = "attacks_on_documents"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@dataclass(frozen=True)
class Org:
    """What the forger calls the people."""

    acme: object
    globex: object
    initech: object


class World:
    """A folder for one attack: a publisher's store, a receiver's store and trust, and the attacker's hands."""

    def __init__(self, folder, people):
        folder.mkdir(parents=True)
        self.folder = folder
        self.people = people
        self.org = Org(people.acme, people.globex, people.initech)
        self.sender = Store(MemoryBackend())
        self.first_use = [NAME]
        self.now = NOW
        self.recipient = people.globex
        self.trust = None
        self.policy = people.policy()
        self._store = None

    # Honest deeds.

    def publish(self, version="1.0.0", *, store=None, signers=None, recipients=None, **options):
        acme, globex = self.people.acme, self.people.globex
        parts = PARTS["1.0.0"] | {"version.txt": version.encode()}
        options = {"name": NAME, "created": NOW, "parts": parts} | options
        parts = options.pop("parts")
        return (store or self.sender).publish(
            parts,
            version=version,
            signers=signers or [acme.signer],
            recipients=[acme, globex.public] if recipients is None else recipients,
            **options,
        )

    def bundle(self, version="1.0.0", **options):
        return self.publish(version, **options).export(self.folder / f"{version}.maas")

    def receive(self, path):
        release = self.store.import_bundle(
            path, trust=self.trusting(), first_use=self.first_use, recipient=self.recipient, now=self.now
        )
        self.first_use = []
        return release

    @property
    def store(self):
        if self._store is None:
            self._store = Store(LocalBackend(self.folder / "store"))
        return self._store

    def trusting(self):
        if self.trust is None:
            folder = self.folder / "trust"
            self.trust = Trust.open(folder) if folder.exists() else Trust.create(folder, policy=self.policy)
        return self.trust

    def key(self, person, name=None):
        public = person.public.public_key
        return TrustedKey(name or person.name, public.fingerprint, public.pem)

    # What happens to what is hostile.

    def refused(self, path):
        """Show a bundle to `verify` and to an import; give the check that failed, and its reason."""
        trust = self.trusting()
        found = verify(path, trust=trust, first_use=self.first_use, recipient=self.recipient, now=self.now)
        assert not found.passed, "it was accepted"
        store = self.store
        before = tree(self.folder)
        try:
            store.import_bundle(
                path, trust=trust, first_use=self.first_use, recipient=self.recipient, now=self.now
            )
        except RefusedError as exc:
            failed = exc.verdict.failures[0]
        else:
            raise AssertionError("it was imported")
        assert [check.name for check in found.failures][:1] == [failed.name]
        self.same_as(before)
        return failed.name, found.failures[0].reason

    def refused_by_import(self, path):
        """Show a bundle to an import alone: what only a store can know."""
        before = tree(self.folder)
        try:
            self.receive(path)
        except RefusedError as exc:
            self.same_as(before)
            return exc.verdict.failures[0].name, exc.verdict.failures[0].reason
        raise AssertionError("it was imported")

    def same_as(self, before):
        """Nothing is new or other but evidence and the log, and no blob came."""
        after = tree(self.folder)
        own = re.compile(
            r"trust/(trust\.lock|state\.json|audit\.jsonl.*|evidence.*)|"
            r"store(/(\.incoming|leases|index\.sqlite.*|blobs|blobs/sha256))?"
        )
        strange = {
            where
            for where in {*before, *after}
            if before.get(where, 0) != after.get(where, 0) and not own.fullmatch(where)
        }
        assert not strange, strange

    def told(self, function):
        """Call what must fail; give the class of the error, and its message."""
        try:
            function()
        except MaasError as exc:
            return type(exc).__name__, str(exc)
        raise AssertionError("nothing was noticed")


# Archives.


def _archive(write):
    def attack(world):
        honest = world.bundle()
        path = world.folder / "forged.maas"
        path.write_bytes(write(hostile.entries(honest)))
        honest.unlink()
        return world.refused(path)

    return attack


def _truncated(world):
    honest = world.bundle()
    path = world.folder / "forged.maas"
    reasons = set()
    for _, data in hostile.truncations(hostile.entries(honest)):
        path.write_bytes(data)
        name, reason = world.refused(path)
        assert name == "bundle"
        reasons.add(reason.partition(":")[0].partition(" in ")[0])
    assert reasons == {"truncated"}
    return "bundle", "truncated: …"


def _instead(make):
    def attack(world):
        path = world.folder / "forged.maas"
        make(path)
        trust = world.trusting()
        first = world.told(lambda: verify(path, trust=trust, now=NOW))
        again = world.told(lambda: world.store.import_bundle(path, trust=trust, now=NOW))
        assert first == again
        return first

    return attack


def _socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(path.parent)  # names of sockets are short
        try:
            listener.bind(path.name)
        finally:
            os.chdir(here)


# Documents and signatures.


def _forged(attack, *, sealed):
    def run(world):
        if not sealed:
            world.policy = world.people.policy(require_sealed=False)
        forger = the_forger().Forger(hostile, world.publish(recipients=None if sealed else []))
        attack(forger, world.org)
        return world.refused(forger.write(world.folder / "forged.maas"))

    return run


def _documents(table, *, sealed):
    for attack, *_ in table:
        title = attack.__name__.replace("_s_", "'s_").replace("_", " ")
        yield title, _forged(attack, sealed=sealed)


# History.


def _replay(world):
    old, new = world.bundle("1.0.0"), world.bundle("1.1.0")
    world.receive(new)
    return world.refused(old)


def _second_of_a_number(world):
    world.receive(world.bundle("1.0.0"))
    other = Store(MemoryBackend())
    path = world.publish("1.0.1", store=other).export(world.folder / "other.maas")
    found = world.refused(path)
    assert world.trust.ratchet.equivocations
    return found


def _other_content_of_a_version(world):
    world.receive(world.bundle("1.0.0"))
    other = Store(MemoryBackend())
    world.publish("0.9.0", store=other)
    path = world.publish("1.0.0", store=other, parts={"card.md": b"other"}).export(world.folder / "other.maas")
    return world.refused_by_import(path)


def _far_ahead(world):
    module = the_forger()
    forger = module.Forger(hostile, world.publish())
    forger.statement = evolve(forger.statement, sequence=2**53 - 1)
    signer = world.people.acme.signer
    forger.release_envelope = sign_envelope(forger.statement.to_payload(), [signer]).to_json()
    forger.sign_sealing(signer, identity=forger.statement.identity)
    return world.refused(forger.write(world.folder / "forged.maas"))


def _unknown_name(world):
    world.first_use = []
    return world.refused(world.bundle())


def _from_the_future(world):
    return world.refused(world.bundle(created=LATER))


def _clock_set_back(world):
    world.now = LATER
    world.receive(world.bundle("1.0.0", created=LATER))
    world.now = NOW
    return world.refused(world.bundle("1.1.0"))


def _expired(world):
    path = world.bundle(expires="2026-06-02T00:00:00Z")
    world.now = LATER
    return world.refused(path)


def _too_old(world):
    world.policy = world.people.policy(max_age_days=30)
    path = world.bundle()
    world.now = LATER
    return world.refused(path)


# Rights.


def _too_few_keys(world):
    people = world.people
    world.policy = world.people.policy().with_key("acme/*", world.key(people.globex), threshold=2)
    return world.refused(world.bundle())


def _one_key_for_two(world):
    """One key signs twice where two keys are asked for."""
    from maas_sdk.signing import Envelope

    world.policy = world.people.policy().with_key("acme/*", world.key(world.people.globex), threshold=2)
    module = the_forger()
    forger = module.Forger(hostile, world.publish())
    signer = world.people.acme.signer
    found = sign_envelope(Envelope.from_json(forger.release_envelope).payload, [signer])
    twice = evolve(found, signatures=(*found.signatures, *sign_envelope(found.payload, [signer]).signatures))
    forger.release_envelope = twice.to_json()
    return world.refused(forger.write(world.folder / "forged.maas"))


def _forwarded(world):
    path = world.bundle(recipients=[world.people.acme, world.people.initech.public])
    return world.refused(path)


def _not_sealed(world):
    return world.refused(world.bundle(recipients=[]))


def _another_publisher_s_name(world):
    """Initech is trusted for its own names, and signs one of acme's."""
    people = world.people
    world.policy = people.policy().with_key("initech/*", world.key(people.initech))
    return world.refused(world.bundle(signers=[people.initech.signer]))


def _name_that_begins_alike(world):
    world.first_use = ["acme-evil/digits"]
    return world.refused(world.bundle(name="acme-evil/digits", signers=[world.people.initech.signer]))


def _no_self_test(world):
    world.policy = world.people.policy(require_selftest=True)
    return world.refused(world.bundle())


def _classic_where_post_quantum_is_asked(world):
    world.policy = world.people.policy(require_post_quantum=True)
    return world.refused(world.bundle())


def _too_large(world):
    world.policy = world.people.policy(max_release_bytes=1000)
    return world.refused(world.bundle())


def _revoked_key(world):
    people = world.people
    world.policy = people.policy().with_key("acme/*", world.key(people.initech))
    revoking = Store(MemoryBackend())
    world.publish("1.0.0", store=revoking)
    world.publish("1.0.1", store=revoking)
    stolen = people.acme.public.public_key.fingerprint
    revoking.revoke("acme", signers=[people.initech.signer], keys={stolen: "stolen"})
    notice = world.publish("1.1.0", store=revoking, signers=[people.initech.signer])
    world.receive(notice.export(world.folder / "notice.maas"))
    world.first_use = [NAME]
    path = world.publish("1.2.0", store=revoking).export(world.folder / "stolen.maas")
    return world.refused(path)


def _revoked_release(world):
    people = world.people
    good, bad = world.publish("0.9.0"), world.publish("1.0.0")
    path = bad.export(world.folder / "bad.maas")
    world.sender.revoke("acme", signers=[people.acme.signer], releases={bad.identity: "poisoned data"})
    world.receive(world.sender.open(f"{NAME}@{good.version}").export(world.folder / "good.maas"))
    return world.refused(path)


def _rotation_by_a_stranger(world):
    """Initech begins an epoch of acme's keys in a store of its own, and signs a release with it."""
    people = world.people
    world.receive(world.bundle("1.0.0"))
    own = Store(MemoryBackend())
    world.publish("1.0.0", store=own, signers=[people.initech.signer])
    own.rotate("acme", signers=[people.initech.signer], keys={"evil": people.initech.signer})
    path = world.publish("1.1.0", store=own, signers=[people.initech.signer])
    return world.refused(path.export(world.folder / "forged.maas"))


def _old_key_after_rotation(world):
    people = world.people
    world.publish("1.0.0")
    stolen = world.publish("1.0.1").export(world.folder / "stolen.maas")
    world.sender.rotate("acme", signers=[people.acme.signer], keys={"new": people.globex.signer})
    world.receive(world.bundle("1.1.0", signers=[people.globex.signer]))
    return world.refused(stolen)


# What is kept: store, trust folder, log.


def _received(world):
    world.receive(world.bundle())
    return world.folder / "store", world.folder / "trust"


def _largest(store):
    return max((store / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def _use(world):
    release = Store(LocalBackend(world.folder / "store")).open(f"{NAME}@1.0.0")
    verdict = release.verify(world.trusting(), recipient=world.people.globex, now=NOW)
    verdict.raise_if_refused()
    return release


def _flipped_blob(world):
    store, _ = _received(world)
    _flip(_largest(store))
    try:
        _use(world)
    except RefusedError as exc:
        return exc.verdict.failures[0].name, exc.verdict.failures[0].reason
    raise AssertionError("it was used")


def _flipped_blob_unverified(world):
    store, _ = _received(world)
    release = _use(world)
    _flip(_largest(store))
    return world.told(lambda: release.read_parts(identity=world.people.globex))


def _flipped_document(world):
    store, _ = _received(world)
    digest = _use(world).manifest_digest
    _flip(store / "blobs" / digest.replace(":", "/"))
    return world.told(lambda: _use(world))


def _linked_blob(world):
    store, _ = _received(world)
    blob = _largest(store)
    blob.rename(world.folder / "elsewhere")
    blob.symlink_to(world.folder / "elsewhere")
    return world.told(lambda: _use(world).read_parts(identity=world.people.globex))


def _linked_folder(world):
    store, _ = _received(world)
    (store / "blobs").rename(world.folder / "elsewhere")
    (store / "blobs").symlink_to(world.folder / "elsewhere")
    return world.told(lambda: _use(world))


def _pipe_for_a_blob(world):
    store, _ = _received(world)
    blob = _largest(store)
    blob.unlink()
    os.mkfifo(blob)
    return world.told(lambda: _use(world).read_parts(identity=world.people.globex))


def _reference(world, change):
    store, _ = _received(world)
    path = store / "refs" / NAME / "versions" / "1.0.0"
    path.write_bytes(change(path.read_bytes()))
    return world.told(lambda: _use(world))


def _renamed_version(world):
    store, _ = _received(world)
    versions = store / "refs" / NAME / "versions"
    (versions / "1.0.0").rename(versions / "9.0.0")
    return world.told(lambda: Store(LocalBackend(store)).open(f"{NAME}@9.0.0"))


def _altered_memory(world):
    _, trust = _received(world)
    state = (trust / "state.json").read_text()
    (trust / "state.json").write_text(state.replace('"sequence":1', '"sequence":0'))
    return world.told(lambda: Trust.open(trust).ratchet.remembered(NAME))


def _deleted_memory(world):
    _, trust = _received(world)
    (trust / "state.json").unlink()
    return world.told(lambda: Trust.open(trust).ratchet.remembered(NAME))


def _readable_key(world):
    _, trust = _received(world)
    (trust / "state.key").chmod(0o644)
    return world.told(lambda: Trust.open(trust).ratchet.remembered(NAME))


def _altered_policy(world):
    """The policy names a fingerprint that is not that of the key beside it."""
    _, trust = _received(world)
    text = (trust / "policy.toml").read_text()
    fingerprint = world.people.acme.public.public_key.fingerprint
    (trust / "policy.toml").write_text(text.replace(fingerprint, world.people.initech.public.public_key.fingerprint))
    world.trust = None
    try:
        _use(world)
    except RefusedError as exc:
        return exc.verdict.failures[0].name, exc.verdict.failures[0].reason
    raise AssertionError("it was used")


def _log(world):
    trust = world.trusting()
    for number in range(3):
        trust.audit.append("import", outcome="done", subject=f"acme/digits@1.{number}.0", time=NOW)
    return trust.audit, world.folder / "trust" / "audit.jsonl"


def _log_line(change):
    def attack(world):
        log, path = _log(world)
        _, head = log.head
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(change(lines)))
        report = log.check(head)
        assert not report.ok
        return "audit", report.fault or f"the noted head {head} is not among the lines"

    return attack


SECTIONS = {
    "Archives": {
        **{title: _archive(write) for title, write in hostile.ARCHIVES.items()},
        "an archive cut off at any block": _truncated,
    },
    "Other things than files": {
        "a FIFO that never ends": _instead(os.mkfifo),
        "a link to /dev/zero": _instead(lambda path: path.symlink_to("/dev/zero")),
        "a folder": _instead(lambda path: path.mkdir()),
        "a socket": _instead(_socket),
        "a link to itself": _instead(lambda path: path.symlink_to(path)),
    },
    "Documents and signatures of a sealed release": dict(_documents(the_forger().SEALED, sealed=True)),
    "Documents and signatures of a release that is not sealed": dict(
        _documents(the_forger().PLAIN, sealed=False)
    ),
    "History": {
        "replay an older release": _replay,
        "give one number to two releases": _second_of_a_number,
        "give one version to two releases": _other_content_of_a_version,
        "use up all numbers with a stolen key": _far_ahead,
        "send a name of which nothing was seen": _unknown_name,
        "sign in the future": _from_the_future,
        "set the receiver's clock back": _clock_set_back,
        "send what has expired": _expired,
        "withhold newer releases for longer than the policy's age": _too_old,
    },
    "Rights": {
        "sign with one key where two are asked for": _too_few_keys,
        "sign twice with one key where two are asked for": _one_key_for_two,
        "pass on what was sealed for somebody else": _forwarded,
        "send what is not sealed": _not_sealed,
        "sign another publisher's name with a key that is trusted for one's own": _another_publisher_s_name,
        "take a name that begins like a trusted one": _name_that_begins_alike,
        "leave the self-test out where it is asked for": _no_self_test,
        "sign without ML-DSA where it is asked for": _classic_where_post_quantum_is_asked,
        "send more bytes than the policy allows": _too_large,
        "sign with a key that was revoked": _revoked_key,
        "send a release that was revoked": _revoked_release,
        "begin an epoch of somebody else's keys": _rotation_by_a_stranger,
        "sign with the old key after a rotation": _old_key_after_rotation,
    },
    "What is kept at the receiver": {
        "alter a layer in the store": _flipped_blob,
        "alter a layer between verifying and reading": _flipped_blob_unverified,
        "alter a manifest in the store": _flipped_document,
        "put a symbolic link in the place of a layer": _linked_blob,
        "put a symbolic link in the place of the folder of blobs": _linked_folder,
        "put a FIFO in the place of a layer": _pipe_for_a_blob,
        "let a version name another identity": lambda world: _reference(
            world, lambda data: re.sub(rb'"identity":"sha256:..', b'"identity":"sha256:00', data)
        ),
        "cut a reference off": lambda world: _reference(world, lambda data: data[:40]),
        "give a version another number": _renamed_version,
        "alter what is remembered": _altered_memory,
        "delete what is remembered": _deleted_memory,
        "let others read the key of the memory": _readable_key,
        "exchange a fingerprint in the policy": _altered_policy,
        "alter a line of the audit log": _log_line(
            lambda lines: [lines[0].replace(b"done", b"fail"), *lines[1:]]
        ),
        "take a line out of the audit log": _log_line(lambda lines: [lines[0], lines[2]]),
        "put lines of the audit log in another order": _log_line(lambda lines: [lines[1], lines[0], lines[2]]),
        "cut the audit log off": _log_line(lambda lines: lines[:2]),
    },
}
"""Every attack by section and title."""
