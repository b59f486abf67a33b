"""Keys change, are stolen, aliases move, releases are withdrawn: what reaches a receiver, and what cannot."""

import pytest

from maas_sdk.artifact import Reference, Store, _acts, verify
from maas_sdk.artifact._acts import notices_for
from maas_sdk.artifact._notice_checks import Accepted
from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidOptionError,
    InvalidReferenceError,
    NotFoundError,
    RefusedError,
    SigningError,
)
from maas_sdk.identity import Identity
from maas_sdk.storage import MemoryBackend
from maas_sdk.trust import AliasRule, CheckStatus, Policy, Trust

NAME = "acme/digits"


@pytest.fixture
def later():
    return Identity.generate("acme-2027")


@pytest.fixture
def send(sender, receiver, trust):
    """Publish, export and import."""

    def go(version, **options):
        release = sender.publish(version, **options)
        return receiver.import_bundle(sender.export(release), trust=trust, first_use=[NAME])

    return go


def checks(verdict):
    return {check.name: check for check in verdict.checks}


def rotate(sender, organisations, later, **options):
    return sender.store.rotate(
        "acme", signers=[organisations.acme.signer], keys={"acme 2027": later.signer}, **options
    )


def test_a_receiver_follows_a_rotation_and_what_is_in_the_store_stays_usable(
    sender, organisations, trust, receiver, send, later
):
    send("1.0.0")
    rotation, _ = rotate(sender, organisations, later)
    assert (rotation.epoch, rotation.keys[0].name) == (2, "acme 2027")
    bundle = sender.export(sender.publish("1.1.0", signers=[later.signer]))

    verdict = verify(bundle, trust=trust)
    assert verdict.passed
    assert checks(verdict)["rotation"].status is CheckStatus.PASSED
    assert trust.policy.rule_for(NAME).epoch == 1  # verifying changes nothing

    release = receiver.import_bundle(bundle, trust=trust)
    reopened = Trust.open(trust.folder)
    rule = reopened.policy.rule_for(NAME)
    assert rule.epoch == 2
    assert [key.fingerprint for key in rule.keys] == [later.public.public_key.fingerprint]
    assert release.verify(reopened).passed
    assert receiver.open(f"{NAME}@1.0.0").verify(reopened).passed
    assert receiver.import_bundle(bundle, trust=reopened).version == "1.1.0"  # known by now, and fine


def test_a_release_of_the_old_keys_is_refused_after_a_rotation(
    sender, organisations, trust, receiver, send, later, failures
):
    send("1.0.0")
    thief = Store(MemoryBackend())
    sender_of_old = type(sender)(sender.folder, organisations, thief)
    for version in ("0.1.0", "0.2.0", "1.2.0"):
        release = sender_of_old.publish(version)
    rotate(sender, organisations, later)
    send("1.1.0", signers=[later.signer])
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(sender.export(release), trust=trust)
    assert failures(caught.value.verdict) == ["signature"]


def test_a_key_that_goes_on_cannot_bring_a_release_of_the_old_epoch(
    sender, organisations, trust, receiver, send, failures
):
    send("1.0.0")
    old = sender.export(sender.publish("1.1.0"))
    sender.store.rotate("acme", signers=[organisations.acme.signer], keys={"acme": organisations.acme.signer})
    send("1.2.0")
    with pytest.raises(RefusedError, match="epoch 1") as caught:
        receiver.import_bundle(old, trust=trust)
    assert failures(caught.value.verdict) == ["signature"]


def test_a_number_that_a_stolen_key_drove_up_ends_with_its_epoch(
    sender, organisations, trust, receiver, send, later, monkeypatch
):
    send("1.0.0")
    thief = type(sender)(sender.folder, organisations, Store(MemoryBackend()))
    monkeypatch.setattr(thief.store._catalog, "next_sequence", lambda _name: (900_001, None))
    receiver.import_bundle(thief.export(thief.publish("6.6.6")), trust=trust)
    assert trust.ratchet.remembered(NAME).sequence == 900_001
    rotate(sender, organisations, later)
    assert send("1.1.0", signers=[later.signer]).sequence == 2


def test_a_rotation_that_the_old_keys_did_not_sign_changes_nothing(
    sender, organisations, trust, receiver, send, later, failures
):
    send("1.0.0")
    thief = type(sender)(sender.folder, organisations, Store(MemoryBackend()))
    thief.store.rotate("acme", signers=[organisations.initech.signer], keys={"acme 2027": later.signer})
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(thief.export(thief.publish("2.0.0", signers=[later.signer])), trust=trust)
    assert failures(caught.value.verdict) == ["signature"]
    assert checks(caught.value.verdict)["rotation"].status is CheckStatus.SKIPPED
    assert Trust.open(trust.folder).policy.rule_for(NAME).epoch == 1


def test_a_rotation_never_lowers_a_threshold(tmp_path, sender, organisations, receiver, later, failures):
    policy = (
        Policy()
        .with_key("acme/*", organisations.key(organisations.acme))
        .with_key("acme/*", organisations.key(organisations.initech), threshold=2)
    )
    trust = Trust.create(tmp_path / "two", policy=policy)
    both = [organisations.acme.signer, organisations.initech.signer]
    sender.store.rotate("acme", signers=both, keys={"acme 2027": later.signer})
    bundle = sender.export(sender.publish(signers=[later.signer]))
    with pytest.raises(RefusedError, match="by hand") as caught:
        receiver.import_bundle(bundle, trust=trust, first_use=[NAME])
    assert failures(caught.value.verdict) == ["rotation"]


def test_whoever_publishes_after_a_rotation_signs_with_the_new_keys(sender, organisations, later):
    rotate(sender, organisations, later)
    with pytest.raises(SigningError, match="epoch 2"):
        sender.publish()
    assert sender.publish(signers=[later.signer])._statement.epoch == 2


def test_a_rotation_is_signed_by_those_whose_turn_it_is(sender, organisations, later):
    rotate(sender, organisations, later)
    with pytest.raises(InvalidOptionError, match="keys of epoch 2"):
        rotate(sender, organisations, later)
    with pytest.raises(InvalidOptionError, match="give both"):
        sender.store.rotate("acme", signers=[], keys={"a": later.signer})
    with pytest.raises(InvalidOptionError, match="publisher"):
        sender.store.rotate("acme/digits", signers=[later.signer], keys={"a": later.signer})
    again, _ = sender.store.rotate("acme", signers=[later.signer], keys={"acme": organisations.acme.signer})
    assert again.epoch == 3


def test_two_rotations_are_followed_in_one_step(sender, organisations, trust, send, later):
    send("1.0.0")
    rotate(sender, organisations, later)
    last = Identity.generate("acme-2028")
    sender.store.rotate("acme", signers=[later.signer], keys={"acme 2028": last.signer})
    assert send("3.0.0", signers=[last.signer]).version == "3.0.0"
    assert Trust.open(trust.folder).policy.rule_for(NAME).epoch == 3


def test_a_revoked_release_is_refused_when_it_comes_and_where_it_is(
    sender, organisations, trust, receiver, send, failures
):
    first = send("1.0.0")
    bundle = sender.export(sender.store.open(f"{NAME}@1.0.0"))
    revocation = sender.store.revoke(
        "acme", signers=[organisations.acme.signer], releases={first.identity: "wrong labels"}
    )
    assert revocation.number == 1
    send("1.1.0")
    verdict = receiver.open(f"{NAME}@1.0.0").verify(trust)
    assert failures(verdict) == ["revocation"]
    with pytest.raises(RefusedError) as caught:
        receiver.import_bundle(bundle, trust=trust)
    assert "revocation" in failures(caught.value.verdict)


def test_what_a_stolen_key_signed_counts_no_more_even_in_the_store(
    sender, organisations, trust, receiver, send, later, failures
):
    send("1.0.0")
    rotate(sender, organisations, later)
    stolen = organisations.acme.public.public_key.fingerprint
    sender.store.revoke("acme", signers=[later.signer], keys={stolen: "laptop stolen"})
    send("1.1.0", signers=[later.signer])
    reopened = Trust.open(trust.folder)
    assert failures(receiver.open(f"{NAME}@1.0.0").verify(reopened)) == ["revocation"]
    assert receiver.open(f"{NAME}@1.1.0").verify(reopened).passed


def test_revocations_add_up(sender, organisations):
    signers = [organisations.acme.signer]
    one, two = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    sender.store.revoke("acme", signers=signers, releases={one: "first"})
    second = sender.store.revoke("acme", signers=signers, releases={two: "second", one: "other words"})
    assert second.number == 2
    assert [(each.identity, each.reason) for each in second.releases] == [(one, "first"), (two, "second")]
    with pytest.raises(InvalidOptionError, match="nothing to revoke"):
        sender.store.revoke("acme", signers=signers)
    with pytest.raises(InvalidOptionError, match="signers"):
        sender.store.revoke("acme", signers=[], releases={one: "first"})


def test_an_alias_travels_and_is_checked_when_it_is_used(sender, organisations, trust, receiver):
    signers = [organisations.acme.signer]
    sender.publish("1.0.0")
    second = sender.publish("1.1.0")
    notice = sender.store.set_alias("stable", f"{NAME}@1.0.0", signers=signers)
    assert notice.generation == 1
    assert sender.store.set_alias("stable", f"{NAME}@1.0.0", signers=signers) == notice
    moved = sender.store.set_alias("stable", NAME, signers=signers)
    assert (moved.generation, moved.version) == (2, "1.1.0")
    assert sender.store.aliases(NAME) == {"stable": moved}
    assert sender.store.open(f"{NAME}@stable").identity == second.identity

    bundle = sender.export(sender.store.open(f"{NAME}@1.1.0"))
    assert checks(verify(bundle, trust=trust, first_use=[NAME]))["alias"].status is CheckStatus.PASSED
    receiver.import_bundle(bundle, trust=trust, first_use=[NAME])
    release = receiver.open(f"{NAME}@stable")
    verdict = release.verify(trust)
    assert verdict.passed
    assert checks(verdict)["alias"].status is CheckStatus.PASSED


def test_an_alias_that_somebody_else_moved_is_not_taken_over_and_not_used(
    tmp_path, sender, organisations, receiver, failures
):
    acme = organisations.key(organisations.acme)
    policy = Policy().with_key("acme/*", acme).with_key("acme/*", organisations.key(organisations.initech))
    policy = policy.with_key("acme/*", acme, aliases=[AliasRule("stable", (acme.fingerprint,))])
    trust = Trust.create(tmp_path / "strict", policy=policy)
    sender.publish()
    sender.store.set_alias("stable", NAME, signers=[organisations.initech.signer])
    sender.store.set_alias("trial", NAME, signers=[organisations.initech.signer])
    bundle = sender.export(sender.store.open(NAME))
    receiver.import_bundle(bundle, trust=trust, first_use=[NAME])
    assert list(receiver.aliases(NAME)) == ["trial"]

    receiver.set_alias("stable", NAME, signers=[organisations.initech.signer])
    assert failures(receiver.open(f"{NAME}@stable").verify(trust)) == ["alias"]
    assert receiver.open(f"{NAME}@trial").verify(trust).passed


def test_an_old_move_of_an_alias_does_not_come_back(sender, organisations, trust, receiver, send, failures):
    signers = [organisations.acme.signer]
    sender.publish("1.0.0")
    sender.store.set_alias("stable", f"{NAME}@1.0.0", signers=signers)
    receiver.import_bundle(sender.export(sender.store.open(f"{NAME}@1.0.0")), trust=trust, first_use=[NAME])
    sender.publish("1.1.0")
    sender.store.set_alias("stable", f"{NAME}@1.1.0", signers=signers)
    receiver.import_bundle(sender.export(sender.store.open(f"{NAME}@1.1.0")), trust=trust)
    assert receiver.open(f"{NAME}@stable").version == "1.1.0"

    older = Store(MemoryBackend())
    older.import_bundle(
        sender.export(sender.store.open(f"{NAME}@1.0.0")),
        trust=Trust.create(sender.folder / "other", policy=organisations.policy()),
        first_use=[NAME],
    )
    kind, envelope = next(
        pair for pair in notices_for(sender.store._catalog, NAME, "1.1.0") if "alias" in pair[0]
    )
    assert kind.endswith("alias.signature.v1")
    older._catalog.append(f"{NAME}/aliases/stable", 7, envelope)  # another number than was signed
    with pytest.raises(NotFoundError):
        older.open(f"{NAME}@stable")


@pytest.mark.parametrize("alias", ["v1", "x", "1.0.0", "^1", "Stable", "", "sha256:" + "0" * 64])
def test_an_alias_is_a_word_that_nothing_else_is(sender, organisations, alias):
    sender.publish()
    with pytest.raises(InvalidReferenceError, match="alias"):
        sender.store.set_alias(alias, NAME, signers=[organisations.acme.signer])


def test_a_yank_is_passed_over_and_travels_and_can_be_taken_back(
    sender, organisations, trust, receiver, send
):
    signers = [organisations.acme.signer]
    send("1.0.0")
    sender.publish("1.1.0")
    notice = sender.store.yank(f"{NAME}@1.1.0", signers=signers, reason="drifts in winter")
    assert sender.store.yank(f"{NAME}@1.1.0", signers=signers, reason="drifts in winter") == notice
    assert sender.store.open(NAME).version == "1.0.0"
    assert sender.store.open(f"{NAME}@1.1.0").version == "1.1.0"

    yanked = sender.export(sender.store.open(f"{NAME}@1.1.0"))
    verdict = receiver.import_bundle(yanked, trust=trust).verify(trust)
    assert verdict.passed
    assert "drifts in winter" in checks(verify(yanked, trust=trust))["yank"].reason
    assert receiver.open(NAME).version == "1.0.0"

    sender.store.yank(f"{NAME}@1.1.0", signers=signers, reason="it was the sensor", undo=True)
    with pytest.raises(InvalidOptionError, match="nothing to undo"):
        sender.store.yank(f"{NAME}@1.1.0", signers=signers, reason="again", undo=True)
    receiver.import_bundle(sender.export(sender.store.open(f"{NAME}@1.1.0")), trust=trust)
    assert receiver.open(NAME).version == "1.1.0"
    with pytest.raises(InvalidOptionError, match="reason"):
        sender.store.yank(f"{NAME}@1.0.0", signers=signers, reason="")


def test_notes_and_tags_replace_each_other_and_stay_at_home(sender, organisations, trust, receiver, send):
    signers = [organisations.acme.signer]
    send("1.0.0")
    sender.store.annotate(NAME, signers=signers, note="for the trial", tags=["b", "a", "a"])
    kept = sender.store.annotate(NAME, signers=signers, tags=["c"])
    assert (kept.text, kept.tags, kept.generation) == ("for the trial", ("c",), 2)
    assert sender.store.annotate(NAME, signers=signers, note="").tags == ("c",)
    with pytest.raises(InvalidOptionError, match="list"):
        sender.store.annotate(NAME, signers=signers, tags="c")
    receiver.import_bundle(sender.export(sender.store.open(NAME)), trust=trust)
    assert receiver._catalog.latest(f"{NAME}/notes/1.0.0") is None


def test_a_numbered_record_never_changes(sender, organisations):
    sender.publish()
    notice = sender.store.set_alias("stable", NAME, signers=[organisations.acme.signer])
    with pytest.raises(AlreadyExistsError):
        sender.store._catalog.append(f"{NAME}/aliases/stable", notice.generation, b"{}")


def test_signers_that_fail_are_told_apart_from_a_wrong_call(sender):
    class Broken:
        def public_key_pem(self):
            raise OSError("pulled out")

    with pytest.raises(SigningError, match="pulled out"):
        sender.store.rotate("acme", signers=[Broken()], keys={"a": Broken()})


@pytest.mark.parametrize("sealed", [True, False])
def test_post_quantum_is_required_of_signature_and_sealing(tmp_path, sender, sealed, failures):
    pq, classic = (Identity.generate("acme", post_quantum=flag) for flag in (True, False))
    key = type(sender.organisations.key(pq))(
        "acme", pq.public.public_key.fingerprint, pq.public.public_key.pem
    )
    policy = Policy().with_key("acme/*", key, require_post_quantum=True, require_sealed=sealed)
    recipients = [pq] if sealed else []
    good = sender.bundle("1.0.0", signers=[pq.signer], recipients=recipients)
    assert verify(good, trust=policy).passed
    if sealed:
        weak = sender.bundle("1.1.0", signers=[pq.signer], recipients=[classic])
        assert failures(verify(weak, trust=policy)) == ["post-quantum"]
    plain = sender.organisations.policy(require_post_quantum=True, require_sealed=sealed)
    by_classic = sender.bundle("2.0.0", recipients=recipients)
    assert failures(verify(by_classic, trust=plain)) == ["post-quantum"]


def test_a_release_larger_than_the_rule_allows_is_refused_before_it_is_read(sender, organisations, failures):
    verdict = verify(sender.bundle(), trust=organisations.policy(max_release_bytes=100))
    assert failures(verdict) == ["size"]
    assert checks(verdict)["contents"].status is CheckStatus.SKIPPED


def test_what_is_done_is_written_down(sender, organisations, trust, receiver, tmp_path):
    folder = Store(__import__("maas_sdk.storage", fromlist=["x"]).LocalBackend(tmp_path / "models"))
    local = type(sender)(tmp_path, organisations, folder)
    release = local.publish()
    folder.set_alias("stable", NAME, signers=[organisations.acme.signer])
    bundle = local.export(folder.open(NAME))
    assert [entry.event for entry in folder.audit.entries()] == ["publish", "alias", "export"]
    receiver.import_bundle(bundle, trust=trust, first_use=[NAME])
    with pytest.raises(RefusedError):
        receiver.import_bundle(bundle, trust=trust, recipient=organisations.initech)
    found = [(entry.event, entry.outcome, entry.identity) for entry in trust.audit.entries()]
    assert found == [("import", "done", release.identity), ("import", "refused", None)]
    assert any("recipient" in reason for reason in list(trust.audit.entries())[-1].reasons)
    assert trust.audit.check().ok


class Interfering:
    """A catalog in which somebody else is faster, once."""

    def __init__(self, catalog, act):
        self._catalog, self._act = catalog, act

    def __getattr__(self, name):
        return getattr(self._catalog, name)

    def append(self, prefix, number, record):
        act, self._act = self._act, None
        if act is not None:
            act()
        self._catalog.append(prefix, number, record)

    def resolve(self, reference):
        version = self._catalog.resolve(reference)
        act, self._act = self._act, None
        if act is not None:
            act()
        return version


def test_two_who_move_an_alias_at_once_both_succeed_one_after_the_other(sender, organisations):
    signers = [organisations.acme.signer]
    for version in ("1.0.0", "1.1.0"):
        sender.publish(version)
    catalog = Interfering(
        sender.store._catalog,
        lambda: sender.store.set_alias("stable", f"{NAME}@1.0.0", signers=signers),
    )
    notice = _acts.set_alias(catalog, "stable", Reference.parse(f"{NAME}@1.1.0"), signers=signers)
    assert (notice.generation, notice.version) == (2, "1.1.0")
    assert notice.previous is not None


def test_two_who_begin_an_epoch_at_once_are_told(sender, organisations, later):
    catalog = Interfering(sender.store._catalog, lambda: rotate(sender, organisations, later))
    with pytest.raises(AlreadyExistsError, match="meanwhile"):
        _acts.rotate(
            catalog, "acme", signers=[organisations.acme.signer], keys={"other": organisations.initech.signer}
        )


def test_an_alias_that_moves_while_it_is_read_gives_one_release_or_the_other(sender, organisations):
    signers = [organisations.acme.signer]
    for version in ("1.0.0", "1.1.0"):
        sender.publish(version)
    sender.store.set_alias("stable", f"{NAME}@1.0.0", signers=signers)
    catalog = Interfering(
        sender.store._catalog,
        lambda: sender.store.set_alias("stable", f"{NAME}@1.1.0", signers=signers),
    )
    notice, _ = _acts.read_alias(catalog, Reference.parse(f"{NAME}@stable"))
    assert (notice.version, notice.generation) == ("1.1.0", 2)


def test_a_notice_whose_number_was_taken_meanwhile_changes_nothing(sender, organisations, send, later):
    send("1.0.0")
    rotation, envelope = rotate(sender, organisations, later)
    other = Store(MemoryBackend())
    catalog = Interfering(other._catalog, lambda: other._catalog.append("acme/@rotations", 2, b"{}"))
    _acts.keep_notices(catalog, Accepted(rotations=[(rotation, envelope)]))
    assert other._catalog.latest("acme/@rotations") == (2, b"{}")


def test_notices_by_nobody_who_is_trusted_are_passed_over(sender, organisations, trust, receiver):
    sender.publish("1.0.0")
    thief = [organisations.initech.signer]
    sender.store.yank(f"{NAME}@1.0.0", signers=thief, reason="for nothing")
    sender.store.set_alias("stable", f"{NAME}@1.0.0", signers=thief)
    sender.store.revoke("acme", signers=thief, releases={sender.store.open(NAME + "@1.0.0").identity: "no"})
    release = sender.store.open(f"{NAME}@1.0.0")
    receiver.import_bundle(sender.export(release), trust=trust, first_use=[NAME])
    assert receiver.open(NAME).version == "1.0.0"
    assert receiver.aliases(NAME) == {}
    assert trust.ratchet.revoked("acme") is None


def test_a_policy_with_a_key_that_is_another_is_refused(sender, organisations, failures):
    key = organisations.key(organisations.acme)
    wrong = type(key)("acme", key.fingerprint, organisations.key(organisations.initech).pem)
    verdict = verify(sender.bundle(), trust=Policy().with_key("acme/*", wrong))
    assert failures(verdict) == ["signature"]
    assert "damaged or altered" in checks(verdict)["signature"].reason
