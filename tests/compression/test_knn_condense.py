"""Fewer stored rows for nearest neighbours: which, what they predict, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import KNNCondenseCompressor
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.serialization import dump_parts, load_parts

DIGITS, LABELS = (array[:600] for array in load_digits(return_X_y=True))
CANCER = load_breast_cancer(return_X_y=True)
DIABETES, TARGET = load_diabetes(return_X_y=True)


def chain(model, X=DIGITS, y=LABELS):
    return Pipeline([("scale", StandardScaler()), ("model", model)]).fit(X, y)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (KNeighborsClassifier(), (DIGITS, LABELS)),
        (KNeighborsClassifier(3, weights="distance", metric="manhattan"), CANCER),
        (KNeighborsClassifier(7, p=3, algorithm="ball_tree"), CANCER),
        (KNeighborsClassifier(), (DIGITS, np.array(list("jihgfedcba"))[LABELS])),
    ],
)
def test_every_stored_row_gets_the_label_that_the_whole_model_gave_it(model, data):
    X, y = data
    original = chain(model, X, y)
    small = KNNCondenseCompressor().compress(original)
    assert np.array_equal(small.predict(X), original.predict(X))
    assert len(small[-1]._fit_X) < 0.3 * len(X)
    assert len(original[-1]._fit_X) == len(X)
    assert small[-1].n_neighbors == 1
    loaded = load_parts(dump_parts(small))
    assert np.array_equal(loaded.predict_proba(X), small.predict_proba(X))


def test_each_kept_row_was_needed_when_it_was_added():
    X = np.array([[0.0], [1], [2], [10], [11], [12]])
    y = np.array([0, 0, 0, 1, 1, 1])
    original = Pipeline([("model", KNeighborsClassifier(1))]).fit(X, y)
    small = KNNCondenseCompressor().compress(original)[-1]
    assert small._fit_X.ravel().tolist() == [0, 10]


def test_a_class_that_is_never_predicted_keeps_its_column():
    X = np.array([[0.0], [0.1], [0.2], [0.3], [9], [9.1], [9.2]])
    y = np.array([0, 1, 0, 0, 2, 2, 2])
    original = Pipeline([("model", KNeighborsClassifier(3))]).fit(X, y)
    assert 1 not in original.predict(X)
    small = KNNCondenseCompressor().compress(original)
    assert small[-1].classes_.tolist() == [0, 1, 2]
    assert small.predict_proba(X).shape == (7, 3)
    assert small.predict([[9.05]]).tolist() == [2]
    assert load_parts(dump_parts(small)).predict([[0.1]]).tolist() == [0]


@pytest.mark.parametrize("y", [TARGET, np.c_[TARGET, -TARGET]], ids=["one", "two outputs"])
def test_a_regressor_keeps_prototypes(y):
    original = chain(KNeighborsRegressor(10), DIABETES, y)
    small = KNNCondenseCompressor(0.2).compress(original)
    assert len(small[-1]._fit_X) == int(np.ceil(0.2 * len(DIABETES)))
    assert small[-1].n_neighbors == 2
    assert small.predict(DIABETES).shape == original.predict(DIABETES).shape
    assert small.score(DIABETES, y) > 0.35
    again = KNNCondenseCompressor(0.2).compress(original)
    assert np.array_equal(again.predict(DIABETES), small.predict(DIABETES))


def test_there_are_no_more_prototypes_than_different_rows():
    X = np.repeat([[0.0], [1.0]], 50, axis=0)
    original = Pipeline([("model", KNeighborsRegressor())]).fit(X, X[:, 0] * 4)
    small = KNNCondenseCompressor(0.5).compress(original)
    assert len(small[-1]._fit_X) == 2
    assert small.predict([[0.0], [1.0]]).tolist() == [0, 4]


@pytest.mark.parametrize("options", [{"share": 0.0}, {"share": 1}, {"share": 1.0}, {"random_state": -1}])
def test_options_out_of_their_range_are_refused(options):
    with pytest.raises(InvalidOptionError, match=next(iter(options))):
        KNNCondenseCompressor(**options)


def without(name):
    fitted = chain(KNeighborsClassifier())
    vars(fitted[-1])[name] = vars(fitted[-1])[name][:-1]
    return fitted


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: chain(LogisticRegression(max_iter=20)), "LogisticRegression is none of"),
        (lambda: Pipeline([("model", KNeighborsClassifier())]), "is it fitted"),
        (lambda: chain(KNeighborsClassifier(), y=np.c_[LABELS, LABELS]), "several outputs"),
        (
            lambda: Pipeline([("m", KNeighborsClassifier())]).fit(sparse.csr_matrix(DIGITS), LABELS),
            "no dense array",
        ),
        (
            lambda: Pipeline([("m", KNeighborsClassifier(metric="precomputed"))]).fit(np.eye(9), range(9)),
            "distances are given",
        ),
        (lambda: without("_y"), "not one for each stored row"),
        (lambda: None, "not a fitted pipeline"),
    ],
)
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_what_it_does_not_take_is_refused_with_the_reason(make, reason):
    assert reason in KNNCondenseCompressor().why_not(make())
    with pytest.raises(InvalidOptionError, match="knn_condense does not fit"):
        KNNCondenseCompressor().compress(make())
    assert repr(KNNCondenseCompressor(0.2)) == "KNNCondenseCompressor(share=0.2)"


def test_a_frame_is_taken_as_before():
    frame = pd.DataFrame(CANCER[0][:, :3], columns=["a", "b", "c"])
    for model, y in ((KNeighborsClassifier(), CANCER[1]), (KNeighborsRegressor(), frame["a"] * 2)):
        original = Pipeline([("model", model)]).fit(frame, y)
        small = KNNCondenseCompressor().compress(original)
        assert small[-1].feature_names_in_.tolist() == ["a", "b", "c"]
        assert small.predict(frame).shape == (len(frame),)  # and warns of nothing


def test_a_model_that_fails_is_an_error_of_ours():
    fitted = chain(KNeighborsClassifier())
    fitted[-1]._y = fitted[-1]._y + 100
    with pytest.raises(ComponentError, match="KNeighborsClassifier failed"):
        KNNCondenseCompressor().compress(fitted)
