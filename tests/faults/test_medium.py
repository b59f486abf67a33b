"""A medium that is full, broken, write-protected or gone: the error says so, and all else is as it was."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import children
import pytest
from rounds import HANDFUL, choose, how_often
from scenes import SCENES
from setting import LEFTOVER
from watched import CHANGES, GROWTH, READS, tree

from maas_sdk.errors import RefusedError, StorageError, StorageFullError, TrustStateError

FAULTS = {
    "full": (errno.ENOSPC, {"half": True, "for_ever": GROWTH}),
    "full for a moment": (errno.ENOSPC, {"half": True}),
    "over quota": (errno.EDQUOT, {"for_ever": GROWTH}),
    "broken": (errno.EIO, {}),
    "write-protected": (errno.EROFS, {"for_ever": CHANGES}),
    "gone": (errno.ENODEV, {"for_ever": CHANGES + READS}),
}
CLEANS_UP = ("full", "full for a moment", "over quota", "broken")
"""Faults that leave removing possible."""


@how_often
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", SCENES)
def test_a_medium_that_fails_at_any_write_is_told_and_everything_is_whole(
    name, fault, rounds, templates, workplace, people
):
    scene = SCENES[name]
    folder = workplace / f"medium-{name}"
    scene.copy(templates(name), folder)
    whole = children.run(lambda: scene.act(folder, people), root=folder, hook=children.Count())
    assert not whole.error, whole.message
    number_of_error, options = FAULTS[fault]
    told = 0
    for number in numbers_of(whole.calls, fault, rounds):
        kind, path = whole.calls[number]
        scene.copy(templates(name), folder)
        hook = children.Fail(number, number_of_error, **options)
        outcome = children.run(lambda: scene.act(folder, people), root=folder, hook=hook)
        if outcome.error:
            told += 1
            check_error(outcome, number_of_error, (number, kind, path))
        else:
            # Only what tidies up, gives a lease back, feeds the index or makes a folder that is there may
            # fail without a word. Who may not write to a store is not in its log, and an error, such as that
            # volumes are still missing, is told before that of the log.
            assert outcome.value == whole.value, number
            removal = kind == "sync" and whole.calls[number - 1][0] == "unlink"
            silent = removal or kind in ("unlink", "rmdir", "mkdir", "sql")
            unlogged = "audit" in path and (fault == "write-protected" or name == "import of volumes")
            # Pieces of a layer that is whole now are removed under a lease, or stay for gc.
            tidying = name == "import of volumes" and path.startswith(("store/leases", "store/.incoming"))
            assert silent or unlogged or tidying, (number, kind, path)
        if fault in CLEANS_UP and kind not in ("unlink", "rmdir"):
            assert leftovers(folder) == [], (number, kind, path)
        scene.check(folder, people)
        assert scene.act(folder, people) == whole.value, number
        scene.done(folder, people)
    scene.clean(folder, people)
    assert told


def leftovers(folder):
    """Find temporary files and folders outside the store, which collects its own."""
    return [
        where
        for where in tree(folder)
        if not where.startswith("store/") and LEFTOVER.fullmatch(Path(where).name)
    ]


def numbers_of(calls, fault, rounds):
    """Give the numbers of the calls that fail: all, or a few, each time others."""
    if rounds > HANDFUL:
        return choose(range(len(calls)), min(rounds, len(calls)))
    at = list(FAULTS).index(fault) + 1
    few = [number for number, (kind, _) in enumerate(calls) if kind not in ("sql", "unlink")]
    return few[at :: max(1, len(few) // 3)]


def check_error(outcome, number, where):
    # What is remembered cannot be read: that has an error of its own.
    assert outcome.is_a(StorageError) or outcome.is_a(TrustStateError), (
        where,
        outcome.error,
        outcome.message,
    )
    assert os.strerror(number) in outcome.message, (where, outcome.message)
    if number in (errno.ENOSPC, errno.EDQUOT):
        assert outcome.is_a(StorageFullError), (where, outcome.message)
        assert "free some space" in outcome.message


@pytest.mark.parametrize("error", [errno.EIO, errno.ENODEV])
def test_a_stick_pulled_out_while_a_bundle_is_read_is_told_and_the_next_run_goes_on(
    error, templates, workplace, people
):
    scene = SCENES["import"]
    folder = workplace / "stick"
    for reads in range(200):
        scene.copy(templates("import"), folder)
        hook = children.FailRead("in/1.0.0.maas", reads, error)
        outcome = children.run(lambda: scene.act(folder, people), root=folder, hook=hook)
        if not outcome.error:
            break
        check_error(outcome, error, reads)
        assert "1.0.0.maas" in outcome.message
        scene.check(folder, people)
        scene.act(folder, people)
        scene.done(folder, people)
    assert reads > 5


@pytest.mark.parametrize("how", ["cut off", "emptied", "removed", "altered"])
def test_a_bundle_that_is_altered_while_it_is_read_is_not_taken_for_whole(how, templates, workplace, people):
    scene = SCENES["import"]
    folder = workplace / "altered"
    path = folder / "in" / "1.0.0.maas"
    truncate, unlink, plain = os.truncate, os.unlink, open  # as they are before they are watched

    def deed():
        size = path.stat().st_size
        if how == "removed":
            unlink(path)
        elif how == "altered":
            with plain(path, "r+b") as file:
                file.seek(size - 2048)
                file.write(b"evil")
        else:
            truncate(path, size - 2048 if how == "cut off" else 0)

    outcomes = []
    for number in (1, 4, 8, 14, 20, 26, 32, 35, 38, 40):
        scene.copy(templates("import"), folder)
        good = path.read_bytes()
        hook = children.OnRead("in/1.0.0.maas", number, deed)
        outcomes.append(children.run(lambda: scene.act(folder, people), root=folder, hook=hook))
        if outcomes[-1].error:
            assert outcomes[-1].is_a(StorageError) or outcomes[-1].is_a(RefusedError), outcomes[-1].message
        scene.check(folder, people)
        path.write_bytes(good)
        scene.act(folder, people)
        scene.done(folder, people)
    # A name that is gone is no harm, once the file is open.
    assert any(outcome.error for outcome in outcomes) != (how == "removed")


@pytest.mark.parametrize("name", ["export", "export of volumes", "unpack", "reseal"])
def test_a_store_that_goes_away_while_it_is_read_is_told(name, templates, workplace, people):
    scene = SCENES[name]
    folder = workplace / f"away-{name}"
    scene.copy(templates(name), folder)
    whole = children.run(lambda: scene.act(folder, people))
    told = 0
    for reads in (0, 1, 2, 3, 5, 8, 13, 21):
        scene.copy(templates(name), folder)
        hook = children.FailRead("store/blobs/", reads, errno.EIO)
        outcome = children.run(lambda: scene.act(folder, people), root=folder, hook=hook)
        if outcome.error:
            told += 1
            check_error(outcome, errno.EIO, reads)
            assert leftovers(folder) == []
        scene.check(folder, people)
        assert scene.act(folder, people) == whole.value
        scene.done(folder, people)
    assert told > 3


@pytest.fixture
def small_medium(workplace):
    """Give what mounts a small file system of its own, which only root may."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    mounted = []

    def mount(size):
        folder = workplace / f"medium-{len(mounted)}"
        folder.mkdir(exist_ok=True)
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False
        ).returncode:
            pytest.skip("no file system can be mounted here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.mark.parametrize("name", SCENES)
def test_on_a_full_file_system_the_error_says_so_and_everything_is_whole(
    name, small_medium, templates, people
):
    scene = SCENES[name]
    medium = small_medium("8m")
    folder = medium / "all"
    scene.copy(templates(name), folder)
    full = medium / "full"
    told = 0
    for left in (0, 4, 8, 16, 32, 64, 128, 256):  # in KiB; 4 of them are a page
        fill(full, left * 1024)
        outcome = children.run(lambda: scene.act(folder, people))
        full.unlink()
        if outcome.error:
            told += 1
            check_error(outcome, errno.ENOSPC, left)
        scene.check(folder, people)
        if not outcome.error:
            break
    assert told
    scene.act(folder, people)
    scene.done(folder, people)


def fill(path, left):
    """Take the space of a medium but for `left` bytes."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as exc:
            assert exc.errno == errno.ENOSPC  # noqa: PT017 - how the loop ends
        file.truncate(file.tell() - left)


@pytest.mark.parametrize("name", SCENES)
def test_on_a_write_protected_file_system_the_error_says_so(name, small_medium, templates, people):
    scene = SCENES[name]
    medium = small_medium("8m")
    folder = medium / "all"
    scene.copy(templates(name), folder)
    subprocess.run(["mount", "-o", "remount,ro", medium], check=True)
    outcome = children.run(lambda: scene.act(folder, people))
    check_error(outcome, errno.EROFS, name)
    scene.check(folder, people)
    subprocess.run(["mount", "-o", "remount,rw", medium], check=True)
    scene.act(folder, people)
    scene.done(folder, people)


def test_a_store_on_a_write_protected_medium_can_be_read_and_exported_from(
    small_medium, templates, workplace, people
):
    scene = SCENES["export"]
    medium = small_medium("8m")
    scene.copy(templates("export"), medium / "all")
    subprocess.run(["mount", "-o", "remount,ro", medium], check=True)
    scene.check(medium / "all", people)
    from setting import NAME, store_of

    path = store_of(medium / "all").open(f"{NAME}@1.0.0").export(workplace / "elsewhere.maas")
    assert path.stat().st_size > 0


def test_a_store_that_vanished_is_told_from_an_empty_one(small_medium, templates, people):
    scene = SCENES["publish"]
    medium = small_medium("8m")
    scene.copy(templates("publish"), medium / "all")
    from setting import NAME, store_of

    store = store_of(medium / "all")
    subprocess.run(["umount", "-l", medium], check=True)
    for use in (store.names, lambda: store.open(NAME)):
        with pytest.raises(StorageError):
            use()
    shutil.rmtree(medium)
