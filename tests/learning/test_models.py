"""Trainable models: scikit-learn's checks, and what those do not look at."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Model
from maas_sdk.learning import (
    SGD,
    Adam,
    GradientDescent,
    LinearRegressor,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
)

FAST = Adam(learning_rate=0.02)
MODELS = [
    LinearRegressor(max_iter=20),
    LogisticClassifier(max_iter=20),
    MLPClassifier((8,), optimizer=FAST, max_iter=5, random_state=0),
    MLPRegressor((8,), optimizer=FAST, max_iter=5, random_state=0),
]
IDS = [type(model).__name__ for model in MODELS]
unsettled = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_samples=60, n_features=4, *, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    return X, (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


@unsettled
@parametrize_with_checks(
    [
        LinearRegressor(),
        LinearRegressor(optimizer=SGD(0.05, momentum=0.9), max_iter=100),
        LogisticClassifier(max_iter=300),
        LogisticClassifier(optimizer=GradientDescent(0.5), max_iter=300),
        MLPClassifier(optimizer=FAST, max_iter=60),
        MLPClassifier(
            (16,), activation="tanh", optimizer=GradientDescent(0.2), dtype="float64", max_iter=100
        ),
        MLPRegressor(optimizer=FAST, max_iter=60),
        MLPRegressor(
            (16,), activation="tanh", optimizer=FAST, early_stopping=True, dtype="float64", max_iter=60
        ),
    ]
)
def test_scikit_learns_check_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", [LinearRegressor(), LogisticClassifier(), MLPClassifier(), MLPRegressor()])
@unsettled
def test_scikit_learns_central_checks_pass_with_the_defaults_untouched(model):
    X, y = load_iris(return_X_y=True)
    assert isinstance(model, Model)
    seed = {"random_state": 0} if "random_state" in model.get_params() else {}  # the rest stays as it is
    assert clone(model).set_params(**seed).fit(X, y).score(X, y) > 0.9


def test_an_mlp_reaches_95_percent_on_digits_in_float32():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model = MLPClassifier(max_iter=60, random_state=0).fit(X_train, y_train)
    assert model.score(X_test, y_test) >= 0.95
    assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype(np.float32)}
    assert model.predict_proba(X_test).dtype == np.float32


@pytest.mark.parametrize(
    "optimizer", [GradientDescent(0.5), SGD(0.1, momentum=0.9, nesterov=True), Adam(0.01)]
)
@unsettled
def test_each_optimizer_trains_each_model(optimizer):
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    options = {"optimizer": optimizer, "max_iter": 150, "random_state": 0}
    assert LogisticClassifier(**options).fit(X, y).score(X, y) > 0.9
    assert MLPClassifier((16,), **options).fit(X, y).score(X, y) > 0.9
    assert MLPRegressor((16,), **options).fit(X, y).score(X, y) > 0.9
    gentler = GradientDescent(0.1) if isinstance(optimizer, GradientDescent) else optimizer
    options["optimizer"] = gentler
    assert LinearRegressor(**options).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_linear_regressor_comes_to_the_exact_solution_on_data_in_any_units(alpha):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X = X * np.geomspace(1e-6, 1e6, X.shape[1]) + np.geomspace(1, 1e6, X.shape[1])
    model = LinearRegressor(alpha=alpha, tol=1e-9).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    exact = (Ridge(alpha * len(X)) if alpha else LinearRegression()).fit(scaled, y)
    np.testing.assert_allclose(model.predict(X), exact.predict(scaled), atol=2e-3 * y.std())


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_a_logistic_classifier_comes_to_scikit_learns_solution(load):
    X, y = load(return_X_y=True)
    model = LogisticClassifier(alpha=0.01, tol=1e-10, max_iter=3000).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    exact = LogisticRegression(C=1 / (0.01 * len(X)), tol=1e-8, max_iter=5000).fit(scaled, y)
    np.testing.assert_allclose(model.predict_proba(X), exact.predict_proba(scaled), atol=2e-3)


def test_a_regressor_does_not_care_about_the_unit_of_the_target():
    X, y = make_regression(100, 5, random_state=0)
    for model in (LinearRegressor(), MLPRegressor((8,), optimizer=FAST, max_iter=300, random_state=0)):
        plain = clone(model).fit(X, y)
        scaled = clone(model).fit(X, 1000 * y + 5000)
        np.testing.assert_allclose(scaled.predict(X), 1000 * plain.predict(X) + 5000, rtol=1e-2, atol=1e3)
        assert scaled.n_iter_ == plain.n_iter_


@pytest.mark.parametrize("columns", [1, 2])
@unsettled
def test_several_outputs_have_the_shapes_that_scikit_learn_gives_them(columns):
    X, _ = rows()
    Y = X[:, :columns] * 2 + 1
    model = LinearRegressor().fit(X, Y)
    assert model.coef_.shape == (columns, 4)
    assert model.predict(X).shape == Y.shape
    np.testing.assert_allclose(model.predict(X), Y, atol=0.05)
    if columns > 1:
        network = MLPRegressor((8,), max_iter=5).fit(X, Y)
        assert network.predict(X).shape == Y.shape
        assert network.n_outputs_ == columns


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([-7, 40]),
        np.array([1.0, 2.0]),
        pd.Series(["no", "yes"], dtype="category"),
        pd.Series(["no", "yes"], dtype="string"),
    ],
    ids=["str", "object", "bool", "int", "float", "category", "string"],
)
@pytest.mark.parametrize("model", [LogisticClassifier(), MLPClassifier((8,), optimizer=FAST, max_iter=300)])
def test_labels_of_any_kind_come_back(model, labels):
    X, codes = rows()
    y = labels[codes] if isinstance(labels, np.ndarray) else labels.iloc[codes]
    fitted = clone(model).set_params(random_state=0).fit(X, y)
    assert set(fitted.predict(X)) <= set(np.asarray(labels))
    assert fitted.score(X, y) > 0.6


def stored(value):
    """Give what comes back from a file: arrays in C order, lists and scalars."""
    if isinstance(value, list):
        return [stored(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return np.frombuffer(bytearray(value.tobytes()), value.dtype).reshape(value.shape)
    return value


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_prediction_needs_only_the_attributes_that_a_loaded_model_has_and_is_the_same_bit_for_bit(model):
    X, y = rows()
    fitted = clone(model).fit(pd.DataFrame(X, columns=list("abcd")), y)
    loaded = type(fitted)(**fitted.get_params())
    for name in (
        *("coefs_", "intercepts_", "coef_", "intercept_", "classes_", "n_outputs_", "n_iter_", "loss_"),
        *("n_features_in_", "feature_names_in_"),
    ):
        if hasattr(fitted, name):
            setattr(loaded, name, stored(getattr(fitted, name)))
    frame = pd.DataFrame(X, columns=list("abcd"))
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(fitted, method):
            assert np.array_equal(getattr(loaded, method)(frame), getattr(fitted, method)(frame))


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_prediction_is_the_same_from_several_threads_and_after_pickling(model):
    X, y = rows(500)
    fitted = clone(model).fit(X, y)
    expected = fitted.predict(X)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fitted.predict(X), range(16)))
    assert all(np.array_equal(result, expected) for result in results)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), expected)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "model", [LogisticClassifier(), MLPClassifier((8,), optimizer=FAST, max_iter=100, random_state=0)]
)
@unsettled
def test_probabilities_sum_to_one_and_their_logarithms_stay_finite(model, n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], y[y < n_classes]
    model = clone(model).fit(X, y)
    proba = model.predict_proba(X)
    assert proba.shape == (len(X), n_classes)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), proba, rtol=1e-4, atol=1e-7)
    assert np.isfinite(model.predict_log_proba(X * 1000)).all()
    assert np.array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_the_callback_hears_of_each_epoch(model):
    X, y = rows()
    heard = []
    fitted = clone(model).set_params(callback=lambda progress: heard.append(dict(progress))).fit(X, y)
    assert [h["epoch"] for h in heard] == list(range(1, fitted.n_iter_ + 1))
    assert [h["loss"] for h in heard] == fitted.loss_curve_
    assert {h["n_epochs"] for h in heard} == {model.max_iter}
    assert fitted.loss_ == fitted.loss_curve_[-1]
    assert "validation_score" not in heard[0]


class Stop:
    """A callback that ends the training in its second epoch."""

    def __init__(self, error):
        self.error = error

    def __call__(self, progress):
        if progress["epoch"] == 2:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("observer failed")], ids=repr)
@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_what_a_callback_raises_arrives_and_leaves_the_estimator_as_it_was(model, error):
    X, y = rows()
    fresh = clone(model).set_params(callback=Stop(error))
    with pytest.raises(type(error)):
        fresh.fit(X, y)
    assert set(vars(fresh)) == set(model.get_params())
    fitted = clone(model).fit(X, y)
    before = fitted.predict(X)
    fitted.set_params(callback=Stop(error))
    with pytest.raises(type(error)):
        fitted.fit(X[:, :2], 1 - y)
    assert np.array_equal(fitted.predict(X), before)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_a_training_that_diverges_says_so_and_leaves_nothing_half_fitted(model):
    X, y = rows()
    for learning_rate, patience in ((1e6, 10), (1e6, 1000), (1e30, 10)):
        wild = clone(model).set_params(
            optimizer=SGD(learning_rate), max_iter=1000, n_iter_no_change=patience, tol=1e-9
        )
        with pytest.raises(InvalidOptionError, match=r"diverged in epoch \d+.*learning_rate"):
            wild.fit(X, y)
        assert set(vars(wild)) == set(model.get_params())


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_too_few_epochs_are_warned_of(model):
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs") as caught:
        clone(model).set_params(max_iter=2, tol=0).fit(*rows())
    assert caught[0].filename == __file__


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_early_stopping_keeps_the_weights_of_the_best_epoch(cls):
    X, y = rows(300, seed=1)
    heard = []
    model = cls(
        (32,),
        optimizer=Adam(0.05),
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=5,
        random_state=3,
        callback=heard.append,
    ).fit(X, y)
    assert model.n_iter_ < model.max_iter
    assert [h["validation_score"] for h in heard] == model.validation_scores_
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best < model.n_iter_
    with pytest.warns(ConvergenceWarning):
        until_best = clone(model).set_params(max_iter=best, tol=0, callback=None).fit(X, y)
    assert all(np.array_equal(a, b) for a, b in zip(model.coefs_, until_best.coefs_, strict=True))


@unsettled
def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    X, y = rows()
    one, same, other = (
        MLPClassifier((8,), max_iter=5, random_state=seed).fit(X, y).coefs_[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@unsettled
def test_the_penalty_shrinks_weights():
    X, y = rows()
    loose, tight = (
        MLPClassifier((8,), optimizer=FAST, max_iter=50, alpha=alpha, random_state=0).fit(X, y)
        for alpha in (0.0, 0.1)
    )
    assert np.linalg.norm(tight.coefs_[0]) < np.linalg.norm(loose.coefs_[0])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@unsettled
def test_no_hidden_layer_an_integer_and_a_list_are_all_sizes(activation):
    X, y = rows()
    for sizes, shapes in (((), [(4, 1)]), (5, [(4, 5), (5, 1)]), ([3, 2], [(4, 3), (3, 2), (2, 1)])):
        model = MLPClassifier(sizes, activation=activation, max_iter=2).fit(X, y)
        assert [coef.shape for coef in model.coefs_] == shapes


class CountingDescent:
    """A vendor's optimizer: plain, counts its steps."""

    def __init__(self, *, full_batch):
        self.full_batch = full_batch
        self.steps = 0

    def init(self, params):
        return {"step": 0}

    def update_(self, params, grads, state):
        self.steps += 1
        params -= 0.1 * grads

    def __deepcopy__(self, memo):
        return self


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_a_foreign_optimizer_for_the_full_batch_takes_one_step_an_epoch(model):
    optimizer = CountingDescent(full_batch=True)
    fitted = clone(model).set_params(optimizer=optimizer, max_iter=7, tol=0, n_iter_no_change=7)
    fitted.fit(*rows(900))
    assert optimizer.steps == fitted.n_iter_ == 7


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 5), (100, 9), (1000, 1)])
@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_an_epoch_has_as_many_steps_as_there_are_batches(model, batch_size, steps):
    optimizer = CountingDescent(full_batch=False)
    fitted = clone(model).set_params(optimizer=optimizer, max_iter=1, batch_size=batch_size)
    fitted.fit(*rows(870))
    assert optimizer.steps == steps


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": "adam"}, "optimizer must be an object with init and update_"),
        ({"optimizer": Adam}, "such as Adam"),
        ({"max_iter": 0}, "max_iter must be an integer >= 1"),
        ({"max_iter": 2.5}, "max_iter"),
        ({"tol": -1}, "tol"),
        ({"n_iter_no_change": True}, "n_iter_no_change"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 32, "optimizer": GradientDescent()}, "contradicts GradientDescent"),
        ({"alpha": "strong"}, "alpha"),
        ({"random_state": "seed"}, "random_state"),
        ({"callback": 3}, "callback must be callable"),
    ],
    ids=str,
)
@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_wrong_option_is_named_by_fit(model, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        clone(model).set_params(**options).fit(*rows())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be an integer >= 1, not 0"),
        ({"hidden_layer_sizes": (8.0,)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": None}, "hidden_layer_sizes"),
        ({"activation": "gelu"}, "activation must be one of 'relu', 'tanh'"),
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'float64'"),
        ({"early_stopping": 1}, "early_stopping must be True or False"),
        ({"validation_fraction": 1.0}, "validation_fraction must be a finite number > 0 and < 1"),
    ],
    ids=str,
)
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_a_wrong_option_of_a_network_is_named_by_fit(cls, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        cls(**options).fit(*rows())


@pytest.mark.parametrize("model", [LogisticClassifier(), MLPClassifier()], ids=repr)
def test_a_single_class_is_refused_by_name(model):
    with pytest.raises(InvalidOptionError, match="only one class, 'yes'"):
        model.fit([[0.0], [1.0]], ["yes", "yes"])


@pytest.mark.parametrize("model", [LinearRegressor(), MLPRegressor()], ids=repr)
def test_values_whose_squares_overflow_are_refused(model):
    with pytest.raises(InvalidOptionError, match="too large"):
        model.fit([[0.0], [1.0], [2.0]], [0.0, 1e300, -1e300])


@unsettled
def test_a_model_with_an_optimizer_works_in_a_pipeline_and_a_grid():
    X, y = load_iris(return_X_y=True)
    chain = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=30, random_state=0))
    grid = GridSearchCV(chain, {"mlpclassifier__optimizer": [SGD(1e-4), FAST]}, cv=3).fit(X, y)
    assert grid.best_params_["mlpclassifier__optimizer"] == FAST
