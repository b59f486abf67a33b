"""Checking a store and repairing it: everything that is wrong is named, nothing is made worse."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from attrs import evolve

from maas_sdk._internal import strict_json
from maas_sdk.artifact import Store
from maas_sdk.artifact._inventory.record import VersionRecord
from maas_sdk.artifact._upkeep import survey as _survey
from maas_sdk.artifact._upkeep.fsck import fsck
from maas_sdk.errors import BundleError, BusyError, NotFoundError, StorageError, StorageFullError
from maas_sdk.storage import Leases, LocalBackend

NAME = "acme/digits"
PARTS = {"model.json": b'{"nodes":[]}', "tensors/000.safetensors": bytes(range(256)) * 20}


@pytest.fixture
def local(tmp_path, sender):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    return sender.store


@pytest.fixture
def release(local, sender):
    return sender.publish(parts=PARTS)


@pytest.fixture
def bundle(release, tmp_path):
    return release.export(tmp_path / "good.maas")


def check(store, **options):
    return fsck(store._catalog, **options)


def snapshot(store):
    folder = store._backend.folder
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name.partition(".")[0] != "index"
    }


def blob_path(store, digest):
    return store._backend.folder / "blobs" / "sha256" / digest[7:]


def record_of(store, version="1.0.0"):
    path = store._backend.folder / "refs" / NAME / "versions" / version
    return path, json.loads(path.read_bytes())


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "emptied": lambda path: path.write_bytes(b""),
    "missing": Path.unlink,
}


def test_of_a_whole_store_nothing_is_said_and_nothing_is_written(local, sender):
    sender.publish("1.0.0")
    sender.publish("1.1.0", recipients=[])
    before = snapshot(local)
    report = check(local)
    assert report.ok
    assert report.findings == report.damaged == report.missing == report.repaired == ()
    assert report.checked == len(list(local._backend.list("blobs/")))
    assert report.bytes == sum(local._backend.size(key) for key in local._backend.list("blobs/"))
    assert report.references == len(list(local._backend.list("refs/")))
    assert snapshot(local) == before
    assert "0 wrong" in str(report)


def test_an_empty_store_is_whole(local):
    report = check(local)
    assert (report.ok, report.checked, report.references) == (True, 0, 0)


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_blob_that_is_damaged_or_missing_is_named_and_repaired(local, release, bundle, damage):
    before = snapshot(local)
    for digest in list(local._catalog.blobs.digests()):
        DAMAGES[damage](blob_path(local, digest))
        damaged = snapshot(local)
        report = check(local)
        assert not report.ok
        assert snapshot(local) == damaged
        (finding,) = report.findings
        assert finding.subject == digest
        assert finding.kind == ("missing" if damage == "missing" else "damaged")
        assert (report.damaged, report.missing)[damage == "missing"] == (finding,)
        assert all(text.startswith("acme/digits@1.0.0: ") for text in finding.breaks)
        assert finding.breaks
        assert digest in str(report)
        repaired = check(local, repair_from=[bundle])
        assert repaired.ok
        assert [each.subject for each in repaired.repaired] == [digest]
        assert snapshot(local) == before
    assert check(local).findings == ()


def test_each_part_and_document_has_its_name(local, release):
    names = set()
    for digest in list(local._catalog.blobs.digests()):
        path = blob_path(local, digest)
        good = path.read_bytes()
        path.unlink()
        names |= {text.removeprefix("acme/digits@1.0.0: ") for text in check(local).findings[0].breaks}
        path.write_bytes(good)
    assert names == {
        "the manifest", "the configuration", "the manifest of a signature", "a signature",
        "the configuration of a signature", "the part model.json.age", "the part tensors/000.safetensors.age",
    }  # fmt: skip


def test_what_several_versions_need_is_named_with_all_of_them(local, sender):
    for version in ("1.0.0", "1.1.0"):
        release = sender.publish(version, parts=PARTS, recipients=[])
    blob_path(local, "sha256:" + release.parts[0].sha256).unlink()
    (finding,) = check(local).findings
    assert finding.breaks == (
        "acme/digits@1.0.0: the part model.json",
        "acme/digits@1.1.0: the part model.json",
    )


def test_a_store_that_lost_everything_but_its_references_is_brought_back(local, release, bundle):
    before = snapshot(local)
    for digest in list(local._catalog.blobs.digests()):
        blob_path(local, digest).unlink()
    report = check(local)
    # What is in a manifest shows only once the manifest is there.
    assert {text for each in report.missing for text in each.breaks} == {
        "acme/digits@1.0.0: the manifest",
        "acme/digits@1.0.0: the manifest of a signature",
    }
    told = []
    repaired = check(local, repair_from=[bundle], progress=lambda *args: told.append(args))
    assert repaired.ok
    assert len(repaired.repaired) == len(list(local._catalog.blobs.digests()))
    assert snapshot(local) == before
    assert told[-1] == ("check", 0, 0)


def test_what_was_repaired_is_found_again(local, release, bundle):
    for path in local._backend.folder.glob("index.sqlite*"):
        path.unlink()
    for digest in list(local._catalog.blobs.digests()):
        if b'"payload"' in blob_path(local, digest).read_bytes():
            flip(blob_path(local, digest))
    again = Store(LocalBackend(local._backend.folder))
    # What the index reads of a damaged release is not all that there is to know of it.
    assert [each.created for each in again.search()] != [release.created]
    assert check(again, repair_from=[bundle]).ok
    assert [each.created for each in again.search()] == [release.created]


def test_progress_is_told_in_bytes(local, release):
    told = []
    report = check(local, progress=lambda *args: told.append(args))
    assert told == sorted(told, key=lambda each: each[1])
    assert told[-1] == ("check", report.bytes, report.bytes)


def test_a_damaged_blob_that_nothing_needs_is_told_too(local, release):
    digest = local._catalog.blobs.put(b"orphan").digest
    flip(blob_path(local, digest))
    report = check(local)
    (finding,) = report.damaged
    assert (finding.subject, finding.breaks) == (digest, ())
    assert "nothing that can be read" in str(report)


def test_a_bundle_that_is_damaged_in_the_same_place_repairs_nothing_and_the_next_one_does(
    local, release, bundle, tar, tmp_path
):
    digest = release._papers.layers[0].digest
    bad = tmp_path / "bad.maas"
    items = [
        (name, bytes([data[0] ^ 1]) + data[1:] if name.endswith(digest[7:]) else data)
        for name, data in tar.entries(bundle)
    ]
    tar.pack(bad, items)
    flip(blob_path(local, digest))
    damaged = snapshot(local)
    report = check(local, repair_from=[bad])
    assert not report.ok
    assert report.repaired == ()
    assert {key: data for key, data in snapshot(local).items() if not key.startswith(".")} == damaged
    assert check(local, repair_from=[bad, bundle]).ok


def test_a_bundle_of_something_else_repairs_nothing(local, release, tmp_path, organisations):
    other = Store(LocalBackend(tmp_path / "other"))
    made = other.publish(
        {"model.json": b"other"}, name="acme/x", version="1.0.0", signers=[organisations.acme.signer]
    )
    path = made.export(tmp_path / "other.maas")
    blob_path(local, release.manifest_digest).unlink()
    report = check(local, repair_from=[path])
    assert [each.subject for each in report.missing] == [release.manifest_digest]


def test_what_is_no_bundle_is_refused_before_anything_is_changed(local, release, bundle, tmp_path):
    blob_path(local, release.manifest_digest).unlink()
    before = snapshot(local)
    stranger = tmp_path / "stranger.maas"
    stranger.write_bytes(b"no bundle" * 1000)
    with pytest.raises(BundleError, match="cannot repair anything"):
        check(local, repair_from=[bundle, stranger])
    with pytest.raises(NotFoundError):
        check(local, repair_from=[tmp_path / "nowhere.maas"])
    assert snapshot(local) == before


def test_nothing_is_repaired_while_somebody_has_the_store_alone(local, release, bundle):
    blob_path(local, release.manifest_digest).unlink()
    slept = []
    local._catalog.leases = Leases(
        local._backend, clock=lambda: 1_800_000_000 + sum(slept), sleep=slept.append
    )
    with local._catalog.leases.exclusive("gc"):
        with pytest.raises(BusyError, match="gc"):
            check(local, repair_from=[bundle])
        assert not check(local).ok  # looking needs no lease
    assert check(local, repair_from=[bundle]).ok


@pytest.mark.parametrize("call", ["create", "delete"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, lambda: StorageFullError("full")])
def test_a_repair_that_is_interrupted_makes_nothing_worse_and_the_next_one_heals(
    local, release, bundle, call, error, monkeypatch
):
    before = snapshot(local)
    digests = list(local._catalog.blobs.digests())
    backend = local._backend
    number = 0
    while True:
        for digest in digests[:3]:
            flip(blob_path(local, digest))
        left = number
        number += 1
        original = {"create": backend._commit, "delete": backend.delete}[call]

        def failing(*args, original=original):
            nonlocal left
            if left == 0:
                raise error()
            left -= 1
            return original(*args)

        monkeypatch.setattr(backend, "_commit" if call == "create" else "delete", failing)
        interrupted = False
        try:
            check(local, repair_from=[bundle])
        except (KeyboardInterrupt, StorageFullError):
            interrupted = True
        monkeypatch.undo()
        # Whatever is there under an undamaged digest is as it was.
        for key, data in snapshot(local).items():
            if key.startswith("blobs/") and "sha256:" + key[-64:] not in digests[:3]:
                assert data == before[key]
        for digest in digests[:3]:
            with contextlib.suppress(NotFoundError):
                local._backend.size(f"blobs/sha256/{digest[7:]}")
        assert check(local, repair_from=[bundle]).ok
        assert {k: v for k, v in snapshot(local).items() if not k.startswith("leases/")} == before
        if not interrupted:
            break
    assert number > 3


def test_a_blob_that_cannot_be_read_is_damaged(local, release, monkeypatch):
    digest = release._papers.layers[0].digest
    opened = local._catalog.blobs.open

    def fail(wanted):
        if wanted == digest:
            raise StorageError("Input/output error")
        return opened(wanted)

    monkeypatch.setattr(local._catalog.blobs, "open", fail)
    (finding,) = check(local).damaged
    assert (finding.subject, finding.reason) == (digest, "Input/output error")


def test_something_else_than_a_file_in_the_place_of_a_blob_is_damage(local, release, tmp_path):
    path = blob_path(local, release._papers.layers[0].digest)
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    (finding,) = check(local).damaged
    assert "not a regular file" in finding.reason
    assert finding.breaks == ("acme/digits@1.0.0: the part model.json.age",)


def test_a_blob_that_goes_meanwhile_is_missed_only_if_it_is_needed(local, release, monkeypatch):
    orphans = [local._catalog.blobs.put(b"%d" % number).digest for number in range(2)]
    blobs = local._catalog.blobs
    size, verify = blobs.size, blobs.check

    def gone_early(digest):
        if digest == orphans[0]:
            raise NotFoundError
        return size(digest)

    def gone_late(digest, **options):
        if digest == orphans[1]:
            raise NotFoundError
        return verify(digest, **options)

    monkeypatch.setattr(blobs, "size", gone_early)
    monkeypatch.setattr(blobs, "check", gone_late)
    assert check(local).ok


def test_a_store_that_vanished_cannot_be_checked(local, release, tmp_path):
    local._backend.folder.rename(tmp_path / "unplugged")
    with pytest.raises(StorageError):
        check(local)


def rewrite(change):
    def apply(store):
        path, record = record_of(store)
        change(record)
        path.write_bytes(strict_json.dumps(record))

    return apply


WRONG = {
    "no JSON": (lambda store: record_of(store)[0].write_bytes(b"{"), "reference"),
    "no record": (lambda store: record_of(store)[0].write_bytes(b"{}"), "reference"),
    "another identity": (
        rewrite(lambda record: record.update(identity="sha256:" + "0" * 64)),
        "identity|release",
    ),
    "another number": (rewrite(lambda record: record.update(sequence=7)), "number"),
    "another size": (rewrite(lambda record: record["manifest"].update(size=5)), "5 are declared"),
    "no signature": (rewrite(lambda record: record.update(referrers=[])), "signature"),
    "another version": (
        lambda store: record_of(store)[0].rename(record_of(store)[0].with_name("9.9.9")),
        "name",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_reference_that_does_not_fit_what_it_names_is_named(local, release, case):
    change, message = WRONG[case]
    change(local)
    report = check(local)
    (finding,) = report.findings
    assert finding.kind == "wrong"
    assert finding.subject.startswith("acme/digits/versions/")
    assert finding.breaks == (f"acme/digits@{finding.subject.rpartition('/')[2]}",)
    assert any(word in finding.reason for word in message.split("|")), finding.reason
    assert not report.ok
    assert finding.subject in str(report)


def test_an_unsealed_manifest_with_other_layers_than_were_signed_is_named(local, sender, organisations):
    """Documents of two releases that are each whole, mixed into one reference."""
    one = sender.publish("1.0.0", parts={"a.bin": b"one"}, recipients=[])
    sender.publish("1.1.0", parts={"a.bin": b"two"}, recipients=[])
    path, record = record_of(local)
    _, other = record_of(local, "1.1.0")
    path.write_bytes(strict_json.dumps(record | {"manifest": other["manifest"]}))
    (finding,) = check(local).findings
    assert (finding.kind, finding.breaks) == ("wrong", ("acme/digits@1.0.0",))
    path.write_bytes(strict_json.dumps(other | {"identity": one.identity, "sequence": 1}))
    (finding,) = check(local).findings
    assert "release" in finding.reason


def test_a_layer_that_was_not_signed_is_named(local, sender, monkeypatch):
    sender.publish("1.0.0", parts={"a.bin": b"one"}, recipients=[])
    read = _survey.read_papers

    def altered(*args, **options):
        papers = read(*args, **options)
        return evolve(papers, layers=papers.layers * 2)

    monkeypatch.setattr(_survey, "read_papers", altered)
    (finding,) = check(local).findings
    assert "not those that were signed" in finding.reason


def test_further_envelopes_are_checked_like_versions(local, release, organisations, bundle):
    resealed = local.reseal(
        f"{NAME}@1.0.0",
        recipients=[organisations.initech.public],
        identity=organisations.acme,
        signers=[organisations.acme.signer],
    )
    assert check(local).ok
    flip(blob_path(local, resealed.manifest_digest))
    (finding,) = check(local).findings
    digits = resealed.manifest_digest[7:19]
    assert finding.breaks == (f"acme/digits@1.0.0 in the envelope {digits}: the manifest",)
    flip(blob_path(local, resealed.manifest_digest))
    folder = local._backend.folder / "refs" / NAME / "envelopes" / "1.0.0"
    (path,) = folder.iterdir()
    path.rename(folder / ("0" * 64))
    (finding,) = check(local).findings
    assert "manifest" in finding.reason


def test_signed_records_and_numbers_are_checked(local, release, organisations):
    signers = [organisations.acme.signer]
    local.set_alias("stable", f"{NAME}@1.0.0", signers=signers)
    local.yank(f"{NAME}@1.0.0", signers=signers, reason="too old")
    local.annotate(f"{NAME}@1.0.0", signers=signers, note="fine", tags=["nice"])
    assert check(local).ok
    folder = local._backend.folder / "refs" / NAME
    number = f"{2:016d}"
    (folder / "aliases" / "stable" / number).write_bytes(
        (folder / "aliases" / "stable" / f"{1:016d}").read_bytes()
    )
    (folder / "yanks" / "1.0.0" / f"{1:016d}").write_bytes(b"{}")
    (folder / "sequence" / f"{1:016d}").write_bytes(b"[]")
    report = check(local)
    assert [(each.kind, each.subject) for each in report.findings] == [
        ("wrong", f"{NAME}/aliases/stable/{number}"),
        ("wrong", f"{NAME}/sequence/{1:016d}"),
        ("wrong", f"{NAME}/yanks/1.0.0/{1:016d}"),
    ]
    assert [each.breaks for each in report.findings] == [("acme/digits@stable",), (), ("acme/digits@1.0.0",)]


def test_records_of_a_publisher_are_checked(local, release, organisations):
    local.revoke("acme", releases={release.identity: "leaked"}, signers=[organisations.acme.signer])
    assert check(local).ok
    folder = local._backend.folder / "refs" / "acme" / "@revocations"
    (folder / f"{1:016d}").rename(folder / f"{2:016d}")
    (finding,) = check(local).findings
    assert (finding.breaks, "something else" in finding.reason) == (("acme",), True)


def test_strangers_are_named_and_left_alone(local, release):
    folder = local._backend.folder
    strangers = ["refs/acme/digits/pins/1", "refs/acme/digits/versions/one", "blobs/sha256/README"]
    for key in strangers:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(b"hello")
    before = snapshot(local)
    report = check(local)
    assert [(each.kind, each.subject) for each in report.findings] == [
        ("stranger", "acme/digits/pins/1"),
        ("stranger", "acme/digits/versions/one"),
        ("stranger", "blobs/sha256/README"),
    ]
    assert snapshot(local) == before


def test_a_reference_that_goes_meanwhile_is_passed_over(local, release, monkeypatch):
    monkeypatch.setattr(VersionRecord, "from_json", vanish)
    assert check(local).ok


def vanish(*_args, **_options):
    raise NotFoundError


def test_a_document_that_goes_while_it_is_read_is_missing(local, release, monkeypatch):
    monkeypatch.setattr(_survey, "read_document", vanish)
    assert {each.kind for each in check(local).findings} == {"missing"}


def test_the_report_is_for_machines_too(local, release):
    blob_path(local, release.manifest_digest).unlink()
    report = check(local).to_dict()
    assert json.loads(json.dumps(report)) == report
    assert report["ok"] is False
    assert report["findings"] == [
        {
            "kind": "missing",
            "subject": release.manifest_digest,
            "reason": "it is not in the store",
            "breaks": ["acme/digits@1.0.0: the manifest"],
            "repaired": False,
        }
    ]


def test_a_long_table_is_cut(local):
    for number in range(105):
        digest = local._catalog.blobs.put(b"%d" % number).digest
        flip(blob_path(local, digest))
    text = str(check(local))
    assert text.count("damaged  ") == 100
    assert "and 5 more" in text


def test_what_cannot_be_replaced_is_told_and_stays(local, release, bundle, tmp_path):
    path = blob_path(local, release._papers.layers[0].digest)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StorageError, match="not a regular file"):
        check(local, repair_from=[bundle])
    assert os.path.lexists(path)
