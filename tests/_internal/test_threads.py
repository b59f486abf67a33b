"""Arithmetic in parts: all of them end, errors and numpy's settings go along."""

import threading

import numpy as np
import pytest

from maas_sdk._internal import threads


def test_all_parts_are_done_and_the_first_in_this_thread():
    done = {}

    def part(number):
        return lambda: done.update({number: threading.get_ident()})

    threads.run_parts([part(number) for number in range(5)])
    assert sorted(done) == list(range(5))
    assert done[0] == threading.get_ident()
    assert done[1] != threading.get_ident()


@pytest.mark.parametrize("broken", [0, 1])
def test_an_error_is_raised_when_all_parts_have_ended(broken):
    started, ended = threading.Event(), []

    def slow():
        started.wait(10)
        ended.append(True)

    def breaks():
        started.set()
        raise ZeroDivisionError

    parts = [slow, slow, slow]
    parts[broken] = breaks
    with pytest.raises(ZeroDivisionError):
        threads.run_parts(parts)
    assert len(ended) == 2


def test_what_numpy_shall_ignore_is_ignored_in_all_parts():
    def overflow():
        np.multiply(np.full(3, 1e300), 1e300)

    with np.errstate(over="ignore"):
        threads.run_parts([overflow, overflow])
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        threads.run_parts([lambda: None, overflow])


def test_without_another_thread_this_one_does_it_all(monkeypatch):
    class Pool:
        def submit(self, *_):
            raise RuntimeError("can't start new thread")

    done = []
    monkeypatch.setattr(threads, "_pool", Pool)
    threads.run_parts([lambda: done.append(1), lambda: done.append(2)])
    assert done == [1, 2]


@pytest.mark.parametrize(
    ("asked", "expected"), [("1", 1), (" 2,4", 2), ("", 3), ("0", 3), ("many", 3), ("99999999999", 3)]
)
def test_as_many_threads_as_there_are_processors_or_as_openmp_may_have(monkeypatch, asked, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert threads.most_threads.__wrapped__() == expected
