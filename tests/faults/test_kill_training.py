"""Killed with kill -9 again and again, at any moment, a training comes to the bits of an undisturbed one."""

import multiprocessing
import random
import time

import pytest
import trainings
from rounds import how_often

from maas_sdk.checkpoints import open_checkpoints


@pytest.fixture(scope="module")
def folder(workplace):
    folder = workplace / "training"
    folder.mkdir()
    trainings.write_rows(folder)
    return folder


class Child:
    """A training in a process that was not forked from this one, whose libraries have threads."""

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["maas_sdk.checkpoints", "maas_sdk.learning", "pytest"])

    def __init__(self, name, folder, place):
        self.result = folder / "result"
        self.result.unlink(missing_ok=True)
        started = self.context.Event()
        arguments = (name, folder, place, started, self.result)
        self.process = self.context.Process(target=trainings.train, args=arguments)
        self.process.start()
        assert started.wait(60)
        self.begun = time.monotonic()

    def end(self, after=None):
        """Wait for the end, or strike after so many seconds; give what was learned, or None."""
        self.process.join(after)
        if after is not None:
            self.process.kill()
            self.process.join()
        self.lasted = time.monotonic() - self.begun
        assert self.process.exitcode in (0, -9)
        return self.result.read_text() if self.process.exitcode == 0 else None


@how_often
@pytest.mark.parametrize("name", trainings.TRAININGS)
def test_killed_again_and_again_a_training_comes_to_the_same_bits(name, rounds, folder, workplace):
    if "Parquet" in name:
        pytest.importorskip("pyarrow")
    place = workplace / f"checkpoints-{name.replace(', ', '-')}"
    for _ in range(2):  # the first loads what is loaded late
        child = Child(name, folder, None)
        whole = child.end()
    lasts = child.lasted
    chance = random.Random(name)
    killed = went_on = attempts = 0
    while killed < rounds:
        # A training that came to its end is begun anew: kills are counted, not attempts.
        child = Child(name, folder, place)
        value = child.end(after=chance.uniform(0, 0.7 * lasts))
        if value is None:
            killed += 1
        else:
            assert value == whole
            lasts = min(lasts, child.lasted)
        went_on += open_checkpoints(place).at(name).load() is not None
        attempts += 1
        assert attempts < 20 * rounds
    assert went_on
    assert Child(name, folder, place).end() == whole
    assert open_checkpoints(place).at(name).load() is None
