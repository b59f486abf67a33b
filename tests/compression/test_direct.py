"""The direct predictor gives what the chain gives: labels, numbers, shapes, dtypes, warnings and errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    HuberRegressor,
    Lasso,
    LassoLars,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from threadpoolctl import threadpool_limits

from maas_sdk import learning
from maas_sdk.compression import DirectPredictor
from maas_sdk.errors import UnsupportedModelError


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Histogram boosting wakes its threads for each tree, which can take longer than the tree."""
    with threadpool_limits(1):
        yield


METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
DIRECT = {1: "direct"}

CLASSIFIERS = {
    "LogisticRegression": lambda: LogisticRegression(max_iter=20),
    "LinearSVC": lambda: LinearSVC(max_iter=50),
    "RidgeClassifier": RidgeClassifier,
    "SGDClassifier": lambda: SGDClassifier(loss="log_loss", max_iter=5),
    "LinearDiscriminantAnalysis": LinearDiscriminantAnalysis,
    "LogisticClassifier": lambda: learning.LogisticClassifier(max_iter=5),
    "LinearSVMClassifier": lambda: learning.LinearSVMClassifier(max_iter=5),
    "MLPClassifier relu": lambda: MLPClassifier((9, 7), max_iter=3),
    "MLPClassifier tanh": lambda: MLPClassifier((9,), activation="tanh", max_iter=3),
    "MLPClassifier logistic": lambda: MLPClassifier((9,), activation="logistic", max_iter=3),
    "MLPClassifier identity": lambda: MLPClassifier((9,), activation="identity", max_iter=3),
    "own MLPClassifier gelu": lambda: learning.MLPClassifier((9, 7), activation="gelu", max_iter=3),
    "own MLPClassifier relu": lambda: learning.MLPClassifier((9,), dtype="float64", max_iter=3),
    "own MLPClassifier tanh": lambda: learning.MLPClassifier((9,), activation="tanh", max_iter=3),
    "own MLPClassifier without hidden layers": lambda: learning.MLPClassifier((), max_iter=3),
    "DecisionTreeClassifier": DecisionTreeClassifier,
    "ExtraTreeClassifier": ExtraTreeClassifier,
    "RandomForestClassifier": lambda: RandomForestClassifier(7),
    "ExtraTreesClassifier": lambda: ExtraTreesClassifier(7),
    "GradientBoostingClassifier": lambda: GradientBoostingClassifier(n_estimators=5),
    "GradientBoostingClassifier from zero": lambda: GradientBoostingClassifier(n_estimators=5, init="zero"),
    "HistGradientBoostingClassifier": lambda: HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=3),
}
REGRESSORS = {
    "LinearRegression": LinearRegression,
    "Ridge": Ridge,
    "Lasso": lambda: Lasso(alpha=0.01),
    "ElasticNet": lambda: ElasticNet(alpha=0.01),
    "SGDRegressor": lambda: SGDRegressor(max_iter=5),
    "LinearRegressor": lambda: learning.LinearRegressor(max_iter=5),
    "RidgeRegressor": lambda: learning.RidgeRegressor(max_iter=5),
    "MLPRegressor": lambda: MLPRegressor(hidden_layer_sizes=(9,), max_iter=3),
    "own MLPRegressor": lambda: learning.MLPRegressor((9,), activation="gelu", max_iter=3),
    "DecisionTreeRegressor": DecisionTreeRegressor,
    "ExtraTreeRegressor": ExtraTreeRegressor,
    "RandomForestRegressor": lambda: RandomForestRegressor(7),
    "ExtraTreesRegressor": lambda: ExtraTreesRegressor(7),
    "GradientBoostingRegressor": lambda: GradientBoostingRegressor(n_estimators=5),
    "GradientBoostingRegressor huber": lambda: GradientBoostingRegressor(n_estimators=5, loss="huber"),
    "HistGradientBoostingRegressor": lambda: HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=3),
    "HistGradientBoostingRegressor poisson": lambda: HistGradientBoostingRegressor(
        max_iter=5, min_samples_leaf=3, loss="poisson"
    ),
}
# Where the same numbers are added in the same order, not a bit may differ.
TREES = ("Tree", "Forest", "Boosting")
PREPARATIONS = {
    "nothing": list,
    "StandardScaler": lambda: [StandardScaler()],
    "StandardScaler without mean": lambda: [StandardScaler(with_mean=False)],
    "MinMaxScaler": lambda: [MinMaxScaler(clip=True)],
    "MaxAbsScaler": lambda: [MaxAbsScaler()],
    "RobustScaler": lambda: [RobustScaler()],
    "SimpleImputer": lambda: [SimpleImputer(strategy="median")],
    "PCA": lambda: [PCA(3)],
    "PCA whitened": lambda: [PCA(3, whiten=True)],
    "VarianceThreshold": lambda: [VarianceThreshold(2.0)],
    "ColumnTransformer": lambda: [ColumnTransformer([("kept", "passthrough", [0, 2])])],
    "several": lambda: [SimpleImputer(), StandardScaler(), VarianceThreshold(0.5), PCA(2), MinMaxScaler()],
    "unknown, then known": lambda: [PolynomialFeatures(), StandardScaler()],
    "known, then unknown": lambda: [StandardScaler(), PolynomialFeatures()],
}


def made(make, X, y, *steps):
    """Fit a chain, quietly and the same way each time."""
    model = make()
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message=".*(?:max_iter|did not|not settled|improv).*")
        return make_pipeline(*steps, model).fit(X, y)


def data(seed, n_classes=3, n_rows=60):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 5)) * rng.uniform(0.1, 10, 5) + rng.normal(size=5)
    labels = np.arange(n_rows) % n_classes
    X[:, 0] += labels
    return X, rng.permutation(["b", "c", "a"])[labels], np.abs(X[:, 1] + rng.normal(size=n_rows)) + 0.1


def assert_same(chain, predictor, X, *, exact=False, rtol=1e-12):
    for method in METHODS:
        assert hasattr(predictor, method) == hasattr(chain, method)
        if not hasattr(chain, method):
            continue
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="divide by zero encountered in log")
            expected, found = getattr(chain, method)(X), getattr(predictor, method)(X)
        assert type(found) is np.ndarray
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        if exact or expected.dtype.kind != "f":
            np.testing.assert_array_equal(found, expected)
        else:
            finite = np.isfinite(expected)
            np.testing.assert_array_equal(found[~finite], expected[~finite])
            scale = np.abs(expected[finite]).max(initial=0.0)
            np.testing.assert_allclose(found[finite], expected[finite], rtol=rtol, atol=rtol * scale)


def is_direct(predictor, X):
    """Tell whether the compiled chain answers, not the chain."""
    return predictor.attempt("predict", X) is not None


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_gives_the_same_labels_and_numbers(name, n_classes):
    exact = any(kind in name for kind in TREES)

    @settings(max_examples=3, deadline=None)
    @given(st.integers(0, 10_000))
    def check(seed):
        X, labels, _ = data(seed, n_classes)
        chain = made(CLASSIFIERS[name], X, labels)
        predictor = DirectPredictor(chain, crossover=DIRECT)
        rtol = 1e-6 if name.startswith("own") and chain[-1].coefs_[0].dtype == np.float32 else 1e-12
        for rows in (X, X[:1], X[5:7], np.asfortranarray(X), X[::2]):
            assert is_direct(predictor, rows)
            assert_same(chain, predictor, rows, exact=exact, rtol=rtol)

    check()


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_gives_the_same_numbers(name):
    exact = any(kind in name for kind in TREES)

    @settings(max_examples=3, deadline=None)
    @given(st.integers(0, 10_000))
    def check(seed):
        X, _, y = data(seed)
        chain = made(REGRESSORS[name], X, y)
        predictor = DirectPredictor(chain, crossover=DIRECT)
        for rows in (X, X[:1], X[5:7]):
            assert is_direct(predictor, rows)
            assert_same(chain, predictor, rows, exact=exact, rtol=1e-6 if name.startswith("own") else 1e-12)

    check()


@pytest.mark.parametrize("name", ["LinearRegression", "Ridge", "LinearRegressor", "MLPRegressor"])
def test_a_regressor_of_several_outputs_gives_the_same_numbers(name):
    X, _, y = data(0)
    chain = made(REGRESSORS[name], X, np.stack([y, -y], axis=1))
    predictor = DirectPredictor(chain, crossover=DIRECT)
    assert is_direct(predictor, X)
    assert_same(chain, predictor, X)


@pytest.mark.parametrize("make", [LinearRegression, lambda: RandomForestClassifier(5)])
@pytest.mark.parametrize("name", PREPARATIONS)
def test_steps_before_the_model_give_the_same(name, make):
    X, labels, y = data(1)
    target = y if make is LinearRegression else labels
    chain = made(make, X, target, *PREPARATIONS[name]())
    predictor = DirectPredictor(chain, crossover=DIRECT)
    for rows in (X, X[:1], X * 3):
        assert is_direct(predictor, rows)
        assert_same(chain, predictor, rows, exact=make is not LinearRegression)


@pytest.mark.parametrize("name", ["nothing", "StandardScaler", "MinMaxScaler", "several"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int8])
def test_rows_of_another_dtype_give_the_same(name, dtype):
    X, labels, _ = data(2)
    rows = (X * 5).astype(dtype)
    for make in (
        LogisticRegression,
        lambda: MLPClassifier((9,), max_iter=3),
        lambda: RandomForestClassifier(5),
    ):
        chain = made(make, X, labels, *PREPARATIONS[name]())
        predictor = DirectPredictor(chain, crossover=DIRECT)
        assert is_direct(predictor, rows)
        assert_same(chain, predictor, rows, rtol=1e-5 if dtype is np.float32 else 1e-12)


def test_a_model_that_was_fitted_in_float32_gives_the_same():
    X, labels, _ = data(3)
    chain = made(lambda: MLPClassifier((9,), max_iter=3), X.astype(np.float32), labels)
    predictor = DirectPredictor(chain, crossover=DIRECT)
    assert chain[-1].coefs_[0].dtype == np.float32
    assert_same(chain, predictor, X.astype(np.float32), rtol=1e-6)
    assert_same(chain, predictor, X)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), classes=st.sampled_from([2, 3]), categorical=st.booleans())
def test_histogram_boosting_treats_missing_values_and_categories_alike(seed, classes, categorical):
    rng = np.random.default_rng(seed)
    X, labels, _ = data(seed, classes, n_rows=120)
    X[:, 3] = rng.integers(0, 9, len(X)) * 3.0
    X[:, 4] = rng.integers(0, 4, len(X))
    X[rng.random(X.shape) < 0.15] = np.nan
    model = HistGradientBoostingClassifier(
        max_iter=8,
        min_samples_leaf=2,
        categorical_features=[3, 4] if categorical else None,
        random_state=0,
    )
    chain = make_pipeline(model).fit(X, labels)
    predictor = DirectPredictor(chain, crossover=DIRECT)
    rows = X.copy()
    rows[:20, 3] = rng.choice([1.0, -4.0, 300.0, np.nan], 20)  # categories that it has never seen
    assert is_direct(predictor, rows)
    assert_same(chain, predictor, rows, exact=True)
    assert_same(chain, predictor, rows[:1], exact=True)


def test_missing_values_are_imputed_and_scaled_past():
    X, labels, _ = data(4)
    X[::3, 1] = np.nan
    for steps in ([SimpleImputer()], [StandardScaler(), SimpleImputer(strategy="constant", fill_value=2.0)]):
        chain = made(LogisticRegression, X, labels, *steps)
        predictor = DirectPredictor(chain, crossover=DIRECT)
        assert is_direct(predictor, X)
        assert_same(chain, predictor, X)


def with_first(X, value):
    rows = X.copy()
    rows[0, 0] = value
    return rows


UNCOMMON = {
    "a list": lambda X: X.tolist(),
    "NaN": lambda X: with_first(X, np.nan),
    "infinity": lambda X: with_first(X, np.inf),
    "too large for float32": lambda X: with_first(X, 1e39),
    "too few features": lambda X: X[:, :3],
    "one dimension": lambda X: X[0],
    "no dimension": lambda _: np.float64(1.0),
    "no rows": lambda X: X[:0],
    "text": lambda X: X.astype(str),
    "objects": lambda X: X.astype(object),
    "complex": lambda X: X + 0j,
    "another byte order": lambda X: X.astype(">f8"),
    "masked": np.ma.asarray,
    "large integers": lambda X: np.full(X.shape, 2**60 + 1),
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("what", UNCOMMON)
@pytest.mark.parametrize(
    "make", [LogisticRegression, lambda: RandomForestClassifier(5), lambda: MLPClassifier((9,), max_iter=3)]
)
@pytest.mark.parametrize("steps", ["nothing", "StandardScaler", "VarianceThreshold"])
def test_other_input_gives_the_same_result_or_error(what, make, steps):
    X, labels, _ = data(5)
    chain = made(make, X, labels, *PREPARATIONS[steps]())
    predictor = DirectPredictor(chain, crossover=DIRECT)
    given_rows = UNCOMMON[what](X)
    warnings.filterwarnings("ignore", message="overflow encountered in cast")
    assert outcome(predictor, given_rows) == outcome(chain, given_rows)


def outcome(estimator, rows):
    """Give what it predicts, or how it refuses."""
    try:
        return estimator.predict(rows).tolist()
    except (TypeError, ValueError) as exc:
        return type(exc), str(exc)


def test_what_overflows_on_the_way_gives_the_same_error():
    X, labels, _ = data(6)
    chain = made(LogisticRegression, X, labels, StandardScaler())
    chain[0].scale_[2] = 1e-300
    rows = X.copy()
    rows[0, 2] = 1e100
    predictor = DirectPredictor(chain, crossover=DIRECT)
    with pytest.warns(RuntimeWarning, match="overflow"), pytest.raises(ValueError, match="infinity"):
        chain.predict(rows)
    with pytest.warns(RuntimeWarning, match="overflow"), pytest.raises(ValueError, match="infinity"):
        predictor.predict(rows)


def test_columns_of_a_frame_are_checked_by_name():
    pandas = pytest.importorskip("pandas")
    X, labels, _ = data(7)
    frame = pandas.DataFrame(X, columns=list("vwxyz"))
    chain = made(LogisticRegression, frame, labels, StandardScaler())
    predictor = DirectPredictor(chain, crossover=DIRECT)
    assert is_direct(predictor, frame)
    assert_same(chain, predictor, frame)
    with pytest.raises(ValueError, match="feature names"):
        predictor.predict(frame[list("zyxwv")])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        predictor.predict(X)


def test_a_frame_for_a_model_without_names_warns_as_before():
    pandas = pytest.importorskip("pandas")
    X, labels, _ = data(7)
    predictor = DirectPredictor(made(LogisticRegression, X, labels), crossover=DIRECT)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        predictor.predict(pandas.DataFrame(X, columns=list("vwxyz")))


def test_rows_are_not_changed_and_results_are_kept():
    X, labels, _ = data(8)
    before = X.copy()
    for make in (
        LogisticRegression,
        lambda: MLPClassifier((9,), max_iter=3),
        lambda: RandomForestClassifier(5),
    ):
        predictor = DirectPredictor(made(make, X, labels, StandardScaler()), crossover=DIRECT)
        first = predictor.predict_proba(X[:1])
        kept = first.copy()
        predictor.predict_proba(X[1:2])
        np.testing.assert_array_equal(first, kept)
        np.testing.assert_array_equal(X, before)
        label = predictor.predict(X[:1])
        label[0] = "z"
        assert "z" not in predictor.predict(X)


@pytest.mark.parametrize("name", ["LogisticRegression", "own MLPClassifier gelu", "RandomForestClassifier"])
def test_many_rows_are_computed_in_parts(name):
    X, labels, _ = data(9)
    chain = made(CLASSIFIERS[name], X, labels, StandardScaler())
    predictor = DirectPredictor(chain, crossover=DIRECT)
    rows = np.resize(X, (30_000, 5))
    assert is_direct(predictor, rows)
    assert_same(chain, predictor, rows, rtol=1e-6)
    rows[-1, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        predictor.predict(rows)


def test_a_forest_that_splits_on_missing_values_gives_the_same():
    X, labels, _ = data(10)
    X[::4, 0] = np.nan
    chain = made(lambda: RandomForestClassifier(5), X, labels)
    assert_same(chain, DirectPredictor(chain, crossover=DIRECT), X, exact=True)


def test_an_estimator_alone_is_a_chain():
    X, labels, _ = data(11)
    model = LogisticRegression().fit(X, labels)
    predictor = DirectPredictor(model, crossover=DIRECT)
    assert is_direct(predictor, X)
    assert_same(model, predictor, X)


def test_more_linear_models_give_the_same():
    X, labels, y = data(14)
    for model in (
        HuberRegressor(),
        LinearSVR(max_iter=50),
        RidgeCV(),
        BayesianRidge(),
        LassoLars(alpha=0.01),
    ):
        chain = made(lambda model=model: model, X, y)
        assert is_direct(DirectPredictor(chain, crossover=DIRECT), X)
        assert_same(chain, DirectPredictor(chain, crossover=DIRECT), X)
    for model in (Perceptron(max_iter=5), RidgeClassifierCV()):
        chain = made(lambda model=model: model, X, labels)
        assert is_direct(DirectPredictor(chain, crossover=DIRECT), X)
        assert_same(chain, DirectPredictor(chain, crossover=DIRECT), X)


def test_a_method_that_is_not_compiled_is_the_chains():
    X, labels, _ = data(12)
    chain = made(CLASSIFIERS["SGDClassifier"], X, labels)
    predictor = DirectPredictor(chain, crossover=DIRECT)
    assert is_direct(predictor, X)
    assert predictor.attempt("predict_proba", X) is None
    assert_same(chain, predictor, X)


def test_what_cannot_be_compiled_is_refused_with_the_reason():
    X, labels, y = data(13)
    two = np.stack([y, y], axis=1)
    reasons = {
        "several outputs": make_pipeline(RandomForestRegressor(3).fit(X, two)),
        "not fitted": make_pipeline(StandardScaler(), LogisticRegression()),
        "does not predict": make_pipeline(StandardScaler().fit(X)),
        "another model, LinearRegression": make_pipeline(
            GradientBoostingRegressor(n_estimators=2, init=LinearRegression()).fit(X, y)
        ),
        "sparse coefficients": make_pipeline(SGDClassifier(max_iter=5, tol=None).fit(X, labels).sparsify()),
        "several labels": made(lambda: MLPClassifier((3,), max_iter=3), X, two > 1),
    }
    for reason, chain in reasons.items():
        assert reason in DirectPredictor.why_not(chain)
        with pytest.raises(UnsupportedModelError, match=reason):
            DirectPredictor.of(chain)
    assert DirectPredictor.why_not(made(LogisticRegression, X, labels)) is None
