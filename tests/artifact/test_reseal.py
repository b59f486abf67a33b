"""The same release in another envelope: who may make one, who can open it, and what is left when it fails."""

import threading

import pytest
from attrs import evolve

from maas_sdk.artifact import Store
from maas_sdk.artifact._contents.passage import Passage
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._inventory.catalog import VersionRecord
from maas_sdk.errors import (
    DigestMismatchError,
    InvalidOptionError,
    LimitExceededError,
    NoMatchError,
    NotFoundError,
    SealingError,
    SigningError,
    StorageError,
    VerificationError,
)
from maas_sdk.limits import Limits
from maas_sdk.sealing import AgeSealer, generate_identity
from maas_sdk.signing import sign_envelope
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import Trust

NAME = "acme/digits"
MARK = b"what nobody else may see " * 4
PARTS = {"card.md": MARK, "empty.txt": b"", "tensors/000.safetensors": MARK * 60_000}


@pytest.fixture
def reseal(sender, organisations):
    """Seal what was published for initech; options change that."""

    def run(**options):
        acme = organisations.acme
        given = {"recipients": [organisations.initech.public], "identity": acme, "signers": [acme.signer]}
        return sender.store.reseal(f"{NAME}@1.0.0", **given | options)

    return run


def keys(store):
    return sorted(key for key in store._backend.list("") if not key.startswith("leases/"))


@pytest.mark.parametrize("sealed", [True, False])
def test_a_release_is_sealed_for_others_and_stays_the_same(sender, organisations, reseal, sealed):
    first = sender.publish(parts=PARTS, **({} if sealed else {"recipients": []}))
    told = []
    second = reseal(progress=lambda *step: told.append(step))
    assert second.identity == first.identity
    assert second.manifest_digest != first.manifest_digest
    assert second.recipients == (organisations.initech.public.recipient.fingerprint,)
    assert second.read_parts(identity=organisations.initech) == PARTS
    with pytest.raises(NoMatchError):
        second.read_parts(identity=organisations.globex)
    total = sum(map(len, PARTS.values()))
    assert told[-1] == ("reseal", total, total)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert sender.store.open(NAME).manifest_digest == first.manifest_digest
    by_recipient = sender.store.open(NAME, recipient=organisations.initech)
    assert by_recipient.manifest_digest == second.manifest_digest
    assert sender.store.versions(NAME) == ["1.0.0"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("maas-sdk")]


def test_the_other_receiver_imports_the_other_envelope(sender, organisations, reseal, receiver, tmp_path):
    sender.publish(parts=PARTS)
    path = reseal().export(tmp_path / "initech.maas")
    trust = Trust.create(tmp_path / "trust-initech", policy=organisations.policy())
    got = receiver.import_bundle(path, trust=trust, first_use=[NAME], recipient=organisations.initech)
    assert got.read_parts(identity=organisations.initech, trust=trust) == PARTS


def test_the_same_recipients_again_give_the_envelope_that_is_there(sender, organisations, reseal):
    first = sender.publish(parts=PARTS)
    second = reseal()
    before = keys(sender.store)
    assert reseal().manifest_digest == second.manifest_digest
    same = reseal(recipients=[organisations.globex.public, organisations.acme])
    assert same.manifest_digest == first.manifest_digest
    assert keys(sender.store) == before


def test_layers_that_are_known_for_these_recipients_are_used_again(sender, organisations, reseal):
    sender.publish("0.9.0", parts=PARTS | {"card.md": b"other"}, recipients=[organisations.initech.public])
    known = sender.store.open(f"{NAME}@0.9.0")._sealing.layers
    sender.publish(parts=PARTS)
    layers = reseal()._sealing.layers
    assert [a.digest == b.digest for a, b in zip(known, layers, strict=True)] == [False, True, True]


def test_a_receiver_cannot_pass_on_what_is_not_theirs_to_sign(sender, organisations, reseal):
    first = sender.publish(parts=PARTS)
    before = keys(sender.store)
    globex = organisations.globex
    with pytest.raises(InvalidOptionError, match=f"signed by {first.keys[0]}"):
        reseal(identity=globex, signers=[globex.signer])
    with pytest.raises(InvalidOptionError, match="not by nobody"):
        reseal(signers=[])
    with pytest.raises(SigningError):
        reseal(signers=[object()])
    assert keys(sender.store) == before


def test_without_the_right_to_read_nothing_is_sealed(sender, organisations, reseal):
    sender.publish(parts=PARTS)
    before = keys(sender.store)
    for identity in (None, organisations.initech, generate_identity(post_quantum=False)):
        with pytest.raises(NoMatchError):
            reseal(identity=identity)
    assert keys(sender.store) == before


def test_recipients_that_are_wrong_are_refused(sender, organisations, reseal):
    sender.publish(parts=PARTS)
    hybrid = generate_identity(post_quantum=True)
    for recipients in ([], ["age1"], [organisations.initech, hybrid], None):
        with pytest.raises(InvalidOptionError):
            reseal(recipients=recipients)
    sender.store = Store(sender.store._backend, limits=Limits(max_recipients=1))
    with pytest.raises(LimitExceededError, match="max_recipients"):
        reseal(recipients=[organisations.initech, organisations.globex])
    with pytest.raises(NotFoundError):
        sender.store.reseal(f"{NAME}@2.0.0", recipients=[organisations.acme], signers=[])


def test_a_release_that_somebody_else_signed_in_the_signers_name_is_not_sealed(sender, organisations, reseal):
    release = sender.publish(parts=PARTS, recipients=[])
    forged = evolve(release._statement, created="2026-06-01T12:00:01Z")
    papers = make_papers(
        forged, config=release._papers.config, manifest=release._papers.manifest,
        release=sign_envelope(forged.to_payload(), [organisations.globex.signer]).to_json(), sealing=None,
        limits=Limits(),
    )  # fmt: skip
    catalog = sender.store._catalog
    catalog.add_documents(papers)
    sender.store._backend.delete(f"refs/{NAME}/versions/1.0.0")
    catalog.add_version(NAME, "1.0.0", VersionRecord.of(forged.identity, 1, papers))
    before = keys(sender.store)
    with pytest.raises(VerificationError):
        reseal()
    assert keys(sender.store) == before


@pytest.mark.parametrize("sealed", [True, False])
def test_of_a_damaged_layer_nothing_is_made(sender, organisations, reseal, tmp_path, sealed):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    release = sender.publish(parts=PARTS, **({} if sealed else {"recipients": []}))
    path = tmp_path / "store/blobs/sha256" / release._papers.layers[2].digest.removeprefix("sha256:")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    before = [key for key in keys(sender.store) if key.startswith(("blobs/", "refs/"))]
    with pytest.raises(DigestMismatchError):
        reseal()
    assert [key for key in keys(sender.store) if key.startswith(("blobs/", "refs/"))] == before
    assert not list((tmp_path / "store/.incoming").iterdir())


def test_nothing_of_the_plaintext_touches_the_store(sender, organisations, reseal, tmp_path, monkeypatch):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    sender.publish(parts=PARTS)
    written = []
    backend = type(sender.store._backend)
    original = backend._commit

    def commit(self, file, temporary, *rest):
        file.flush()
        written.append(temporary.read_bytes())
        return original(self, file, temporary, *rest)

    monkeypatch.setattr(backend, "_commit", commit)
    reseal()
    assert len(written) > len(PARTS)
    assert not any(MARK[:16] in data for data in written)


class Foreign:
    """A sealer of somebody else's."""

    suffix = ".foreign"

    def encrypt(self, source, sink, recipients):
        sink.write(b"!" + source.read()[::-1])

    def decrypt(self, source, sink, identities):
        sink.write(source.read()[1:][::-1])


def test_one_sealer_can_take_over_from_another(sender, organisations, reseal):
    sender.publish(parts=PARTS)
    second = reseal(sealer=Foreign())
    assert second.read_parts(identity=organisations.initech, sealer=Foreign()) == PARTS
    assert reseal().manifest_digest != second.manifest_digest
    third = sender.publish("1.0.1", parts=PARTS, sealer=Foreign(), recipients=[organisations.acme])
    options = {
        "recipients": [organisations.initech],
        "identity": organisations.acme,
        "signers": [organisations.acme.signer],
    }
    with pytest.raises(InvalidOptionError, match=r"sealed as \.foreign"):
        sender.store.reseal(f"{NAME}@1.0.1", **options)
    fourth = sender.store.reseal(f"{NAME}@1.0.1", sealer=Foreign(), **options)
    assert fourth.identity == third.identity


def test_a_sealer_that_fails_leaves_nothing(sender, reseal):
    class Raising(Foreign):
        def encrypt(self, source, sink, recipients):
            if source.read(1):
                raise ValueError("no")

    class Lazy(Foreign):
        def encrypt(self, source, sink, recipients):
            sink.write(source.read(5))

    sender.publish(parts=PARTS)
    before = keys(sender.store)
    with pytest.raises(SealingError, match="no"):
        reseal(sealer=Raising())
    with pytest.raises(SealingError, match="did not read all"):
        reseal(sealer=Lazy())
    assert keys(sender.store) == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("maas-sdk")]


def test_sealing_anew_can_be_interrupted(sender, organisations, reseal):
    sender.publish(parts=PARTS)

    def interrupt(_stage, done, _total):
        if done > 1 << 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reseal(progress=interrupt)
    assert len(sender.store.envelopes(NAME)) == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("maas-sdk")]
    assert reseal().read_parts(identity=organisations.initech) == PARTS


def test_a_full_store_is_a_storage_error(sender, organisations, reseal, monkeypatch):
    sender.publish(parts=PARTS)

    class Full(AgeSealer):
        def encrypt(self, source, sink, recipients):
            if source.read(1):
                raise StorageError("no space")

    with pytest.raises(StorageError, match="no space"):
        reseal(sealer=Full())


def test_a_passage_needs_a_thread(sender, organisations, monkeypatch):
    release = sender.publish(parts=PARTS)

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    reader = release._reader(organisations.acme, None)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(SealingError, match="second thread"), Passage(reader, release.parts[0], print):
        pass


def test_a_passage_raises_the_same_error_again(sender, organisations):
    release = sender.publish(parts=PARTS)
    other = evolve(release.parts[0], sha256="00" * 32)
    with Passage(release._reader(organisations.acme, None), other, lambda _count: None) as passage:
        assert passage.readable()
        for _ in range(2):
            with pytest.raises(DigestMismatchError):
                passage.read()
