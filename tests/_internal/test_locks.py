"""A lock file that one holds at a time."""

import os
import subprocess
import sys
import threading
import time

import pytest

from maas_sdk._internal.flock import try_lock
from maas_sdk._internal.locks import locked
from maas_sdk.errors import NotFoundError

HOLD = """
import sys, time
from pathlib import Path
from maas_sdk._internal.flock import try_lock
from maas_sdk._internal.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_threads_take_turns(tmp_path):
    inside, overlaps = [], []

    def work():
        for _ in range(20):
            with locked(tmp_path / "lock"):
                inside.append(1)
                overlaps.append(len(inside) > 1)
                time.sleep(0)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(overlaps) == 160
    assert not any(overlaps)


def test_a_process_waits_for_another_and_a_killed_one_gives_the_lock_back(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "held\n"
        entered = threading.Event()

        def work():
            with locked(tmp_path / "lock"):
                entered.set()

        thread = threading.Thread(target=work)
        thread.start()
        assert not entered.wait(0.1)
        child.kill()
        thread.join()
        assert entered.is_set()


def test_an_exception_in_the_block_gives_the_lock_back(tmp_path):
    with pytest.raises(ValueError, match="x"), locked(tmp_path / "lock"):
        raise ValueError("x")
    with locked(tmp_path / "lock"):
        pass


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="locking"), locked(tmp_path / "nowhere" / "lock"):
        pytest.fail("the block must not run")


def test_who_comes_second_may_be_told_instead_of_waiting(tmp_path):
    first, second = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert try_lock(first)
    assert not try_lock(second)
    os.close(first)
    assert try_lock(second)
    os.close(second)
    assert not try_lock(second)
