"""One operation is held at a write, another one runs from beginning to end, and the first goes on."""

import contextlib
import os
from datetime import timedelta

import children
import pytest
from rounds import choose, how_often
from scenes import SCENES
from setting import PARTS, publish, store_of
from watched import CHANGES, Hook

from maas_sdk.errors import BusyError, VersionExistsError


class Hold(Hook):
    """Stops before call number `number` until it may go on; tells that it has stopped."""

    def __init__(self, number):
        self.number = number
        self.calls = []
        self.reached, self.tell = os.pipe()
        self.wait, self.go = os.pipe()

    def before(self, call):
        if call.kind in CHANGES and call.number == self.number:
            os.write(self.tell, b"x")
            os.read(self.wait, 1)


@contextlib.contextmanager
def held(function, folder, number):
    """Run `function` in a child up to a call; what is given lets it go on and gives its outcome."""
    hook = Hold(number)
    child = children.start(function, root=folder, hook=hook)
    os.close(hook.tell)
    os.read(hook.reached, 1)

    def go_on():
        os.write(hook.go, b"x")
        return child()

    yield go_on
    for descriptor in (hook.reached, hook.wait, hook.go):
        os.close(descriptor)


def places(calls):
    """Give the numbers of the calls at which no lock is held that everybody waits for."""
    return [
        number
        for number, (kind, path) in enumerate(calls)
        if kind != "sql" and "audit" not in path and "trust" not in path
    ]


def collect(root):
    """Collect garbage if that may be done now, and tell whether it might."""
    try:
        store_of(root).gc(delete=True, grace=timedelta(0))
    except BusyError:
        return False
    return True


@how_often
@pytest.mark.parametrize("name", ["publish", "reseal", "notices", "import", "repair"])
def test_garbage_that_is_collected_meanwhile_is_nothing_that_is_needed(
    name, rounds, templates, workplace, people
):
    scene = SCENES[name]
    folder = scene.copy(templates(name), workplace / f"meanwhile-{name}")
    whole = children.run(lambda: scene.act(folder, people), root=folder, hook=children.Count())
    collected = []
    every = places(whole.calls)
    for number in choose(every, min(2 * rounds, len(every))):
        scene.copy(templates(name), folder)
        with held(lambda: scene.act(folder, people), folder, number) as go_on:
            collected.append(collect(folder))
            outcome = go_on()
        assert not outcome.error, (number, whole.calls[number], outcome.message)
        assert outcome.value == whole.value
        scene.check(folder, people)
        scene.done(folder, people)
    assert collected[0]  # before its lease nothing stands in the way, and then something does
    assert not all(collected) or name == "notices"


@how_often
def test_what_is_published_while_garbage_is_collected_is_whole(rounds, templates, workplace, people):
    scene = SCENES["gc"]
    folder = scene.copy(templates("gc"), workplace / "collecting")
    whole = children.run(lambda: scene.act(folder, people), root=folder, hook=children.Count())
    every = places(whole.calls)
    for number in choose(every, min(rounds, len(every))):
        scene.copy(templates("gc"), folder)
        with held(lambda: scene.act(folder, people), folder, number) as go_on:
            # It may have to wait until the other one goes on.
            publisher = children.start(lambda: publish(folder / "store", people, "2.0.0").version)
            outcome = go_on()
        published = publisher()
        assert (published.value, published.message) == ("2.0.0", ""), number
        assert not outcome.error or outcome.is_a(BusyError), outcome.message
        store = store_of(folder)
        assert store.versions("acme/digits") == ["0.1.0", "1.0.0", "2.0.0"]
        assert store.open("acme/digits@2.0.0").read_parts(identity=people.globex) == PARTS["2.0.0"]
        assert store.fsck().ok


@how_often
def test_of_two_that_publish_one_version_the_second_to_come_is_told(rounds, templates, workplace, people):
    """One is held at a write, and the other one publishes the version with another content."""
    scene = SCENES["publish"]
    folder = scene.copy(templates("publish"), workplace / "racing")
    whole = children.run(lambda: scene.act(folder, people), root=folder, hook=children.Count())
    every = places(whole.calls)
    for number in choose(every, min(rounds, len(every))):
        scene.copy(templates("publish"), folder)
        with held(lambda: scene.act(folder, people), folder, number) as go_on:
            other = children.run(lambda: publish(folder / "store", people, parts=PARTS["2.0.0"]).identity)
            outcome = go_on()
        errors = [each for each in (outcome, other) if each.error]
        assert len(errors) == 1, number
        assert errors[0].is_a(VersionExistsError)
        store = store_of(folder)
        release = store.open("acme/digits@1.0.0")
        assert release.read_parts(identity=people.globex) == PARTS["1.0.0" if other.error else "2.0.0"]
        assert store.fsck().ok
