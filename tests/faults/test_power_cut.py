"""The power fails, and the medium keeps what was synced: nothing half, nothing lost, nothing forgotten."""

import os
import random
import shutil

import children
import pytest
from disk import ALL, NONE, Disk, Record, write_out
from rounds import choose, how_often
from scenes import SCENES
from setting import IGNORED
from watched import tree


def record(scene, template, folder, people):
    """Run an operation, and give the disk with the journal of its changes."""
    scene.copy(template, folder)
    journal = folder.with_suffix(".journal")
    journal.unlink(missing_ok=True)
    outcome = children.run(
        lambda: scene.act(folder, people), root=folder, hook=Record(journal, ignore=IGNORED)
    )
    assert not outcome.error, outcome.message
    return Disk(template, journal), outcome.value


def spoil_index(folder, choice):
    """Leave of the index what a power cut may leave: the old one, none, half of it, or noise."""
    for path in (folder / "store").glob("index.sqlite*"):
        if choice == NONE:
            path.unlink()
        elif choice == 0:
            os.truncate(path, path.stat().st_size // 2)
        elif choice == 1:
            path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def without_ignored(found):
    return {where: content for where, content in found.items() if not where.endswith(IGNORED)}


@pytest.mark.parametrize("name", SCENES)
def test_the_journal_says_all_that_happened(name, templates, workplace, people):
    folder = workplace / f"journal-{name}"
    disk, _ = record(SCENES[name], templates(name), folder, people)
    assert without_ignored(disk.state(len(disk), ALL)) == without_ignored(tree(folder))


@how_often
@pytest.mark.parametrize("name", SCENES)
def test_whatever_was_not_synced_may_be_missing(name, rounds, templates, workplace, people):
    scene = SCENES[name]
    disk, value = record(scene, templates(name), workplace / f"cut-{name}", people)
    folder = workplace / f"crash-{name}"
    seeds = range(3)
    cases = [(length, choice) for length in range(len(disk) + 1) for choice in (NONE, ALL, *seeds)]
    seen = set()
    for length, choice in choose(cases, 4 * rounds) if len(cases) > 4 * rounds else cases:
        state = disk.state(length, choice)
        key = (hash(frozenset(state.items())), length == len(disk))
        if key in seen:
            continue
        seen.add(key)
        shutil.rmtree(folder, ignore_errors=True)
        write_out(state, folder)
        spoil_index(folder, choice)
        scene.check(folder, people)
        assert scene.act(folder, people) == value, (length, choice)
        scene.done(folder, people)
    assert len(seen) > 3


@pytest.mark.parametrize("name", SCENES)
def test_what_had_returned_is_there_whatever_was_not_synced(name, templates, workplace, people):
    scene = SCENES[name]
    disk, _ = record(scene, templates(name), workplace / f"done-{name}", people)
    folder = workplace / f"durable-{name}"
    for choice in (NONE, ALL, *range(8)):
        shutil.rmtree(folder, ignore_errors=True)
        write_out(disk.state(len(disk), choice), folder)
        scene.check(folder, people)
        scene.kept(folder, people)


def test_the_model_loses_what_is_not_synced(workplace):
    """What nobody synced is gone with NONE, and there with ALL; without this the tests could see nothing."""
    template = workplace / "nothing"
    template.mkdir()
    (template / "kept").write_bytes(b"old")
    folder = workplace / "unsynced"
    shutil.copytree(template, folder)

    def act():
        for name in ("a", "b"):
            with (folder / name).open("wb") as file:
                file.write(b"bytes")
                file.flush()
                if name == "b":
                    os.fsync(file.fileno())
        descriptor = os.open(folder, os.O_RDONLY)
        (folder / "c").mkdir()
        os.fsync(descriptor)
        (folder / "b").rename(folder / "d")
        (folder / "kept").unlink()

    journal = workplace / "unsynced.journal"
    assert not children.run(act, root=folder, hook=Record(journal)).error
    disk = Disk(template, journal)
    assert disk.state(len(disk), NONE) == {"a": b"", "b": b"bytes", "c": None, "kept": b"old"}
    assert disk.state(len(disk), ALL) == tree(folder) == {"a": b"bytes", "c": None, "d": b"bytes"}
    assert disk.state(3, NONE) == {"kept": b"old"}
    states = [disk.state(len(disk), seed) for seed in range(50)]
    assert {len(state["a"]) for state in states} == set(range(6))
    assert {"b" in state for state in states} == {"kept" in state for state in states} == {True, False}
