"""Removing what nothing needs: never too much, whoever is at work meanwhile."""

import contextlib
import io
import json
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.artifact import Store
from maas_sdk.artifact._upkeep.maintenance import gc
from maas_sdk.errors import BusyError, InvalidOptionError, StorageError, StorageFullError, VersionExistsError
from maas_sdk.storage import LocalBackend, MemoryBackend

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NONE = timedelta(0)
NAME = "acme/digits"


@pytest.fixture
def local(tmp_path, sender):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    return sender.store


def run(store, *, delete=True, grace=NONE, now=None):
    return gc(store._catalog, delete=delete, grace=grace, now=now)


def orphan(store, data=b"nobody needs this", *, age=None):
    """Put a blob that nothing needs, last used `age` before NOW."""
    digest = store._catalog.blobs.put(data).digest
    if age is not None:
        moment = (NOW - age).timestamp()
        os.utime(store._backend.folder / "blobs" / "sha256" / digest[7:], (moment, moment))
    return digest


def contents(store):
    """Everything in a store but its leases."""
    return [key for key in store._backend.list("") if not key.startswith("leases/")]


def check_whole(store, identity=None):
    for name in store.names():
        for version in store.versions(name):
            assert store.open(f"{name}@{version}").read_parts(identity=identity)


def test_a_dry_run_says_what_nothing_needs_and_removes_nothing(local, sender):
    sender.publish()
    digest = orphan(local)
    before = contents(local)
    report = run(local, delete=False)
    assert [(each.kind, each.name, each.size) for each in report.orphans] == [("blob", digest, 17)]
    assert (report.removed, report.dry, report.bytes, report.removed_bytes) == ((), True, 17, 0)
    assert contents(local) == before
    assert "dry run" in str(report)
    assert digest in str(report)


def test_what_nothing_needs_is_removed_and_all_else_stays(local, sender, organisations):
    for version in ("1.0.0", "1.1.0"):
        sender.publish(version)
    sender.publish("2.0.0", recipients=[])
    before = contents(local)
    digest = orphan(local)
    report = run(local)
    assert [each.name for each in report.removed] == [digest]
    assert report.removed_bytes == 17
    assert contents(local) == before
    assert list(local._backend.list("leases/")) == []
    check_whole(local, organisations.acme)
    again = run(local)
    assert again.removed == ()
    assert str(again) == "all that is here is needed\nremoved: 0 blobs of 0 B"


def test_what_is_young_stays_until_it_is_old(local):
    old, young = orphan(local, b"old", age=timedelta(days=3)), orphan(local, b"young", age=timedelta(hours=2))
    report = run(local, grace=DAY, now=NOW)
    assert [each.name for each in report.removed] == [old]
    assert [each.name for each in report.young] == [young]
    assert "grace period of 1 day" in str(report)
    assert [each.name for each in run(local, grace=DAY, now=NOW + DAY).removed] == [young]


def test_the_clock_is_asked_when_no_time_is_given(local):
    orphan(local)
    assert run(local, grace=DAY).removed == ()
    assert len(run(local, grace=NONE).removed) == 1


def test_what_a_clock_that_runs_ahead_wrote_is_young_until_no_grace_is_asked(local):
    orphan(local, age=-timedelta(days=400))
    assert len(run(local, grace=DAY, now=NOW).young) == 1
    assert len(run(local, grace=NONE, now=NOW).removed) == 1


def test_what_killed_writers_left_is_removed_too(local):
    incoming = local._backend.folder / ".incoming"
    incoming.mkdir()
    for name, age in (("a" * 32, 3 * DAY), ("b" * 64 + ".partial", 3 * DAY), ("c" * 32, DAY / 2)):
        (incoming / name).write_bytes(b"half")
        moment = (NOW - age).timestamp()
        os.utime(incoming / name, (moment, moment))
    report = run(local, grace=DAY, now=NOW)
    assert [(each.kind, each.name[0]) for each in report.removed] == [("temporary", "a"), ("temporary", "b")]
    assert [path.name for path in incoming.iterdir()] == ["c" * 32]
    assert "2 temporary files of 8 B" in str(report)
    assert "0 blobs and 1 temporary file of 4 B" in str(report)


def test_a_partial_file_that_somebody_goes_on_with_is_not_removed(local):
    with local._backend.partial("d" * 64) as partial:
        partial.file.write(b"half")
        partial.file.flush()
        report = run(local)
        assert len(report.orphans) == 1
        assert report.removed == ()
    assert len(run(local).removed) == 1


def test_beside_somebody_who_publishes_nothing_is_removed(local, sender):
    refused = []

    def collect(_stage, _done, _total):
        with pytest.raises(BusyError, match=r"publish acme/digits@1\.0\.0") as caught:
            run(local)
        refused.append(caught.value)
        run(local, delete=False)  # looking is always possible

    orphan(local)
    sender.publish(progress=collect)
    assert refused
    assert len(run(local).removed) == 1
    check_whole(local, sender.organisations.acme)


def test_beside_somebody_who_imports_nothing_is_removed(sender, receiver, trust):
    path = sender.bundle()
    refused = []

    def collect(_stage, _done, _total):
        with pytest.raises(BusyError, match="import"):
            run(receiver)
        refused.append(True)

    receiver.import_bundle(path, trust=trust, first_use=[NAME], progress=collect)
    assert refused
    assert run(receiver).orphans == ()


def test_of_a_damaged_store_nothing_is_removed(local, sender):
    release = sender.publish()
    orphan(local)
    manifest = f"blobs/{release.manifest_digest.replace(':', '/')}"
    good = (local._backend.folder / manifest).read_bytes()
    before = contents(local)
    for damage in (lambda path: path.write_bytes(b"{}"), lambda path: path.unlink()):
        damage(local._backend.folder / manifest)
        left = contents(local)
        for delete in (False, True):
            with pytest.raises(StorageError, match="fsck"):
                run(local, delete=delete)
        assert contents(local) == left
        (local._backend.folder / manifest).write_bytes(good)
    assert contents(local) == before
    assert len(run(local).removed) == 1


def test_where_references_are_that_nobody_knows_nothing_is_removed(local):
    orphan(local)
    local._catalog._references.put("acme/digits/pins/1.0.0", b"{}")
    with pytest.raises(StorageError, match=r"refs/acme/digits/pins/1\.0\.0 .* newer version"):
        run(local)
    assert len(contents(local)) == 2


def test_a_storage_that_tells_no_ages_has_no_grace_period():
    store = Store(FiveCalls(MemoryBackend()))
    assert run(store, grace=DAY).orphans == ()
    digest = orphan(store)
    with pytest.raises(InvalidOptionError, match="grace of zero"):
        run(store, grace=DAY)
    report = run(store)
    assert [each.name for each in report.removed] == [digest]
    assert "not known" in str(report)
    assert report.to_dict()["removed"][0]["modified"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [({"grace": -DAY}, "grace"), ({"grace": DAY, "now": datetime(2026, 6, 1)}, "time zone")],  # noqa: DTZ001
)
def test_what_makes_no_sense_is_refused(local, options, message):
    with pytest.raises(InvalidOptionError, match=message):
        run(local, **options)


def test_the_report_is_for_machines_too(local):
    digest = orphan(local, age=3 * DAY)
    report = run(local, grace=DAY, now=NOW).to_dict()
    entry = {"kind": "blob", "name": digest, "size": 17, "modified": "2026-05-29T12:00:00Z"}
    assert json.loads(json.dumps(report)) == {
        "dry": False, "grace": 86400.0, "bytes": 17, "removed_bytes": 17,
        "orphans": [entry], "young": [], "removed": [entry],
    }  # fmt: skip


def test_a_long_table_is_cut(local):
    for number in range(45):
        orphan(local, b"%d" % number)
    text = str(run(local, delete=False))
    assert text.count("sha256:") == 40
    assert "and 5 more" in text


def test_what_somebody_else_removed_meanwhile_is_passed_over(local, monkeypatch):
    first, second = sorted(orphan(local, data) for data in (b"a", b"b"))
    blobs = local._catalog.blobs
    size, remove = blobs.size, blobs.remove

    def vanish(digest):
        if digest == first and blobs.has(first):
            remove(first)
        return size(digest)

    with monkeypatch.context() as patch:
        patch.setattr(type(blobs), "size", lambda _self, digest: vanish(digest), raising=True)
        patch.setattr(type(blobs), "has", lambda _self, digest: digest in blobs.digests())
        assert [each.name for each in run(local, delete=False).orphans] == [second]

    def late(digest):
        remove(digest)
        remove(digest)

    monkeypatch.setattr(blobs, "remove", late)
    report = run(local)
    assert len(report.orphans) == 1
    assert report.removed == ()


def test_a_lease_that_ran_out_stops_the_removal(local, monkeypatch):
    from maas_sdk.storage import Lease

    orphan(local, b"a")
    orphan(local, b"b")

    def lost(_self):
        raise BusyError("ran out")

    monkeypatch.setattr(Lease, "renew_if_needed", lost)
    with pytest.raises(BusyError):
        run(local)
    assert len(contents(local)) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, lambda: StorageFullError("full")])
def test_interrupted_at_any_removal_the_store_is_whole_and_the_next_run_heals(
    local, sender, organisations, error
):
    sender.publish("1.0.0")
    before = contents(local)
    for stop in range(4):
        for data in (b"a", b"b", b"c"):
            orphan(local, data)
        deleted = 0
        delete = local._backend.delete

        def failing(key, stop=stop, delete=delete):
            nonlocal deleted
            if key.startswith("blobs/"):
                if deleted == stop:
                    raise error()
                deleted += 1
            delete(key)

        local._backend.delete = failing
        with contextlib.suppress(KeyboardInterrupt, StorageFullError):
            run(local)
        del local._backend.delete
        assert deleted == min(stop, 3)
        assert list(local._backend.list("leases/")) == []
        run(local)
        assert contents(local) == before
    check_whole(local, organisations.acme)


def test_publishers_and_collectors_at_once_lose_nothing(tmp_path, organisations):
    folder = tmp_path / "store"
    LocalBackend(folder)
    failed, published = [], []
    stop = threading.Event()

    def publish(number):
        store = Store(LocalBackend(folder))
        try:
            for turn in range(2):
                # Every publisher has one part that all share and one of its own.
                release = store.publish(
                    {"model.json": b"{}", "shared.bin": b"shared", "own.bin": b"%d %d" % (number, turn)},
                    name=f"acme/model{number}",
                    version=f"1.{turn}.0",
                    signers=[organisations.acme.signer],
                )
                published.append((release.name, release.version))
        except BaseException as exc:  # noqa: BLE001 - it is looked at below
            failed.append(exc)

    def collect():
        store = Store(LocalBackend(folder))
        while not stop.is_set():
            with contextlib.suppress(BusyError):
                gc(store._catalog, delete=True, grace=NONE)

    collectors = [threading.Thread(target=collect) for _ in range(2)]
    publishers = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in (*collectors, *publishers):
        thread.start()
    for thread in publishers:
        thread.join()
    stop.set()
    for thread in collectors:
        thread.join()
    assert failed == []
    store = Store(LocalBackend(folder))
    assert len(published) == 8
    for name, version in published:
        assert store.open(f"{name}@{version}").read_parts()["shared.bin"] == b"shared"
    assert gc(store._catalog, delete=False, grace=NONE).orphans == ()


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.integers(0, 3), st.integers(0, 3)),
            st.tuples(st.just("orphan"), st.integers(0, 5), st.none()),
            st.tuples(st.just("gc"), st.none(), st.none()),
        ),
        max_size=12,
    )
)
@settings(deadline=None, max_examples=25)
def test_whatever_happened_before_only_what_nothing_needs_is_removed(steps, organisations):
    store = Store(MemoryBackend())
    expected = {}
    for what, first, second in (*steps, ("gc", None, None)):
        if what == "publish":
            parts = {"model.json": b"%d" % second, "a.bin": b"part %d" % first}
            with contextlib.suppress(VersionExistsError):
                store.publish(
                    parts, name=NAME, version=f"1.{first}.0", signers=[organisations.acme.signer],
                    created="2026-06-01T12:00:00Z",
                )  # fmt: skip
                expected[f"1.{first}.0"] = parts
        elif what == "orphan":
            store._catalog.blobs.put(b"part %d" % first)
        else:
            run(store)
            needed = set(store._catalog.roots())
            assert set(store._catalog.blobs.digests()) == needed
    assert {version: store.open(f"{NAME}@{version}").read_parts() for version in expected} == expected


def test_what_is_published_while_gc_looks_around_stays(local, sender, organisations, monkeypatch):
    """Old orphans, of an interrupted publish, become a version between the look and the removal."""
    parts = {"model.json": b"{}", "late.bin": b"late"}
    for data in parts.values():
        orphan(local, data)
    catalog = local._catalog
    exclusive = catalog.leases.exclusive

    def late(what, **options):
        monkeypatch.undo()
        sender.publish("2.0.0", parts=parts, recipients=[])
        return exclusive(what, **options)

    monkeypatch.setattr(catalog.leases, "exclusive", late)
    assert run(local).removed == ()
    assert local.open(f"{NAME}@2.0.0").read_parts() == parts


def test_a_refused_import_beside_a_publisher_leaves_its_blobs_for_gc(sender, receiver, trust, tar):
    path = sender.bundle()
    items = tar.entries(path)
    name, data = items[-1]
    tar.pack(path, [*items[:-1], (name, bytes([data[0] ^ 1]) + data[1:])])
    with receiver._catalog.leases.hold("publish something else"), contextlib.suppress(Exception):
        receiver.import_bundle(path, trust=trust, first_use=[NAME])
    assert [key for key in contents(receiver) if key.startswith("blobs/")]
    run(receiver)
    assert contents(receiver) == []


class FiveCalls:
    """A backend of the bare contract."""

    def __init__(self, inner):
        self.create, self.open, self.size = inner.create, inner.open, inner.size
        self.list, self.delete = inner.list, inner.delete


def test_a_blob_written_anew_is_young_again(local):
    digest = orphan(local, age=30 * DAY)
    local._catalog.blobs.put_file(io.BytesIO(b"nobody needs this"), expected=digest)
    assert run(local, grace=DAY).removed == ()
