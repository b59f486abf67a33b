"""Telling whether a process that wrote something is gone."""

import os
import subprocess
import sys

import pytest

from maas_sdk._internal import processes
from maas_sdk._internal.processes import is_gone, this_process

linux = pytest.mark.skipif(sys.platform != "linux", reason="told on Linux only")
CHILD = "from maas_sdk._internal.processes import this_process; print(this_process(), flush=True); input()"


@linux
def test_a_process_is_gone_once_it_ended_and_not_before():
    assert not is_gone(this_process())
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        name = child.stdout.readline().strip()
        assert name
        assert not is_gone(name)
        child.stdin.write("\n")
        child.stdin.close()
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(name)  # it has ended and is still in the table of processes
    assert is_gone(name)


@linux
def test_another_process_under_the_same_number_is_another_one():
    boot, space, number, _ = this_process().split(":")
    assert is_gone(f"{boot}:{space}:{number}:1")


@linux
def test_of_another_machine_boot_or_container_nothing_is_known():
    boot, space, _, started = this_process().split(":")
    assert not is_gone(f"other:{space}:4194305:{started}")
    assert not is_gone(f"{boot}:1:4194305:{started}")
    assert is_gone(f"{boot}:{space}:4194305:{started}")


@pytest.mark.parametrize("text", ["", "x", "a:b:c:d", "a:b:²:d", ":::", "1:2:3:4:5"])
def test_of_other_texts_nothing_is_known(text):
    assert not is_gone(text)


@linux
def test_a_number_that_no_process_can_have_tells_nothing():
    boot, space, _, started = this_process().split(":")
    assert not is_gone(f"{boot}:{space}:{10**30}:{started}")


@linux
def test_a_process_of_somebody_else_is_not_gone(monkeypatch):
    def refuse(_number, _signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not is_gone(this_process())


def test_elsewhere_a_process_has_no_name_and_is_never_gone(monkeypatch):
    here = this_process()
    monkeypatch.setattr(processes.sys, "platform", "plan9")
    assert this_process() == ""
    assert not is_gone(here or "a:b:1:2")
