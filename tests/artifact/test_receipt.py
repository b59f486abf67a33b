"""Receipts: what a receiver has, signed for the sender; and whatever else such a file may hold."""

import base64
import json
import os

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk._internal import strict_json
from maas_sdk.artifact import Store, verify
from maas_sdk.artifact._receipt import RECEIPT_PREDICATE, AuditMark, Receipt, ReceiptStatement
from maas_sdk.errors import (
    IncompleteError,
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    NotFoundError,
    RefusedError,
    SigningError,
    StorageError,
    VerificationError,
)
from maas_sdk.signing import Envelope, Statement, Subject, sign_envelope
from maas_sdk.storage import MemoryBackend
from maas_sdk.trust import Trust

NAME = "acme/digits"
A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "digits.receipt.json"


@pytest.fixture
def imported(sender, receiver, trust, organisations, file):
    """What globex answered to version 1.0.0."""
    receiver.import_bundle(
        sender.bundle(),
        trust=trust,
        first_use=[NAME],
        receipt=file,
        signer=organisations.globex.signer,
        now="2026-06-02T00:00:00Z",
    )
    return Receipt.load(file)


def test_an_import_signs_what_it_has(imported, sender, organisations, trust):
    release = sender.store.open(NAME)
    imported.verify(organisations.globex.public.public_key)
    said = imported.statement
    assert (said.name, said.version, said.identity) == (NAME, "1.0.0", release.identity)
    assert said.manifest == release.manifest_digest
    assert imported.has == (release.manifest_digest,)
    assert said.sequence == 1
    assert said.received == "2026-06-02T00:00:00Z"
    assert said.receiver == organisations.globex.public.public_key.fingerprint
    assert said.checks["signature"] == "passed"
    assert said.checks["yank"] in {"passed", "skipped"}
    assert said.audit is not None
    assert said.audit.count <= trust.audit.head[0]
    assert NAME in repr(imported)


def test_a_receipt_is_an_in_toto_statement_about_the_manifest(imported, file):
    payload = json.loads(Envelope.from_json(file.read_bytes()).payload)
    assert payload["_type"] == "https://in-toto.io/Statement/v1"
    assert payload["predicateType"] == RECEIPT_PREDICATE == "https://maas-sdk.org/receipt/v1"
    assert payload["subject"] == [
        {"name": "manifest", "digest": {"sha256": imported.statement.manifest.removeprefix("sha256:")}}
    ]


def test_a_receipt_makes_the_next_delta_small(sender, receiver, tmp_path, organisations, file):
    trust = Trust.create(tmp_path / "lax", policy=organisations.policy(require_sealed=False))
    one = sender.bundle(recipients=[])
    signer = organisations.globex.signer
    receiver.import_bundle(one, trust=trust, first_use=[NAME], receipt=file, signer=signer)
    parts = sender.store.open(NAME).read_parts() | {"model.json": b"another"}
    two = sender.publish("1.1.0", parts=parts, recipients=[])
    path = two.export(tmp_path / "delta.maas", have=Receipt.load(file))
    assert path.stat().st_size < sender.export(two).stat().st_size - 5000
    assert verify(path, trust=trust).passed
    with pytest.raises(IncompleteError):
        Store(MemoryBackend()).import_bundle(path, trust=trust)
    assert receiver.import_bundle(path, trust=trust).read_parts() == parts


def test_a_receipt_tells_of_every_version_that_is_whole(
    sender, receiver, trust, organisations, file, monkeypatch
):
    releases = []
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        releases.append(sender.publish(version, parts={"model.json": version.encode()}))
        receiver.import_bundle(sender.export(releases[-1]), trust=trust, first_use=[NAME])
    damaged = releases[0]._papers.layers[0].digest
    receiver._backend.delete("blobs/" + damaged.replace(":", "/"))
    receiver._backend.delete("blobs/" + releases[1].manifest_digest.replace(":", "/"))
    path = sender.bundle("1.3.0", parts={"model.json": b"new"})
    signer = organisations.globex.signer
    last = receiver.import_bundle(path, trust=trust, receipt=file, signer=signer)
    assert set(Receipt.load(file).has) == {releases[2].manifest_digest, last.manifest_digest}
    monkeypatch.setattr("maas_sdk.artifact._receipt._MAX_HAS", 1)
    receiver.import_bundle(path, trust=trust, receipt=file, signer=signer)
    assert Receipt.load(file).has == (last.manifest_digest,)


def test_without_a_signer_there_is_no_import(sender, receiver, trust, file):
    with pytest.raises(InvalidOptionError, match="give the signer"):
        receiver.import_bundle(sender.bundle(), trust=trust, first_use=[NAME], receipt=file)
    assert list(receiver._backend.list("")) == []
    assert not file.exists()


def test_a_signer_that_fails_leaves_the_release_and_no_receipt(sender, receiver, trust, file):
    class Broken:
        def public_key_pem(self):
            raise RuntimeError("token removed")

    with pytest.raises(SigningError, match="token removed"):
        receiver.import_bundle(sender.bundle(), trust=trust, first_use=[NAME], receipt=file, signer=Broken())
    assert receiver.versions(NAME) == ["1.0.0"]
    assert not file.exists()


def test_a_refused_import_gives_no_receipt(sender, receiver, trust, organisations, file):
    with pytest.raises(RefusedError):
        receiver.import_bundle(sender.bundle(), trust=trust, receipt=file, signer=organisations.globex.signer)
    assert not file.exists()


def test_a_receipt_by_somebody_else_does_not_verify(imported, organisations, file):
    with pytest.raises(VerificationError):
        imported.verify(organisations.initech.public.public_key)
    with pytest.raises(InvalidOptionError, match="PublicKey"):
        imported.verify(organisations.globex)
    # Signed by one, in the name of another.
    envelope = sign_envelope(imported.statement.to_payload(), [organisations.initech.signer])
    file.write_bytes(envelope.to_json())
    with pytest.raises(VerificationError, match="names the receiver"):
        Receipt.load(file).verify(organisations.initech.public.public_key)
    with pytest.raises(VerificationError):
        Receipt.load(file).verify(organisations.globex.public.public_key)


def test_an_altered_receipt_does_not_verify(imported, organisations, file):
    statement = evolve(imported.statement, sequence=9)
    envelope = evolve(Envelope.from_json(file.read_bytes()), payload=statement.to_payload())
    file.write_bytes(envelope.to_json())
    with pytest.raises(VerificationError):
        Receipt.load(file).verify(organisations.globex.public.public_key)


def test_a_file_that_is_not_there_or_no_file(tmp_path, file):
    with pytest.raises(NotFoundError):
        Receipt.load(file)
    with pytest.raises(StorageError):
        Receipt.load(tmp_path / "missing" / "x.json")
    os.mkfifo(file)
    with pytest.raises(InvalidArtifactError, match="not a regular file"):
        Receipt.load(file)
    with pytest.raises(InvalidArtifactError, match="not a regular file"):
        Receipt.load(tmp_path)


def test_a_receipt_that_is_too_large(file):
    file.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(LimitExceededError, match="larger than"):
        Receipt.load(file)


def _wrapped(predicate, *, kind=RECEIPT_PREDICATE, subjects=None):
    subjects = subjects or [Subject("manifest", "a" * 64)]
    payload = Statement(subjects, kind, predicate).to_bytes()
    return strict_json.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"keyid": "", "sig": "AAAA"}],
        }
    )


GOOD = {
    "name": NAME, "version": "1.0.0", "identity": B, "sequence": 1, "received": "2026-06-01T12:00:00Z",
    "receiver": C, "has": [A], "checks": {"signature": "passed"}, "audit": {"count": 3, "head": B},
}  # fmt: skip

HOSTILE = {
    "another kind": (_wrapped(GOOD, kind="https://maas-sdk.org/release/v1"), "predicate type"),
    "no field": (_wrapped({}), "is missing"),
    "a field too many": (_wrapped(GOOD | {"more": 1}), "unknown key"),
    "two subjects": (
        _wrapped(GOOD, subjects=[Subject("manifest", "a" * 64), Subject("b", "b" * 64)]), "canonical",
    ),
    "another name of the subject": (_wrapped(GOOD, subjects=[Subject("x", "a" * 64)]), "canonical"),
    "a manifest in the predicate": (_wrapped(GOOD | {"manifest": A}), "canonical"),
    "a malformed name": (_wrapped(GOOD | {"name": "../acme"}), "name"),
    "a malformed version": (_wrapped(GOOD | {"version": "1"}), "version"),
    "a malformed identity": (_wrapped(GOOD | {"identity": "x"}), "identity"),
    "number zero": (_wrapped(GOOD | {"sequence": 0}), "sequence"),
    "a time that is none": (_wrapped(GOOD | {"received": "now"}), "received"),
    "a malformed key": (_wrapped(GOOD | {"receiver": "x"}), "receiver"),
    "nothing had": (_wrapped(GOOD | {"has": []}), "has holds 0"),
    "not the manifest itself": (_wrapped(GOOD | {"has": [B]}), "must hold the manifest"),
    "unsorted": (_wrapped(GOOD | {"has": [B, A]}), "sorted"),
    "no digests": (_wrapped(GOOD | {"has": ["acme/digits"]}), "sha256"),
    "too many": (_wrapped(GOOD | {"has": [f"sha256:{n:064x}" for n in range(1025)]}), "1024"),
    "a status that is none": (_wrapped(GOOD | {"checks": {"signature": "maybe"}}), "checks"),
    "a check without a name": (_wrapped(GOOD | {"checks": {"": "passed"}}), "checks"),
    "a name for a terminal": (_wrapped(GOOD | {"checks": {"\x1b[2J": "passed"}}), "checks"),
    "too many checks": (_wrapped(GOOD | {"checks": {str(n): "passed" for n in range(65)}}), "checks"),
    "a negative count": (_wrapped(GOOD | {"audit": {"count": -1, "head": B}}), "count"),
    "a malformed head": (_wrapped(GOOD | {"audit": {"count": 1, "head": "x"}}), "head"),
    "no JSON": (b"receipt", "not strict JSON"),
    "no envelope": (b"{}", "envelope"),
    "nothing": (b"", "not strict JSON"),
    "too many values": (b"[" + b"1," * 70_000 + b"1]", "more values"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_receipt_is_refused(file, what):
    data, reason = HOSTILE[what]
    file.write_bytes(data)
    with pytest.raises(InvalidArtifactError, match=reason):
        Receipt.load(file)


def test_what_the_hostile_ones_were_made_of_is_fine(file):
    file.write_bytes(_wrapped(GOOD))
    assert Receipt.load(file).statement.audit == AuditMark(3, B)
    file.write_bytes(_wrapped(GOOD | {"audit": None}))
    assert Receipt.load(file).statement.audit is None


digests = st.integers(0, 2**256 - 1).map(lambda n: f"sha256:{n:064x}")
checks = st.dictionaries(
    st.text("abcdefgh -", min_size=1, max_size=20),
    st.sampled_from(["passed", "skipped", "failed"]),
    max_size=20,
)


@settings(max_examples=100, deadline=None)
@given(
    has=st.sets(digests, max_size=20),
    manifest=digests,
    identity=digests,
    sequence=st.integers(1, 2**53 - 1),
    checks=checks,
    audit=st.none() | st.builds(AuditMark, st.integers(0, 2**53 - 1), digests),
)
def test_what_is_written_is_read(has, manifest, identity, sequence, checks, audit):
    statement = ReceiptStatement(
        manifest=manifest,
        name=NAME,
        version="1.0.0-rc.1+build",
        identity=identity,
        sequence=sequence,
        received="2026-06-01T12:00:00Z",
        receiver=C,
        has=tuple(sorted(has | {manifest})),
        checks=checks,
        audit=audit,
    )
    assert ReceiptStatement.from_payload(statement.to_payload()) == statement


def test_a_receipt_replaces_the_one_before_and_can_be_saved_elsewhere(imported, tmp_path, file):
    other = tmp_path / "copy.json"
    assert imported.save(other) == other
    assert other.read_bytes() == file.read_bytes()
    assert Receipt.load(other).statement == imported.statement
    with pytest.raises(StorageError):
        imported.save(tmp_path / "missing" / "x.json")


def test_a_receipt_tells_of_further_envelopes_too(sender, trust, organisations, file):
    """Whoever seals what they have for somebody else has it in two envelopes."""
    release = sender.publish()
    organisations_ = [organisations.acme.public, organisations.initech.public]
    again = sender.store.reseal(
        f"{NAME}@1.0.0",
        recipients=organisations_,
        identity=organisations.acme,
        signers=[organisations.acme.signer],
    )
    sender.store.import_bundle(
        sender.export(release),
        trust=trust,
        first_use=[NAME],
        receipt=file,
        signer=organisations.globex.signer,
    )
    assert set(Receipt.load(file).has) == {release.manifest_digest, again.manifest_digest}


def test_a_receipt_without_an_audit_log_says_nothing_of_one(sender, organisations):
    release = sender.publish()
    verdict = release.verify(organisations.policy())
    receipt = Receipt.make(
        sender.store._catalog,
        release,
        verdict,
        received="2026-06-01T12:00:00Z",
        signer=organisations.globex.signer,
    )
    assert receipt.statement.audit is None


def test_an_empty_audit_log_can_be_marked():
    assert AuditMark(0, "sha256:" + "0" * 64).count == 0


def test_a_file_that_is_no_receipt_is_named(tmp_path):
    path = tmp_path / "digits.maas"
    path.write_bytes(b"\xff no receipt")
    with pytest.raises(InvalidArtifactError, match=r"digits\.maas is no receipt"):
        Receipt.load(path)
