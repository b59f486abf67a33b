"""References of a store: versions, envelopes, numbered records, numbers; and what is found by them."""

import pytest
from attrs import evolve

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact import Reference, Store
from maas_sdk.artifact._documents.notices import AliasNotice, Note, YankNotice
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._inventory.catalog import VersionRecord
from maas_sdk.artifact._release import open_release
from maas_sdk.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidArtifactError,
    InvalidOptionError,
    InvalidReferenceError,
    NotFoundError,
    StorageError,
)
from maas_sdk.sealing import AgeSealer
from maas_sdk.signing import sign_envelope
from maas_sdk.storage import LocalBackend

NAME = "acme/digits"
NOW = "2026-06-01T12:00:00Z"
OTHER = "sha256:" + "ab" * 32


@pytest.fixture
def catalog(sender):
    return sender.store._catalog


@pytest.fixture
def say(sender, organisations):
    """Append a signed record about a release."""

    def write(kind, target, release, number=1, **more):
        make, folder = {
            "alias": (AliasNotice, "aliases"), "yank": (YankNotice, "yanks"), "note": (Note, "notes")
        }[kind]  # fmt: skip
        about = {"name": release.name, "version": release.version, "identity": release.identity}
        notice = make(**(about | {"generation": number, "created": NOW} | more))
        record = sign_envelope(notice.to_payload(), [organisations.acme.signer]).to_json()
        sender.store._catalog.append(f"{release.name}/{folder}/{target}", number, record)
        return record

    return write


def resolve(catalog, selector):
    return catalog.resolve(Reference.parse(f"{NAME}@{selector}" if selector else NAME))


# Which release a reference means


def test_each_kind_of_reference_means_one_release(sender, catalog, say):
    releases = {version: sender.publish(version) for version in ("1.0.0", "1.2.0", "1.3.0-rc.1", "2.0.0")}
    say("alias", "stable", releases["1.2.0"], alias="stable")
    for selector, version in {
        "": "2.0.0", "^1": "1.2.0", "1.0.0": "1.0.0", "stable": "1.2.0", "~1.3.0-rc.0": "1.3.0-rc.1",
        releases["1.0.0"].identity: "1.0.0",
    }.items():  # fmt: skip
        assert resolve(catalog, selector) == version
        assert (
            open_release(catalog, Reference.parse(f"{NAME}@{selector}" if selector else NAME)).version
            == version
        )


def test_an_alias_moves_with_its_latest_generation(sender, catalog, say):
    one, two = sender.publish("1.0.0"), sender.publish("2.0.0")
    say("alias", "stable", two, alias="stable")
    say("alias", "stable", one, 7, alias="stable")
    say("alias", "stable", two, 5, alias="stable")  # older than the seventh
    assert resolve(catalog, "stable") == "1.0.0"
    assert [number for number, _ in catalog.all(f"{NAME}/aliases/stable")] == [1, 5, 7]


def test_an_alias_that_contradicts_itself_or_the_store_means_nothing(sender, catalog, say):
    release = sender.publish("1.0.0")
    say("alias", "other", release, alias="other", identity=OTHER)
    say("alias", "gone", release, alias="gone", version="9.0.0")
    record = say("alias", "stable", release, alias="stable")
    catalog.append(f"{NAME}/aliases/copied", 1, record)
    sender.publish("1.0.0", name="acme/words")
    catalog.append("acme/words/aliases/stable", 1, record)
    for alias in ("other", "gone", "copied", "unheard-of"):
        with pytest.raises(NotFoundError, match=rf"no acme/digits@{alias}; of acme/digits it has 1\.0\.0"):
            resolve(catalog, alias)
    with pytest.raises(NotFoundError):
        catalog.resolve(Reference.parse("acme/words@stable"))
    catalog.append(f"{NAME}/aliases/damaged", 1, b"damaged")
    with pytest.raises(InvalidArtifactError):
        resolve(catalog, "damaged")


def test_yanked_versions_are_passed_over_unless_one_names_them(sender, catalog, say):
    one, two = sender.publish("1.0.0"), sender.publish("1.1.0")
    say("alias", "stable", two, alias="stable")
    say("yank", "1.1.0", two, yanked=True, reason="it drifts")
    assert resolve(catalog, "") == resolve(catalog, "^1") == "1.0.0"
    assert (
        resolve(catalog, "1.1.0") == resolve(catalog, two.identity) == resolve(catalog, "stable") == "1.1.0"
    )
    assert catalog.versions(NAME) == ["1.0.0", "1.1.0"]
    assert catalog.versions(NAME, yanked=False) == ["1.0.0"]
    say("yank", "1.0.0", one, yanked=True, reason="this too")
    with pytest.raises(NotFoundError, match=r"1\.0\.0 \(yanked\), 1\.1\.0 \(yanked\)"):
        resolve(catalog, "^1")
    say("yank", "1.1.0", two, 2, yanked=False, reason="it does not")
    assert resolve(catalog, "") == "1.1.0"


def test_what_is_not_there_is_said_with_the_highest_that_there_is(sender, catalog):
    for number in range(23):
        sender.publish(f"1.{number}.0", parts={"model.json": b"{}"}, recipients=[])
    with pytest.raises(NotFoundError, match=r"it has 3 others, 1\.3\.0, .*, 1\.22\.0$"):
        resolve(catalog, "^2")


def test_a_reference_that_was_removed_by_hand_is_found_no_more(sender, catalog):
    for version in ("1.0.0", "1.1.0"):
        sender.publish(version)
    identity = catalog.record(NAME, "1.1.0").identity
    assert resolve(catalog, "") == "1.1.0"
    sender.store._backend.delete(f"refs/{NAME}/versions/1.1.0")
    assert resolve(catalog, "") == "1.0.0"
    assert [each.version for each in catalog.search()] == ["1.0.0"]
    assert catalog.next_sequence(NAME) == (3, catalog.record(NAME, "1.0.0").identity)
    with pytest.raises(NotFoundError):
        resolve(catalog, identity)
    with pytest.raises(NotFoundError):
        open_release(catalog, Reference(NAME, version="1.1.0"))


def test_only_who_names_a_release_is_spared_the_question_of_rollback(sender, catalog, say):
    release = sender.publish("1.0.0")
    say("alias", "stable", release, alias="stable")
    exact = {
        selector: open_release(catalog, Reference.parse(f"{NAME}@{selector}"))._exact
        for selector in ("1.0.0", release.identity, "^1", "stable")
    }
    assert list(exact.values()) == [True, True, False, False]


# Numbered records


@pytest.mark.parametrize(
    "prefix",
    ["", "acme", NAME, f"{NAME}/versions/1.0.0", f"{NAME}/sequence", f"{NAME}/aliases/v1",
     f"{NAME}/yanks/latest", f"{NAME}/notes/../x", "../@rotations", "acme/@others", f"{NAME}/@rotations",
     "@log", "acme/digits/more/aliases/x", "Acme/@rotations", "acme/Digits/aliases/x"],
)  # fmt: skip
def test_there_are_numbered_records_of_few_kinds(catalog, prefix):
    with pytest.raises(InvalidReferenceError, match="numbered"):
        catalog.append(prefix, 1, b"")


@pytest.mark.parametrize("number", [0, -1, 2**53])
def test_numbers_count_from_one(catalog, number):
    with pytest.raises(InvalidReferenceError, match="numbered"):
        catalog.append(f"{NAME}/aliases/stable", number, b"")


def test_a_number_is_taken_once(sender, catalog):
    prefix = f"{NAME}/aliases/stable"
    assert catalog.latest(prefix) is None
    catalog.append(prefix, 1, b"one")
    catalog.append(prefix, 1, b"one")
    with pytest.raises(AlreadyExistsError):
        catalog.append(prefix, 1, b"other")
    catalog.append(prefix, 12, b"twelve")
    assert catalog.latest(prefix) == (12, b"twelve")
    assert list(catalog.all(prefix)) == [(1, b"one"), (12, b"twelve")]
    assert len(list(sender.store._backend.list("refs/@log/"))) == 2


def test_the_latest_of_each_below_a_folder(catalog):
    for target, number in (("a", 1), ("a", 2), ("b", 1)):
        catalog.append(f"{NAME}/aliases/{target}", number, b"%d" % number)
    catalog.append("acme/digits-2/aliases/a", 1, b"")
    assert catalog.latest_below(f"{NAME}/aliases/") == {
        f"{NAME}/aliases/a": (2, b"2"), f"{NAME}/aliases/b": (1, b"1")
    }  # fmt: skip


def test_records_of_a_publisher_clash_with_no_name_and_need_no_index(catalog, monkeypatch):
    catalog.append("acme/@rotations", 2, b"two")
    catalog.append("acme/@rotations", 3, b"three")
    catalog.append("acme/@revocations", 1, b"one")
    monkeypatch.setattr(type(catalog), "_index", None)
    assert catalog.latest("acme/@rotations") == (3, b"three")
    assert catalog.latest("acme/@revocations") == (1, b"one")
    assert catalog.latest("other/@revocations") is None


def test_a_latest_record_that_was_removed_by_hand_is_not_given(sender, catalog):
    prefix = f"{NAME}/aliases/stable"
    catalog.append(prefix, 1, b"one")
    catalog.append(prefix, 2, b"two")
    assert catalog.latest(prefix) == (2, b"two")
    sender.store._backend.delete(f"refs/{prefix}/0000000000000002")
    assert catalog.latest(prefix) == (1, b"one")


def test_a_record_that_no_log_announced_is_the_latest_all_the_same(catalog):
    prefix = f"{NAME}/aliases/stable"
    catalog._references.put(f"{prefix}/0000000000000001", b"one")
    assert catalog.latest(prefix) == (1, b"one")
    catalog._references.put(f"{prefix}/0000000000000002", b"two")
    assert catalog.latest(prefix) == (2, b"two")
    assert catalog._index.latest(prefix) == 2


def test_there_is_a_highest_number(catalog):
    prefix = f"{NAME}/aliases/stable"
    catalog.append(prefix, 2**53 - 1, b"last")
    assert catalog.latest(prefix) == (2**53 - 1, b"last")


def test_strangers_among_numbered_records_are_passed_over(catalog):
    catalog._references.put(f"{NAME}/aliases/stable/next", b"")
    catalog._references.put(f"{NAME}/aliases/stable/0000000000000000", b"")
    catalog.append(f"{NAME}/aliases/stable", 1, b"one")
    assert catalog.latest(f"{NAME}/aliases/stable") == (1, b"one")
    assert list(catalog.all(f"{NAME}/aliases/stable")) == [(1, b"one")]


# The log


def test_what_is_added_is_announced_before_and_once(sender, catalog):
    sender.publish("1.0.0")
    record = catalog.record(NAME, "1.0.0")
    catalog.add_version(NAME, "1.0.0", record)
    assert len(list(sender.store._backend.list("refs/@log/"))) == 1
    assert catalog._log.read(1).key == f"{NAME}/versions/1.0.0"
    other = VersionRecord(
        identity=OTHER, sequence=1, manifest=record.manifest, referrers=record.referrers
    )  # fmt: skip
    with pytest.raises(AlreadyExistsError):
        catalog.add_version(NAME, "1.0.0", other)
    assert len(list(sender.store._backend.list("refs/@log/"))) == 1


def test_of_two_writers_who_announce_at_a_time_each_has_a_number(sender, catalog):
    other = Store(sender.store._backend)._catalog
    for number in range(3):
        catalog._log.append(f"a{number}")
        other._log._end = 0
        end = other._log.end() - 1  # as if the other's had come after the look
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(other._log, "end", lambda end=end: end)
            other._log.append(f"b{number}")
    keys = [catalog._log.read(number).key for number in range(1, 7)]
    assert keys == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert catalog._log.read(7) is None


# Further envelopes


@pytest.fixture
def resealed(sender, organisations):
    """Give a release of the sender's and another envelope of it."""
    release = sender.publish("1.0.0")
    other = sender.store.reseal(
        f"{NAME}@1.0.0",
        recipients=[organisations.acme, organisations.initech],
        identity=organisations.acme,
        signers=[organisations.acme.signer],
    )
    return release, other


def test_an_envelope_is_another_way_into_the_same_release(sender, catalog, resealed):
    release, other = resealed
    (record,) = catalog.envelopes(NAME, "1.0.0")
    assert record.manifest.digest == other.manifest_digest != release.manifest_digest
    reference = Reference(NAME, version="1.0.0")
    assert open_release(catalog, reference).manifest_digest == release.manifest_digest
    assert open_release(catalog, reference, manifest=release.manifest_digest).recipients == release.recipients
    opened = open_release(catalog, reference, manifest=other.manifest_digest)
    assert (opened.identity, opened.recipients) == (release.identity, other.recipients)
    for missing in (OTHER, "sha256:x", "../../x"):
        with pytest.raises(NotFoundError, match="no envelope"):
            open_release(catalog, reference, manifest=missing)


def test_an_envelope_needs_its_release(sender, catalog, resealed):
    (record,) = catalog.envelopes(NAME, "1.0.0")
    sender.publish("1.1.0")
    with pytest.raises(NotFoundError, match="no acme/digits@3"):
        catalog.add_envelope(NAME, "3.0.0", record)
    with pytest.raises(InvalidOptionError, match="is the release"):
        catalog.add_envelope(NAME, "1.1.0", record)
    catalog.add_envelope(NAME, "1.0.0", record)
    catalog.add_envelope(NAME, "1.0.0", catalog.record(NAME, "1.0.0"))
    assert len(catalog.envelopes(NAME, "1.0.0")) == 1


def test_the_roots_are_all_blobs_of_all_envelopes(sender, catalog, resealed):
    sender.publish("1.1.0", recipients=[])
    blobs = {key.rpartition("/")[2] for key in sender.store._backend.list("blobs/")}
    assert {digest.removeprefix("sha256:") for digest in catalog.roots()} == blobs
    sender.store._backend.delete("blobs/" + resealed[1].manifest_digest.replace(":", "/"))
    with pytest.raises(NotFoundError):
        set(catalog.roots())


def test_roots_that_vanish_while_they_are_asked_for_are_passed_over(sender, catalog, monkeypatch):
    sender.publish("1.0.0")
    keys = [*catalog._references.list(), f"{NAME}/versions/9.0.0"]
    monkeypatch.setattr(catalog._references, "list", lambda *_: iter(keys))
    assert set(catalog.roots())


# Sealed layers that are known


def known(catalog, release, organisations, part="model.json", **options):
    digest = next(each.digest for each in release.parts if each.path == part)
    options = {"keys": [organisations.acme.public.public_key]} | options
    recipients = options.pop("recipients", release.recipients)
    return catalog.sealed_layer(digest, recipients, options.pop("suffix", ".age"), **options)


def layer_of(release, part="model.json"):
    return next((each.digest, each.size) for each in release._sealing.layers if each.part == part)


def test_a_layer_is_known_by_plaintext_recipients_and_sealer(sender, catalog, organisations):
    release = sender.publish("1.0.0")
    assert known(catalog, release, organisations) == layer_of(release)
    assert known(catalog, release, organisations, recipients=release.recipients[::-1]) == layer_of(release)
    assert known(catalog, release, organisations, recipients=release.recipients[:1]) is None
    assert known(catalog, release, organisations, suffix=".other") is None
    assert catalog.sealed_layer(OTHER, release.recipients, ".age") is None
    assert known(catalog, release, organisations, besides=[layer_of(release)[0]]) is None


def test_a_layer_of_an_envelope_is_known_too(catalog, organisations, resealed):
    _, other = resealed
    assert known(catalog, other, organisations) == layer_of(other)


def test_what_others_say_of_a_layer_is_not_believed(sender, catalog, organisations):
    """A publisher whose release was imported names any bytes as the sealed form of somebody's part."""

    class Trap(AgeSealer):
        def encrypt(self, source, sink, recipients):
            sink.write(b"what only globex knows" + source.read())

    trap = sender.publish("1.0.0", name="globex/digits", signers=[organisations.globex.signer], sealer=Trap())
    assert known(catalog, trap, organisations) is None
    assert known(catalog, trap, organisations, keys=()) is None
    assert known(catalog, trap, organisations, keys=[organisations.globex.public.public_key]) is not None
    mine = sender.publish("1.0.0")
    assert layer_of(mine) != layer_of(trap)
    assert known(catalog, mine, organisations) == layer_of(mine)


def test_a_layer_that_is_gone_or_damaged_is_not_known(sender, catalog, organisations):
    release = sender.publish("1.0.0")
    assert known(catalog, release, organisations)
    path = "blobs/" + layer_of(release)[0].replace(":", "/")
    sender.store._backend.delete(path)
    with sender.store._backend.create(path) as file:
        file.write(b"shorter")
    assert known(catalog, release, organisations) is None
    sender.store._backend.delete(path)
    assert known(catalog, release, organisations) is None


@pytest.mark.parametrize("damage", ["document", "reference", "reference removed"])
def test_where_the_documents_are_damaged_no_layer_is_known(sender, catalog, organisations, damage):
    release = sender.publish("1.0.0")
    catalog.names()
    key = {
        "document": "blobs/" + catalog.record(NAME, "1.0.0").referrers[1].digest.replace(":", "/"),
    }.get(damage, f"refs/{NAME}/versions/1.0.0")
    sender.store._backend.delete(key)
    if damage == "reference":
        with sender.store._backend.create(key) as file:
            file.write(b"damaged")
    assert known(catalog, release, organisations) is None


def test_an_index_that_names_the_wrong_envelope_is_not_believed(sender, catalog, organisations, monkeypatch):
    release, plain = sender.publish("1.0.0"), sender.publish("2.0.0", recipients=[])
    sources = [f"{NAME}/versions/2.0.0"]
    monkeypatch.setattr(catalog._index, "sources", lambda *_, **__: sources)
    assert known(catalog, release, organisations) is None
    sources[:] = [f"{NAME}/versions/1.0.0"]
    assert known(catalog, release, organisations) == layer_of(release)
    assert known(catalog, release, organisations, recipients=[OTHER]) is None
    assert catalog.sealed_layer(OTHER, release.recipients, ".age",
                                keys=[organisations.acme.public.public_key]) is None  # fmt: skip
    assert plain.identity


def test_an_envelope_statement_about_another_manifest_is_not_believed(sender, catalog, organisations):
    release = sender.publish("1.0.0")
    papers = release._papers
    other = evolve(release._sealing, manifest=OTHER)
    papers = make_papers(
        release._statement, config=papers.config, manifest=papers.manifest, release=papers.release.envelope,
        sealing=sign_envelope(other.to_payload(), [organisations.acme.signer]).to_json(),
        limits=catalog.limits,
    )  # fmt: skip
    catalog.add_documents(papers)
    sender.store._backend.delete(f"refs/{NAME}/versions/1.0.0")
    catalog.add_version(NAME, "1.0.0", VersionRecord.of(release.identity, 1, papers))
    assert known(catalog, release, organisations) is None


def test_few_envelopes_are_remembered(sender, catalog, organisations, monkeypatch):
    monkeypatch.setattr("maas_sdk.artifact._inventory.known_layers._REMEMBERED", 1)
    first, second = sender.publish("1.0.0"), sender.publish("2.0.0", parts={"model.json": b"other"})
    for release in (first, second, first):
        assert known(catalog, release, organisations) == layer_of(release)
    assert len(catalog._layers._envelopes) == 1


# Numbers


def test_a_number_is_above_those_of_all_versions_and_reservations(sender, catalog):
    assert catalog.next_sequence(NAME) == (1, None)
    assert catalog.reserve(NAME, 1, version="0.1.0", identity=OTHER)  # and its publisher dies
    first = sender.publish("1.0.0")
    assert first.sequence == 2
    assert catalog.reserve(NAME, 3, version="1.0.0", identity=OTHER)  # whose version another one won
    assert catalog.next_sequence(NAME) == (4, first.identity)
    assert not catalog.reserve(NAME, 3, version="1.1.0", identity=OTHER)


def test_a_version_that_no_log_announced_is_found_by_its_number(sender, catalog, organisations):
    sender.publish("1.0.0")
    assert catalog.versions(NAME) == ["1.0.0"]
    backend = sender.store._backend
    second = Store(backend)
    sender.store = second
    release = sender.publish("1.1.0")
    for key in list(backend.list("refs/@log/"))[1:]:
        backend.delete(key)
    assert catalog.versions(NAME) == ["1.0.0"]
    assert catalog.next_sequence(NAME) == (3, release.identity)
    assert catalog.versions(NAME) == ["1.0.0", "1.1.0"]


def test_a_damaged_reservation_is_noticed(sender, catalog):
    sender.publish("1.0.0")
    catalog._references.put(f"{NAME}/sequence/0000000000000002", b"{}")
    with pytest.raises(InvalidArtifactError, match="sequence/0000000000000002"):
        catalog.next_sequence(NAME)


# Searching


@pytest.fixture
def library(sender, say):
    """Publish four releases that differ in all that can be searched for."""
    rows = [
        ("acme/digits", "1.0.0", "2026-01-01T00:00:00Z", {"accuracy": 0.8, "loss": 2}, {"mnist": OTHER}, []),
        ("acme/digits", "1.1.0", "2026-02-01T00:00:00Z", {"accuracy": 0.9}, {}, ["prod"]),
        ("acme/words", "1.0.0", "2026-03-01T00:00:00Z", {}, {"mnist": OTHER}, ["prod", "text"]),
        ("globex/digits", "1.0.0", "2026-04-01T00:00:00Z", {"accuracy": 0.95}, {}, []),
    ]
    found = []
    for name, version, created, metrics, datasets, tags in rows:
        release = sender.publish(
            version, name=name, created=created, metrics=metrics, datasets=datasets,
            parents=[found[0].identity] if found else [], recipients=[] if name == "acme/words" else None,
        )  # fmt: skip
        found.append(release)
        if tags:
            say("note", version, release, tags=tuple(tags), text=f"note of {version}")
    say("alias", "stable", found[1], alias="stable")
    say("alias", "best", found[1], alias="best")
    say("yank", "1.0.0", found[3], yanked=True, reason="x")
    return found


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"yanked": True}, [3, 2, 1, 0]),
        ({"limit": 2}, [2, 1]),
        ({"name": "acme/digits"}, [1, 0]),
        ({"name": "acme/*"}, [2, 1, 0]),
        ({"name": "*/d?gits", "yanked": True}, [3, 1, 0]),
        ({"name": "acme/other"}, []),
        ({"publisher": "globex"}, []),
        ({"publisher": "globex", "yanked": True}, [3]),
        ({"tag": "prod"}, [2, 1]),
        ({"tag": "text"}, [2]),
        ({"tag": "Prod"}, []),
        ({"metric": ("accuracy", ">=", 0.9)}, [1]),
        ({"metric": ("accuracy", ">", 0.9), "yanked": True}, [3]),
        ({"metric": ("accuracy", "<", 0.9)}, [0]),
        ({"metric": ("accuracy", "<=", 0.9)}, [1, 0]),
        ({"metric": ("loss", "==", 2)}, [0]),
        ({"metric": ("loss", "=", 2)}, [0]),
        ({"metric": ("speed", ">", 0)}, []),
        ({"created_after": "2026-02-01T00:00:00Z"}, [2, 1]),
        ({"created_before": "2026-02-01T00:00:00Z"}, [0]),
        ({"dataset": "mnist"}, [2, 0]),
        ({"dataset": OTHER, "name": "acme/digits"}, [0]),
        ({"parent": "acme/digits@1.0.0"}, [2, 1]),
        ({"parent": OTHER}, []),
        ({"tag": "prod", "metric": ("accuracy", ">", 0), "publisher": "acme", "name": "*"}, [1]),
    ],
)
@pytest.mark.parametrize("few", [1000, 0])
def test_a_search_gives_what_all_of_it_holds_for_the_newest_first(
    catalog, library, criteria, expected, few, monkeypatch
):
    monkeypatch.setattr("maas_sdk.artifact._inventory.search._FEW", few)
    found = catalog.search(**criteria)
    assert [each.identity for each in found] == [library[number].identity for number in expected]


def test_a_listing_says_what_is_said_of_a_release(catalog, library):
    (one,) = catalog.search(name="acme/digits", tag="prod")
    release = library[1]
    assert (one.name, one.version, one.identity) == (release.name, release.version, release.identity)
    assert (one.sequence, one.manifest, one.created) == (2, release.manifest_digest, release.created)
    assert (one.publisher, one.sealed, one.yanked, one.expires) == ("acme", True, False, None)
    assert (one.aliases, one.tags, one.note) == (("best", "stable"), ("prod",), "note of 1.1.0")
    assert (one.metrics, one.parents, one.datasets) == ({"accuracy": 0.9}, (library[0].identity,), {})
    (words,) = catalog.search(name="acme/words")
    assert (words.sealed, words.datasets) == (False, {"mnist": OTHER})
    assert catalog.search(publisher="globex", yanked=True)[0].yanked


@pytest.mark.parametrize(
    "criteria",
    [{"name": "acme/%"}, {"name": "a/b/c"}, {"name": ""}, {"name": 7}, {"name": "acme/[a-z]"},
     {"publisher": 7}, {"tag": ["a"]}, {"tag": "\ud800"}, {"metric": "accuracy"}, {"metric": ("a", "~", 1)},
     {"metric": ("a", ">", "1")}, {"metric": ("a", ">", float("nan"))}, {"metric": (1, ">", 1)},
     {"metric": ("a", [], 1)}, {"metric": 7}, {"metric": ("a", ">", 10**400)}, {"metric": ("\ud800", ">", 1)},
     {"created_after": "yesterday"}, {"created_before": 7}, {"limit": 0}, {"limit": True}, {"limit": "1"},
     {"limit": 2**80}, {"dataset": b"x"}],
)  # fmt: skip
def test_a_malformed_question_is_refused(catalog, criteria):
    with pytest.raises(InvalidOptionError):
        catalog.search(**criteria)


@pytest.mark.parametrize("parent", ["nonsense", "acme/digits@..", "\ud800"])
def test_a_parent_is_a_reference_or_an_identity(catalog, parent):
    with pytest.raises(InvalidReferenceError):
        catalog.search(parent=parent)


def test_a_parent_that_is_not_there_is_not_found(catalog, library):
    for parent in ("acme/digits@9.0.0", "acme/digits@^9"):
        with pytest.raises(NotFoundError):
            catalog.search(parent=parent)


def test_a_search_passes_over_what_was_removed_by_hand(sender, catalog, library):
    assert len(catalog.search(name="acme/*")) == 3
    sender.store._backend.delete("refs/acme/words/versions/1.0.0")
    assert [each.version for each in catalog.search(name="acme/*")] == ["1.1.0", "1.0.0"]
    assert [each.version for each in catalog.search(name="acme/*", limit=1)] == ["1.1.0"]


def test_a_search_that_finds_only_what_changes_gives_up(catalog, library, monkeypatch):
    monkeypatch.setattr(catalog, "_digest", lambda _key: "never the same")
    assert catalog.search() == []


# Where a release comes from


@pytest.fixture
def family(sender):
    """Publish a grandparent, two parents, a child of both, and one beside."""
    made = {}
    for version, parents in (
        ("1.0.0", []), ("2.0.0", ["1.0.0"]), ("2.1.0", ["1.0.0"]), ("3.0.0", ["2.0.0", "2.1.0"]),
        ("9.0.0", []),
    ):  # fmt: skip
        identities = [made[parent].identity for parent in parents] or [OTHER]
        made[version] = sender.publish(version, parents=identities if version != "9.0.0" else [])
    return {version: release.identity for version, release in made.items()}


def relatives(found):
    return [(each.version, each.distance) for each in found]


def test_a_lineage_goes_both_ways_the_nearest_first(catalog, family):
    lineage = catalog.lineage(f"{NAME}@3.0.0")
    assert lineage.identity == family["3.0.0"]
    assert sorted(relatives(lineage.ancestors)[:2]) == [("2.0.0", 1), ("2.1.0", 1)]
    assert relatives(lineage.ancestors)[2:] == [("1.0.0", 2), (None, 3)]
    assert lineage.ancestors[-1].identity == OTHER
    assert (lineage.descendants, lineage.complete) == ((), True)
    assert relatives(catalog.lineage(f"{NAME}@1.0.0").descendants)[2:] == [("3.0.0", 2)]
    assert len(catalog.lineage(OTHER).descendants) == 4
    assert catalog.lineage(f"{NAME}@9.0.0").ancestors == ()


def test_a_lineage_is_bounded_and_says_so(catalog, family):
    lineage = catalog.lineage(f"{NAME}@3.0.0", limit=2)
    assert (len(lineage.ancestors), lineage.complete) == (2, False)
    with pytest.raises(NotFoundError):
        catalog.lineage(f"{NAME}@4.0.0")


def test_a_lineage_that_bites_its_tail_ends(catalog, family, monkeypatch):
    monkeypatch.setattr(catalog._index, "parents", lambda identity: [OTHER, family["1.0.0"], identity])
    assert catalog.lineage(f"{NAME}@3.0.0").complete


# The rest


def test_nothing_is_discarded_that_a_version_needs_or_when_nothing_is_to_be(sender, catalog):
    release = sender.publish("1.0.0")
    orphan = catalog.blobs.put(b"orphan").digest
    catalog.discard(set())
    assert catalog.blobs.has(orphan)
    catalog.discard({orphan, release.manifest_digest, sha256(b"never there")})
    assert not catalog.blobs.has(orphan)
    assert catalog.blobs.has(release.manifest_digest)


def test_a_medium_that_fails_is_told(sender, tmp_path, monkeypatch):
    sender.store = Store(LocalBackend(tmp_path / "store"))
    sender.publish("1.0.0")

    def fail(_key):
        raise StorageError("Input/output error")

    catalog = Store(LocalBackend(tmp_path / "store"))._catalog
    monkeypatch.setattr(catalog._references, "get", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        catalog.versions(NAME)
    monkeypatch.undo()
    assert catalog.versions(NAME) == ["1.0.0"]


def test_a_statement_that_is_not_the_reference_s_is_noticed(sender, catalog):
    one, two = sender.publish("1.0.0"), sender.publish("1.1.0")
    record = catalog.record(NAME, "1.0.0")
    lying = VersionRecord(
        identity=two.identity, sequence=1, manifest=record.manifest, referrers=record.referrers
    )
    catalog.add_version(NAME, "3.0.0", lying)
    with pytest.raises(DigestMismatchError):
        open_release(catalog, Reference(NAME, version="3.0.0"))
    assert one.identity == record.identity
