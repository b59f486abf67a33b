"""Trainable models: what all of them do that scikit-learn's checks do not look at."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Model
from maas_sdk.learning import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    ClipByNorm,
    ClipByValue,
    CosineSchedule,
    GradientDescent,
    LinearRegressor,
    LinearSVMClassifier,
    Lion,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
    ReduceOnPlateauSchedule,
    RidgeRegressor,
    RMSprop,
    chain,
)

FAST = Adam(learning_rate=0.02)
MODELS = [
    LinearRegressor(max_iter=20),
    RidgeRegressor(max_iter=20),
    LogisticClassifier(max_iter=20),
    LinearSVMClassifier(max_iter=20),
    MLPClassifier((8,), optimizer=FAST, max_iter=5, random_state=0),
    MLPRegressor((8,), optimizer=FAST, max_iter=5, random_state=0),
]
IDS = [type(model).__name__ for model in MODELS]
CLASSIFIERS = [model for model in MODELS if is_classifier(model)]
unsettled = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_samples=60, n_features=4, *, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    return X, (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


@pytest.mark.parametrize("cls", [type(model) for model in MODELS])
@unsettled
def test_a_model_learns_with_its_defaults(cls):
    X, y = load_iris(return_X_y=True)
    assert isinstance(cls(), Model)
    assert cls(random_state=0).fit(X, y).score(X, y) > 0.9


OPTIMIZERS = [
    GradientDescent(0.2),
    SGD(0.05, momentum=0.9, nesterov=True),
    Adam(0.05),
    AdamW(0.05),
    AMSGrad(0.05),
    AdaGrad(0.3),
    RMSprop(0.01),
    Lion(0.01),
    Adam(CosineSchedule(0.1, n_steps=300)),
    SGD(ReduceOnPlateauSchedule(0.1), momentum=0.9),
    chain(ClipByValue(1.0), ClipByNorm(1.0), Adam(0.05)),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: repr(optimizer)[:40])
@pytest.mark.parametrize("cls", [type(model) for model in MODELS])
@unsettled
def test_each_optimizer_trains_each_model(cls, optimizer):
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    if isinstance(optimizer, GradientDescent) and not is_classifier(cls()):
        optimizer = GradientDescent(0.1)
    model = cls(optimizer=optimizer, max_iter=300, n_iter_no_change=300, random_state=0)
    if hasattr(model, "hidden_layer_sizes"):
        model.set_params(hidden_layer_sizes=(16,))
    assert model.fit(X, y).score(X, y) > 0.88


def test_a_regressor_does_not_care_about_the_unit_of_the_target():
    X, y = make_regression(100, 5, random_state=0)
    for model in (
        LinearRegressor(),
        LinearRegressor(loss="absolute"),
        RidgeRegressor(),
        MLPRegressor((8,), optimizer=FAST, max_iter=300, random_state=0),
    ):
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
@pytest.mark.parametrize(
    "model", [LogisticClassifier(), LinearSVMClassifier(), MLPClassifier((8,), optimizer=FAST, max_iter=300)]
)
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
        ({"warm_start": 1}, "warm_start must be True or False"),
        ({"optimizer": ClipByNorm(1.0)}, "moves no parameters"),
    ],
    ids=str,
)
@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_wrong_option_is_named_by_fit(model, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        clone(model).set_params(**options).fit(*rows())


@pytest.mark.parametrize("model", CLASSIFIERS, ids=repr)
def test_a_single_class_is_refused_by_name(model):
    with pytest.raises(InvalidOptionError, match="only one class, 'yes'"):
        model.fit([[0.0], [1.0]], ["yes", "yes"])


@pytest.mark.parametrize("model", [LinearRegressor(), RidgeRegressor(), MLPRegressor()], ids=repr)
def test_values_whose_squares_overflow_are_refused(model):
    with pytest.raises(InvalidOptionError, match="too large"):
        model.fit([[0.0], [1.0], [2.0]], [0.0, 1e300, -1e300])


@unsettled
def test_a_model_with_an_optimizer_works_in_a_pipeline_and_a_grid():
    X, y = load_iris(return_X_y=True)
    chain = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=30, random_state=0))
    grid = GridSearchCV(chain, {"mlpclassifier__optimizer": [SGD(1e-4), FAST]}, cv=3).fit(X, y)
    assert grid.best_params_["mlpclassifier__optimizer"] == FAST


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_equal_weights_are_none_and_a_row_of_weight_zero_is_not_there(model):
    X, y = rows(300)
    plain = clone(model).fit(X, y).predict(X)
    equal = np.ones(300) if isinstance(model, RidgeRegressor) else np.full(300, 0.3)
    assert np.array_equal(clone(model).fit(X, y, sample_weight=equal).predict(X), plain)
    more = np.vstack([X, 1e3 * np.ones((50, 4))])
    weight = np.repeat([1.0, 0.0], [300, 50])
    weighted = clone(model).fit(more, np.r_[y, np.ones(50, int)], sample_weight=weight)
    assert np.array_equal(weighted.predict(X), plain)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_neither_the_order_of_few_rows_nor_their_repetition_changes_a_bit(model):
    X, y = rows(60)
    times = np.random.default_rng(1).integers(1, 4, 60)
    order = np.random.default_rng(2).permutation(times.sum())
    repeated = clone(model).fit(X.repeat(times, axis=0)[order], y.repeat(times)[order])
    weighted = clone(model).fit(X, y, sample_weight=times)
    assert np.array_equal(repeated.predict(X), weighted.predict(X))
    assert repeated.loss_curve_ == weighted.loss_curve_


@pytest.mark.parametrize("model", CLASSIFIERS, ids=[type(model).__name__ for model in CLASSIFIERS])
@unsettled
def test_classes_may_be_named_of_which_the_data_have_none(model):
    X, y = rows()
    fitted = clone(model).fit(X, y, classes=[2, 1, 0])
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert len(fitted.intercepts_[-1] if hasattr(fitted, "coefs_") else fitted.intercept_) == 3
    with pytest.raises(InvalidOptionError, match="the label 1, which is not among the classes"):
        clone(model).fit(X, y, classes=[0, 2])
    with pytest.raises(InvalidOptionError, match="another kind"):
        clone(model).fit(X, np.array(["a", "b"], object)[y], classes=np.array([0, 1], object))
    for wrong, words in ((["a"], "only one class"), (3, "sequence of labels"), (["a", "b"], "kind|label")):
        with pytest.raises(InvalidOptionError, match=words):
            clone(model).fit(X, y, classes=wrong)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@unsettled
def test_a_prediction_for_very_many_rows_holds_few_of_them_at_a_time(model, monkeypatch):
    X, y = rows(900)
    fitted = clone(model).fit(X, y)
    expected = fitted.predict(X)
    largest = []

    def forward(*arguments, real=np.matmul, **options):
        largest.append(len(arguments[0]))
        return real(*arguments, **options)

    monkeypatch.setattr("maas_sdk.learning._models._intake._CHUNK", 800)
    monkeypatch.setattr(np, "matmul", forward)
    np.testing.assert_allclose(fitted.predict(X), expected, rtol=1e-5, atol=1e-6)
    assert not largest or max(largest) <= 200
