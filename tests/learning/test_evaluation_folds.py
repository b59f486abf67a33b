"""Cross-validation: its folds, figures, intervals and predictions, alone and on an executor."""

import json
import multiprocessing
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    GroupKFold,
    PredefinedSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import maas_sdk as maas
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import CrossValidation, LinearRegressor, LogisticClassifier, cross_validate


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def test_cross_validation_is_stratified_and_agrees_with_scikit_learn():
    X, y = load_iris(return_X_y=True)
    model = LogisticClassifier(alpha=0.01)
    result = cross_validate(model, X, y, cv=3, random_state=0)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    expected = cross_val_score(model, X, y, cv=folds)
    assert np.array_equal(result.scores["accuracy"], expected)
    assert result.mean["accuracy"] == pytest.approx(expected.mean())
    assert result.std["accuracy"] == pytest.approx(expected.std())
    assert result.n_samples == (50, 50, 50)
    assert {"log_loss", "roc_auc"} < set(result.scores)
    assert result == cross_validate(model, X, y, cv=3, random_state=0)
    assert result != cross_validate(model, X, y, cv=3, random_state=1)
    assert not hasattr(model, "coef_")


def test_sorted_values_are_shuffled_before_they_are_folded():
    X = np.arange(30.0)[:, None]
    result = cross_validate(LinearRegressor(), X, 2 * X[:, 0] + 1, metrics=["r2", "mae"], random_state=0)
    assert list(result.scores) == ["r2", "mae"]
    assert min(result.scores["r2"]) > 0.99
    assert (result.scores["mae"] >= 0).all()


def test_a_splitter_may_keep_groups_together_and_metrics_without_value_are_left_out():
    X, y = load_iris(return_X_y=True)
    groups = np.arange(len(y)) % 4
    result = cross_validate(LogisticClassifier(), X, y, cv=GroupKFold(4), groups=groups)
    assert sum(result.n_samples) == len(y)
    lonely = np.r_[y[:-1], 3]
    result = cross_validate(LogisticClassifier(), X, lonely, cv=GroupKFold(4), groups=groups)
    assert "accuracy" in result.scores
    assert "roc_auc" not in result.scores


def test_a_printed_cross_validation_has_a_column_for_each_fold():
    X, y = load_diabetes(return_X_y=True)
    result = cross_validate(LinearRegressor(), X, y, cv=4, random_state=0)
    title, head, *lines = str(result).splitlines()
    assert title == "Cross-validation in 4 folds"
    assert head.split() == ["metric", "mean", "±", "std", "1", "2", "3", "4"]
    assert {len(line) for line in lines} == {len(head)}
    assert "mean ± std" in result._repr_html_()
    assert ET.fromstring(result.chart()).get("aria-label").startswith("mse by fold")
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"cv": 1}, "cv"), ({"cv": "five"}, "cv"), ({"metrics": "r2"}, "sequence"), ({"metrics": ["r3"]}, "r3")],
    ids=str,
)
def test_a_wrong_option_of_cross_validation_is_named(options, words):
    with pytest.raises(InvalidOptionError, match=words):
        cross_validate(LinearRegressor(), [[0.0], [1.0]], [0.0, 1.0], **options)


def test_what_an_estimator_raises_in_a_fold_arrives():
    with pytest.raises(InvalidOptionError, match="alpha"):
        cross_validate(LinearRegressor(alpha=-1), np.eye(6), np.arange(6.0))


def test_named_folds_are_stratified_keep_groups_or_go_forward(iris):
    X, y = iris
    model = LogisticClassifier()
    options = {"cv": "stratified", "random_state": 0, "return_predictions": True}
    found = cross_validate(model, X, y, **options)
    for fold in range(5):
        rows = found.predictions.rows[found.predictions.fold == fold]
        assert np.bincount(y[rows]).tolist() == [10, 10, 10]
    groups = np.arange(len(y)) % 15
    found = cross_validate(model, X, y, **{**options, "cv": "grouped"}, groups=groups).predictions
    folds = {group: set(found.fold[groups[found.rows] == group]) for group in range(15)}
    assert {len(each) for each in folds.values()} == {1}
    found = cross_validate(LinearRegressor(), X, y, **{**options, "cv": "grouped"}, groups=groups).predictions
    assert {len(set(found.fold[groups[found.rows] == group])) for group in range(15)} == {1}
    order = np.random.default_rng(0).permutation(len(y))
    found = cross_validate(model, X[order], y[order], cv="time_series", return_predictions=True)
    assert found.n_train == (25, 50, 75, 100, 125)
    assert found.predictions.rows.tolist() == list(range(25, 150))


def test_folds_may_be_given_by_their_rows(iris):
    X, y = iris
    given = list(StratifiedKFold(3).split(X, y))
    found = cross_validate(LogisticClassifier(), X, y, cv=given, metrics=["accuracy"])
    expected = cross_validate(LogisticClassifier(), X, y, cv=StratifiedKFold(3), metrics=["accuracy"])
    assert found == expected
    assert cross_validate(LogisticClassifier(), X, y, cv=iter(given), metrics=["accuracy"]) == expected
    halves = PredefinedSplit(np.arange(len(y)) % 2)
    assert cross_validate(LogisticClassifier(), X, y, cv=halves).n_samples == (75, 75)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cv": "sorted"}, "grouped, stratified, time_series"),
        ({"cv": "grouped"}, "groups"),
        ({"cv": 200}, "divided"),
        ({"cv": TimeSeriesSplit(500)}, "divided"),
    ],
    ids=str,
)
def test_folds_that_cannot_be_made_are_refused(iris, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        cross_validate(LogisticClassifier(), *iris, **options)


def test_predictions_are_those_that_scikit_learn_gives(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    model = LogisticRegression(tol=1e-2)
    found = cross_validate(model, X, names, cv=folds, return_predictions=True).predictions
    back = np.argsort(found.rows)
    assert found.rows[back].tolist() == list(range(150))
    assert np.array_equal(found.predicted[back], cross_val_predict(model, X, names, cv=folds))
    expected = cross_val_predict(model, X, names, cv=folds, method="predict_proba")
    assert np.array_equal(found.probabilities[back], expected)
    assert found.classes.tolist() == ["setosa", "versicolor", "virginica"]
    assert cross_validate(model, X, names, cv=folds).predictions is None


def test_a_class_that_a_fold_never_saw_has_the_probability_0(iris):
    X, y = iris
    groups = y  # each fold lacks one class in training
    found = cross_validate(
        KNeighborsClassifier(), X, y, cv=GroupKFold(3), groups=groups, return_predictions=True
    )
    assert found.mean["accuracy"] == 0
    assert "log_loss" not in found.scores
    right = found.predictions.probabilities[np.arange(150), y[found.predictions.rows]]
    assert not right.any()
    assert found.predictions.probabilities.sum(axis=1) == pytest.approx(np.ones(150))
    without = cross_validate(RidgeClassifier(), X, y, return_predictions=True).predictions
    assert without.probabilities is None


def test_the_interval_of_the_mean_is_the_corrected_t_of_nadeau_and_bengio():
    scores = np.array([0.8, 0.9, 0.85, 0.95])
    found = CrossValidation(scores={"accuracy": scores}, n_samples=(25,) * 4, n_train=(75,) * 4)
    interval = found.intervals(0.9)["accuracy"]
    reach = stats.t.ppf(0.95, 3) * np.sqrt((1 / 4 + 25 / 75) * scores.var(ddof=1))
    assert (interval.low, interval.high) == pytest.approx((0.875 - reach, 0.875 + reach))
    assert interval.level == 0.9
    with pytest.raises(InvalidOptionError, match="two folds"):
        CrossValidation(scores={}, n_samples=(25,), n_train=(75,)).intervals()
    with pytest.raises(InvalidOptionError, match="level"):
        found.intervals(2)


def test_weights_count_in_fitting_and_in_measuring(iris):
    X, y = iris
    weights = np.where(y == 0, 0.0, np.arange(150) % 3 + 1.0)
    model = DummyClassifier(strategy="prior")
    found = cross_validate(model, X, y, sample_weight=weights, cv=3, random_state=0, return_predictions=True)
    assert not found.predictions.probabilities[:, 0].any()
    assert len(found.predictions.rows) == 150
    shares = [weights[y == label].sum() / weights.sum() for label in (1, 2)]
    assert found.mean["accuracy"] == pytest.approx(max(shares), abs=0.06)


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.mark.parametrize(
    "model",
    [
        maas.Pipeline(model=("mlp_classifier", {"max_iter": 5, "random_state": 3, "tol": 0.0}),
                      preprocessors=["standard_scaler"]),
        SVC(kernel="precomputed"),
    ],
    ids=["pipeline", "kernel"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_executor_gives_the_same_result_bit_for_bit(iris, processes, model):
    X, y = iris
    data = X @ X.T if isinstance(model, SVC) else pd.DataFrame(X, columns=list("abcd"))
    options = {"random_state": 0, "cv": 3, "return_predictions": True}
    serial = cross_validate(model, data, y, **options)
    with ThreadPoolExecutor(3) as threads:
        for executor in (processes, threads):
            parallel = cross_validate(model, data, y, **options, executor=executor)
            assert parallel == serial
            assert pickle.dumps(parallel.scores) == pickle.dumps(serial.scores)
    if not isinstance(model, SVC):
        chosen = {**options, "metrics": ["accuracy", "neg_log_loss"]}
        assert cross_validate(model, data, y, **chosen, executor=processes) == cross_validate(
            model, data, y, **chosen
        )


class Failing(Executor):
    """Fails at the second fold, and counts what is called off."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *args):
        future = Future()
        if len(self.futures) == 1:
            future.set_exception(OSError("the worker is gone"))
        elif not self.futures:
            future.set_result(function(*args))
        self.futures.append(future)
        return future


def test_what_an_executor_raises_arrives_and_the_other_folds_are_called_off(iris):
    executor = Failing()
    with pytest.raises(OSError, match="worker"):
        cross_validate(LogisticClassifier(), *iris, executor=executor)
    assert [future.cancelled() for future in executor.futures] == [False, False, True, True, True]


def test_several_labels_are_cross_validated_without_strata():
    X, y = make_multilabel_classification(60, n_classes=3, random_state=0)
    found = cross_validate(
        KNeighborsClassifier(3), X, pd.DataFrame(y, columns=list("abc")), cv=3, random_state=0,
        return_predictions=True,
    )  # fmt: skip
    assert found.mean["hamming_loss"] < 0.5
    assert found.predictions.predicted.shape == (60, 3)
    assert found.predictions.classes.tolist() == list("abc")
