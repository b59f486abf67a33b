"""What is chosen on some rows is judged on others, and what claims to lose nothing has to prove it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from maas_sdk.compression import (
    Budget,
    Candidate,
    DropTrainingStateCompressor,
    ForestCompactCompressor,
    compress,
)
from maas_sdk.errors import BudgetError, InvalidOptionError

N = 400
SEEN = []  # ids of the rows of each call of the original's predict


class Column(ClassifierMixin, BaseEstimator):
    """Predicts what a column of its input says; the first column numbers the rows."""

    classes_ = np.array([0, 1])

    def __init__(self, column):
        self.column = column

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        if self.column == 1:
            SEEN.append(X[:, 0])
        return X[:, self.column]


class To:
    """Compresses to another column; the higher its number, the smaller it is."""

    needs_training_data = False

    def __init__(self, column, *, lossless=False):
        self.column = column
        if lossless:
            self.lossless = True

    def supports(self, chain):
        return True

    def compress(self, chain, X=None, y=None):
        return Pipeline([("model", Column(self.column))])


def search(*wrong, y=None, candidates=None, **options):
    """Search among candidates, each of which is wrong on the rows that are given."""
    truth = np.ones(N, dtype=int) if y is None else y
    X = np.repeat(truth[:, np.newaxis], 2 + len(wrong), axis=1)
    X[:, 0] = np.arange(N)
    for column, rows in enumerate(wrong, 2):
        X[rows, column] = 1 - X[rows, column]
    made = candidates or [Candidate(f"c{column}", To(column)) for column in range(2, 2 + len(wrong))]
    options.setdefault("budget", Budget(max_drop=0.02))
    return compress(
        Pipeline([("model", Column(1))]),
        X,
        truth,
        candidates=made,
        measure_size=lambda chain: 100 - 10 * chain[-1].column,
        **options,
    )


def halves(**options):
    """Ids of the rows that choose, and of those that judge."""
    SEEN.clear()
    search(**options)
    return SEEN[0], SEEN[2]


def test_each_half_has_its_own_rows_and_its_share_of_each_class():
    y = np.zeros(N, dtype=int)
    y[:2] = 1
    choose, judge = halves(y=y)
    assert sorted([*choose, *judge]) == list(range(N))
    assert len(choose) == len(judge) == 200
    assert len({*choose} & {0, 1}) == len({*judge} & {0, 1}) == 1


def test_the_seed_makes_the_split():
    first, again, other = (halves(random_state=seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_candidate_that_was_lucky_on_the_rows_that_choose_is_found_out():
    _, judge = halves()
    report = search(judge[:20])
    lucky = report.results[1]
    assert lucky.metric == report.original.metric == 1
    assert (lucky.evidence.before, lucky.evidence.after, lucky.evidence.drop) == (1, 0.9, pytest.approx(0.1))
    assert lucky.status == "over budget"
    assert lucky.reason == (
        f"accuracy may get worse by {lucky.evidence.bound:.4g} on rows that the search did not use (95 % "
        "bound), allowed 0.02"
    )
    assert report.chosen.name == "original"


def test_the_bound_is_held_against_the_budget_and_not_the_drop_that_was_seen():
    choose, judge = halves()
    wrong = [*choose[:2], *judge[:2]]
    tight, loose = (search(wrong, budget=Budget(max_drop=most)) for most in (0.011, 0.03))
    seen = tight.results[1].evidence
    assert seen.drop == pytest.approx(0.01)
    assert 0.011 < seen.bound < 0.03
    assert [report.chosen.name for report in (tight, loose)] == ["original", "c2"]


def test_more_confidence_asks_for_more():
    choose, judge = halves()
    wrong = [*choose[:2], *judge[:2]]
    bounds = [search(wrong, confidence=c).results[1].evidence.bound for c in (0.6, 0.95, 0.999)]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[2]


def test_after_one_that_fails_none_that_seems_to_lose_more_is_judged():
    choose, judge = halves()
    report = search(
        judge[:30],  # seems to lose nothing, and does
        choose[:1],  # seems to lose a little
        [],
        candidates=[
            Candidate("fails", To(2)),
            Candidate("later", To(3)),
            Candidate("lossless", To(4, lossless=True)),
        ],
    )
    assert [result.status for result in report.results] == [
        "within budget",
        "over budget",
        "over budget",
        "chosen",
    ]
    assert report.results[2].reason == (
        "not judged: 'fails', which seemed closer to the original, did not pass"
    )


def test_the_nearest_miss_may_be_one_that_was_judged():
    _, judge = halves()
    with pytest.raises(BudgetError, match=r"nearest miss is 'c2': accuracy may get worse by .* did not use"):
        search(judge[:4], budget=Budget(max_drop=0.02, max_size=85))


def test_what_claims_to_be_lossless_and_is_says_so():
    report = search([], candidates=[Candidate("exact", (To(2, lossless=True), To(2, lossless=True)))])
    assert report.chosen.lossless
    assert report.gained.endswith("predictions the same to the last bit")


def test_a_combination_is_lossless_only_if_all_of_it_claims_to_be():
    report = search([], candidates=[Candidate("half", (To(2, lossless=True), To(2)))])
    assert not report.chosen.lossless


@pytest.mark.parametrize("half", [0, 1])
def test_a_claim_that_does_not_hold_fails_whatever_the_budget_allows(half):
    wrong = halves()[half][:3]
    claims = [Candidate("claims", To(2, lossless=True))]
    report = search(wrong, candidates=claims, budget=Budget(max_drop=1.0))
    assert report.results[1].status == "failed"
    assert report.results[1].reason == "it claims to be lossless, and predict differs on 3 of 200 rows"


def test_the_training_rows_prove_it_too():
    X_train = np.array([[0, 1, 1], [0, 1, 0]])
    report = search(
        [],
        candidates=[Candidate("claims", To(2, lossless=True))],
        X_train=X_train,
        y_train=np.array([0, 1]),
    )
    (result,) = (each for each in report.results if each.name == "claims")
    assert result.reason == "it claims to be lossless, and predict differs on 1 of 2 rows"


class WithProbabilities(Column):
    def predict_proba(self, X):
        ones = np.full(len(X), np.nextafter(0.7, self.column - 1))
        return np.stack([1 - ones, ones], axis=1)


def test_probabilities_are_compared_by_their_bits():
    class ToProbabilities(To):
        def compress(self, chain, X=None, y=None):
            return Pipeline([("model", WithProbabilities(self.column))])

    truth = np.ones(8, dtype=int)
    report = compress(
        Pipeline([("model", WithProbabilities(0))]),
        np.ones((8, 3)),
        truth,
        budget=Budget(max_drop=1.0),
        candidates=[
            Candidate("same", ToProbabilities(1, lossless=True)),
            Candidate("next", ToProbabilities(2, lossless=True)),
            Candidate("without", To(1, lossless=True)),
        ],
        measure_size=lambda _: 1,
    )
    assert [result.reason for result in report.results[1:]] == [
        "",
        "it claims to be lossless, and predict_proba differs on 4 of 4 rows",
        "it claims to be lossless, and predict_proba is gone",
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"confidence": 0},
        {"confidence": 1.0},
        {"confidence": 95},
        {"confidence": "0.9"},
        {"random_state": -1},
        {"random_state": None},
        {"executor": 4},
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_by_name(options):
    with pytest.raises(InvalidOptionError, match=next(iter(options))):
        search([], **options)


@pytest.mark.parametrize("compressor", [ForestCompactCompressor(), DropTrainingStateCompressor()], ids=repr)
def test_the_built_in_claims_hold(compressor):
    X, y = load_iris(return_X_y=True)
    chain = Pipeline([("model", RandomForestClassifier(10, random_state=0))]).fit(X, y)
    report = compress(chain, X, y, budget=Budget(), candidates=[Candidate("claims", compressor)])
    assert report.chosen.name == "claims"
    assert report.chosen.lossless
