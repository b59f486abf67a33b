"""The story of two organisations, and the rules of trust between them."""

import pytest

from maas_sdk.artifact import Disclosures, Store, verify
from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidOptionError,
    NoMatchError,
    RefusedError,
    VersionExistsError,
)
from maas_sdk.storage import LocalBackend, MemoryBackend
from maas_sdk.trust import CheckStatus, Policy, Trust

NAME = "acme/digits"
LATER = "2026-07-01T00:00:00Z"


def statuses(verdict):
    return {check.name: check.status for check in verdict.checks}


def test_a_model_goes_from_one_organisation_to_another_and_a_newer_one_follows(tmp_path, organisations):
    acme, globex = organisations.acme, organisations.globex
    models, received = Store(LocalBackend(tmp_path / "models")), Store(LocalBackend(tmp_path / "received"))
    trust = Trust.create(tmp_path / "trust", policy=organisations.policy())
    one = {"model.json": b"{}", "tensors/000.safetensors": b"one"}
    two = one | {"tensors/000.safetensors": b"two"}

    # acme publishes for globex and for itself, and writes the stick.
    release = models.publish(
        one, name=NAME, version="1.0.0", signers=[acme.signer], recipients=[acme, globex.public]
    )
    stick = release.export(tmp_path / "digits-1.0.0.maas")

    # globex looks at it, needs no key for that, and has never heard of the model.
    verdict = verify(stick, trust=trust, recipient=globex.public)
    assert [check.name for check in verdict.failures] == ["first use"]
    assert (verdict.subject, verdict.version, verdict.identity) == (NAME, "1.0.0", release.identity)
    with pytest.raises(RefusedError, match="first use") as caught:
        received.import_bundle(stick, trust=trust, recipient=globex.public)
    assert caught.value.verdict.failures
    assert received.names() == []

    # It accepts the name, imports, verifies and opens.
    got = received.import_bundle(stick, trust=trust, first_use=[NAME], recipient=globex.public)
    assert got.identity == release.identity
    assert got.verify(trust, recipient=globex).passed
    assert got.read_parts(identity=globex) == one

    # The next version needs no acceptance any more.
    second = models.publish(
        two, name=NAME, version="1.1.0", signers=[acme.signer], recipients=[globex.public]
    )
    assert second.previous == release.identity
    stick = second.export(tmp_path / "digits-1.1.0.maas")
    received.import_bundle(stick, trust=trust, recipient=globex.public)
    assert received.open("acme/digits@^1").read_parts(identity=globex) == two
    assert received.versions(NAME) == ["1.0.0", "1.1.0"]

    # acme did not name itself this time.
    with pytest.raises(NoMatchError):
        models.open("acme/digits@1.1.0").read_parts(identity=acme)


def test_all_is_well_with_an_honest_bundle(sender, trust, organisations):
    verdict = verify(
        sender.bundle(expires="2099-01-01T00:00:00Z"),
        trust=trust,
        first_use=[NAME],
        recipient=organisations.globex.public.recipient.fingerprint,
    )
    assert verdict.passed
    found = statuses(verdict)
    assert list(found) == [
        "bundle", "manifest", "publisher", "rotation", "signature", "revocation", "sealing", "recipient",
        "first use", "rollback", "fast-forward", "equivocation", "clock", "expires", "age", "size",
        "self-test", "disclosure", "alias", "yank", "contents", "post-quantum",
    ]  # fmt: skip
    assert {name for name, status in found.items() if status is CheckStatus.SKIPPED} == {
        "rollback", "equivocation", "age", "alias", "revocation", "yank", "size", "rotation", "post-quantum",
        "disclosure",
    }  # fmt: skip


def test_a_policy_alone_can_verify_but_not_import(sender, receiver, organisations):
    path = sender.bundle()
    verdict = verify(path, trust=organisations.policy())
    assert verdict.passed
    skipped = {check.name: check.reason for check in verdict.checks if check.status is CheckStatus.SKIPPED}
    assert "remembers nothing" in skipped["rollback"]
    assert "no recipient was given" in skipped["recipient"]
    with pytest.raises(InvalidOptionError, match="needs a Trust"):
        receiver.import_bundle(path, trust=organisations.policy())


def test_the_latest_release_can_be_imported_again_and_an_older_one_is_a_rollback(
    sender, receiver, trust, failures
):
    one, two = sender.bundle("1.0.0"), sender.bundle("1.1.0")
    receiver.import_bundle(one, trust=trust, first_use=[NAME])
    receiver.import_bundle(two, trust=trust)
    before = list(receiver._backend.list(""))
    seen = trust.ratchet.remembered(NAME)
    assert receiver.import_bundle(two, trust=trust).version == "1.1.0"
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(one, trust=trust)
    assert failures(caught.value.verdict) == ["rollback"]
    assert list(receiver._backend.list("")) == before
    assert trust.ratchet.remembered(NAME) == seen


def test_an_older_release_is_refused_once_a_newer_was_seen(sender, receiver, trust, failures):
    one, two = sender.bundle("1.0.0"), sender.bundle("1.1.0")
    receiver.import_bundle(two, trust=trust, first_use=[NAME])
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(one, trust=trust)
    assert failures(caught.value.verdict) == ["rollback"]
    assert receiver.versions(NAME) == ["1.1.0"]


def test_an_older_release_in_the_store_is_used_only_when_it_is_asked_for(sender, receiver, trust, failures):
    one = sender.bundle("1.0.0")
    receiver.import_bundle(one, trust=trust, first_use=[NAME])
    receiver.import_bundle(sender.bundle("2.0.0"), trust=trust)
    identity = receiver.open("acme/digits@1.0.0").identity
    for reference in ("acme/digits@1.0.0", f"acme/digits@{identity}", "acme/digits", "acme/digits@^2"):
        assert receiver.open(reference).verify(trust).passed
    verdict = receiver.open("acme/digits@^1").verify(trust)
    assert failures(verdict) == ["rollback"]
    assert "name its version" in verdict.failures[0].reason
    assert receiver.open("acme/digits@^1").verify(trust.policy).passed


def test_a_store_that_was_never_imported_into_can_be_verified_at_load(sender, trust):
    release = sender.publish()
    verdict = release.verify(trust)
    assert verdict.passed
    assert statuses(verdict)["first use"] is CheckStatus.SKIPPED


def test_equivocation_is_refused_even_at_load_and_the_evidence_is_kept(
    sender, receiver, trust, failures, tmp_path
):
    other = type(sender)(tmp_path / "other", sender.organisations)
    other.folder.mkdir()
    receiver.import_bundle(sender.bundle("1.0.0"), trust=trust, first_use=[NAME])
    twin = other.publish("1.0.1", parts={"model.json": b"for somebody else"})
    path = other.export(twin)
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(path, trust=trust)
    assert failures(caught.value.verdict) == ["equivocation"]
    assert failures(twin.verify(trust)) == ["equivocation"]
    evidence = trust.ratchet.equivocations
    assert [each.refused.identity for each in evidence] == [twin.identity]
    assert failures(verify(path, trust=trust)) == ["equivocation"]


def test_another_release_under_a_version_that_the_store_has_is_refused(
    sender, receiver, trust, failures, tmp_path
):
    other = type(sender)(tmp_path / "other", sender.organisations)
    other.folder.mkdir()
    other.publish("0.1.0")
    receiver.import_bundle(sender.bundle("1.0.0"), trust=trust, first_use=[NAME])
    path = other.bundle("1.0.0", parts={"model.json": b"other"})
    with pytest.raises(RefusedError, match="version never changes") as caught:
        receiver.import_bundle(path, trust=trust)
    assert failures(caught.value.verdict) == ["version"]


def test_the_same_release_in_another_envelope_is_refused_with_the_way_out(sender, receiver, trust, tmp_path):
    other = type(sender)(tmp_path / "other", sender.organisations)
    other.folder.mkdir()
    receiver.import_bundle(sender.bundle(), trust=trust, first_use=[NAME])
    again = other.publish()
    assert again.identity == receiver.open(NAME).identity
    with pytest.raises(RefusedError, match="another store"):
        receiver.import_bundle(other.export(again), trust=trust)
    assert Store(MemoryBackend()).import_bundle(other.export(again), trust=trust).identity == again.identity


def test_a_release_that_lost_a_race_for_its_version_is_refused(sender, receiver, trust):
    path = sender.bundle()

    def too_late(*_):
        raise AlreadyExistsError("it exists")

    receiver._catalog.add_version = too_late
    with pytest.raises(VersionExistsError, match="meanwhile"):
        receiver.import_bundle(path, trust=trust, first_use=[NAME])


def test_a_newer_release_seen_during_an_import_refuses_it(sender, receiver, trust):
    one, two = sender.bundle("1.0.0"), sender.bundle("1.1.0")
    elsewhere = Store(MemoryBackend())
    elsewhere.import_bundle(one, trust=trust, first_use=[NAME])

    def meanwhile(*_):
        elsewhere.import_bundle(two, trust=trust)

    with pytest.raises(RefusedError, match="rollback"):
        receiver.import_bundle(one, trust=trust, progress=meanwhile)
    assert receiver.names() == []
    assert "1.1.0" in elsewhere.versions(NAME)


def test_a_receiver_goes_on_counting_where_the_publisher_was(sender, receiver, trust):
    sender.publish("1.0.0")
    receiver.import_bundle(sender.bundle("1.1.0"), trust=trust, first_use=[NAME])
    sender.store = receiver
    release = sender.publish("2.0.0")
    assert release.sequence == 3
    assert release.previous == receiver.open("acme/digits@1.1.0").identity


@pytest.mark.parametrize(
    ("rule", "options", "now", "failed"),
    [
        ({}, {"expires": "2026-06-30T00:00:00Z"}, LATER, "expires"),
        ({"max_age_days": 7}, {}, LATER, "age"),
        ({}, {"created": LATER}, "2026-06-01T12:00:00Z", "clock"),
        ({"require_selftest": True}, {"parts": {"model.json": b"{}"}}, LATER, "self-test"),
        ({"require_sealed": True}, {"recipients": []}, LATER, "sealing"),
        ({"max_disclosure": "high"}, {}, LATER, "disclosure"),
        ({"max_disclosure": "low"}, {"disclosures": Disclosures(highest="medium")}, LATER, "disclosure"),
    ],
)
def test_a_rule_that_is_not_kept_is_named(
    sender, tmp_path, organisations, failures, rule, options, now, failed
):
    trust = Trust.create(tmp_path / "strict", policy=organisations.policy(**rule))
    release = sender.publish(**options)
    path = sender.export(release)
    verdict = verify(path, trust=trust, first_use=[NAME], now=now)
    assert failures(verdict) == [failed]
    assert failures(release.verify(trust, now=now)) == [failed]
    assert statuses(verdict)["contents"] is CheckStatus.SKIPPED


def test_a_threshold_counts_distinct_keys(sender, tmp_path, organisations, failures):
    acme, globex, initech = organisations.acme, organisations.globex, organisations.initech
    policy = organisations.policy()
    for identity in (globex, initech):
        policy = policy.with_key("acme/*", organisations.key(identity))
    policy = Policy.from_toml(policy.to_toml().replace("threshold = 1", "threshold = 2"))
    alone = sender.bundle("1.0.0")
    both = sender.bundle("1.1.0", signers=[acme.signer, initech.signer])
    verdict = verify(alone, trust=policy)
    assert failures(verdict) == ["signature"]
    assert "2 needed" in verdict.failures[0].reason
    assert verify(both, trust=policy).passed
    assert "initech" in str(verify(both, trust=policy))


def test_nobody_is_trusted_without_a_rule(sender, failures):
    verdict = verify(sender.bundle(), trust=Policy())
    assert failures(verdict) == ["publisher"]
    assert statuses(verdict)["contents"] is CheckStatus.SKIPPED


def test_a_policy_whose_fingerprint_is_not_its_key_s_trusts_nobody(sender, organisations, failures):
    policy = organisations.policy()
    forged = policy.to_toml().replace(organisations.acme.public.public_key.fingerprint, "sha256:" + "00" * 32)
    verdict = verify(sender.bundle(), trust=Policy.from_toml(forged))
    assert failures(verdict) == ["signature"]
    assert "damaged or altered" in verdict.failures[0].reason
