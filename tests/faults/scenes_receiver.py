"""What a receiver does: import a bundle, volumes, a change of keys; and its trust folder."""

import contextlib
import shutil

from setting import (
    LEFTOVER,
    NAME,
    NO_GRACE,
    NOW,
    PARTS,
    Scene,
    check_memory,
    check_store,
    prepare,
    publish,
    store_of,
    trust_of,
)

from maas_sdk.artifact import Receipt, Store
from maas_sdk.errors import AlreadyExistsError, IncompleteError
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import Revoked, Trust

# Import.


def _prepare_import(root, people):
    prepare(root, people)
    for version in ("0.1.0", "1.0.0"):
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
        if not LEFTOVER.fullmatch(path.name):
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
    publish(sender, people).export_volumes(
        root / "in" / "1.0.0.maas", max_bytes=40_000, have=[old.manifest_digest]
    )
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
    rule, seen, revoked = (
        trust.policy.rule_for(NAME),
        trust.ratchet.remembered(NAME),
        trust.ratchet.revoked("acme"),
    )
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
    store_of(root).gc(delete=True, grace=NO_GRACE)
    _done_rotation(root, people)
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


RECEIVER = (
    Scene("import", _prepare_import, _import, _check_import, _done_import),
    Scene("import of volumes", _prepare_volumes, _volumes, _check_volumes, _done_volumes),
    Scene(
        "import of a rotation",
        _prepare_rotation,
        _rotation,
        _check_rotation,
        _done_rotation,
        _clean_rotation,
    ),
    Scene("trust", _prepare_trust, _trust, _check_trust, _done_trust, _nothing),
)
