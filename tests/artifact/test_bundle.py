"""Bundles: deterministic, readable by others, and read strictly."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile

import pytest

from maas_sdk.artifact import Store, verify
from maas_sdk.errors import InvalidOptionError, NotFoundError, StorageError
from maas_sdk.limits import Limits
from maas_sdk.storage import LocalBackend


def test_the_same_release_gives_the_same_bytes(sender, tmp_path):
    release = sender.publish()
    one = release.export(tmp_path / "one.maas").read_bytes()
    two = sender.store.open("acme/digits").export(tmp_path / "two.maas").read_bytes()
    assert one == two


def test_an_import_exports_the_same_bytes_again(sender, receiver, trust, tmp_path):
    path = sender.bundle()
    imported = receiver.import_bundle(path, trust=trust, first_use=["acme/digits"])
    assert imported.export(tmp_path / "again.maas").read_bytes() == path.read_bytes()


def test_documents_come_before_layers_and_every_blob_is_under_its_digest(sender, tar):
    path = sender.bundle()
    items = tar.entries(path)
    assert [name for name, _ in items[:2]] == ["oci-layout", "index.json"]
    for name, data in items[2:]:
        assert name == "blobs/sha256/" + hashlib.sha256(data).hexdigest()
    is_document = [data.startswith(b"{") for _, data in items]
    assert is_document == sorted(is_document, reverse=True)
    assert is_document.count(True) == 9
    assert items[2][0].endswith(json.loads(items[1][1])["manifests"][0]["digest"][-64:])


def test_equal_parts_travel_once(sender, tar, trust, organisations):
    parts = {"a": b"same", "b": b"same", "c": b"{}", "d.md": b""}
    path = sender.bundle(parts=parts, recipients=[])
    assert [data for _, data in tar.entries(path)].count(b"same") == 1
    assert [data for _, data in tar.entries(path)].count(b"{}") == 1
    policy = organisations.policy(require_sealed=False)
    assert verify(path, trust=policy).passed
    store = Store(sender.store._backend)
    assert store.open("acme/digits").read_parts() == parts


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs tar")
def test_plain_tar_and_sha256sum_check_a_bundle(sender, tmp_path):
    path = sender.bundle()
    folder = tmp_path / "unpacked"
    folder.mkdir()
    ran = subprocess.run(["tar", "xf", path, "-C", folder], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    sums = "".join(f"{p.name}  {p}\n" for p in (folder / "blobs/sha256").iterdir())
    subprocess.run(["sha256sum", "-c", "--quiet"], input=sums, text=True, check=True)
    with tarfile.open(path) as tar:
        assert all(member.isreg() for member in tar)


def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(sender, tmp_path):
    release = sender.publish()
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / "digits.maas"
    target.write_bytes(b"old")

    def unplugged(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release.export(target, progress=unplugged)
    assert [p.name for p in folder.iterdir()] == ["digits.maas"]
    assert target.read_bytes() == b"old"
    assert release.export(target) == target
    assert target.stat().st_size > 10_000


def test_export_and_verify_tell_how_far_they_are(sender, tmp_path, trust):
    release = sender.publish()
    told = []
    path = release.export(tmp_path / "a.maas", progress=lambda *step: told.append(step))
    assert told[-1][0] == "export"
    assert told[-1][1] == told[-1][2] > 5000
    verify(path, trust=trust, first_use=["acme/digits"], progress=lambda *step: told.append(step))
    assert told[-1] == ("verify", told[-1][2], told[-1][2])


def test_a_file_that_is_not_there_or_not_a_file_is_the_caller_s_mistake(tmp_path, trust):
    with pytest.raises(NotFoundError):
        verify(tmp_path / "missing.maas", trust=trust)
    with pytest.raises(StorageError, match="not a regular file"):
        verify(tmp_path, trust=trust)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(StorageError, match="not a regular file"):
        verify(tmp_path / "fifo", trust=trust)


@pytest.mark.parametrize(
    "options",
    [
        {"trust": None},
        {"recipient": 7},
        {"recipient": "globex"},
        {"now": "now"},
        {"first_use": "acme/digits"},
    ],
)
def test_a_wrong_argument_is_the_caller_s_mistake(sender, trust, options):
    with pytest.raises(InvalidOptionError):
        verify(sender.bundle(), **{"trust": trust} | options)


def test_a_medium_that_fails_is_no_verdict(sender, trust, monkeypatch):
    path = sender.bundle()
    opened = type(path).open

    class Failing(io.BytesIO):
        def read(self, *size):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(
        type(path), "open", lambda self, *a, **k: Failing() if self == path else opened(self, *a, **k)
    )
    with pytest.raises(StorageError, match="Input/output"):
        verify(path, trust=trust)


def test_what_is_no_tar_is_refused_whatever_it_is(tmp_path, trust, failures):
    for number, data in enumerate([b"", b"x", bytes(1024), bytes(5000), b"PK\3\4" * 500, b"{}" * 600]):
        path = tmp_path / str(number)
        path.write_bytes(data)
        assert failures(verify(path, trust=trust)) == ["bundle"]


def _drop(items, position):
    return items[:position] + items[position + 1 :]


def _swap(items, one, two):
    items = list(items)
    items[one], items[two] = items[two], items[one]
    return items


MANIPULATIONS = {
    "no oci-layout": lambda items: _drop(items, 0),
    "nothing but oci-layout": lambda items: items[:1],
    "no index.json": lambda items: _drop(items, 1),
    "index first": lambda items: _swap(items, 0, 1),
    "another layout": lambda items: [("oci-layout", b'{"imageLayoutVersion":"2.0.0"}'), *items[1:]],
    "an entry twice": lambda items: [*items, items[-1]],
    "index.json twice": lambda items: [*items, items[1]],
    "a blob without its digest": lambda items: [*items, ("blobs/sha256/abc", b"")],
    "a blob in upper case": lambda items: [*items, (items[-1][0].upper(), items[-1][1])],
    "a case-fold twin": lambda items: [*items, ("Index.json", items[1][1])],
    "an absolute path": lambda items: [*items, ("/etc/passwd", b"")],
    "a path that climbs": lambda items: [*items, ("../evil", b"")],
    "a path that climbs out of the blobs": lambda items: [*items, ("blobs/sha256/../../evil", b"")],
    "a dot before the path": lambda items: [("./oci-layout", items[0][1]), *items[1:]],
}


@pytest.mark.parametrize("what", MANIPULATIONS)
def test_an_archive_with_other_entries_than_a_bundle_s_is_refused(
    sender, tar, trust, failures, tmp_path, what
):
    items = MANIPULATIONS[what](tar.entries(sender.bundle()))
    verdict = verify(tar.pack(tmp_path / "forged.maas", items), trust=trust)
    assert failures(verdict) == ["bundle"]


MISFITS = {
    "a blob that nobody names": lambda items: [*items, ("blobs/sha256/" + "00" * 32, b"more")],
    "a layer is missing": lambda items: items[:-1],
    "a signature is missing": lambda items: _drop(items, 3),
    "the manifest is missing": lambda items: _drop(items, 2),
    "a layer has another size": lambda items: [*items[:-1], (items[-1][0], items[-1][1] + b"x")],
    "layers in another order": lambda items: _swap(items, -1, -2),
    "layers before documents": lambda items: [*items[:2], items[-1], *items[2:-1]],
    "an altered manifest": lambda items: [
        *items[:2],
        (items[2][0], items[2][1].replace(b"card", b"cord")),
        *items[3:],
    ],
    "an index that is not JSON": lambda items: [items[0], ("index.json", b"{"), *items[2:]],
    "an index of another form": lambda items: [items[0], ("index.json", b"[]"), *items[2:]],
    "an index with white space": lambda items: [items[0], ("index.json", items[1][1] + b" "), *items[2:]],
}


@pytest.mark.parametrize("what", MISFITS)
def test_documents_and_entries_must_fit_each_other(sender, tar, trust, failures, tmp_path, what):
    items = MISFITS[what](tar.entries(sender.bundle()))
    verdict = verify(tar.pack(tmp_path / "forged.maas", items), trust=trust)
    assert failures(verdict) == ["manifest"]


@pytest.mark.parametrize(
    ("limits", "check", "field"),
    [
        (Limits(max_bundle_entries=5), "bundle", "max_bundle_entries"),
        (Limits(max_part_bytes=1000), "bundle", "max_part_bytes"),
        (Limits(max_json_bytes=1000), "manifest", "max_json_bytes"),
        (Limits(max_parts=3), "manifest", "max_parts"),
        (Limits(max_release_bytes=1000), "manifest", "max_release_bytes"),
        (Limits(max_json_values=10), "manifest", "max_json_values"),
        (Limits(max_signatures=1, max_recipients=1), "sealing", "max_recipients"),
    ],
)
def test_limits_hold_when_a_bundle_is_read(sender, trust, failures, limits, check, field):
    verdict = verify(sender.bundle(), trust=trust, first_use=["acme/digits"], limits=limits)
    assert failures(verdict) == [check]
    assert field in verdict.failures[0].reason


def test_a_document_larger_than_registries_take_is_refused(sender, tar, trust, failures, tmp_path):
    items = tar.entries(sender.bundle())
    items[1] = ("index.json", b" " * (5 << 20))
    verdict = verify(tar.pack(tmp_path / "forged.maas", items), trust=trust)
    assert failures(verdict) == ["manifest"]


def test_a_bundle_out_of_a_local_store_is_that_of_any_store(sender, tmp_path, receiver, trust):
    path = sender.bundle()
    store = Store(LocalBackend(tmp_path / "received"))
    imported = store.import_bundle(path, trust=trust, first_use=["acme/digits"])
    assert imported.export(tmp_path / "again.maas").read_bytes() == path.read_bytes()


def test_a_source_without_readinto_is_read_all_the_same(sender, tmp_path):
    release = sender.publish()
    full = release.export(tmp_path / "full.maas").read_bytes()

    class Plain:
        """The least that a file can be."""

        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def read(self, size=-1, /):
            return self.file.read(size)

    opened = release._source.open
    release._source.open = lambda digest: Plain(opened(digest))
    assert release.export(tmp_path / "plain.maas").read_bytes() == full
