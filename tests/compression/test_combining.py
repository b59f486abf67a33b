"""Stages of candidates are combined: the best with one of each other stage, in the order of the stages."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from maas_sdk.compression import Budget, Candidate, compress
from maas_sdk.errors import InvalidOptionError


class Sized(ClassifierMixin, BaseEstimator):
    """Is wrong on a share of the rows, which are numbered, and has a size and a history."""

    classes_ = np.array([0, 1])

    def __init__(self, size, wrong=0.0, history=()):
        self.size, self.wrong, self.history = size, wrong, history

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return (X[:, 0] >= self.wrong).astype(int)


class Shrink:
    """Makes a model smaller, and wrong on a larger share of the rows."""

    needs_training_data = False

    def __init__(self, name, by, wrong=0.0):
        self.name, self.by, self.wrong = name, by, wrong
        self.calls = 0

    def supports(self, chain):
        return True

    def compress(self, chain, X=None, y=None):
        self.calls += 1
        model = chain[-1]
        history = (*model.history, self.name)
        return Pipeline([("model", Sized(model.size * self.by, model.wrong + self.wrong, history))])


class Grow(Shrink):
    """Needs training data."""

    needs_training_data = True


def search(stages, *, max_drop=0.1, **options):
    def offered(compressors):
        return [Candidate(each.name, each) for each in compressors]

    given = (
        {stage: offered(each) for stage, each in stages.items()}
        if isinstance(stages, dict)
        else offered(stages)
    )
    return compress(
        Pipeline([("model", Sized(1000.0))]),
        np.linspace(0, 1, 400)[:, np.newaxis],
        np.ones(400, dtype=int),
        budget=Budget(max_drop=max_drop),
        candidates=given,
        measure_size=lambda chain: round(chain[-1].size),
        **options,
    )


def names(report):
    return [result.name for result in report.results]


def test_the_best_of_each_stage_are_combined_in_the_order_of_the_stages():
    cut, thin, half, packed = (
        Shrink("cut", 0.5, 0.01),
        Shrink("thin", 0.6),
        Shrink("half", 0.5),
        Shrink("pack", 0.9),
    )
    report = search({"structure": [cut, thin], "weights": [half], "storage": [packed]})
    assert report.chosen.name == "cut + half + pack"
    assert report.chain[-1].history == ("cut", "half", "pack")
    assert report.chosen.size == 225
    assert report.compressors == (cut, half, packed)


def test_of_one_stage_there_is_never_more_than_one():
    report = search({"weights": [Shrink("a", 0.5), Shrink("b", 0.6)], "storage": [Shrink("c", 0.9)]})
    assert names(report) == ["original", "a", "b", "c", "a + c"]


def test_what_loses_too_much_alone_is_not_combined():
    report = search({"structure": [Shrink("bad", 0.1, 0.5)], "weights": [Shrink("good", 0.5)]})
    assert names(report) == ["original", "bad", "good"]


def test_what_makes_it_larger_alone_is_not_added():
    report = search({"structure": [Shrink("large", 1.5)], "weights": [Shrink("good", 0.5)]})
    assert names(report) == ["original", "large", "good"]


def test_a_combination_may_lose_too_much_where_its_parts_do_not():
    report = search(
        {"structure": [Shrink("a", 0.5, 0.03)], "weights": [Shrink("b", 0.5, 0.04)]}, max_drop=0.06
    )
    assert names(report)[-1] == "a + b"
    assert report.results[-1].status == "over budget"
    assert len(report.compressors) < 2


def test_what_the_first_compressors_of_a_combination_gave_is_not_made_again():
    first, second, third = Shrink("a", 0.5), Shrink("b", 0.5), Shrink("c", 0.5)
    report = search({"1": [first], "2": [second], "3": [third]})
    assert report.chosen.name == "a + b + c"
    assert first.calls == 1


def test_a_sequence_is_tried_as_it_is():
    report = search([Shrink("a", 0.5), Shrink("b", 0.6)])
    assert names(report) == ["original", "a", "b"]
    assert report.chosen.name == "a"


def test_those_that_learn_nothing_are_tried_first():
    data = {"X_train": np.zeros((4, 1)), "y_train": np.array([0, 1, 0, 1])}
    report = search({"inputs": [Grow("slow", 2.0)], "weights": [Shrink("quick", 2.0)]}, **data)
    assert names(report) == ["original", "baseline(linear)", "baseline(smaller)", "quick", "slow"]


def test_without_training_data_there_is_no_baseline_and_what_needs_some_is_not_supported():
    report = search({"inputs": [Grow("slow", 0.5)]})
    assert [(each.name, each.status) for each in report.results[1:]] == [("slow", "not supported")]


def test_the_front_has_those_than_which_none_is_smaller_and_better():
    report = search([Shrink("good", 0.5, 0.01), Shrink("worse", 0.6, 0.02), Shrink("small", 0.1, 0.5)])
    assert [result.name for result in report.front] == ["small", "good", "original"]


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ({"a": ["float16"]}, "float16"),
        ({1: []}, "names of stages must be strings"),
        ({"a": [Candidate("x", Shrink("x", 1))], "b": [Candidate("x", Shrink("x", 1))]}, "more than once: x"),
    ],
    ids=["a name", "no stage", "twice"],
)
def test_stages_that_are_none_are_refused(candidates, message):
    with pytest.raises(InvalidOptionError, match=message):
        compress(
            Pipeline([("model", Sized(1))]),
            np.zeros((8, 1)),
            np.ones(8),
            budget=Budget(),
            candidates=candidates,
            measure_size=lambda _: 1,
        )
