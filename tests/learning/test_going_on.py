"""Training that goes on: partial_fit, warm starts and checkpoints."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.preprocessing import StandardScaler

from maas_sdk.checkpoints import open_checkpoints
from maas_sdk.errors import CheckpointError, InvalidOptionError
from maas_sdk.learning import (
    SGD,
    Adam,
    ClipByNorm,
    CosineSchedule,
    GradientDescent,
    LinearRegressor,
    LinearSVMClassifier,
    LogisticClassifier,
    MLPClassifier,
    MLPRegressor,
    RidgeRegressor,
    chain,
)

STEPS = chain(ClipByNorm(10.0), Adam(CosineSchedule(0.05, n_steps=100)))
MODELS = [
    LinearRegressor(optimizer=STEPS, loss="huber"),
    RidgeRegressor(0.0, optimizer=STEPS),
    LogisticClassifier(optimizer=STEPS),
    LinearSVMClassifier(optimizer=STEPS),
    MLPClassifier((8,), optimizer=STEPS),
    MLPRegressor((8,), optimizer=STEPS, dtype="float64"),
]
IDS = [type(model).__name__ for model in MODELS]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_samples=500, *, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, 5)) * [1, 2, 0.5, 1, 1] + [0, 3, 0, -2, 0]
    return X, np.digitize(X[:, 0] + X[:, 4], np.linspace(-1, 1, classes - 1) if classes > 2 else [0])


def parameters(model):
    return (
        [*model.coefs_, *model.intercepts_] if hasattr(model, "coefs_") else [model.coef_, model.intercept_]
    )


def same(one, other, **tolerance):
    pairs = zip(parameters(one), parameters(other), strict=True)
    return all(np.allclose(a, b, **tolerance) if tolerance else np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("classes", [2, 3])
def test_calls_of_partial_fit_on_the_same_rows_are_epochs_of_one_training(model, classes):
    X, y = rows(classes=classes)
    straight = clone(model).set_params(max_iter=4, tol=0, n_iter_no_change=9, random_state=0).fit(X, y)
    steps = clone(model).set_params(random_state=0)
    for _ in range(4):
        steps.partial_fit(X, y)
    # The scale of values is multiplied in and divided out again, with rounding.
    assert same(steps, straight, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(steps.loss_curve_, straight.loss_curve_, rtol=1e-9)
    assert steps.n_iter_ == 4
    assert steps.loss_ == steps.loss_curve_[-1]
    if isinstance(model, MLPClassifier):
        assert same(steps, straight)


@pytest.mark.parametrize("cls", [type(model) for model in MODELS])
def test_partial_fit_learns_from_batches_with_the_defaults(cls):
    X, y = rows(2000)
    model = cls(random_state=0)
    if hasattr(model, "hidden_layer_sizes"):
        X = StandardScaler().fit_transform(X)
    for _ in range(20):
        for start in range(0, 2000, 500):
            model.partial_fit(X[start : start + 500], y[start : start + 500])
    assert model.score(X, y) > (0.93 if is_classifier(model) else 0.55)
    assert model.n_iter_ == 80


@pytest.mark.parametrize("model", [m for m in MODELS if is_classifier(m)], ids=lambda m: type(m).__name__)
def test_the_first_call_may_name_classes_that_come_later(model):
    X, y = rows()
    fitted = clone(model).partial_fit(X[y == 0], y[y == 0], classes=[0, 1])
    fitted.partial_fit(X, y)
    assert fitted.classes_.tolist() == [0, 1]
    with pytest.raises(InvalidOptionError, match="only one class"):
        clone(model).partial_fit(X[y == 0], y[y == 0])
    with pytest.raises(InvalidOptionError, match="not among the classes"):
        fitted.partial_fit(X, y + 1)
    with pytest.raises(InvalidOptionError, match="the model knows"):
        fitted.partial_fit(X, y, classes=[0, 1, 2])
    assert fitted.partial_fit(X, y, classes=[1, 0]).n_iter_ == 3


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_call_that_fails_changes_nothing_and_another_number_of_features_fails(model):
    X, y = rows()
    fitted = clone(model).set_params(random_state=0).partial_fit(X, y)
    before = copy.deepcopy(vars(fitted))
    with pytest.raises(ValueError, match="features"):
        fitted.partial_fit(X[:, :3], y)

    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted.set_params(callback=stop).partial_fit(X, y)
    fitted.set_params(callback=None)
    assert pickle.dumps(vars(fitted)) == pickle.dumps(before)
    again = clone(model).set_params(random_state=0).partial_fit(X, y).partial_fit(X, y)
    assert same(fitted.partial_fit(X, y), again)


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_training_goes_on_from_a_fit_without_the_optimizers_state(model):
    X, y = rows()
    fitted = clone(model).set_params(max_iter=30, random_state=0).fit(X, y)
    assert not hasattr(fitted, "optimizer_state_")
    loss = fitted.loss_
    fitted.partial_fit(X, y)
    assert fitted.n_iter_ == 31
    assert fitted.loss_ < 1.5 * loss + 0.1
    assert fitted.optimizer_state_


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_warm_start_goes_on_from_parameters_and_state(model):
    X, y = rows()
    options = {"random_state": 0, "tol": 0, "n_iter_no_change": 99, "max_iter": 10}
    warm = clone(model).set_params(warm_start=True, **options).fit(X, y)
    first = warm.loss_curve_
    warm.fit(X, y)
    cold = clone(model).set_params(**options).fit(X, y)
    assert cold.loss_curve_ == first
    assert warm.loss_curve_[0] < first[0]
    assert warm.n_iter_ == 10
    assert warm.optimizer_state_["step"] == 2 * 10 * 3


def test_a_default_optimizer_may_be_another_than_before():
    X, y = rows()
    model = LogisticClassifier(random_state=0).partial_fit(X, y).set_params(warm_start=True)
    assert model.fit(X, y).score(X, y) > 0.95
    assert model.fit(X, y).n_iter_ < 30
    assert model.partial_fit(X, y).n_iter_ > 1


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_a_warm_start_that_does_not_fit_is_refused_with_a_remedy(model):
    X, y = rows()
    fitted = clone(model).set_params(warm_start=True, max_iter=2).fit(X, y)
    with pytest.raises(InvalidOptionError, match=r"cannot go on.*warm_start=False"):
        fitted.fit(X[:, :3], y)
    with pytest.raises(InvalidOptionError, match=r"optimizer_state_ is not one that SGD"):
        fitted.set_params(optimizer=SGD(0.01, momentum=0.9)).fit(X, y)
    del fitted.optimizer_state_
    fitted.fit(X, y)
    if is_classifier(model):
        with pytest.raises(InvalidOptionError, match=r"cannot go on: the classes are \[0, 1, 2\]"):
            fitted.fit(X, rows(classes=3)[1])
    if hasattr(model, "hidden_layer_sizes"):
        with pytest.raises(InvalidOptionError, match=r"cannot go on: the model has layers"):
            fitted.set_params(hidden_layer_sizes=(9,)).fit(X, y)


def test_partial_fit_with_an_optimizer_for_the_full_batch_takes_one_step_a_call():
    X, y = rows(700)
    model = LogisticClassifier(optimizer=GradientDescent(0.5)).partial_fit(X, y).partial_fit(X, y)
    assert model.optimizer_state_["step"] == 2


def test_partial_fit_holds_nothing_out():
    with pytest.raises(InvalidOptionError, match=r"partial_fit learns from every row.*early_stopping=False"):
        MLPClassifier(early_stopping=True).partial_fit(*rows())


def test_outputs_that_change_their_number_are_refused():
    X, y = rows()
    for model in (LinearRegressor(), MLPRegressor((4,))):
        model.partial_fit(X, np.c_[y, y])
        with pytest.raises(InvalidOptionError, match="y has 3 outputs, but the model has 2"):
            model.partial_fit(X, np.c_[y, y, y])


def test_the_scale_of_the_first_rows_serves_all_others():
    X, _ = rows(1000)
    values = 1000 + 50 * X[:, 0]
    model = MLPRegressor((8,), optimizer=Adam(0.01), dtype="float64", random_state=0)
    model.partial_fit(X[:500], values[:500])
    scale = copy.deepcopy(model._coordinates)
    for _ in range(200):
        model.partial_fit(StandardScaler().fit_transform(X), values)
    assert np.array_equal(model._coordinates["target_scale"], scale["target_scale"])
    assert model.score(StandardScaler().fit_transform(X), values) > 0.95


class Killed(BaseException):
    """What stands for the end of the process."""


@pytest.mark.parametrize("model", [*MODELS, RidgeRegressor(), LinearSVMClassifier()], ids=repr)
def test_a_training_that_was_killed_goes_on_from_its_checkpoint_to_the_same_bits(model, tmp_path):
    X, y = rows()
    options = {"random_state": 0, "max_iter": 12, "tol": 0, "n_iter_no_change": 99}
    undisturbed = clone(model).set_params(**options).fit(X, y)

    def kill(progress):
        if progress["epoch"] == 7:
            raise Killed

    checkpoint = open_checkpoints(tmp_path).at("training")
    with pytest.raises(Killed):
        clone(model).set_params(callback=kill, **options).fit(X, y, checkpoint=checkpoint)
    epochs = []
    resumed = clone(model).set_params(callback=lambda p: epochs.append(p["epoch"]), **options)
    resumed.fit(X, y, checkpoint=open_checkpoints(tmp_path).at("training"))
    assert same(resumed, undisturbed)
    assert resumed.loss_curve_ == undisturbed.loss_curve_
    assert 1 < epochs[0] <= 8
    assert epochs[-1] == 12
    assert open_checkpoints(tmp_path).at("training").load() is None


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_what_is_no_checkpoint_is_refused_before_training(model, tmp_path):
    for wrong in (open_checkpoints(tmp_path), str(tmp_path)):
        with pytest.raises(InvalidOptionError, match="checkpoint must have load, save and clear"):
            clone(model).fit(*rows(), checkpoint=wrong)


def test_a_checkpoint_of_a_model_with_other_options_is_refused(tmp_path):
    X, y = rows()

    def kill(progress):
        raise Killed

    checkpoint = open_checkpoints(tmp_path).at("training")
    with pytest.raises(Killed):
        MLPClassifier((8,), random_state=0, callback=kill).fit(X, y, checkpoint=checkpoint)
    with pytest.raises(CheckpointError, match="alpha"):
        MLPClassifier((8,), random_state=0, alpha=0.5).fit(X, y, checkpoint=checkpoint)
