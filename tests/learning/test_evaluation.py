"""Evaluation, metrics by name and cross-validation, against sklearn.metrics."""

import json
import pickle
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import (
    Adam,
    LinearRegressor,
    LogisticClassifier,
    MLPClassifier,
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


def test_the_metrics_of_a_network_of_float32_are_scikit_learns(iris):
    model, X, y = iris
    predicted, proba = model.predict(X), model.predict_proba(X).astype(float)
    proba /= proba.sum(axis=1, keepdims=True)
    found = dict(evaluate(model, X, y).metrics)
    assert 0 <= found.pop("calibration_error") < 0.1
    assert found == pytest.approx(
        {
            "accuracy": sk.accuracy_score(y, predicted),
            "balanced_accuracy": sk.balanced_accuracy_score(y, predicted),
            "f1_macro": sk.f1_score(y, predicted, average="macro"),
            "precision_macro": sk.precision_score(y, predicted, average="macro"),
            "recall_macro": sk.recall_score(y, predicted, average="macro"),
            "log_loss": sk.log_loss(y, proba),
            "roc_auc": sk.roc_auc_score(y, proba, multi_class="ovr"),
            "average_precision": sk.average_precision_score(y, proba),
            "brier": sk.brier_score_loss(y, proba, labels=model.classes_),
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
            "median_absolute_error": sk.median_absolute_error(y, predicted),
            "max_error": sk.max_error(y, predicted),
            "r2": sk.r2_score(y, predicted),
        }
    )
    assert (evaluation.labels, evaluation.confusion, evaluation.per_class) == ((), None, ())
    plain = evaluation.to_dict()
    residuals = plain.pop("residuals")
    assert plain == {"kind": "regression", "n_samples": len(y), "metrics": dict(evaluation.metrics)}
    assert residuals["quantiles"]["0.5"] == pytest.approx(np.median(y - predicted))
    assert len(residuals["bins"]) == 10


def test_the_values_of_single_rows_stay_out_of_the_plain_data(diabetes):
    model, X, y = diabetes
    residuals = evaluate(model, X, y).residuals
    assert residuals.predicted == pytest.approx(model.predict(X))
    assert residuals.residuals == pytest.approx(y - model.predict(X))
    assert set(residuals.to_dict()) == {"quantiles", "bins"}
    assert "Residuals by prediction" in str(residuals)
    few = evaluate(model, X[:15], y[:15]).residuals
    assert few.bins == ()
    assert "Residuals" in str(few)


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
    expected = {"mse", "rmse", "mae", "median_absolute_error", "max_error"}
    assert set(evaluate(model, X[:1], y[:1]).metrics) == expected


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
    names = ["mse", "rmse", "mae", "median_absolute_error", "max_error", "r2"]
    assert [line.split()[0] for line in lines] == names


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
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_html_is_self_contained_and_escapes_labels():
    X, y = [[0.0], [1.0]], ["<script>alert(1)</script>", "b&b"]
    html = evaluate(LogisticClassifier().fit(X, y), X, y)._repr_html_()
    tags = Tags(html)
    assert tags.open == []
    tables = {"table", "caption", "thead", "tbody", "tr", "td", "th"}
    assert tags.seen == tables | {"div", "svg", "g", "title", "text", "rect", "line", "path", "circle"}
    assert not {"href", "src", "onload", "xlink:href"} & tags.names
    assert "url(" not in html
    assert "<script>alert(1)</script>" in tags.text
    assert "b&b" in tags.text


def test_each_chart_is_a_well_formed_file_of_its_own(iris, diabetes):
    X, y = load_breast_cancer(return_X_y=True)
    two = evaluate(LogisticClassifier().fit(X[::2], y[::2]), X, y)
    assert two.charts == ("confusion", "per_class", "calibration", "roc", "precision_recall")
    assert evaluate(*iris).charts == ("confusion", "per_class", "calibration")
    assert evaluate(*diabetes).charts == ("residuals",)
    for evaluation in (two, evaluate(*iris), evaluate(*diabetes)):
        for name in evaluation.charts:
            root = ET.fromstring(evaluation.chart(name))
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert root.get("aria-label")
    assert two.chart() == two.chart("confusion")
    with pytest.raises(InvalidOptionError, match="there is no chart 'pie'; there is: confusion, per_class"):
        two.chart("pie")


def test_a_curve_of_many_rows_has_few_points_and_the_exact_area():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 5000)
    scores = (rng.normal(size=5000) + y)[:, None]
    model = LogisticClassifier().fit(scores, y)
    found = evaluate(model, scores, y)
    proba = model.predict_proba(scores)[:, 1]
    assert found.roc.area == pytest.approx(sk.roc_auc_score(y, proba))
    assert found.precision_recall.area == pytest.approx(sk.average_precision_score(y, proba))
    fpr, tpr, _ = sk.roc_curve(y, proba)
    for curve in (found.roc, found.precision_recall):
        assert 100 < len(curve.x) <= 200
        assert json.loads(json.dumps(curve.to_dict(), allow_nan=False)) == curve.to_dict()
        assert curve.name in str(curve)
    assert np.interp(found.roc.x[1:], fpr, tpr) == pytest.approx(found.roc.y[1:], abs=0.02)
    assert (found.roc.x[0], found.roc.y[0], found.roc.x[-1], found.roc.y[-1]) == (0, 0, 1, 1)


def test_calibration_is_scikit_learns_curve_and_its_errors():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 800)
    model = LogisticClassifier().fit((rng.normal(size=800) + y)[:, None], y)
    X = (rng.normal(size=800) + 2 * y)[:, None]
    found = evaluate(model, X, y, n_bins=7).calibration
    proba = model.predict_proba(X)[:, 1]
    observed, predicted = calibration_curve(y, proba, n_bins=7)
    assert found.observed == pytest.approx(observed)
    assert found.mean_predicted == pytest.approx(predicted)
    assert found.weights.sum() == 800
    gaps = np.abs(observed - predicted)
    assert found.expected_error == pytest.approx((gaps * found.weights).sum() / 800)
    assert found.maximum_error == pytest.approx(gaps.max())
    assert found.brier == pytest.approx(sk.brier_score_loss(y, proba))
    parts = found.reliability - found.resolution + found.uncertainty
    assert parts == pytest.approx(found.brier, abs=0.005)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
    assert "uncertainty" in str(found)


def test_the_calibration_of_many_classes_is_that_of_the_most_probable_one(iris):
    model, X, y = iris
    found = evaluate(model, X, y).calibration
    assert found.positive is None
    assert (found.observed * found.weights).sum() == (model.predict(X) == y).sum()
    assert evaluate(model, X, y).metrics["calibration_error"] == pytest.approx(found.expected_error)


def test_a_confusion_matrix_gives_shares_of_rows_columns_or_all(iris, diabetes):
    model, X, y = iris
    evaluation, predicted = evaluate(model, X, y), model.predict(X)
    for by, theirs in (("true", "true"), ("predicted", "pred"), ("all", "all")):
        expected = sk.confusion_matrix(y, predicted, normalize=theirs)
        assert evaluation.normalized_confusion(by) == pytest.approx(expected)
    with pytest.raises(InvalidOptionError, match="by must be one of"):
        evaluation.normalized_confusion("pred")
    with pytest.raises(InvalidOptionError, match="no confusion"):
        evaluate(*diabetes).normalized_confusion()


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
