"""Bootstrap intervals and paired differences: whether they cover, and what they draw."""

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyClassifier
from sklearn.preprocessing import StandardScaler

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import Interval, LogisticClassifier, evaluate, paired_difference
from maas_sdk.learning._evaluation._bootstrap import resampled_weights
from maas_sdk.learning._metrics import predictions_of


class Column(RegressorMixin, BaseEstimator):
    """Predicts one of its inputs."""

    def __init__(self, column=0):
        self.column = column

    def predict(self, X):
        return X[:, self.column]


class ColumnClassifier(ClassifierMixin, Column):
    classes_ = np.array([0, 1])


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return LogisticClassifier().fit(X[::2], y[::2]), X[1::2], y[1::2]


def test_an_interval_of_a_mean_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered, n_trials = {"mse": 0, "mae": 0, "median_absolute_error": 0}, 200
    true = {"mse": 1.0, "mae": np.sqrt(2 / np.pi), "median_absolute_error": 0.6745}
    for trial in range(n_trials):
        found = evaluate(
            Column(), np.zeros((150, 1)), rng.normal(size=150),
            metrics=list(true), confidence=0.9, n_resamples=300, random_state=trial,
        )  # fmt: skip
        for name, value in true.items():
            covered[name] += found.intervals[name].low <= value <= found.intervals[name].high
    for name, count in covered.items():
        assert 0.83 <= count / n_trials <= 0.96, name


def test_the_interval_of_an_accuracy_covers_the_one_of_the_population():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        y = rng.integers(0, 2, 200)
        X = np.where(rng.random(200) < 0.8, y, 1 - y)[:, None]
        found = evaluate(ColumnClassifier(), X, y, metrics=["accuracy", "f1"], confidence=0.95,
                         n_resamples=300, random_state=trial)  # fmt: skip
        covered += found.intervals["accuracy"].low <= 0.8 <= found.intervals["accuracy"].high
    assert 0.9 <= covered / 200 <= 0.99


def test_intervals_contain_the_value_narrow_with_rows_and_come_again(cancer):
    model, X, y = cancer
    options = {"confidence": 0.9, "n_resamples": 300, "random_state": 0}
    found = evaluate(model, X, y, **options)
    assert set(found.intervals) == set(found.metrics)
    for name, interval in found.intervals.items():
        assert interval.low <= found.metrics[name] + 0.01
        assert interval.high >= found.metrics[name] - 0.01
        assert interval.level == 0.9
    assert evaluate(model, X, y, **options) == found
    assert evaluate(model, X, y, **{**options, "random_state": 1}) != found
    few = evaluate(model, X[:60], y[:60], **options).intervals["log_loss"]
    many = found.intervals["log_loss"]
    assert few.high - few.low > many.high - many.low
    wide = evaluate(model, X, y, **{**options, "confidence": 0.99}).intervals["brier"]
    assert wide.low < found.intervals["brier"].low < found.intervals["brier"].high < wide.high
    assert "90 % interval" in str(found)
    plain = found.to_dict()
    assert plain["intervals"]["brier"] == found.intervals["brier"].to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_an_interval_is_the_same_whether_the_metric_is_ours_or_scikit_learns(cancer):
    model, X, y = cancer
    names = ["log_loss", "neg_log_loss", "accuracy", "brier", "neg_brier_score"]
    found = evaluate(model, X, y, metrics=names, confidence=0.9, n_resamples=50, random_state=0).intervals
    for ours, theirs in (("log_loss", "neg_log_loss"), ("brier", "neg_brier_score")):
        assert found[ours].low == pytest.approx(-found[theirs].high)
        assert found[ours].high == pytest.approx(-found[theirs].low)


def test_weights_play_their_part_in_an_interval(cancer):
    model, X, y = cancer
    weights = np.where(y == 1, 3.0, 1.0)
    names = ["accuracy", "matthews_corrcoef", "neg_log_loss", "log_loss"]
    options = {"metrics": names, "confidence": 0.9, "n_resamples": 40, "random_state": 0}
    found = evaluate(model, X, y, sample_weight=weights, **options)
    assert found.intervals["log_loss"].low == pytest.approx(-found.intervals["neg_log_loss"].high)
    assert found.intervals["accuracy"] != evaluate(model, X, y, **options).intervals["accuracy"]


def test_each_class_is_drawn_as_often_as_it_is_there_so_that_none_vanishes():
    y = np.array([0] * 97 + [1] * 3)
    X = np.linspace(0, 1, 100)[:, None]
    rows = np.random.default_rng(0).permutation(100)
    model = LogisticClassifier().fit(X, y)
    predictions = predictions_of(model, X[rows], y[rows])
    drawn = np.concatenate(list(resampled_weights(predictions, 50, np.random.RandomState(0))))
    assert drawn.shape == (50, 100)
    assert (drawn[:, y[rows] == 1].sum(axis=1) == 3).all()
    assert (drawn[:, y[rows] == 0].sum(axis=1) == 97).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(100), abs=0.8)
    assert "roc_auc" in evaluate(model, X, y, confidence=0.9, n_resamples=20).intervals


def test_groups_are_drawn_as_wholes_and_their_interval_is_wider():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 15)
    y = np.repeat(rng.normal(size=20), 15) + rng.normal(size=300) / 10
    X = np.zeros((300, 1))
    predictions = predictions_of(Column(), X, y, groups=groups)
    [drawn] = resampled_weights(predictions, 30, np.random.RandomState(0))
    by_group = drawn.reshape(30, 20, 15)
    assert (by_group == by_group[:, :, :1]).all()
    assert (by_group[:, :, 0].sum(axis=1) == 20).all()
    options = {"confidence": 0.95, "n_resamples": 300, "random_state": 0}
    rows = evaluate(Column(), X, y, **options).intervals["mse"]
    whole = evaluate(Column(), X, y, groups=[f"patient {g}" for g in groups], **options).intervals["mse"]
    assert whole.high - whole.low > 2 * (rows.high - rows.low)


def test_resamples_are_drawn_in_portions_of_bounded_memory(monkeypatch):
    predictions = predictions_of(Column(), np.zeros((100, 1)), np.arange(100.0))
    monkeypatch.setattr("maas_sdk.learning._evaluation._bootstrap._CELLS", 450)
    portions = list(resampled_weights(predictions, 10, np.random.RandomState(0)))
    assert [len(portion) for portion in portions] == [4, 4, 2]


def test_an_extreme_and_what_most_resamples_lack_have_no_interval():
    y = np.arange(30.0)
    found = evaluate(Column(), y[:, None], y + 1, confidence=0.9, n_resamples=20)
    assert "max_error" in found.metrics
    assert "max_error" not in found.intervals
    y = np.array([0] * 29 + [1])
    X = np.zeros((30, 1))
    model = DummyClassifier().fit(X, y)
    # In a third of the resamples of groups the only positive row is missing.
    found = evaluate(model, X, y, groups=np.arange(30), confidence=0.9, n_resamples=100, random_state=0)
    assert "roc_auc" in found.metrics
    assert "roc_auc" not in found.intervals
    assert "accuracy" in found.intervals


# --- paired differences -----------------------------------------------------------------------------------


def test_a_difference_is_tested_as_often_wrong_as_it_says():
    rng = np.random.default_rng(0)
    rejected, n_trials = 0, 200
    for trial in range(n_trials):
        y = rng.normal(size=100)
        X = y[:, None] + rng.normal(size=(100, 2))
        found = paired_difference(
            Column(0), Column(1), X, y, metric="mae", n_resamples=300, random_state=trial
        )
        rejected += found.p_value < 0.05
    assert 0.01 <= rejected / n_trials <= 0.12


def test_a_difference_says_how_much_better_the_first_is_whichever_way_is_better():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    X = np.c_[y + rng.normal(size=300), y + 1.3 * rng.normal(size=300)]
    for metric in ("mae", "r2", "neg_mean_absolute_error"):
        found = paired_difference(Column(0), Column(1), X, y, metric=metric, n_resamples=400, random_state=0)
        assert found.difference > 0
        assert found.difference == pytest.approx(abs(found.first - found.second))
        assert found.interval.low < found.difference < found.interval.high
        assert found.p_value < 0.02
        other = paired_difference(Column(1), Column(0), X, y, metric=metric, n_resamples=400, random_state=0)
        assert other.difference == pytest.approx(-found.difference)
        assert other.p_value == pytest.approx(found.p_value)
        assert other.upper_bound(0.9) == pytest.approx(-found.lower_bound(0.9))
    assert found.upper_bound(0.975) == pytest.approx(found.interval.high)
    assert found.lower_bound(0.975) == pytest.approx(found.interval.low)
    assert found.upper_bound(0.9) < found.upper_bound(0.95) < found.upper_bound(0.99)
    with pytest.raises(InvalidOptionError, match="level"):
        found.upper_bound(1.5)


def test_what_is_hard_for_both_cancels_out():
    rng = np.random.default_rng(0)
    y = 100 * rng.standard_t(3, size=200)
    X = np.c_[np.zeros(200), np.where(y > 0, -1, 1)]  # off by one more in each row
    found = paired_difference(Column(0), Column(1), X, y, metric="mae", random_state=0)
    assert found.interval.low == pytest.approx(1, abs=0.05)
    assert found.interval.high == pytest.approx(1, abs=0.05)
    alone = evaluate(Column(0), X, y, metrics=["mae"], confidence=0.95, random_state=0).intervals["mae"]
    assert alone.high - alone.low > 10


def test_the_same_estimator_twice_does_not_differ(cancer):
    model, X, y = cancer
    found = paired_difference(model, model, X, y, metric="accuracy", n_resamples=100)
    assert (found.difference, found.p_value) == (0, 1)
    assert found.interval == Interval(0, 0, 0.95)
    assert found.upper_bound() == 0


def test_a_difference_is_a_value_that_prints_and_draws_itself(cancer):
    model, X, y = cancer
    dummy = DummyClassifier().fit(X, y)
    options = {"metric": "accuracy", "n_resamples": 200, "random_state": 0}
    found = paired_difference(model, dummy, X, y, **options)
    assert found == paired_difference(model, dummy, X, y, **options)
    assert found.p_value == pytest.approx(2 / 201)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
    assert "first better by" in str(found)
    assert found.chart("difference").startswith("<svg")
    with pytest.raises(ValueError, match="read-only"):
        found.resamples[0] = 1


def test_what_cannot_be_compared_is_refused(cancer):
    model, X, y = cancer
    for options in ({"metric": "max_error"}, {"metric": "mse"}):
        with pytest.raises(InvalidOptionError, match="cannot be compared"):
            paired_difference(
                Column(), Column() if options["metric"] == "max_error" else model, X, y, **options
            )
    with pytest.raises(InvalidOptionError, match="cannot be compared"):
        paired_difference(model, model, X[:1], y[:1], metric="accuracy")
    with pytest.raises(InvalidOptionError, match="did you mean accuracy"):
        paired_difference(model, model, X, y, metric="acuracy")


def test_a_metric_without_a_value_on_any_resample_is_refused(cancer):
    model, X, y = cancer
    calls = []

    def once(estimator, X, y):
        calls.append(1)
        return 0.5 if len(calls) <= 2 else float("nan")

    with pytest.raises(InvalidOptionError, match="no value on any resample"):
        paired_difference(model, model, X, y, metric=once, n_resamples=5)
