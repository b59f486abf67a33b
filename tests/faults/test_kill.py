"""Killed with kill -9 at any write: no half version, no lost version, and the next run heals."""

import os
import random
import signal
import time

import children
import pytest
from rounds import choose, how_often
from scenes import SCENES

WHERE = ("before", "middle", "after")


def places(calls):
    """Give every place where a process can be killed: before and after each call, and within each write."""
    return [
        (number, where)
        for number, (kind, _) in enumerate(calls)
        for where in WHERE
        if where != "middle" or kind == "write"
    ]


@how_often
@pytest.mark.parametrize("name", SCENES)
def test_killed_at_any_write_everything_is_whole_and_the_next_run_heals(
    name, rounds, templates, workplace, people
):
    scene = SCENES[name]
    folder = workplace / f"kill-{name}"
    scene.copy(templates(name), folder)
    whole = children.run(lambda: scene.act(folder, people), root=folder, hook=children.Count())
    assert not whole.error, whole.message
    scene.done(folder, people)
    killed = 0
    for turn, (number, where) in enumerate(choose(places(whole.calls), rounds)):
        scene.copy(templates(name), folder)
        outcome = children.run(
            lambda: scene.act(folder, people), root=folder, hook=children.Kill(number, where)
        )
        killed += outcome.killed
        assert outcome.killed or outcome.value == whole.value
        scene.check(folder, people)
        again = scene.act(folder, people)
        assert again == whole.value, (number, where)
        scene.check(folder, people)
        scene.done(folder, people)
        if turn % 3 == 0:
            scene.clean(folder, people)
    assert killed == rounds


@how_often
@pytest.mark.parametrize("name", SCENES)
def test_killed_at_any_moment_everything_is_whole_and_the_next_run_heals(
    name, rounds, templates, workplace, people
):
    """At moments that no list of calls has: within SQLite, while bytes are hashed or encrypted."""
    scene = SCENES[name]
    folder = scene.copy(templates(name), workplace / f"moment-{name}")
    begin = time.monotonic()
    whole = children.run(lambda: scene.act(folder, people))
    lasts = time.monotonic() - begin
    generator = random.Random(7)
    for _ in range(rounds):
        scene.copy(templates(name), folder)
        child = children.start(lambda: scene.act(folder, people))
        time.sleep(generator.uniform(0, lasts))  # whenever that is, the same must hold
        os.kill(child.number, signal.SIGKILL)
        outcome = child()
        assert outcome.killed or outcome.value == whole.value
        scene.check(folder, people)
        assert scene.act(folder, people) == whole.value
        scene.done(folder, people)
    scene.clean(folder, people)


@how_often
@pytest.mark.parametrize("name", SCENES)
def test_killed_again_and_again_it_gets_there_in_the_end(name, rounds, templates, workplace, people):
    scene = SCENES[name]
    folder = scene.copy(templates(name), workplace / f"again-{name}")
    generator = random.Random(5)
    for _ in range(rounds):
        hook = children.Kill(generator.randrange(40), generator.choice(WHERE))
        children.run(lambda: scene.act(folder, people), root=folder, hook=hook)
        scene.check(folder, people)
    scene.act(folder, people)
    scene.done(folder, people)
    scene.clean(folder, people)
