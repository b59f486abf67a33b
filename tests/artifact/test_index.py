"""The index is a cache: it is brought up to date, made anew, and never the reason why something fails."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk._internal.digests import hex_of
from maas_sdk.artifact._documents.names import Reference, version_order
from maas_sdk.artifact._documents.notices import AliasNotice, Note, YankNotice
from maas_sdk.artifact._documents.oci import build_config, build_manifest
from maas_sdk.artifact._documents.ordering import intervals, is_prerelease, order_text
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._documents.parts import PartInfo
from maas_sdk.artifact._documents.statements import Dataset, Layer, ReleaseStatement, SealingStatement
from maas_sdk.artifact._inventory import index as _index
from maas_sdk.artifact._inventory import index_schema as _index_schema
from maas_sdk.artifact._inventory.catalog import Catalog, VersionRecord
from maas_sdk.errors import LimitExceededError, StorageError
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.signing import IN_TOTO_PAYLOAD_TYPE, Envelope, Signature
from maas_sdk.storage import LocalBackend, MemoryBackend

NOW = "2026-06-01T12:00:00Z"
NAME = "acme/digits"
KEY = "sha256:" + "00" * 32
RECIPIENT = "sha256:" + "11" * 32


def envelope(payload):
    return Envelope(payload, IN_TOTO_PAYLOAD_TYPE, [Signature("", bytes(64))]).to_json()


def release(catalog, version, *, name=NAME, sequence=None, sealed=False, **more):
    """Add a version; only its signatures are none."""
    blob = catalog.blobs.put(b"{}")
    number = sequence or catalog.next_sequence(name)[0]
    info = PartInfo("model.json", "application/vnd.cncf.model.weight.config.v1.raw", 2, hex_of(blob.digest))
    statement = ReleaseStatement(
        name=name, version=version, sequence=number, keys=(KEY,), parts=(info,), **({"created": NOW} | more)
    )
    layer = Layer("model.json", blob.digest, 2)
    config = build_config(statement, [layer])
    manifest = build_manifest(statement, [layer], config=config, suffix=".age" if sealed else "")
    sealing = None
    if sealed:
        sealing = SealingStatement(
            manifest=catalog.blobs.put(manifest).digest, identity=statement.identity,
            recipients=(RECIPIENT,), suffix=".age", layers=(layer,),
        )  # fmt: skip
    papers = make_papers(
        statement, config=config, manifest=manifest, release=envelope(statement.to_payload()),
        sealing=None if sealing is None else envelope(sealing.to_payload()), limits=DEFAULT_LIMITS,
    )  # fmt: skip
    catalog.reserve(name, number, version=version, identity=statement.identity)
    catalog.add_documents(papers)
    catalog.add_version(name, version, VersionRecord.of(statement.identity, number, papers))
    return statement


def about(statement):
    return {
        "name": statement.name, "version": statement.version, "identity": statement.identity, "created": NOW
    }  # fmt: skip


def say(catalog, kind, target, number, notice):
    catalog.append(f"{notice.name}/{kind}/{target}", number, envelope(notice.to_payload()))


def picture(catalog):
    """Everything that the index tells."""
    index = catalog._index
    names = catalog.names()
    prefixes = index.latest_below("acme/")
    return {
        "names": names,
        "versions": {name: (catalog.versions(name), catalog.versions(name, yanked=False)) for name in names},
        "highest": {
            name: [index.highest(name, r) for r in ("*", "^1", "<2.0.0-rc.2", "2.x")] for name in names
        },
        "last": {name: index.last(name) for name in names},
        "latest": {prefix: catalog.latest(prefix) for prefix in prefixes},
        "all": catalog.search(yanked=True),
        "tagged": catalog.search(tag="a"),
        "measured": catalog.search(metric=("accuracy", ">=", 0.5), yanked=True),
        "trained on": catalog.search(dataset="one", yanked=True),
        "sealed": bool(index.sources("sha256:" + "0" * 64, [RECIPIENT], ".age", limit=9)),
    }


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def local(folder):
    """Make a catalog over the same folder each time."""
    return lambda: Catalog(LocalBackend(folder), DEFAULT_LIMITS)


@pytest.fixture
def filled(local):
    catalog = local()
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        release(catalog, version)
    assert catalog.versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    return catalog


# The order of versions as text


IDENTIFIERS = st.sampled_from(
    ["0", "1", "2", "10", "11", "a", "A", "alpha", "alpha-1", "-", "--", "b1", "1a"]
)
VERSIONS = st.builds(
    lambda numbers, pre, build: (
        ".".join(map(str, numbers))
        + ("-" + ".".join(pre) if pre else "")
        + ("+" + ".".join(build) if build else "")
    ),
    st.tuples(*[st.sampled_from([0, 1, 2, 3, 9, 10, 11, 100, 10**20])] * 3),
    st.lists(IDENTIFIERS, max_size=3),
    st.lists(IDENTIFIERS, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(VERSIONS, max_size=20))
def test_texts_sort_as_versions_do(versions):
    assert sorted(versions, key=order_text) == sorted(versions, key=version_order)


RANGES = st.sampled_from(
    ["*", "^1.2", "~1.2", "1.x", "1.2.3", "=1.0.0", ">1.0.0", ">=1 <3", "<2.0.0", "<=2", "1.x || 3", "^0.0.1",
     ">=1.0.0-alpha", "<1.1.0-b", "^1.0.0-1", "1.0.0-alpha", "1.0.0+b1", "1 - 2", "0 - 1.0.0-a || >10",
     ">2.0.0-a <2.0.0-b", "~10.0.0-10", "v1", ""]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(VERSIONS, max_size=15, unique=True), RANGES)
def test_every_version_of_a_range_is_in_one_of_its_intervals(versions, range_):
    reference = Reference(NAME, range=range_)
    inside = [
        version
        for version in versions
        for each in intervals(range_)
        if each.low <= order_text(version) < each.high and each.prerelease == is_prerelease(version)
    ]
    assert reference.select(versions) == reference.select(inside)
    for version in versions:
        assert reference.select([version]) is None or version in inside


# Bringing it up to date


NUMBERED = st.tuples(st.sampled_from(["aliases", "yanks", "notes"]), st.integers(1, 4))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["release", "release", "say", "say", "garbage", "announce", "look"]),
        st.sampled_from(["acme/digits", "acme/words"]),
        st.sampled_from(["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0"]),
        NUMBERED,
        st.booleans(),
    ),
    max_size=14,
)


def take_step(catalog, step):
    what, name, version, (kind, number), flag = step
    target = "stable" if kind == "aliases" else version
    key = f"{name}/{kind}/{target}"
    if what == "release" and catalog.record(name, version) is None:
        release(
            catalog, version, name=name, sealed=flag, metrics={"accuracy": number / 4},
            datasets=(Dataset("one" if flag else "two", KEY),), created=f"2026-06-0{number}T12:00:00Z",
        )  # fmt: skip
    elif what == "garbage" and number not in dict(catalog.all(key)):
        catalog.append(key, number, b"garbage")
    elif what == "announce":
        catalog._log.append(f"{name}/versions/{version}")
    elif what == "look":
        catalog.names()
    elif what == "say" and number not in dict(catalog.all(key)):
        record = catalog.record(name, version)
        said = {
            "name": name,
            "version": version,
            "identity": record.identity if record else KEY,
            "created": NOW,
        }
        make = {
            "aliases": lambda: AliasNotice(alias="stable", generation=number, **said),
            "yanks": lambda: YankNotice(yanked=flag, reason="why", generation=number, **said),
            "notes": lambda: Note(text="t", tags=("a",) if flag else (), generation=number, **said),
        }
        say(catalog, kind, target, number, make[kind]())


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_what_was_learnt_step_by_step_is_what_is_read_at_once(steps):
    backend = MemoryBackend()
    catalog = Catalog(backend, DEFAULT_LIMITS)
    for step in steps:
        take_step(catalog, step)
    fresh = Catalog(backend, DEFAULT_LIMITS)
    assert picture(catalog) == picture(fresh)
    catalog.rebuild_index()
    assert picture(catalog) == picture(fresh)
    for key in list(backend.list("refs/@log/")):  # a store of a version of the SDK that kept no log
        backend.delete(key)
    assert picture(Catalog(backend, DEFAULT_LIMITS)) == picture(fresh)


def test_an_index_that_is_up_to_date_lists_nothing_and_one_addition_is_one_look(filled, folder):
    looks = []

    class Watched(LocalBackend):
        def list(self, prefix):
            looks.append(prefix)
            return super().list(prefix)

    catalog = Catalog(Watched(folder), DEFAULT_LIMITS)
    assert catalog.resolve(Reference.parse("acme/digits@^1")) == "1.1.0"
    release(filled, "1.2.0")
    assert catalog.resolve(Reference.parse("acme/digits@^1")) == "1.2.0"
    assert catalog.next_sequence(NAME)[0] == 5
    assert len(catalog.search(name="acme/*", limit=2)) == 2
    assert looks == []


def test_two_catalogs_of_one_folder_see_what_the_other_adds(local):
    one, two = local(), local()
    for number in range(4):
        release((one, two)[number % 2], f"1.{number}.0")
        assert one.versions(NAME) == two.versions(NAME) == [f"1.{n}.0" for n in range(number + 1)]


def test_more_additions_than_one_batch_are_taken(local, monkeypatch):
    monkeypatch.setattr(_index, "_BATCH", 2)
    writer, reader = local(), local()
    assert reader.names() == []
    for number in range(5):
        release(writer, f"1.{number}.0")
    assert len(reader.versions(NAME)) == 5
    assert len(Catalog(writer._backend, DEFAULT_LIMITS).versions(NAME)) == 5


def test_a_reference_that_was_announced_is_found_once_it_is_there(local):
    writer, reader = local(), local()
    record = VersionRecord.of(KEY, 1, _papers(writer))
    writer._log.append(f"{NAME}/versions/1.0.0")  # the writer dies here, or is slow
    assert reader.names() == []
    release(writer, "1.1.0")
    assert reader.versions(NAME) == ["1.1.0"]
    writer._references.put(f"{NAME}/versions/1.0.0", record.to_json())
    assert reader.versions(NAME) == ["1.0.0", "1.1.0"]


def _papers(catalog):
    other = Catalog(MemoryBackend(), DEFAULT_LIMITS)
    release(other, "1.0.0")
    return other.find(Reference(NAME, version="1.0.0")).papers


def waited_for(catalog):
    return catalog._index._database.execute("SELECT key FROM pending").fetchall()


def test_what_never_comes_is_given_up_and_a_slow_writer_announces_it_again(local, monkeypatch):
    clock = [1_800_000_000.0]
    monkeypatch.setattr("time.time", lambda: clock[0])
    writer, reader = local(), local()
    reader.names()
    put = writer._references.put

    def slow(key, record):
        if "/versions/" in key:
            assert reader.names() == []
            clock[0] += 3600
            assert reader.names() == []  # given up
            assert waited_for(reader) == []
        put(key, record)

    monkeypatch.setattr(writer._references, "put", slow)
    release(writer, "1.0.0", sequence=1)
    assert reader.versions(NAME) == ["1.0.0"]


def test_not_more_is_waited_for_than_a_bound(local, monkeypatch):
    monkeypatch.setattr(_index, "_PENDING", 3)
    writer, reader = local(), local()
    for number in range(9):
        writer._log.append(f"{NAME}/versions/1.{number}.0")
    reader.names()
    writer._log.append(f"{NAME}/versions/2.0.0")
    reader.names()
    assert len(waited_for(reader)) == 3


def test_a_damaged_or_strange_entry_of_the_log_is_passed_over(local):
    writer, reader = local(), local()
    reader.names()
    writer._references.put("@log/0000000000000001", b"damaged")
    writer._log.append("../../etc/passwd")
    writer._log.append(f"{NAME}/versions/latest")
    writer._log.append(f"{NAME}/envelopes/1.0.0/{'0' * 64}")
    release(writer, "1.0.0")
    assert reader.versions(NAME) == ["1.0.0"]
    assert local().versions(NAME) == ["1.0.0"]


def test_the_end_of_a_long_log_is_found_with_few_looks():
    backend = MemoryBackend()
    catalog = Catalog(backend, DEFAULT_LIMITS)
    for _ in range(100):
        catalog._log.append("x")
    looks = []
    fresh = Catalog(backend, DEFAULT_LIMITS)
    size = backend.size
    backend.size = lambda key: (looks.append(key), size(key))[1]
    assert fresh._log.end() == 100
    assert len(looks) < 16
    fresh._log.append("y")
    assert fresh._log.read(101).key == "y"


# Damage


def _rewrite(path, data):
    path.write_bytes(data)


def _sql(path, *statements):
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


DAMAGES = {
    "garbage": lambda path: _rewrite(path, b"garbage" * 1000),
    "empty": lambda path: _rewrite(path, b""),
    "cut": lambda path: _rewrite(path, path.read_bytes()[:5000]),
    "overwritten": lambda path: _rewrite(path, path.read_bytes()[:4096] + b"\xff" * 60_000),
    "of another application": lambda path: _sql(path, "PRAGMA application_id = 7"),
    "of another schema": lambda path: _sql(path, "PRAGMA user_version = 0"),
    "with a table more": lambda path: _sql(path, "CREATE TABLE more (x)"),
    "with a trigger": lambda path: _sql(
        path, "CREATE TRIGGER t BEFORE UPDATE ON state BEGIN SELECT RAISE(ABORT, 'gotcha'); END"
    ),
    "with malformed rows": lambda path: _sql(path, "UPDATE versions SET tags = '{', metrics = '[]'"),
    "with values of other types": lambda path: _sql(path, "UPDATE versions SET metrics = x'00ff'"),
    "with versions that are none": lambda path: _sql(path, "UPDATE versions SET version = '../' || id"),
    "with identities that are none": lambda path: _sql(path, "UPDATE versions SET identity = 7"),
    "with numbers that are none": lambda path: _sql(path, "UPDATE versions SET sequence = 'x'"),
    "with names that are none": lambda path: _sql(
        path, "INSERT INTO names VALUES ('../x', 'x')", "UPDATE versions SET name = '../x'"
    ),
    "with a state that is none": lambda path: _sql(path, "UPDATE state SET position = 'x'"),
    "waiting for what is none": lambda path: _sql(path, "INSERT INTO pending VALUES ('../../x', 7)"),
    "with text that is none": lambda path: _sql(path, "UPDATE versions SET tags = CAST(x'ff' AS TEXT)"),
    "ahead of the log": lambda path: _sql(path, "DELETE FROM versions", "UPDATE state SET position = 99"),
    "half built": lambda path: _sql(path, "DELETE FROM versions", "UPDATE state SET cursor = ''"),
    "without state": lambda path: _sql(path, "DELETE FROM state", "DELETE FROM versions"),
    "gone": lambda path: path.unlink(),
    "gone, and not what was beside it": lambda path: (
        path.unlink(),
        *(
            path.with_name(path.name + each).write_bytes(b"left" * 999)
            for each in ("-wal", "-shm", "-journal")
        ),
    ),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "of a later version of the SDK": lambda path: _sql(path, "PRAGMA user_version = 99"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_made_anew_or_left_alone(filled, local, folder, damage):
    expected = picture(filled)
    filled._index._close()
    DAMAGES[damage](folder / "index.sqlite")
    assert picture(local()) == expected
    release(local(), "3.0.0")
    assert local().versions(NAME)[-1] == "3.0.0"


def test_an_index_that_is_damaged_while_it_is_used_is_made_anew(filled, folder):
    with closing(sqlite3.connect(folder / "index.sqlite")) as database:
        database.execute("DROP TABLE versions")
        database.commit()
    assert filled.versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    assert filled._index._path is None  # there it goes on in memory
    filled._index._database.execute("DROP TABLE versions")
    with pytest.raises(StorageError, match="in memory"):
        filled.names()
    assert filled.names() == [NAME]


def test_a_file_of_a_later_version_of_the_sdk_is_not_touched(filled, local, folder):
    filled._index._close()
    path = folder / "index.sqlite"
    _sql(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    assert local().versions(NAME, yanked=False) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_link_in_the_place_of_the_file_is_not_followed(filled, local, folder, tmp_path, suffix):
    filled._index._close()
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    path = folder / f"index.sqlite{suffix}"
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    assert local().versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    release(local(), "3.0.0")
    assert target.read_bytes() == b"precious"


def test_a_locked_index_is_not_waited_for_for_ever(filled, local, folder, monkeypatch):
    monkeypatch.setattr(_index_schema, "_BUSY", 0.01)
    filled._index._close()
    with closing(sqlite3.connect(folder / "index.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert local().versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
        release(local(), "3.0.0")
    assert local().versions(NAME)[-1] == "3.0.0"


def test_where_no_file_can_be_written_it_is_in_memory(filled, local, folder, monkeypatch):
    connect = sqlite3.connect

    def refuse(path, **options):
        if path != ":memory:":
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return connect(path, **options)

    filled._index._close()
    (folder / "index.sqlite").unlink()
    monkeypatch.setattr(sqlite3, "connect", refuse)
    catalog = local()
    assert catalog.versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    assert not (folder / "index.sqlite").exists()


def test_a_damaged_file_that_cannot_be_removed_is_left(filled, local, folder, monkeypatch):
    filled._index._close()
    (folder / "index.sqlite").write_bytes(b"garbage" * 1000)

    def refuse(_path):
        raise PermissionError("read-only")

    monkeypatch.setattr(_index, "remove_database", refuse)
    assert local().names() == [NAME]


def test_a_version_that_only_the_index_has_is_not_believed(filled, local, folder):
    filled._index._close()
    _sql(
        folder / "index.sqlite",
        "INSERT INTO versions SELECT 99, name, '9.0.0', '0019001000100~ 9.0.0', 0, 0, digest, identity, 99,"
        " manifest, created, expires, sealed, note, tags, metrics, parents, datasets"
        " FROM versions WHERE version = '1.0.0'",
        "UPDATE versions SET created = '2030-01-01T00:00:00Z', digest = 'other' WHERE version = '1.1.0'",
    )
    catalog = local()
    assert catalog.next_sequence(NAME)[0] == 4
    found = catalog.search()
    assert [each.version for each in found] == ["2.0.0-rc.1", "1.1.0", "1.0.0"]
    assert {each.created for each in found} == {NOW}


@pytest.mark.parametrize("range_", ["*", "^1"])
def test_a_version_that_is_none_is_not_matched_with_a_range(filled, local, folder, range_):
    filled._index._close()
    _sql(folder / "index.sqlite", "UPDATE versions SET version = '../' || id")
    assert local().resolve(Reference(NAME, range=range_)) == "1.1.0"


def test_an_identity_that_only_the_index_has_is_not_believed(filled, local, folder):
    filled._index._close()
    _sql(folder / "index.sqlite", f"UPDATE versions SET identity = '{KEY}' WHERE version = '1.0.0'")
    assert local()._identified(NAME, KEY) is None


def test_the_index_of_another_store_is_not_believed(filled, local, folder, tmp_path):
    other = Catalog(LocalBackend(tmp_path / "other"), DEFAULT_LIMITS)
    for version in ("5.0.0", "6.0.0", "7.0.0"):
        release(other, version)
    assert other.names() == [NAME]
    other._index._close()
    filled._index._close()
    shutil.copy(tmp_path / "other" / "index.sqlite", folder / "index.sqlite")
    assert local().versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]


def test_an_earlier_state_of_the_store_below_the_index_is_noticed(filled, local, folder, tmp_path):
    filled._index._close()
    shutil.copytree(folder, tmp_path / "backup")
    release(filled, "3.0.0")
    assert filled.versions(NAME)[-1] == "3.0.0"
    filled._index._close()
    index = (folder / "index.sqlite").read_bytes()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    (folder / "index.sqlite").write_bytes(index)
    assert local().versions(NAME)[-1] == "2.0.0-rc.1"
    release(local(), "4.0.0")
    assert local().versions(NAME)[-1] == "4.0.0"


def test_a_version_whose_documents_are_damaged_is_there_and_says_so_when_opened(filled, local, folder):
    digest = filled.record(NAME, "1.1.0").referrers[0].digest
    (folder / "blobs" / digest.replace(":", "/")).unlink()
    filled._index._close()
    (folder / "index.sqlite").unlink()
    catalog = local()
    assert catalog.versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    found = {each.version: each for each in catalog.search(name=NAME)}
    assert found["1.1.0"].created is None
    assert found["1.1.0"].metrics == {}


@pytest.mark.parametrize("record", [b"", b"{}", b'{"identity":"x"}'])
def test_a_damaged_reference_is_listed_and_found_by_no_search(filled, local, folder, record):
    filled._index._close()
    (folder / "index.sqlite").unlink()
    path = folder / f"refs/{NAME}/versions/1.1.0"
    path.chmod(0o644)
    path.write_bytes(record)
    catalog = local()
    assert catalog.versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]
    assert [each.version for each in catalog.search(name=NAME)] == ["2.0.0-rc.1", "1.0.0"]


def test_a_reference_that_is_too_large_hides_nothing_else(filled, folder):
    filled._references.put(f"{NAME}/versions/3.0.0", b"x" * 60_000)
    small = Catalog(LocalBackend(folder), Limits(max_json_bytes=50_000))
    small.rebuild_index()
    assert small.versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1", "3.0.0"]
    assert small.resolve(Reference(NAME, range="^1")) == "1.1.0"
    with pytest.raises(LimitExceededError):
        small.resolve(Reference(NAME, range="*"))


def test_a_record_whose_number_is_none_is_damaged(local):
    catalog = local()
    first = release(catalog, "1.0.0")
    record = catalog.record(NAME, "1.0.0")
    for number, version in ((0, "1.0.1"), (10**30, "1.0.2")):
        bad = VersionRecord(
            identity=first.identity, sequence=number, manifest=record.manifest, referrers=record.referrers
        )
        catalog.add_version(NAME, version, bad)
    assert catalog.versions(NAME) == ["1.0.0", "1.0.1", "1.0.2"]
    assert catalog.next_sequence(NAME)[0] == 2


def test_a_statement_of_another_identity_than_the_reference_is_not_indexed(local):
    catalog = local()
    release(catalog, "1.0.0", metrics={"accuracy": 1.0})
    record = catalog.record(NAME, "1.0.0")
    lying = VersionRecord(identity=KEY, sequence=2, manifest=record.manifest, referrers=record.referrers)
    catalog.add_version(NAME, "1.0.1", lying)
    assert [each.version for each in catalog.search(metric=("accuracy", ">", 0))] == ["1.0.0"]


def test_notices_that_contradict_their_place_are_not_indexed(local):
    catalog = local()
    one, two = release(catalog, "1.0.0"), release(catalog, "1.1.0")
    say(catalog, "yanks", "1.0.0", 1, YankNotice(yanked=True, reason="x", generation=1, **about(two)))
    say(catalog, "yanks", "1.1.0", 1, YankNotice(yanked=True, reason="x", generation=2, **about(two)))
    say(catalog, "notes", "1.0.0", 1,
        Note(tags=("a",), generation=1, **(about(one) | {"identity": KEY})))  # fmt: skip
    catalog.append("acme/@rotations", 2, b"whatever")
    assert catalog.versions(NAME, yanked=False) == ["1.0.0", "1.1.0"]
    assert catalog.search(tag="a") == []
    assert catalog.latest(f"{NAME}/yanks/1.0.0")[0] == 1


# Building


class Interrupted(MemoryBackend):
    """A backend that is interrupted at a reading."""

    countdown = -1

    def open(self, key):
        self.countdown -= 1
        if self.countdown == 0:
            raise KeyboardInterrupt
        return super().open(key)


def test_a_build_that_is_interrupted_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(_index, "_BATCH", 1)
    backend = Interrupted()
    writer = Catalog(backend, DEFAULT_LIMITS)
    for number in range(4):
        release(writer, f"1.{number}.0")
    for countdown in range(1, 60):
        reader = Catalog(backend, DEFAULT_LIMITS)
        backend.countdown = countdown
        try:
            reader.names()
        except KeyboardInterrupt:
            assert reader.versions(NAME) == [f"1.{n}.0" for n in range(4)]
        backend.countdown = -1


@pytest.mark.parametrize("disturb", ["build", "forget"])
def test_two_that_build_at_a_time_take_turns(filled, local, folder, monkeypatch, disturb):
    monkeypatch.setattr(_index, "_BATCH", 1)
    filled._index._close()
    (folder / "index.sqlite").unlink()
    one, two = local(), local()
    keys = one._index._keys

    def disturbed():
        monkeypatch.setattr(one._index, "_keys", keys)
        for number, key in enumerate(keys()):
            yield key
            if number == 0:
                two.names() if disturb == "build" else two.rebuild_index()
                if disturb == "forget":
                    _index._forget_all(two._index._database)

    monkeypatch.setattr(one._index, "_keys", disturbed)
    assert one.versions(NAME) == two.versions(NAME) == ["1.0.0", "1.1.0", "2.0.0-rc.1"]


def test_an_index_that_is_forgotten_while_another_reads_the_log_is_built(filled, local, monkeypatch):
    reader = local()
    reader.names()
    release(filled, "3.0.0", sequence=9)
    advance = reader._index._advance

    def forgetful(database):
        monkeypatch.setattr(reader._index, "_advance", advance)
        _index._forget_all(filled._index._open())
        advance(database)

    monkeypatch.setattr(reader._index, "_advance", forgetful)
    assert reader.versions(NAME)[-1] == "3.0.0"


# Several at a time


def test_threads_publish_and_search_at_a_time(local):
    catalog, failures = local(), []

    def work(number):
        try:
            for step in range(5):
                release(
                    catalog,
                    f"{number}.{step}.0",
                    name=f"acme/model{number % 2}",
                    sequence=10 * number + step + 1,
                )
                assert any(each.version == f"{number}.{step}.0" for each in catalog.search(publisher="acme"))
        except Exception as exc:  # noqa: BLE001 - shown below
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(len(local().versions(name)) for name in catalog.names()) == 20
    assert picture(catalog) == picture(Catalog(catalog._backend, DEFAULT_LIMITS))


WRITER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("tools", sys.argv[1])
tools = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tools)
catalog = tools.Catalog(tools.LocalBackend(sys.argv[2]), tools.DEFAULT_LIMITS)
for step in range(6):
    number = 10 * int(sys.argv[3]) + step + 1
    tools.release(catalog, f"1.{number}.0", sequence=number)
    assert f"1.{number}.0" in catalog.versions(tools.NAME)
"""


def test_processes_publish_at_a_time_and_nothing_is_missed(local, folder):
    LocalBackend(folder)
    watcher = local()
    watcher.names()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, __file__, str(folder), str(n)], stderr=subprocess.PIPE
        )
        for n in range(4)
    ]
    for writer in writers:
        _, errors = writer.communicate()
        assert writer.returncode == 0, errors.decode()
    assert len(watcher.versions(NAME)) == 24
    assert picture(watcher) == picture(Catalog(watcher._backend, DEFAULT_LIMITS))
    fresh = local()
    fresh.rebuild_index()
    assert picture(fresh) == picture(watcher)


FORKED = """
import os, sys
from maas_sdk.artifact._inventory.catalog import Catalog
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.storage import LocalBackend
catalog = Catalog(LocalBackend(sys.argv[1]), DEFAULT_LIMITS)
expected = catalog.versions("acme/digits")
child = os.fork()
if not child:
    os._exit(0 if catalog.versions("acme/digits") == expected else 1)
status = os.waitpid(child, 0)[1]
assert catalog.versions("acme/digits") == expected
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_is_forked_off_opens_its_own(filled, folder):
    ran = subprocess.run([sys.executable, "-c", FORKED, str(folder)], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


def test_a_connection_of_another_process_is_neither_used_nor_closed(filled):
    inherited = filled._index._database
    filled._index._process = -1
    assert filled.names() == [NAME]
    assert filled._index._database is not inherited
    _index._close(inherited, -1)
    assert inherited.execute("SELECT 1").fetchone() == (1,)
    inherited.close()


def test_tables_that_another_process_has_just_made_are_not_made_again(filled):
    _index_schema._make_tables(filled._index._database)
    assert filled.names() == [NAME]


def test_the_file_is_beside_the_store_s_own_and_nowhere_else(filled, folder):
    assert {path.name.partition("-")[0] for path in Path(folder).iterdir() if path.is_file()} >= {
        "index.sqlite"
    }
    assert Catalog(MemoryBackend(), DEFAULT_LIMITS).names() == []


def test_whoever_opens_by_version_needs_no_index(filled, local, folder):
    filled._index._close()
    for path in folder.glob("index.sqlite*"):
        path.unlink()
    assert local().find(Reference(NAME, version="1.0.0")).subject == f"{NAME}@1.0.0"
    assert not (folder / "index.sqlite").exists()
