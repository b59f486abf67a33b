"""Evaluation, metrics by name and cross-validation, against sklearn.metrics."""

import json
import pickle
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import (
    Adam,
    LinearRegressor,
    LogisticClassifier,
    MLPClassifier,
    cross_validate,
    evaluate,
    get_metric,
    score,
)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    model = MLPClassifier((16,), optimizer=Adam(0.02), max_iter=400, random_state=0)
    return model.fit(X[::2], names[y[::2]]), X[1::2], names[y[1::2]]


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return LinearRegressor().fit(X[::2], y[::2]), X[1::2], y[1::2]


def test_the_metrics_of_classes_are_scikit_learns(iris):
    model, X, y = iris
    predicted, proba = model.predict(X), model.predict_proba(X).astype(float)
    proba /= proba.sum(axis=1, keepdims=True)
    assert evaluate(model, X, y).metrics == pytest.approx(
        {
            "accuracy": sk.accuracy_score(y, predicted),
            "balanced_accuracy": sk.balanced_accuracy_score(y, predicted),
            "f1_macro": sk.f1_score(y, predicted, average="macro"),
            "precision_macro": sk.precision_score(y, predicted, average="macro"),
            "recall_macro": sk.recall_score(y, predicted, average="macro"),
            "log_loss": sk.log_loss(y, proba),
            "roc_auc": sk.roc_auc_score(y, proba, multi_class="ovr"),
        }
    )


def test_the_roc_auc_of_two_classes_takes_the_second_as_positive():
    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticClassifier().fit(X[::2], np.where(y[::2], "benign", "cancer"))
    expected = sk.roc_auc_score(1 - y[1::2], model.decision_function(X[1::2]))
    found = evaluate(model, X[1::2], np.where(y[1::2], "benign", "cancer"))
    assert found.metrics["roc_auc"] == pytest.approx(expected)


def test_the_metrics_of_values_are_scikit_learns(diabetes):
    model, X, y = diabetes
    predicted = model.predict(X)
    evaluation = evaluate(model, X, y)
    assert evaluation.metrics == pytest.approx(
        {
            "mse": sk.mean_squared_error(y, predicted),
            "rmse": sk.mean_squared_error(y, predicted) ** 0.5,
            "mae": sk.mean_absolute_error(y, predicted),
            "r2": sk.r2_score(y, predicted),
        }
    )
    assert (evaluation.labels, evaluation.confusion, evaluation.per_class) == ((), None, ())
    assert evaluation.to_dict() == {
        "kind": "regression",
        "n_samples": len(y),
        "metrics": dict(evaluation.metrics),
    }


def test_confusion_and_classes_count_what_was_predicted(iris):
    model, X, y = iris
    evaluation = evaluate(model, X, y)
    predicted = model.predict(X)
    assert evaluation.labels == ("setosa", "versicolor", "virginica")
    assert np.array_equal(evaluation.confusion, sk.confusion_matrix(y, predicted))
    for row in evaluation.per_class:
        mine, true = predicted == row.label, y == row.label
        assert row.support == true.sum()
        assert row.precision == pytest.approx((mine & true).sum() / mine.sum())
        assert row.recall == pytest.approx((mine & true).sum() / true.sum())
        assert row.f1 == pytest.approx(2 * row.precision * row.recall / (row.precision + row.recall))


def test_an_evaluation_is_a_value(iris):
    one, same = evaluate(*iris), evaluate(*iris)
    assert one == same
    assert one != evaluate(iris[0], iris[1][:50], iris[2][:50])
    assert pickle.loads(pickle.dumps(one)) == one
    assert json.loads(json.dumps(one.to_dict())) == one.to_dict()
    with pytest.raises(AttributeError):
        one.n_samples = 3
    with pytest.raises(ValueError, match="read-only"):
        one.confusion[0, 0] = 7


def test_metrics_without_a_value_are_left_out_of_an_evaluation_and_refused_by_name(iris):
    model, X, y = iris
    some = y != "setosa"
    assert "roc_auc" not in evaluate(model, X[some], y[some]).metrics
    assert "log_loss" in evaluate(model, X[some], y[some]).metrics
    with pytest.raises(InvalidOptionError, match="roc_auc has no value here"):
        score(model, X[some], y[some], "roc_auc")
    unknown = np.where(some, y, "orchid")
    assert not {"roc_auc", "log_loss"} & set(evaluate(model, X, unknown).metrics)
    assert evaluate(model, X, unknown).labels == ("orchid", "setosa", "versicolor", "virginica")
    margins = LinearSVC().fit(StandardScaler().fit_transform(X), y)
    assert not {"roc_auc", "log_loss"} & set(evaluate(margins, X, y).metrics)


def test_one_sample_has_no_r2(diabetes):
    model, X, y = diabetes
    assert set(evaluate(model, X[:1], y[:1]).metrics) == {"mse", "rmse", "mae"}


def test_what_neither_classifies_nor_regresses_is_refused(iris):
    _, X, y = iris
    with pytest.raises(InvalidOptionError, match="StandardScaler is neither"):
        evaluate(StandardScaler().fit(X), X, y)


def test_the_printed_evaluation_is_aligned(iris):
    text = str(evaluate(*iris))
    assert text.splitlines()[0] == "Evaluation on 75 samples"
    for block in text.split("\n\n"):
        assert len({len(line) for line in block.splitlines()[1:]}) == 1
    assert "versicolor" in text
    assert "accuracy" in text


def test_the_printed_evaluation_of_values_is_one_table(diabetes):
    title, head, rule, *lines = str(evaluate(*diabetes)).splitlines()
    assert title == "Evaluation on 221 samples"
    assert head.split() == ["metric", "value"]
    assert set(rule) == {"─", " "}
    assert [line.split()[0] for line in lines] == ["mse", "rmse", "mae", "r2"]


def test_the_confusion_of_many_classes_is_not_printed_but_there():
    y = np.arange(60) % 30
    model = DummyClassifier(strategy="constant", constant=3).fit(np.zeros((60, 1)), y)
    evaluation = evaluate(model, np.zeros((60, 1)), y)
    assert evaluation.confusion.shape == (30, 30)
    assert "Confusion" not in str(evaluation)


class Tags(HTMLParser):
    """Balance of tags, text and attributes of some HTML."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text, self.names = [], set(), "", set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_html_is_self_contained_and_escapes_labels():
    X, y = [[0.0], [1.0]], ["<script>alert(1)</script>", "b&b"]
    tags = Tags(evaluate(LogisticClassifier().fit(X, y), X, y)._repr_html_())
    assert tags.open == []
    assert tags.seen == {"table", "caption", "thead", "tbody", "tr", "td", "th"}
    assert tags.names == {"style"}
    assert "<script>alert(1)</script>" in tags.text
    assert "b&b" in tags.text


@pytest.mark.parametrize(
    ("name", "sign"), [("mse", -1), ("rmse", -1), ("mae", -1), ("r2", 1), ("neg_median_absolute_error", 1)]
)
def test_a_score_is_greater_for_the_better_model(diabetes, name, sign):
    model, X, y = diabetes
    value = score(model, X, y, name)
    assert value == sign * get_metric(name)(model, X, y)
    assert get_metric(name).greater_is_better == (sign == 1)
    worse = LinearRegressor(alpha=10.0).fit(X, y)
    assert value > score(worse, X, y, name)


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "balanced_accuracy", "f1_weighted", "neg_log_loss"])
def test_a_name_that_scikit_learn_has_too_gives_its_score(iris, name):
    model, X, y = iris
    assert score(model, X, y, name) == pytest.approx(sk.get_scorer(name)(model, X, y))


def test_an_unknown_metric_is_refused_with_what_is_close(diabetes):
    with pytest.raises(InvalidOptionError, match="no metric 'acuracy': did you mean accuracy"):
        get_metric("acuracy")
    for name in (None, ["r2"]):
        with pytest.raises(InvalidOptionError, match="there is no metric"):
            get_metric(name)
    with pytest.raises(InvalidOptionError, match="accuracy does not measure regression: take one of mse"):
        score(*diabetes, "accuracy")


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
    assert "mean ± std" in Tags(result._repr_html_()).text
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
