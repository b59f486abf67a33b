"""Publishing into a store and opening out of it."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve

from maas_sdk.artifact import Store
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._inventory.catalog import VersionRecord
from maas_sdk.errors import (
    DigestMismatchError,
    InvalidArtifactError,
    InvalidOptionError,
    InvalidReferenceError,
    LimitExceededError,
    NoMatchError,
    NotFoundError,
    SigningError,
    StorageError,
    VersionExistsError,
)
from maas_sdk.limits import Limits
from maas_sdk.sealing import AgeSealer, Passphrase, generate_identity
from maas_sdk.signing import sign_envelope
from maas_sdk.storage import LocalBackend, MemoryBackend

NOW = "2026-06-01T12:00:00Z"


def keys(store):
    return list(store._backend.list(""))


def test_a_release_says_what_it_is(sender, organisations):
    release = sender.publish(expires="2027-06-01T12:00:00Z")
    assert (release.name, release.version, release.sequence) == ("acme/digits", "1.0.0", 1)
    assert (release.created, release.expires) == (NOW, "2027-06-01T12:00:00Z")
    assert release.previous is None
    assert release.sealed
    assert set(release.recipients) == {
        organisations.acme.public.recipient.fingerprint,
        organisations.globex.public.recipient.fingerprint,
    }
    assert release.keys == (organisations.acme.public.public_key.fingerprint,)
    assert [part.path for part in release.parts][:2] == ["card.md", "model.json"]
    assert release.identity in repr(release)
    assert release.manifest_digest != release.identity


def test_parts_come_back_for_each_recipient(sender, organisations):
    parts = {"model.json": b"{}", "big.bin": bytes(300_000), "empty.txt": b""}
    release = sender.publish(parts=parts)
    assert release.read_parts(identity=organisations.globex) == parts
    assert release.read_parts(identity=organisations.acme.sealing) == parts
    assert release.read_parts(identity=[organisations.initech, organisations.globex]) == parts


def test_an_unsealed_release_needs_no_identity(sender):
    release = sender.publish(recipients=[], parts={"a": b"1", "b": bytearray(b"1"), "c": memoryview(b"{}")})
    assert not release.sealed
    assert release.recipients == ()
    assert release.read_parts() == {"a": b"1", "b": b"1", "c": b"{}"}


def test_who_is_no_recipient_is_told_for_whom_it_is_sealed(sender, organisations):
    release = sender.publish()
    for identity in (
        None,
        organisations.initech,
        generate_identity(post_quantum=False),
        Passphrase("x", work_factor=1),
    ):
        with pytest.raises(NoMatchError, match="sealed for sha256:") as caught:
            release.read_parts(identity=identity)
        assert all(fingerprint in str(caught.value) for fingerprint in release.recipients)


def test_another_sealer_must_fit(sender, organisations):
    class Rot13:
        suffix = ".rot13"

        def encrypt(self, source, sink, recipients):
            sink.write(source.read()[::-1] + b"!")

        def decrypt(self, source, sink, identities):
            sink.write(source.read()[:-1][::-1])

    release = sender.publish(sealer=Rot13())
    assert release.read_parts(identity=organisations.globex, sealer=Rot13())["model.json"] == b'{"nodes":[]}'
    with pytest.raises(InvalidOptionError, match=r"\.rot13"):
        release.read_parts(identity=organisations.globex)


def test_a_plaintext_that_was_not_signed_is_not_given_out(sender, organisations):
    class Liar(AgeSealer):
        more = b""

        def decrypt(self, source, sink, identities):
            sink.write(b"x" * 12 + self.more)

    release = sender.publish(parts={"model.json": b'{"nodes":[]}'})
    liar = Liar()
    for more in (b"", b"more"):
        liar.more = more
        with pytest.raises(DigestMismatchError):
            release.read_parts(identity=organisations.globex, sealer=liar)


def test_progress_is_told(sender, organisations):
    told = []
    release = sender.publish(progress=lambda *step: told.append(step))
    total = sum(part.size for part in release.parts)
    assert told[-1] == ("seal", total, total)
    release.read_parts(identity=organisations.acme, progress=lambda *step: told.append(step))
    assert told[-1] == ("read", total, total)
    sender.publish("1.0.1", recipients=[], progress=lambda *step: told.append(step))
    assert told[-1] == ("store", total, total)


def test_names_and_versions_are_listed_in_order(sender):
    assert sender.store.names() == []
    for version in ("1.10.0", "1.2.0", "2.0.0-rc.1"):
        sender.publish(version)
    sender.publish("0.1.0", name="acme/words")
    assert sender.store.names() == ["acme/digits", "acme/words"]
    assert sender.store.versions("acme/digits") == ["1.2.0", "1.10.0", "2.0.0-rc.1"]
    assert sender.store.versions("acme/unknown") == []
    with pytest.raises(InvalidReferenceError):
        sender.store.versions("../..")


def test_a_reference_opens_what_it_means(sender):
    by_version = {v: sender.publish(v) for v in ("1.2.0", "1.10.0", "2.0.0-rc.1", "1.2.0+b")}
    for reference, version in [
        ("acme/digits", "1.10.0"),
        ("acme/digits@~1.2", "1.2.0+b"),
        ("acme/digits@1.2.0", "1.2.0"),
        ("acme/digits@^2.0.0-rc.0", "2.0.0-rc.1"),
        ("acme/digits@" + by_version["1.2.0"].identity, "1.2.0"),
    ]:
        assert sender.store.open(reference).version == version


def test_what_is_not_there_is_not_found_and_the_message_says_what_is(sender):
    with pytest.raises(NotFoundError, match="no release at all"):
        sender.store.open("acme/digits")
    sender.publish()
    with pytest.raises(NotFoundError, match="it has acme/digits"):
        sender.store.open("acme/words")
    for reference in ("acme/digits@2.0.0", "acme/digits@^2", "acme/digits@sha256:" + "00" * 32):
        with pytest.raises(NotFoundError, match=r"it has 1\.0\.0"):
            sender.store.open(reference)
    with pytest.raises(NotFoundError, match=r"no acme/digits@stable"):
        sender.store.open("acme/digits@stable")
    with pytest.raises(InvalidReferenceError, match="accepted are"):
        sender.store.open("acme/digits@no such thing")


def test_numbers_grow_and_each_release_names_the_one_before(sender):
    first, second = sender.publish("1.0.0"), sender.publish("0.9.0")
    third = sender.publish("1.1.0")
    assert [r.sequence for r in (first, second, third)] == [1, 2, 3]
    assert [r.previous for r in (first, second, third)] == [None, first.identity, second.identity]
    assert sender.publish("1.0.0", name="acme/words").sequence == 1


def test_the_same_release_again_is_the_same_release(sender):
    first = sender.publish()
    sender.publish("1.1.0")
    before = keys(sender.store)
    again = sender.publish()
    assert (again.identity, again.manifest_digest) == (first.identity, first.manifest_digest)
    assert keys(sender.store) == before


@pytest.mark.parametrize(
    "change",
    [
        {"parts": {"model.json": b"other"}},
        {"created": "2026-06-01T12:00:01Z"},
        {"expires": "2027-01-01T00:00:00Z"},
        {"recipients": []},
        {"signers": "other"},
    ],
)
def test_a_version_never_changes(sender, organisations, change):
    first = sender.publish()
    if change.get("signers"):
        change = {"signers": [organisations.globex.signer]}
    before = keys(sender.store)
    with pytest.raises(VersionExistsError, match="publish under a new"):
        sender.publish(**change)
    assert keys(sender.store) == before
    assert sender.store.open("acme/digits@1.0.0").identity == first.identity


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": "digits"}, InvalidReferenceError),
        ({"version": "1"}, InvalidReferenceError),
        ({"parts": {}}, InvalidOptionError),
        ({"parts": {"../x": b""}}, InvalidOptionError),
        ({"parts": {"a": b"", "A": b""}}, InvalidOptionError),
        ({"parts": {"a": "text"}}, InvalidOptionError),
        ({"parts": {7: b""}}, InvalidOptionError),
        ({"created": "yesterday"}, InvalidOptionError),
        ({"created": datetime(2026, 6, 1)}, InvalidOptionError),  # noqa: DTZ001 - what is refused
        ({"expires": NOW}, InvalidOptionError),
        ({"signers": []}, InvalidOptionError),
        ({"signers": [object()]}, SigningError),
        ({"recipients": ["age1xyz"]}, InvalidOptionError),
        ({"recipients": [object()]}, InvalidOptionError),
        ({"recipients": [Passphrase("x", work_factor=1)]}, InvalidOptionError),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_before_anything_is_written(sender, options, error):
    with pytest.raises(error):
        sender.publish(**options)
    assert keys(sender.store) == []


def test_recipients_that_cannot_be_mixed_are_refused_before_anything_is_written(sender, organisations):
    hybrid = generate_identity(post_quantum=True)
    with pytest.raises(InvalidOptionError):
        sender.publish(recipients=[organisations.globex, hybrid])
    assert keys(sender.store) == []


def test_a_signer_that_fails_leaves_nothing_and_wastes_no_number(sender, organisations):
    class Broken:
        def public_key_pem(self):
            return organisations.acme.signer.public_key_pem()

        def sign(self, message):
            raise OSError("the token was pulled out")

        def close(self):
            pass

    with pytest.raises(SigningError, match="pulled out"):
        sender.publish(signers=[Broken()])
    assert keys(sender.store) == []


def test_times_are_utc_and_whole_seconds(sender):
    east = timezone(timedelta(hours=2))
    release = sender.publish(created=datetime(2026, 6, 1, 14, 0, 0, 999, tzinfo=east))
    assert release.created == NOW
    before = datetime.now(UTC).replace(microsecond=0)
    now = datetime.fromisoformat(sender.publish("1.0.1", created=None).created)
    assert before <= now <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        (Limits(max_parts=2), "max_parts"),
        (Limits(max_part_bytes=100), "max_part_bytes"),
        (Limits(max_release_bytes=1000), "max_release_bytes"),
        (Limits(max_recipients=1), "max_recipients"),
    ],
)
def test_limits_hold_when_publishing(sender, limits, field):
    sender.store = Store(MemoryBackend(), limits=limits)
    with pytest.raises(LimitExceededError, match=field):
        sender.publish()
    assert keys(sender.store) == []


def test_two_publishers_never_take_the_same_number(sender, tmp_path):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    failures, barrier = [], threading.Barrier(4)

    def work(number):
        barrier.wait()
        try:
            sender.publish(f"1.0.{number}", parts={"model.json": b"%d" % number})
        except Exception as exc:  # noqa: BLE001 - shown below
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    releases = [sender.store.open(f"acme/digits@{v}") for v in sender.store.versions("acme/digits")]
    assert sorted(r.sequence for r in releases) == [1, 2, 3, 4]
    identities = {r.identity for r in releases}
    assert all(r.previous is None or r.previous in identities for r in releases)


def test_of_two_publishers_of_one_version_one_wins_and_the_other_is_told(sender, organisations):
    first = sender.publish()

    catalog = sender.store._catalog
    hidden, seen = catalog.record, []

    def record(name, version):
        seen.append(version)
        return None if len(seen) == 1 else hidden(name, version)

    catalog.record = record
    with pytest.raises(VersionExistsError, match="published already"):
        sender.publish(parts={"model.json": b"other"})
    assert sender.store.open("acme/digits@1.0.0").identity == first.identity


def test_a_local_store_is_an_oci_layout(sender, tmp_path):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    release = sender.publish()
    assert (tmp_path / "store/oci-layout").read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'
    digest = release.manifest_digest.removeprefix("sha256:")
    assert (tmp_path / "store/blobs/sha256" / digest).is_file()
    assert not (tmp_path / "store/index.json").exists()


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def test_damage_in_a_store_is_noticed_by_whoever_reads(sender, organisations, tmp_path, trust, failures):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    release = sender.publish()
    layer = release._papers.layers[3].digest.removeprefix("sha256:")
    path = tmp_path / "store/blobs/sha256" / layer
    flip(path)
    with pytest.raises(DigestMismatchError):
        release.read_parts(identity=organisations.globex)
    with pytest.raises(DigestMismatchError, match="damaged"):
        release.export(tmp_path / "out.maas")
    assert not (tmp_path / "out.maas").exists()
    assert failures(release.verify(trust)) == ["contents"]
    for damaged in (b"", path.read_bytes() + b"more"):
        path.write_bytes(damaged)
        assert failures(release.verify(trust)) == ["contents"]
    path.unlink()
    verdict = release.verify(trust)
    assert failures(verdict) == ["contents"]
    assert "missing" in verdict.failures[0].reason
    flip(tmp_path / "store/blobs/sha256" / release.manifest_digest.removeprefix("sha256:"))
    with pytest.raises(DigestMismatchError):
        sender.store.open("acme/digits@1.0.0")


@pytest.mark.parametrize("record", [b"", b"{}", b'{"identity":"x"}'])
def test_a_damaged_reference_is_noticed(sender, tmp_path, record):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    sender.publish()
    path = tmp_path / "store/refs/acme/digits/versions/1.0.0"
    path.chmod(0o644)
    path.write_bytes(record)
    with pytest.raises(InvalidArtifactError, match="reference acme/digits/versions"):
        sender.store.open("acme/digits@1.0.0")


def test_a_reference_that_was_moved_to_another_release_is_noticed(sender, tmp_path):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    one, two = sender.publish("1.0.0"), sender.publish("1.1.0")
    folder = tmp_path / "store/refs/acme/digits/versions"
    moved = (folder / "1.0.0").read_bytes()
    (folder / "2.0.0").write_bytes(moved)
    with pytest.raises(InvalidArtifactError, match=r"acme/digits@1\.0\.0 as acme/digits@2\.0\.0"):
        sender.store.open("acme/digits@2.0.0")
    (folder / "3.0.0").write_bytes(moved.replace(one.identity.encode(), two.identity.encode()))
    with pytest.raises(DigestMismatchError, match="as sha256"):
        sender.store.open("acme/digits@3.0.0")


def test_a_record_with_a_malformed_identity_is_noticed(sender, tmp_path):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    release = sender.publish()
    path = tmp_path / "store/refs/acme/digits/versions/1.0.0"
    record = path.read_bytes().replace(release.identity.encode(), b"sha1:" + b"0" * 64)
    path.chmod(0o644)
    path.write_bytes(record)
    with pytest.raises(InvalidArtifactError, match="identity is 'sha1:0"):
        sender.store.open("acme/digits")


def test_a_seal_that_leaves_a_part_out_is_noticed_when_it_is_opened(sender, organisations):
    release = sender.publish()
    catalog, papers = sender.store._catalog, release._papers
    short = evolve(release._sealing, layers=release._sealing.layers[:-1])
    envelope = sign_envelope(short.to_payload(), [organisations.acme.signer]).to_json()
    papers = make_papers(
        release._statement, config=papers.config, manifest=papers.manifest, release=papers.release.envelope,
        sealing=envelope, limits=Limits(),
    )  # fmt: skip
    catalog.add_documents(papers)
    folder = sender.store._backend
    folder.delete("refs/acme/digits/versions/1.0.0")
    catalog.add_version("acme/digits", "1.0.0", VersionRecord.of(release.identity, 1, papers))
    with pytest.raises(InvalidArtifactError, match="not one for each part"):
        sender.store.open("acme/digits")


def test_strange_files_among_the_references_are_passed_over(sender, tmp_path):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    sender.publish()
    folder = tmp_path / "store/refs/acme/digits"
    (folder / "versions/latest").write_bytes(b"")
    (folder / "sequence/next").write_bytes(b"")
    (folder / "notes").write_bytes(b"")
    assert sender.store.versions("acme/digits") == ["1.0.0"]
    assert sender.publish("1.1.0").sequence == 2


def test_a_store_shows_its_backend():
    assert "MemoryBackend" in repr(Store(MemoryBackend()))


def test_a_bundle_into_a_missing_folder_is_a_storage_error(sender, tmp_path):
    with pytest.raises(StorageError):
        sender.publish().export(tmp_path / "missing" / "a.maas")
