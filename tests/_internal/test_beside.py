"""What a killed process leaves beside a target goes with the next run, and nothing else does."""

import os
import subprocess
import sys
import time

import pytest

from maas_sdk._internal.beside import guarded, temporary_beside
from maas_sdk._internal.files import atomic_file

OLD = time.time() - 3600


def leave(target, *, folder=False, age=OLD):
    """Leave something as a killed process does."""
    path = temporary_beside(target)
    if folder:
        path.mkdir()
        (path / "part").write_bytes(b"half")
    else:
        path.write_bytes(b"half")
    os.utime(path, (age, age))
    return path


@pytest.mark.parametrize("folder", [False, True])
def test_what_is_old_and_nobodys_is_removed(tmp_path, folder):
    left = leave(tmp_path / "a.maas", folder=folder)
    with atomic_file(tmp_path / "a.maas") as file:
        file.write(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.maas"]
    assert not left.exists()


def test_what_is_young_or_of_another_target_stays(tmp_path):
    young = leave(tmp_path / "a.maas", age=time.time())
    other = leave(tmp_path / "b.maas")
    alike = tmp_path / ".a.maas.notes.tmp"
    alike.write_bytes(b"somebody's")
    os.utime(alike, (OLD, OLD))
    link = tmp_path / ".a.maas.0123456789abcdef.tmp"
    link.symlink_to(alike)
    temporary_beside(tmp_path / "a.maas")
    assert {young, other, alike, link} <= set(tmp_path.iterdir())


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.skipif(os.name != "posix", reason="the locks of POSIX systems")
def test_what_somebody_is_filling_stays_however_long_it_takes(tmp_path, folder):
    left = leave(tmp_path / "a.maas", folder=folder)
    with guarded(left):
        temporary_beside(tmp_path / "a.maas")
        assert left.exists()
    temporary_beside(tmp_path / "a.maas")
    assert not left.exists()


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_a_killed_writer_s_file_goes_with_the_next_export(tmp_path):
    script = (
        "import os, signal, sys, pathlib\n"
        "from maas_sdk._internal.files import atomic_file\n"
        "with atomic_file(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.maas")], check=False)
    (left,) = tmp_path.iterdir()
    os.utime(left, (OLD, OLD))
    with atomic_file(tmp_path / "a.maas") as file:
        file.write(b"whole")
    assert (tmp_path / "a.maas").read_bytes() == b"whole"
    assert not left.exists()


def test_a_folder_that_cannot_be_listed_is_no_reason_to_fail(tmp_path):
    assert temporary_beside(tmp_path / "missing" / "a.maas").parent == tmp_path / "missing"
