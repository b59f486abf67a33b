"""What an attacker does to a bundle, and which check refuses it.

The table of attacks is complete in that each check is the one that refuses something; whatever an attack
changes, an import leaves store and memory as they were.
"""

import io
import json

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import sha256
from maas_sdk.artifact import Store, verify
from maas_sdk.artifact._bundles import ustar
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._documents.statements import Layer, ReleaseStatement, SealingStatement
from maas_sdk.errors import RefusedError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing import Envelope, sign_envelope
from maas_sdk.storage import MemoryBackend
from maas_sdk.trust import Trust

NAME = "acme/digits"


class Forger:
    """Takes an honest release apart, and puts another together in which every digest fits."""

    def __init__(self, tar, release):
        self.tar = tar
        self.papers = release._papers
        self.statement = release._statement
        self.sealing = release._sealing
        self.release_envelope = self.papers.release.envelope
        self.sealing_envelope = self.papers.sealing.envelope if self.papers.sealing else None
        self.layers = [Layer(x.file_path.removesuffix(".age"), x.digest, x.size) for x in self.papers.layers]
        self.blobs = {x.digest: release._source.read(x.digest, max_bytes=x.size) for x in self.papers.layers}
        self.suffix = ".age" if self.sealing else ""
        self.edit_config = self.edit_manifest = lambda document: None

    def write(self, path):
        config = oci.build_config(self.statement, self.layers)
        config = self._edited(config, self.edit_config)
        manifest = oci.build_manifest(self.statement, self.layers, config=config, suffix=self.suffix)
        manifest = self._edited(manifest, self.edit_manifest)
        if callable(self.sealing_envelope):
            self.sealing_envelope = self.sealing_envelope(sha256(manifest))
        papers = make_papers(
            self.statement, config=config, manifest=manifest, release=self.release_envelope,
            sealing=self.sealing_envelope, limits=DEFAULT_LIMITS,
        )  # fmt: skip
        name, version = oci.parse_config_name(config, limits=DEFAULT_LIMITS)
        papers = evolve(papers, name=name, version=version)
        items = [("oci-layout", oci.LAYOUT), ("index.json", papers.index)]
        items += [self.tar.blob(data) for data in dict.fromkeys(papers.documents())]
        items += [self.tar.blob(self.blobs[layer.digest]) for layer in papers.blobs()]
        return self.tar.pack(path, items)

    def replace_layer(self, number, data):
        self.blobs[sha256(data)] = data
        self.layers[number] = evolve(self.layers[number], digest=sha256(data), size=len(data))

    def swap(self, one, two):
        first, second = self.layers[one], self.layers[two]
        self.layers[one] = evolve(first, digest=second.digest, size=second.size)
        self.layers[two] = evolve(second, digest=first.digest, size=first.size)

    def sign_sealing(self, signer, **change):
        """Sign an envelope statement for the manifest that is being written."""

        def signed(manifest):
            statement = evolve(self.sealing, **{"manifest": manifest, "layers": tuple(self.layers)} | change)
            return sign_envelope(statement.to_payload(), [signer]).to_json()

        self.sealing_envelope = signed

    @staticmethod
    def _edited(data, edit):
        document = json.loads(data)
        edit(document)
        return strict_json.dumps(document)


def _altered_payload(envelope, change):
    found = Envelope.from_json(envelope)
    document = json.loads(found.payload)
    change(document)
    return evolve(found, payload=strict_json.dumps(document)).to_json()


def _resign(envelope, signer, *, payload_type=None):
    found = Envelope.from_json(envelope)
    return sign_envelope(found.payload, [signer], payload_type=payload_type or found.payload_type).to_json()


def alter_the_release_statement(forger, _):
    forger.release_envelope = _altered_payload(
        forger.release_envelope, lambda d: d["predicate"].update(sequence=99)
    )


def sign_with_an_unknown_key(forger, org):
    forger.release_envelope = _resign(forger.release_envelope, org.initech.signer)


def claim_a_known_key_id(forger, org):
    forged = Envelope.from_json(_resign(forger.release_envelope, org.initech.signer))
    keyid = org.acme.public.public_key.keyid
    forger.release_envelope = evolve(
        forged, signatures=[evolve(s, keyid=keyid) for s in forged.signatures]
    ).to_json()


def empty_the_signature(forger, _):
    found = Envelope.from_json(forger.release_envelope)
    forger.release_envelope = evolve(
        found, signatures=[evolve(s, sig=b"") for s in found.signatures]
    ).to_json()


def sign_another_type_of_payload(forger, org):
    forger.release_envelope = _resign(forger.release_envelope, org.acme.signer, payload_type="text/plain")


def sign_in_the_name_of_another_key(forger, org):
    fingerprint = org.initech.public.public_key.fingerprint
    forger.statement = evolve(forger.statement, keys=(fingerprint,))
    forger.release_envelope = sign_envelope(forger.statement.to_payload(), [org.acme.signer]).to_json()


def put_nonsense_for_an_envelope(forger, _):
    forger.release_envelope = b'{"payload":1}'


def put_the_envelope_statement_for_the_release(forger, _):
    forger.release_envelope = forger.sealing_envelope


def sign_what_is_no_statement(forger, org):
    forger.release_envelope = sign_envelope(b"{}", [org.acme.signer]).to_json()


def sign_an_unsafe_path(forger, org):
    payload = forger.statement.to_payload().replace(b"card.md", b"../c.md")
    forger.release_envelope = sign_envelope(payload, [org.acme.signer]).to_json()


def claim_another_name(forger, _):
    forger.edit_config = lambda d: d["descriptor"].update(name="acme/words")


def claim_another_version(forger, _):
    forger.edit_config = lambda d: d["descriptor"].update(version="9.9.9")


def claim_a_malformed_name(forger, _):
    forger.edit_config = lambda d: d["descriptor"].update(name="../acme")


def claim_the_name_of_somebody_unknown(forger, _):
    forger.edit_config = lambda d: d["descriptor"].update(name="umbrella/words")


def strip_the_seal_s_signature(forger, _):
    forger.sealing_envelope = None


def seal_for_others_without_a_key(forger, org):
    recipients = (org.initech.public.recipient.fingerprint,)
    forger.sealing_envelope = _altered_payload(
        forger.sealing_envelope, lambda d: d["predicate"].update(recipients=list(recipients))
    )


def seal_for_others_with_a_key_that_is_not_trusted(forger, org):
    forger.sign_sealing(org.initech.signer, recipients=(org.initech.public.recipient.fingerprint,))


def put_the_release_statement_for_the_envelope(forger, _):
    forger.sealing_envelope = forger.release_envelope


def put_the_envelope_of_another_release(forger, org):
    forger.sign_sealing(org.acme.signer, identity="sha256:" + "00" * 32)


def put_the_envelope_of_another_manifest(forger, org):
    forger.sign_sealing(org.acme.signer, manifest="sha256:" + "00" * 32)


def swap_two_sealed_layers(forger, _):
    forger.swap(3, 4)


def replace_a_sealed_layer(forger, _):
    forger.replace_layer(1, b"age-encryption.org/v1\n" + b"evil" * 100)


def sign_a_seal_that_leaves_a_part_out(forger, org):
    forger.layers.pop()
    forger.sign_sealing(org.acme.signer)


def sign_a_seal_that_holds_a_part_twice(forger, org):
    payload = evolve(forger.sealing).to_payload().replace(b'"part":"card.md"', b'"part":"model.json"')
    forger.sealing_envelope = sign_envelope(payload, [org.acme.signer]).to_json()


def add_to_the_configuration(forger, org):
    forger.edit_config = lambda d: d["descriptor"].update(licenses=["free for all"])
    forger.sign_sealing(org.acme.signer)


def add_to_the_manifest(forger, org):
    forger.edit_manifest = lambda d: d["annotations"].update(more="words")
    forger.sign_sealing(org.acme.signer)


def sign_another_order_of_layers(forger, org):
    forger.edit_manifest = lambda d: d["layers"].reverse()
    forger.sign_sealing(org.acme.signer)


SEALED = [
    (alter_the_release_statement, "signature", "0 of 1 trusted keys signed"),
    (sign_with_an_unknown_key, "signature", "0 of 1 trusted keys signed"),
    (claim_a_known_key_id, "signature", "0 of 1 trusted keys signed"),
    (empty_the_signature, "signature", "0 of 1 trusted keys signed"),
    (sign_another_type_of_payload, "signature", "payload type"),
    (sign_in_the_name_of_another_key, "signature", "keys that the statement names"),
    (put_nonsense_for_an_envelope, "signature", "envelope"),
    (put_the_envelope_statement_for_the_release, "signature", "predicate type"),
    (sign_what_is_no_statement, "signature", "statement"),
    (sign_an_unsafe_path, "signature", "path of a part"),
    (claim_another_name, "signature", "was signed"),
    (claim_another_version, "signature", "was signed"),
    (claim_a_malformed_name, "publisher", "malformed"),
    (claim_the_name_of_somebody_unknown, "publisher", "no rule"),
    (strip_the_seal_s_signature, "sealing", "not sealed"),
    (seal_for_others_without_a_key, "sealing", "0 of 1 trusted keys signed"),
    (seal_for_others_with_a_key_that_is_not_trusted, "sealing", "0 of 1 trusted keys signed"),
    (put_the_release_statement_for_the_envelope, "sealing", "predicate type"),
    (put_the_envelope_of_another_release, "sealing", "was signed for the release"),
    (put_the_envelope_of_another_manifest, "sealing", "what was signed is the envelope"),
    (swap_two_sealed_layers, "sealing", "what was signed is the envelope"),
    (replace_a_sealed_layer, "sealing", "what was signed is the envelope"),
    (sign_a_seal_that_leaves_a_part_out, "sealing", "not one for each part"),
    (sign_a_seal_that_holds_a_part_twice, "sealing", "same part"),
    (add_to_the_configuration, "sealing", "do not say what was signed"),
    (add_to_the_manifest, "sealing", "do not say what was signed"),
    (sign_another_order_of_layers, "sealing", "where sha256"),
]


def refused_without_a_trace(path, trust, failures, check, reason):
    verdict = verify(path, trust=trust, first_use=[NAME])
    assert failures(verdict) == [check]
    assert reason in verdict.failures[0].reason
    store = Store(MemoryBackend())
    with pytest.raises(RefusedError):
        store.import_bundle(path, trust=trust, first_use=[NAME])
    assert list(store._backend.list("")) == []
    assert trust.ratchet.remembered(NAME) is None


def test_the_forger_can_write_what_is_honest(sender, organisations, tar, trust, tmp_path):
    release = sender.publish()
    path = Forger(tar, release).write(tmp_path / "same.maas")
    assert path.read_bytes() == sender.export(release).read_bytes()
    forger = Forger(tar, release)
    forger.sign_sealing(organisations.acme.signer)
    assert verify(forger.write(tmp_path / "signed.maas"), trust=trust, first_use=[NAME]).passed


@pytest.mark.parametrize(
    ("attack", "check", "reason"), SEALED, ids=lambda value: getattr(value, "__name__", "")
)
def test_an_attack_on_a_sealed_release_is_refused(
    sender, organisations, tar, trust, failures, tmp_path, attack, check, reason
):
    forger = Forger(tar, sender.publish())
    attack(forger, organisations)
    refused_without_a_trace(forger.write(tmp_path / "forged.maas"), trust, failures, check, reason)


def replace_a_layer(forger, _):
    forger.replace_layer(1, b'{"evil":1}')


def swap_two_layers(forger, _):
    forger.swap(3, 4)


def leave_a_layer_out(forger, _):
    forger.layers.pop()


def add_a_layer(forger, _):
    def more(document):
        document["layers"].append(document["layers"][0])

    forger.edit_manifest = more


def rename_a_layer(forger, _):
    def renamed(document):
        document["layers"][0]["annotations"]["org.cncf.model.filepath"] = "../../card.md"

    forger.edit_manifest = renamed


def change_a_layer_s_type(forger, _):
    def retyped(document):
        document["layers"][0]["mediaType"] = document["layers"][1]["mediaType"]

    forger.edit_manifest = retyped


def annotate_the_manifest(forger, _):
    forger.edit_manifest = lambda d: d["annotations"].update(more="words")


def change_the_configuration(forger, _):
    forger.edit_config = lambda d: d["descriptor"].update(vendor="umbrella")


def pretend_a_seal(forger, org):
    statement = SealingStatement(
        manifest="sha256:" + "00" * 32,
        identity=forger.statement.identity,
        recipients=(org.globex.public.recipient.fingerprint,),
        suffix=".age",
        layers=tuple(forger.layers),
    )
    forger.sealing = statement
    forger.sign_sealing(org.initech.signer)


PLAIN = [
    (replace_a_layer, "contents", "was signed"),
    (swap_two_layers, "contents", "was signed"),
    (leave_a_layer_out, "contents", "do not say what was signed"),
    (add_a_layer, "contents", "do not say what was signed"),
    (rename_a_layer, "contents", "was signed"),
    (change_a_layer_s_type, "contents", "do not say what was signed"),
    (annotate_the_manifest, "contents", "do not say what was signed"),
    (change_the_configuration, "contents", "do not say what was signed"),
    (pretend_a_seal, "sealing", "0 of 1 trusted keys signed"),
    (alter_the_release_statement, "signature", "0 of 1 trusted keys signed"),
]


@pytest.mark.parametrize(
    ("attack", "check", "reason"), PLAIN, ids=lambda value: getattr(value, "__name__", "")
)
def test_an_attack_on_a_release_that_is_not_sealed_is_refused(
    sender, organisations, tar, failures, tmp_path, attack, check, reason
):
    trust = Trust.create(tmp_path / "lax", policy=organisations.policy(require_sealed=False))
    forger = Forger(tar, sender.publish(recipients=[]))
    attack(forger, organisations)
    refused_without_a_trace(forger.write(tmp_path / "forged.maas"), trust, failures, check, reason)


def test_a_bundle_that_was_passed_on_is_refused_by_who_is_no_recipient(
    sender, receiver, organisations, trust, failures
):
    path = sender.bundle()
    with pytest.raises(RefusedError, match="passed on") as caught:
        receiver.import_bundle(path, trust=trust, first_use=[NAME], recipient=organisations.initech.public)
    assert failures(caught.value.verdict) == ["recipient"]
    assert receiver.names() == []
    release = sender.store.open(NAME)
    assert failures(release.verify(trust, recipient=organisations.initech)) == ["recipient"]


def test_who_looks_for_themselves_in_a_forged_seal_is_told_that_it_cannot_be_told(
    sender, organisations, tar, trust, failures, tmp_path
):
    forger = Forger(tar, sender.publish())
    seal_for_others_with_a_key_that_is_not_trusted(forger, organisations)
    verdict = verify(
        forger.write(tmp_path / "forged.maas"), trust=trust, first_use=[NAME], recipient=organisations.initech
    )
    assert failures(verdict) == ["sealing"]
    assert {check.name: check.reason for check in verdict.checks}["recipient"].startswith("it rests on")


def test_a_seal_may_be_signed_by_another_trusted_key_than_the_release(
    sender, organisations, tar, tmp_path, failures
):
    policy = organisations.policy().with_key("acme/*", organisations.key(organisations.globex))
    forger = Forger(tar, sender.publish())
    forger.sign_sealing(organisations.globex.signer)
    assert verify(forger.write(tmp_path / "resealed.maas"), trust=policy).passed


def test_two_signatures_of_a_kind_and_strange_ones_are_refused(sender, tar, trust, failures, tmp_path):
    release = sender.publish()
    papers = release._papers
    strange = evolve(
        papers.sealing,
        referrer=papers.sealing.referrer.replace(
            oci.SEALING_SIGNATURE.encode(), b"application/vnd.example.strange.v1"
        ),
    )
    foreign = evolve(papers.release, referrer=papers.release.referrer.replace(
        papers.digest.encode(), b"sha256:" + b"0" * 64
    ))  # fmt: skip
    loose = evolve(papers.release, referrer=papers.release.referrer + b" ")
    layers = json.loads(papers.release.referrer)
    layers["layers"] *= 2
    double = evolve(papers.release, referrer=strict_json.dumps(layers))
    for referrers, reason in [
        ([papers.release.referrer] * 2, "two signatures of the kind"),
        ([papers.sealing.referrer], "release statement is missing"),
        ([], "release statement is missing"),
        ([papers.release.referrer, strange.referrer], "unknown artifact type"),
        ([foreign.referrer], "belongs to another manifest"),
        ([loose.referrer], "not in canonical form"),
        ([double.referrer], "one DSSE envelope"),
    ]:
        described = [
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(d), "size": len(d)}
            for d in [papers.manifest, *referrers]
        ]
        index = strict_json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": described,
            }
        )
        items = [("oci-layout", oci.LAYOUT), ("index.json", index)]
        documents = dict.fromkeys([papers.manifest, *referrers, *papers.documents()])
        items += [tar.blob(data) for data in documents]
        verdict = verify(tar.pack(tmp_path / "forged.maas", items), trust=trust)
        assert failures(verdict) == ["manifest"]
        assert reason in verdict.failures[0].reason


def test_a_document_shorter_than_declared_is_refused(sender, tar, trust, failures, tmp_path):
    path = sender.bundle()
    items = tar.entries(path)
    index = json.loads(items[1][1])
    index["manifests"][0]["size"] += 1
    items[1] = ("index.json", strict_json.dumps(index))
    verdict = verify(tar.pack(tmp_path / "forged.maas", items), trust=trust)
    assert failures(verdict) == ["manifest"]
    assert "are declared" in verdict.failures[0].reason


@pytest.fixture(scope="module")
def honest(tmp_path_factory, organisations):
    """A bundle, its bytes and a policy that it passes."""
    folder = tmp_path_factory.mktemp("honest")
    store = Store(MemoryBackend())
    parts = {"model.json": b"{}", "tensors/000.safetensors": bytes(2000), "card.md": b"x"}
    release = store.publish(
        parts, name=NAME, version="1.0.0", signers=[organisations.acme.signer],
        recipients=[organisations.globex], created="2026-06-01T12:00:00Z",
    )  # fmt: skip
    return folder, release.export(folder / "honest.maas").read_bytes(), organisations.policy()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_refused_or_means_nothing(honest, data):
    folder, honest_bytes, policy = honest
    position = data.draw(st.integers(0, len(honest_bytes) - 1))
    forged = bytearray(honest_bytes)
    forged[position] ^= 1 << data.draw(st.integers(0, 7))
    path = folder / "flipped.maas"
    path.write_bytes(forged)
    verdict = verify(path, trust=policy)
    # The one thing that may be written in two ways is how a header's checksum ends.
    entries = ustar.scan(io.BytesIO(honest_bytes), len(honest_bytes))
    checksums = [at for entry in entries for at in range(entry.offset - 364, entry.offset - 356)]
    assert not verdict.passed or position in checksums
    assert [check.name for check in verdict.failures][:1] in (["bundle"], ["manifest"], ["contents"], [])


def test_a_bundle_that_ends_early_is_refused_at_every_boundary(honest):
    folder, honest_bytes, policy = honest
    path = folder / "truncated.maas"
    for end in sorted({*range(0, len(honest_bytes), 512), *range(1, len(honest_bytes), 1024 - 7)}):
        path.write_bytes(honest_bytes[:end])
        verdict = verify(path, trust=policy)
        assert [check.name for check in verdict.failures] == ["bundle"], end
        assert "truncated" in verdict.failures[0].reason


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=3000))
def test_bytes_of_any_kind_give_a_verdict_and_no_error(honest, noise):
    folder, _, policy = honest
    path = folder / "noise.maas"
    path.write_bytes(noise)
    assert not verify(path, trust=policy).passed


def test_a_hostile_statement_signed_by_a_trusted_key_is_refused_and_not_followed(
    sender, organisations, tar, trust, failures, tmp_path
):
    """The publisher's key is stolen; what it signs still cannot leave its bounds."""
    release = sender.publish()
    for number, change in enumerate(
        [
            lambda d: d["predicate"].update(sequence=2**60),
            lambda d: d["predicate"].update(created="0000-00-00T00:00:00Z"),
            lambda d: d["predicate"]["parts"][0].update(size=2**70),
            lambda d: d["predicate"]["parts"][0].update(size=-1),
            lambda d: d["subject"][0].update(name="/etc/passwd"),
            lambda d: d.update(subject=[]),
            lambda d: d["predicate"].update(parts=[[]] * 5),
        ]
    ):
        forger = Forger(tar, release)
        document = json.loads(forger.statement.to_payload())
        change(document)
        payload = strict_json.dumps(document)
        forger.release_envelope = sign_envelope(payload, [organisations.acme.signer]).to_json()
        path = forger.write(tmp_path / f"{number}.maas")
        assert failures(verify(path, trust=trust, first_use=[NAME])) == ["signature"]


def test_a_sequence_far_ahead_is_refused(sender, organisations, tar, trust, failures, tmp_path):
    forger = Forger(tar, sender.publish())
    forger.statement = evolve(forger.statement, sequence=2**53 - 1)
    forger.release_envelope = sign_envelope(
        forger.statement.to_payload(), [organisations.acme.signer]
    ).to_json()
    forger.sign_sealing(organisations.acme.signer, identity=forger.statement.identity)
    assert isinstance(forger.statement, ReleaseStatement)
    refused_without_a_trace(
        forger.write(tmp_path / "f.maas"), trust, failures, "fast-forward", "between 1 and"
    )
