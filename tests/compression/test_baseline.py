"""The honest baseline: smaller models on the labels, for each kind of model that has one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from maas_sdk.compression import BaselineCompressor
from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import MLPClassifier

RNG = np.random.default_rng(3)
X = RNG.normal(size=(120, 5)) * [1, 10, 100, 1, 1]
Y = (X[:, 0] + X[:, 3] > 0).astype(int)
LINEAR, SMALLER = BaselineCompressor("linear"), BaselineCompressor("smaller")


def chain(model, *before):
    steps = [(type(step).__name__.lower(), step) for step in before]
    return Pipeline([*steps, ("model", model)]).fit(X, Y)


def test_a_linear_model_takes_the_place_behind_a_scaler():
    made = LINEAR.compress(chain(RandomForestClassifier(5, random_state=0)), X, Y)
    assert [type(step) for _name, step in made.steps] == [StandardScaler, LogisticRegression]
    assert made.score(X, Y) > 0.9


def test_where_there_is_a_scaler_no_second_one_is_put():
    made = LINEAR.compress(chain(HistGradientBoostingRegressor(max_iter=5), StandardScaler()), X, X[:, 0])
    assert [type(step) for _name, step in made.steps] == [StandardScaler, Ridge]


def test_other_preprocessing_stays_and_is_not_changed():
    original = chain(KNeighborsClassifier(3), MaxAbsScaler())
    made = LINEAR.compress(original, X, Y)
    assert [name for name, _step in made.steps] == ["maxabsscaler", "scaler", "model"]
    assert np.array_equal(made[0].scale_, original[0].scale_)
    assert made[0] is not original[0]


def test_sparse_rows_are_not_centred():
    rows = sparse.csr_array(np.abs(X))
    original = Pipeline([("model", KNeighborsClassifier(3))]).fit(rows, Y)
    assert LINEAR.compress(original, rows, Y).predict(rows).shape == Y.shape


@pytest.mark.parametrize(
    ("model", "option", "value"),
    [
        (RandomForestClassifier(20, random_state=0), "n_estimators", 5),
        (HistGradientBoostingRegressor(max_iter=10), "max_iter", 2),
        (MLPClassifier((16, 2), max_iter=2, random_state=0), "hidden_layer_sizes", (4, 1)),
        (MLPRegressor(hidden_layer_sizes=8, max_iter=2, random_state=0), "hidden_layer_sizes", (2,)),
    ],
    ids=["forest", "boosting", "network of the SDK", "network"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_smaller_one_of_the_same_class_has_a_share(model, option, value):
    made = SMALLER.compress(chain(model), X, Y)
    assert type(made[-1]) is type(model)
    assert made[-1].get_params()[option] == value


def test_the_same_data_give_the_same_model():
    original = chain(RandomForestClassifier(8))
    first, second = (SMALLER.compress(original, X, Y).predict_proba(X) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("compressor", "model", "reason"),
    [
        (LINEAR, chain(LogisticRegression()), "LogisticRegression is linear already"),
        (LINEAR, chain(KMeans(2, n_init=1)), "KMeans is neither a classifier nor a regressor"),
        (SMALLER, chain(GaussianNB()), "GaussianNB has no number of units or trees to make smaller"),
        (SMALLER, chain(LogisticRegression()), "no number of units or trees"),
        (SMALLER, Pipeline([("model", RandomForestClassifier())]), "not a fitted pipeline"),
        (LINEAR, RandomForestClassifier(), "not a fitted pipeline"),
        (LINEAR, None, "not a fitted pipeline"),
    ],
    ids=["linear", "clusters", "no number", "linear has no units", "not fitted", "no chain", "nothing"],
)
def test_why_there_is_no_baseline_is_said(compressor, model, reason):
    assert not compressor.supports(model)
    assert reason in compressor.why_not(model)
    with pytest.raises(InvalidOptionError, match=reason):
        compressor.compress(model, X, Y)


def test_without_training_data_there_is_none():
    with pytest.raises(InvalidOptionError, match="training data"):
        LINEAR.compress(chain(GaussianNB()))


@pytest.mark.parametrize(
    "options", [{"kind": "tiny"}, {"share": 1.0}, {"share": 2}, {"random_state": -1}], ids=str
)
def test_a_wrong_option_is_refused_by_name(options):
    with pytest.raises(InvalidOptionError, match=next(iter(options))):
        BaselineCompressor(**options)


def test_what_it_is_called_says_what_it_is():
    assert (repr(LINEAR), repr(SMALLER)) == (
        "BaselineCompressor('linear')",
        "BaselineCompressor('smaller', share=0.25)",
    )
