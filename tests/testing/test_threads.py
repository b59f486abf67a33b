import threading

import pytest

from maas_sdk.testing import _threads


def test_a_call_that_does_not_end_fails_and_says_where(monkeypatch):
    monkeypatch.setattr(_threads, "_PATIENCE", 0.01)
    end = threading.Event()

    def waits_for_ever(index):
        if index == 1:
            end.wait()

    with pytest.raises(AssertionError, match=r"one of 3 calls at once does not end:(.|\n)*waits_for_ever"):
        _threads.at_once(waits_for_ever, 3)
    end.set()


def test_all_results_are_given_in_order_or_the_first_error_is_raised():
    assert _threads.at_once(lambda index: index * index, 4) == [0, 1, 4, 9]
    with pytest.raises(ZeroDivisionError):
        _threads.at_once(lambda index: 1 // (index - 2), 4)
