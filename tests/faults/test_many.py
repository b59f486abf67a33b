"""Thirty-two processes on one store at once: one version has one winner, and nothing of anybody is lost."""

import contextlib
import os
from datetime import timedelta

import children
import pytest
from setting import NAME, NOW, PARTS, store_of

from maas_sdk.artifact import Store
from maas_sdk.errors import BusyError, VersionExistsError
from maas_sdk.storage import LocalBackend
from maas_sdk.trust import Trust

PROCESSES = 32


def together(functions):
    """Run each function in a process of its own, all let go at the same moment; give the outcomes."""
    gate, opener = os.pipe()

    def waiting(function):
        os.close(opener)
        os.read(gate, 1)  # ends when the last writer is gone
        return function()

    started = [children.start(lambda function=function: waiting(function)) for function in functions]
    os.close(opener)
    os.close(gate)
    return [child() for child in started]


@pytest.fixture
def folder(workplace, request):
    path = workplace / f"many-{request.node.name[:60]}"
    (path / "store").mkdir(parents=True)
    return path


def publish(folder, people, version, card, *, recipients=()):
    return store_of(folder).publish(
        {"card.md": card, "model.json": b"{}"},
        name=NAME, version=version, signers=[people.acme.signer], recipients=recipients, created=NOW,
    )  # fmt: skip


def test_of_many_that_publish_one_version_one_wins_and_the_others_are_told(folder, people):
    def act(number):
        return publish(folder, people, "1.0.0", b"%d" % number, recipients=[people.globex.public]).identity

    outcomes = together([lambda number=number: act(number) for number in range(PROCESSES)])
    winners = [outcome for outcome in outcomes if not outcome.error]
    assert len(winners) == 1, [outcome.message for outcome in outcomes][:3]
    assert all(outcome.is_a(VersionExistsError) for outcome in outcomes if outcome.error)
    assert all("1.0.0" in outcome.message for outcome in outcomes if outcome.error)
    release = store_of(folder).open(f"{NAME}@1.0.0")
    assert release.identity == winners[0].value
    assert release.verify(people.policy(), recipient=people.globex, now=NOW).passed
    number = outcomes.index(winners[0])
    assert release.read_parts(identity=people.globex)["card.md"] == b"%d" % number


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_many_that_publish_the_same_are_all_given_the_same(folder, people, sealed):
    recipients = [people.globex.public] if sealed else []
    outcomes = together(
        [lambda: publish(folder, people, "1.0.0", b"same", recipients=recipients).identity] * PROCESSES
    )
    assert {outcome.message for outcome in outcomes} == {""}
    release = store_of(folder).open(NAME)
    assert {outcome.value for outcome in outcomes} == {release.identity}
    assert release.read_parts(identity=people.globex if sealed else None)["card.md"] == b"same"


def check_all(folder, people, outcomes):
    assert {outcome.message for outcome in outcomes} == {""}
    store = store_of(folder)
    versions = [f"1.{number}.0" for number in range(PROCESSES)]
    assert store.versions(NAME) == versions
    releases = [store.open(f"{NAME}@{version}") for version in versions]
    assert len({release.sequence for release in releases}) == PROCESSES
    by_sequence = sorted(releases, key=lambda release: release.sequence)
    earlier = {None}
    for release in by_sequence:
        assert release.previous in earlier
        earlier.add(release.identity)
    for number, release in enumerate(releases):
        assert release.verify(people.policy(require_sealed=False), now=NOW).passed
        assert release.read_parts()["card.md"] == b"%d" % number


def test_many_that_publish_versions_of_their_own_get_numbers_of_their_own(folder, people):
    outcomes = together(
        [
            lambda number=number: publish(folder, people, f"1.{number}.0", b"%d" % number).version
            for number in range(PROCESSES)
        ]
    )
    check_all(folder, people, outcomes)


def collecting(folder):
    """Collect garbage again and again, without grace, until a file says that it is enough."""
    store = store_of(folder)
    done = 0
    while not (folder / "enough").exists():
        with contextlib.suppress(BusyError):
            store.gc(delete=True, grace=timedelta(0))
            done += 1
    store.gc(delete=True, grace=timedelta(0))
    return done


def test_nothing_is_lost_while_garbage_is_collected_all_the_time(folder, people):
    store_of(folder)._catalog.blobs.put(b"nobody's")
    collector = children.start(lambda: collecting(folder))
    outcomes = together(
        [
            lambda number=number: publish(folder, people, f"1.{number}.0", b"%d" % number).version
            for number in range(PROCESSES)
        ]
    )
    (folder / "enough").touch()
    collected = collector()
    assert not collected.error, collected.message
    assert collected.value > 1
    check_all(folder, people, outcomes)
    store = store_of(folder)
    assert store.gc(grace=timedelta(0)).orphans == ()
    assert store.fsck().ok


def test_of_many_that_import_one_bundle_all_have_it(folder, people):
    sender = folder / "sender"
    release = Store(LocalBackend(sender)).publish(
        PARTS["1.0.0"], name=NAME, version="1.0.0", signers=[people.acme.signer],
        recipients=[people.globex.public], created=NOW,
    )  # fmt: skip
    path = release.export(folder / "digits.maas")
    Trust.create(folder / "trust", policy=people.policy())

    def act():
        trust = Trust.open(folder / "trust")
        return store_of(folder).import_bundle(path, trust=trust, first_use=[NAME], now=NOW).identity

    outcomes = together([act] * PROCESSES)
    assert {outcome.message for outcome in outcomes} == {""}
    assert {outcome.value for outcome in outcomes} == {release.identity}
    assert store_of(folder).open(NAME).read_parts(identity=people.globex) == PARTS["1.0.0"]
    log = Trust.open(folder / "trust").audit
    assert log.check().ok
    assert [entry.outcome for entry in log.entries()] == ["done"] * PROCESSES


def test_many_that_move_one_alias_give_each_move_a_number_of_its_own(folder, people):
    store = store_of(folder)
    for number in range(4):
        publish(folder, people, f"1.{number}.0", b"%d" % number)

    def act(number):
        reference = f"{NAME}@1.{number % 4}.0"
        return store_of(folder).set_alias("stable", reference, signers=[people.acme.signer]).generation

    outcomes = together([lambda number=number: act(number) for number in range(PROCESSES)])
    assert {outcome.message for outcome in outcomes} == {""}
    highest = max(outcome.value for outcome in outcomes)
    assert store.aliases(NAME)["stable"].generation == highest
    assert store.open(f"{NAME}@stable").version.startswith("1.")
