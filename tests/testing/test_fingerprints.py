"""The digest that tells whether something changed."""

import threading

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from maas_sdk.testing._fingerprints import fingerprint


class Box:
    def __init__(self, content):
        self.content = content


PAIRS = [
    (1, 2),
    (1, 1.0),
    (1, True),
    ("a", b"a"),
    ([1, 2], (1, 2)),
    ([1, [2]], [1, 2]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({1, 2}, {1, 3}),
    (frozenset("a"), frozenset("b")),
    (np.zeros(2), np.zeros(3)),
    (np.zeros(2), np.zeros(2, np.float32)),
    (np.zeros((2, 1)), np.zeros((1, 2))),
    (np.array(["a", None], object), np.array(["b", None], object)),
    (np.random.RandomState(1), np.random.RandomState(2)),
    (np.float32(1), np.float32(2)),
    (len, max),
    (int, float),
    (Box([1]), Box([2])),
]


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_different_things_differ_and_a_thing_is_itself(left, right):
    assert fingerprint(left) != fingerprint(right)
    assert fingerprint(left) == fingerprint(left)


def test_a_change_deep_inside_shows():
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2
    forest = RandomForestClassifier(3, random_state=0).fit(X, y)
    before = fingerprint(forest)
    forest.predict(X)
    assert fingerprint(forest) == before
    forest.estimators_[1].tree_.threshold[0] += 1.0
    assert fingerprint(forest) != before


def test_cycles_end_and_what_has_no_state_counts_by_its_type():
    box = Box(None)
    box.content = [box, threading.Lock()]
    assert fingerprint(box) == fingerprint(box)
    assert fingerprint(threading.Lock()) != fingerprint(threading.Event())


def test_what_refuses_to_be_taken_apart_counts_by_its_type():
    class Closed:
        def __getstate__(self):
            raise TypeError("closed")

    assert fingerprint(Closed()) == fingerprint(Closed())
