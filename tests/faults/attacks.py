"""The attacks that are tried, each as a function that mounts it and tells what refused it."""

import os
import socket
from pathlib import Path

import hostile
from attacks_kept import KEPT
from attacks_volumes import VOLUMES
from attrs import evolve
from setting import NAME, NOW
from world import the_forger

from maas_sdk.artifact import Disclosures, Store, verify
from maas_sdk.signing import Envelope, sign_envelope
from maas_sdk.storage import LocalBackend, MemoryBackend
from maas_sdk.trust import AliasRule

LATER = "2027-06-01T12:00:00Z"


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
    path = world.publish("1.0.0", store=other, parts={"card.md": b"other"}).export(
        world.folder / "other.maas"
    )
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


def _graver_than_allowed(world):
    world.policy = world.people.policy(max_disclosure="medium")
    return world.refused(world.bundle(disclosures=Disclosures(highest="high")))


def _silent_on_what_leaves(world):
    world.policy = world.people.policy(max_disclosure="high")
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


def _alias_without_the_right(world):
    """The publisher's key may sign releases, and another one alone may move the alias."""
    people = world.people
    mover = AliasRule("stable", [people.initech.public.public_key.fingerprint])
    world.policy = people.policy().with_key("acme/*", world.key(people.initech), aliases=[mover])
    world.publish()
    world.sender.set_alias("stable", NAME, signers=[people.acme.signer])
    path = world.sender.open(NAME).export(world.folder / "moved.maas")
    verdict = verify(path, trust=world.trusting(), first_use=[NAME], recipient=people.globex, now=world.now)
    world.receive(path)
    assert world.store.aliases(NAME) == {}
    return next((check.name, check.reason) for check in verdict.checks if check.name == "alias")


def _alias_set_back(world):
    """The latest move is taken out of the receiver's store, so that the one before it would hold."""
    signers = [world.people.acme.signer]
    world.publish("1.0.0")
    world.sender.set_alias("stable", f"{NAME}@1.0.0", signers=signers)
    world.receive(world.sender.open(f"{NAME}@1.0.0").export(world.folder / "old.maas"))
    world.publish("1.1.0")
    world.sender.set_alias("stable", f"{NAME}@1.1.0", signers=signers)
    world.receive(world.sender.open(f"{NAME}@1.1.0").export(world.folder / "new.maas"))
    moves = world.folder / "store" / "refs" / NAME / "aliases" / "stable"
    max(moves.iterdir()).unlink()
    (world.folder / "store" / "index.sqlite").unlink(missing_ok=True)
    release = Store(LocalBackend(world.folder / "store")).open(f"{NAME}@stable")
    assert release.version == "1.0.0"
    verdict = release.verify(world.trusting(), recipient=world.people.globex, now=world.now)
    (failed,) = verdict.failures
    return failed.name, failed.reason


def _revocations_held_back(world):
    """The list came once; bundles of the stolen key come without it."""
    people = world.people
    world.policy = people.policy().with_key("acme/*", world.key(people.initech))
    revoking, thief = Store(MemoryBackend()), Store(MemoryBackend())
    stolen = people.acme.public.public_key.fingerprint
    revoking.revoke("acme", signers=[people.initech.signer], keys={stolen: "stolen"})
    notice = world.publish("1.0.0", store=revoking, signers=[people.initech.signer])
    world.receive(notice.export(world.folder / "notice.maas"))
    for version in ("1.0.0", "1.1.0"):
        release = world.publish(version, store=thief)
    return world.refused(release.export(world.folder / "stolen.maas"))


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
        "disclose more of the training data than the policy allows": _graver_than_allowed,
        "do not say what of the training data leaves": _silent_on_what_leaves,
        "sign with a key that was revoked": _revoked_key,
        "sign with a key that was revoked, and leave the list out": _revocations_held_back,
        "send a release that was revoked": _revoked_release,
        "move an alias without the right": _alias_without_the_right,
        "set an alias back in the receiver's store": _alias_set_back,
        "begin an epoch of somebody else's keys": _rotation_by_a_stranger,
        "sign with the old key after a rotation": _old_key_after_rotation,
    },
    "Volumes and bundles that leave layers out": VOLUMES,
    "What is kept at the receiver": KEPT,
}
"""Every attack by section and title."""
