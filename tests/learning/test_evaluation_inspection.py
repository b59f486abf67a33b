"""Learning curves, permutation importance and partial dependence, against scikit-learn's own."""

import json
import warnings
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from sklearn import inspection, model_selection
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import maas_sdk as maas
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import (
    LogisticClassifier,
    learning_curve,
    partial_dependence,
    permutation_importance,
)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def pipeline(iris):
    return maas.Pipeline(model="logistic_classifier", preprocessors=["standard_scaler"]).fit(*iris)


def is_a_value(found):
    """Whether it prints, draws, and gives plain data that JSON takes."""
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
    assert str(found)
    for name in found.charts:
        ET.fromstring(found.chart(name))
    ET.fromstring(f"<div>{found._repr_html_()}</div>")
    with pytest.raises(AttributeError):
        found.metric = "other"
    return True


# --- learning curve ---------------------------------------------------------------------------------------


def test_a_learning_curve_is_scikit_learns_on_the_same_folds(iris):
    X, y = iris
    folds = model_selection.StratifiedKFold(3, shuffle=True, random_state=0)
    found = learning_curve(
        LogisticClassifier(), X, y, metric="neg_log_loss", train_sizes=[20, 0.5 * 100, 100], cv=3,
        random_state=0,
    )  # fmt: skip
    sizes, train, test = model_selection.learning_curve(
        LogisticClassifier(), X, y, scoring="neg_log_loss", train_sizes=[20, 50, 100], cv=folds, shuffle=True,
        random_state=0,
    )  # fmt: skip
    assert found.train_sizes.tolist() == sizes.tolist() == [20, 50, 100]
    assert found.train_scores == pytest.approx(train)
    assert found.test_scores == pytest.approx(test)
    assert is_a_value(found)


def test_a_curve_of_a_loss_falls_and_of_sorted_classes_is_mixed(pipeline, iris):
    found = learning_curve(pipeline, *iris, metric="log_loss", random_state=0)
    assert not found.greater_is_better
    assert found.test_scores[-1].mean() < found.test_scores[0].mean()
    assert is_a_value(found)
    assert "training rows" in str(found)


def test_the_curve_of_a_time_series_takes_rows_in_their_order():
    X = np.arange(60.0)[:, None]
    y = np.r_[np.zeros(30), np.arange(30.0)]
    found = learning_curve(KNeighborsRegressor(1), X, y, metric="mae", cv="time_series", train_sizes=[5, 10])
    assert found.train_sizes.tolist() == [5, 10]
    assert (found.train_scores == 0).all()
    assert found.test_scores[:, 0] == pytest.approx([0, 0])  # both learned from the first ones only


@pytest.mark.parametrize(
    "sizes", [[], [0.0], [1.5], [20, 0.5], [121], [0], "all", [[10]], [float("nan")]], ids=str
)
def test_wrong_sizes_are_refused(iris, sizes):
    with pytest.raises(InvalidOptionError, match=r"train_sizes must be shares .* from 1 to 120"):
        learning_curve(LogisticClassifier(), *iris, metric="accuracy", train_sizes=sizes)


def test_a_curve_without_a_value_is_refused():
    X, y = np.arange(40.0)[:, None], np.r_[np.zeros(35), np.ones(5)]
    with pytest.raises(InvalidOptionError, match="learning curve"):
        learning_curve(KNeighborsClassifier(1), X, y, metric="roc_auc", train_sizes=[3], random_state=0)


# --- permutation importance -------------------------------------------------------------------------------


def test_importance_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = Ridge().fit(X, y)
    found = permutation_importance(model, X, y, metric="mae", n_repeats=3, random_state=0)
    expected = inspection.permutation_importance(
        model, X, y, scoring="neg_mean_absolute_error", n_repeats=3, random_state=0
    )
    assert found.importances == pytest.approx(expected.importances)
    assert found.features == tuple(X.columns)
    assert found.features[found.mean.argmax()] == "bmi"
    assert found.std == pytest.approx(expected.importances_std)
    assert is_a_value(found)
    weighted = permutation_importance(
        model, X, y, metric="mae", random_state=0, sample_weight=np.arange(len(y))
    )
    assert not np.array_equal(weighted.importances[:, 0], found.importances[:, 0])


def test_importance_knows_the_names_that_a_pipeline_was_fitted_with(pipeline, iris):
    X, y = iris
    found = permutation_importance(pipeline, X, y, metric="log_loss", random_state=0)
    assert found.features == tuple(X.columns)
    assert (found.mean > 0).all()
    assert str(found).splitlines()[3].startswith("petal length")
    named = permutation_importance(pipeline.chain_[-1], X.to_numpy(), y, metric="accuracy")
    assert named.features == ("x0", "x1", "x2", "x3")  # the model itself saw arrays
    ridge = Ridge().fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the array has no names
        assert permutation_importance(ridge, X.to_numpy(), y, metric="r2").features == tuple(X.columns)
    lists = permutation_importance(
        LogisticClassifier().fit(X.to_numpy(), y), X.to_numpy().tolist(), y, metric="accuracy"
    )
    assert lists.features == ("x0", "x1", "x2", "x3")


def test_what_a_model_does_not_use_has_no_importance():
    X = np.random.default_rng(0).normal(size=(100, 40))
    found = permutation_importance(
        LinearRegression().fit(X, X[:, 7]), X, X[:, 7], metric="r2", random_state=0
    )
    assert found.mean.argmax() == 7
    assert np.abs(np.delete(found.mean, 7)).max() < 1e-10
    assert "30 of 40 features" in str(found)


def test_the_importance_of_several_labels_is_measured_too():
    X, y = make_multilabel_classification(60, n_features=5, n_classes=3, random_state=0)
    model = KNeighborsClassifier().fit(X, y)
    found = permutation_importance(model, X, y, metric="f1_samples", random_state=0)
    assert found.importances.shape == (5, 5)


# --- partial dependence -----------------------------------------------------------------------------------


def test_dependence_is_scikit_learns_and_straight_for_a_straight_model():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = LinearRegression().fit(X, y)
    found = partial_dependence(model, X, ["bmi", 3, "sex"], grid_resolution=15, kind="individual")
    expected = inspection.partial_dependence(model, X, ["bmi"], grid_resolution=15, kind="both")
    bmi, pressure, sex = found.features
    assert (bmi.feature, pressure.feature, sex.feature) == ("bmi", "bp", "sex")
    assert bmi.grid == pytest.approx(expected["grid_values"][0])
    assert bmi.average == pytest.approx(expected["average"])
    assert bmi.individual == pytest.approx(expected["individual"])
    assert np.diff(bmi.average[0]) / np.diff(bmi.grid) == pytest.approx(model.coef_[2])
    assert len(sex.grid) == 2
    assert found.outputs == ("prediction",)
    assert found.charts == ("bmi", "bp", "sex")
    assert is_a_value(found)
    assert partial_dependence(model, X, ["bmi"]).features[0].individual is None


def test_dependence_of_classes_is_of_probabilities(pipeline, iris):
    X, _ = iris
    found = partial_dependence(pipeline, X, ["petal width (cm)"])
    assert found.outputs == ("probability of 0", "probability of 1", "probability of 2")
    average = found.features[0].average
    assert average.sum(axis=0) == pytest.approx(np.ones(average.shape[1]), abs=1e-5)
    assert average[2, -1] > average[2, 0]
    assert is_a_value(found)
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["bad", "good"])[y]
    two = partial_dependence(KNeighborsClassifier().fit(X, names), X, [0], kind="individual")
    assert two.outputs == ("probability of good",)
    assert is_a_value(two)
    ridge = partial_dependence(RidgeClassifier().fit(X, names), X, [0])
    assert ridge.outputs == ("prediction",)


def test_whole_numbers_are_not_rounded_to_and_categories_are_taken_as_they_are():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"n": rng.integers(0, 1000, 90), "colour": rng.choice(["red", "blue"], 90)})
    y = frame["n"] / 100 + (frame["colour"] == "red")
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough"), LinearRegression()
    ).fit(frame, y)
    found = partial_dependence(model, frame, ["n", "colour"], grid_resolution=7)
    numbers, colours = found.features
    assert not numbers.categorical
    assert np.diff(numbers.grid) == pytest.approx(np.diff(numbers.grid)[0])
    assert np.diff(numbers.average[0]) == pytest.approx(np.diff(numbers.grid) / 100)
    assert colours.categorical
    assert colours.grid == ("blue", "red")
    assert colours.average[0, 1] - colours.average[0, 0] == pytest.approx(1)
    assert is_a_value(found)
    assert "blue" in str(found)
    whole = partial_dependence(KNeighborsRegressor(1).fit([[0], [10]], [0.0, 1.0]), [[0], [10]], [0])
    assert whole.features[0].grid == (0.0, 10.0)
    chosen = partial_dependence(
        KNeighborsRegressor(1).fit([[0], [10]], [0.0, 1.0]),
        np.array([[0], [10]]),
        [0],
        categorical_features=[0],
    )
    assert chosen.features[0].categorical


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": ["weight"]}, "no feature 'weight'; there is: sepal length"),
        ({"features": [4]}, "no feature 4"),
        ({"features": [True]}, "no feature True"),
        ({"features": [-1]}, "feature must be"),
        ({"features": [0], "kind": "both"}, "kind"),
        ({"features": [0], "grid_resolution": 1}, "grid_resolution"),
        ({"features": [0], "percentiles": (0.9, 0.1)}, "partial dependence"),
    ],
    ids=str,
)
def test_a_wrong_option_of_dependence_is_named(pipeline, iris, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        partial_dependence(pipeline, iris[0], **options)


def test_a_wrong_option_of_importance_is_named(pipeline, iris):
    for options, words in (({"n_repeats": 0}, "n_repeats"), ({"metric": "mse"}, "does not measure")):
        with pytest.raises(InvalidOptionError, match=words):
            permutation_importance(pipeline, *iris, **{"metric": "accuracy", **options})
