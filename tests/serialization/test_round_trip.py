"""Labels, dtypes, layouts, chains and our own models go to bytes and come back."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, RobustScaler, StandardScaler
from sklearn.utils import all_estimators

from maas_sdk import learning
from maas_sdk.serialization import dump_parts, load_parts

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples")
CLASSES = dict(all_estimators())
X, Y = make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)
X = np.abs(X)


def assert_same(original, loaded, rows=X):
    """Compare whatever both can do."""
    compared = 0
    for name in METHODS:
        if hasattr(original, name):
            with np.errstate(divide="ignore"):  # the logarithm of a probability of 0
                expected, given = getattr(original, name)(rows), getattr(loaded, name)(rows)
            assert type(given) is type(expected)
            for left, right in zip(
                *[outputs if isinstance(outputs, list) else [outputs] for outputs in (expected, given)],
                strict=True,
            ):
                left_array, right_array = (
                    each.toarray() if sparse.issparse(each) else np.asarray(each) for each in (left, right)
                )
                assert right_array.dtype.kind == left_array.dtype.kind
                np.testing.assert_array_equal(right_array, left_array)
            compared += 1
    assert compared


def round_trip(estimator, rows=X):
    parts = dump_parts(estimator)
    loaded = load_parts(parts)
    assert type(loaded) is type(estimator)
    assert dump_parts(loaded) == parts
    assert_same(estimator, loaded, rows)
    return loaded


def fit(estimator, X=X, y=Y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few iterations; deprecated classes are still read
        return estimator.fit(X, y)


def make(name, **options):
    cls = CLASSES[name]
    accepted = inspect.signature(cls).parameters
    slow = {"max_iter": 5} if name.startswith(("MLP", "HistGradientBoosting")) else {}
    defaults = {"n_estimators": 4, "random_state": 0, "Cs": 2, "max_subpopulation": 100, **slow, **options}
    return cls(**{key: value for key, value in defaults.items() if key in accepted})


CLASSIFIERS = (
    *("DecisionTreeClassifier", "ExtraTreesClassifier", "GaussianNB", "GradientBoostingClassifier"),
    *("HistGradientBoostingClassifier", "KNeighborsClassifier", "LinearDiscriminantAnalysis", "LinearSVC"),
    *("LogisticRegression", "LogisticRegressionCV", "MLPClassifier", "Perceptron", "RandomForestClassifier"),
    *("RidgeClassifier", "RidgeClassifierCV", "SGDClassifier", "SVC"),
)


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(np.array(["left", "right"]), id="two strings"),
        pytest.param(np.array(["ä", "b", "日本"], dtype=object), id="three strings as objects"),
        pytest.param(np.array([-1.0, 2.0]), id="floats"),
        pytest.param(np.array([False, True]), id="booleans"),
        pytest.param(np.array([3, 7, 300], dtype=np.int32), id="integers"),
    ],
)
def test_labels_of_all_kinds_come_back_as_they_were(name, labels):
    classifier = fit(make(name), X, labels[Y % len(labels)])
    loaded = round_trip(classifier)
    assert loaded.classes_.dtype == classifier.classes_.dtype
    np.testing.assert_array_equal(loaded.classes_, classifier.classes_)


@pytest.mark.parametrize(
    "estimator", [LinearRegression(), Ridge(), MLPRegressor(hidden_layer_sizes=(5,), max_iter=5)]
)
def test_regressors_keep_several_targets(estimator):
    round_trip(fit(estimator, X, np.c_[X[:, 0], X[:, 1] * 2, Y]))


@pytest.mark.parametrize("estimator", [RidgeClassifier(), MLPClassifier((5,), max_iter=5)])
@pytest.mark.parametrize("n_labels", [2, 3])
def test_multi_label_classifiers_come_back(estimator, n_labels):
    round_trip(fit(estimator, X, np.eye(3, dtype=int)[Y][:, :n_labels]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("estimator", [LogisticRegression(), StandardScaler(), PCA(3), Ridge()])
def test_the_dtype_of_the_data_is_kept(estimator, dtype):
    round_trip(fit(estimator, X.astype(dtype), Y), X.astype(dtype))


@pytest.mark.parametrize("size", [1, 7, 40, 129])
def test_products_of_matrices_keep_their_last_bits_at_any_size(size):
    rng = np.random.default_rng(size)
    rows, labels = rng.normal(size=(150, size)), rng.integers(0, 5, 150)
    for estimator in (
        LogisticRegression(max_iter=5),
        PCA(min(size, 12)),
        LinearRegression(),
        MLPClassifier((size, 17), max_iter=2),
        learning.MLPClassifier((size, 17), max_iter=2),
        learning.LogisticClassifier(max_iter=3),
    ):
        round_trip(fit(estimator, rows, labels), rows)


OPTIMIZERS = [
    None,
    learning.GradientDescent(learning_rate=0.01),
    learning.SGD(learning_rate=0.01, momentum=0.5, nesterov=True),
    learning.Adam(learning_rate=0.02),
    learning.AMSGrad(learning_rate=learning.OneCycleSchedule(0.02, n_steps=50, cycle_momentum=False)),
    learning.chain(
        learning.ClipByNorm(1.0),
        learning.AdamW(learning.LinearWarmupSchedule(learning.CosineSchedule(0.02, n_steps=30), n_steps=5)),
    ),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "estimator",
    [
        learning.MLPClassifier((7, 5), max_iter=4, activation="tanh", callback=dict),
        learning.MLPClassifier((), max_iter=4, dtype="float64"),
        learning.MLPRegressor((6,), max_iter=4),
        learning.LinearRegressor(max_iter=5),
        learning.LogisticClassifier(max_iter=5),
    ],
)
def test_the_own_models_come_back_with_their_optimizer(estimator, optimizer):
    estimator.set_params(optimizer=optimizer)
    for target in (Y, Y % 2) if is_classifier(estimator) else (X[:, 0], X[:, :3]):
        loaded = round_trip(fit(estimator, X, target))
        assert loaded.optimizer == optimizer
        assert loaded.get_params(deep=False) == {**estimator.get_params(deep=False), "callback": None}


@pytest.mark.parametrize("name", ["optimizer", "schedule", "step"])
def test_an_optimizer_with_an_unknown_part_is_left_out(name):
    class Schedule:
        def init(self):
            return {}

        def rate(self, step, state):
            return 0.01

    class Optimizer(type(learning.SGD())):
        pass

    unknown = {
        "optimizer": Optimizer(),
        "schedule": learning.Adam(learning.LinearWarmupSchedule(Schedule(), n_steps=2)),
        "step": learning.chain(learning.ClipByValue(), learning.chain(learning.ClipByNorm(), Optimizer())),
    }
    model = fit(learning.MLPClassifier((4,), max_iter=2, optimizer=unknown[name]), X, Y)
    assert load_parts(dump_parts(model)).optimizer is None


def test_a_pipeline_in_a_pipeline_keeps_names_and_pass_through():
    inner = Pipeline([("scale", RobustScaler()), ("nothing", "passthrough"), ("norm", Normalizer())])
    outer = Pipeline([("prepare", inner), ("drop", None), ("pca", PCA(3)), ("model", LogisticRegression())])
    loaded = round_trip(fit(outer))
    assert [name for name, _ in loaded.steps] == ["prepare", "drop", "pca", "model"]
    assert [step if isinstance(step, str | None) else type(step) for _, step in loaded["prepare"].steps] == [
        RobustScaler,
        "passthrough",
        Normalizer,
    ]


def test_feature_names_and_the_output_container_are_kept():
    frame = pd.DataFrame(X, columns=[f"größe {index}" for index in range(6)])
    chain = make_pipeline(StandardScaler(), PCA(2)).set_output(transform="pandas")
    loaded = round_trip(fit(chain, frame), frame)
    assert isinstance(loaded.transform(frame), pd.DataFrame)
    assert loaded.feature_names_in_.tolist() == frame.columns.tolist()
    with pytest.raises(ValueError, match="feature names"):
        loaded.transform(frame.rename(columns={"größe 0": "other"}))


def test_missing_values_that_a_scaler_has_learned_stay_missing():
    rows = X.copy()
    rows[:, 1] = np.nan
    rows[3, 0] = np.nan
    for scaler in (
        StandardScaler(),
        StandardScaler(with_mean=False, with_std=False),
        RobustScaler(with_scaling=False),
    ):
        round_trip(fit(scaler, rows), rows)


@pytest.mark.parametrize("name", ["LogisticRegression", "LinearSVC", "MLPClassifier", "MaxAbsScaler"])
def test_sparse_rows_are_taken_by_arrays_that_cannot_be_written(name):
    rows = sparse.csr_matrix(np.where(X > 1, X, 0))
    round_trip(fit(make(name), rows), rows)


def test_components_that_run_backwards_keep_their_last_bits():
    rows = sparse.csr_matrix(np.where(X > 1, X, 0))
    pca = PCA(random_state=0).fit(rows)
    assert pca.components_.strides[0] < 0
    np.testing.assert_array_equal(load_parts(dump_parts(pca)).transform(rows), pca.transform(rows))


def test_a_loaded_model_trains_further_after_a_deep_copy():
    import copy

    loaded = load_parts(dump_parts(fit(make("SGDClassifier"))))
    further = copy.deepcopy(loaded)
    further.partial_fit(X, Y)
    assert not np.array_equal(further.coef_, loaded.coef_)
