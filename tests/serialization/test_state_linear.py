"""Linear models and networks: what training goes on from, what it wrote down, and what does not fit."""

import copy
import json
import warnings

import numpy as np
import pytest
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from sklearn.linear_model import (
    ARDRegression,
    LassoCV,
    LinearRegression,
    LogisticRegressionCV,
    PassiveAggressiveClassifier,
    RANSACRegressor,
    RidgeClassifier,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import LinearSVR

from maas_sdk import learning
from maas_sdk.errors import InvalidArtifactError
from maas_sdk.serialization import dump_parts, load_parts

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.arange(40) % 3
TARGET = X @ [2.0, -1.0, 0.0] + 0.1 * RNG.normal(size=40)
FILE = "tensors/000.safetensors"


def altered(estimator, *, arrays=(), document=None, **options):
    """Dump, replace arrays by name, let `document` change the JSON, load."""
    parts = dump_parts(estimator, **options)
    tensors = {
        name: value for name, value in read_tensors(parts[FILE]).items() if not name.startswith(".pad")
    }
    for name, change in dict(arrays).items():
        tensors[name] = np.ascontiguousarray(change(tensors[name]))
    data = json.loads(parts["model.json"])
    if document is not None:
        document(data["model"])
    return load_parts({**parts, "model.json": json.dumps(data).encode(), FILE: write_tensors(tensors)})


def state(**values):
    return lambda model: model["state"].update(values)


def less(array):
    return array[:-1]


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def in_parts(estimator, *data, **options):
    """Train by parts, four times."""
    quietly(estimator.partial_fit, *data, **options)
    for _ in range(3):
        quietly(estimator.partial_fit, *data)
    return estimator


LEARNERS = [
    *(
        in_parts(SGDClassifier(average=average, random_state=0), X, Y, classes=[0, 1, 2])
        for average in (False, True, 60, 10**6)
    ),
    in_parts(SGDClassifier(average=True, random_state=0), X, Y > 0, classes=[False, True]),
    in_parts(SGDRegressor(average=True, random_state=0), X, TARGET),
    in_parts(SGDOneClassSVM(average=True, random_state=0), X),
    *(
        in_parts(
            MLPClassifier((4,), solver=solver, learning_rate="adaptive", random_state=0),
            X,
            Y,
            classes=[0, 1, 2],
        )
        for solver in ("adam", "sgd")
    ),
]


@pytest.mark.parametrize("learner", LEARNERS)
def test_copies_of_loaded_models_learn_on_as_the_original_would(learner):
    loaded = copy.deepcopy(load_parts(dump_parts(learner, training_state=True)))
    original = copy.deepcopy(learner)
    data = (X,) if isinstance(learner, SGDOneClassSVM) else (X, Y > 0) if learner_of_two(learner) else (X, Y)
    for each in (original, loaded):
        for _ in range(3):
            quietly(each.partial_fit, *data)
    assert dump_parts(loaded, training_state=True) == dump_parts(original, training_state=True)


def learner_of_two(learner):
    return len(getattr(learner, "classes_", ())) == 2


def test_a_warm_start_goes_on_from_the_best_weights():
    network = MLPClassifier((4,), early_stopping=True, warm_start=True, max_iter=5, random_state=0).fit(X, Y)
    loaded = copy.deepcopy(load_parts(dump_parts(network, training_state=True)))
    for each in (network, loaded):
        each.fit(X, Y)
    assert all(np.array_equal(left, right) for left, right in zip(network.coefs_, loaded.coefs_, strict=True))


def test_what_training_wrote_down_is_kept_when_asked_for():
    own = learning.MLPRegressor((3,), max_iter=3).fit(X, TARGET)
    for estimator, name in (
        (LassoCV(cv=2).fit(X, TARGET), "mse_path_"),
        (MLPRegressor(hidden_layer_sizes=(3,), max_iter=3).fit(X, TARGET), "loss_curve_"),
        (own, "loss_curve_"),
        (learning.LinearRegressor(max_iter=3).fit(X, TARGET), "loss_curve_"),
    ):
        kept = load_parts(dump_parts(estimator, training_state=True))
        assert np.array_equal(getattr(kept, name), getattr(estimator, name))
        full, few = (load_parts(dump_parts(estimator, profile=profile)) for profile in ("full", "inference"))
        assert not hasattr(full, name)
        assert full.n_iter_ == estimator.n_iter_
        assert not hasattr(few, "n_iter_")
        assert np.array_equal(few.predict(X), estimator.predict(X))


def test_paths_by_class_come_back():
    model = quietly(LogisticRegressionCV(Cs=2, cv=2, max_iter=50).fit, X, Y)
    loaded = load_parts(dump_parts(model, training_state=True))
    assert np.array_equal(loaded.Cs_, model.Cs_)
    assert np.array_equal(loaded.n_iter_, model.n_iter_)
    assert repr(loaded.scores_) == repr(model.scores_)


def test_what_a_constructor_set_before_its_parameter_changed_is_kept():
    model = quietly(PassiveAggressiveClassifier).set_params(C=0.01)
    quietly(model.fit, X, Y)
    loaded = quietly(load_parts, quietly(dump_parts, model))
    assert (loaded.C, loaded.eta0) == (0.01, 1.0)


@pytest.mark.parametrize(
    ("estimator", "arrays", "edit", "path"),
    [
        (LinearRegression().fit(X, TARGET), {}, state(intercept_=None), "intercept_"),
        (
            LinearRegression().fit(X, np.c_[TARGET, TARGET]),
            {},
            lambda m: m["state"].update(intercept_=m["state"]["intercept_"] | {"shape": [1]}),
            "intercept_",
        ),
        (
            SGDRegressor(random_state=0).fit(X, TARGET),
            {},
            lambda m: m["state"].update(intercept_=m["state"]["coef_"]),
            "",
        ),
        (LinearSVR().fit(X, TARGET), {"coef_": less}, None, "coef_"),
        (ARDRegression().fit(X, TARGET), {"lambda_": lambda a: a * 0}, None, "lambda_"),
        (RANSACRegressor(random_state=0).fit(X, TARGET), {}, state(estimator_=None), "estimator_"),
        (RANSACRegressor(random_state=0).fit(X, TARGET), {}, state(n_features_in_=4), "estimator_"),
        (RidgeClassifier().fit(X, Y), {"coef_": less}, None, ""),
    ],
)
def test_linear_models_that_do_not_fit_are_refused(estimator, arrays, edit, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(estimator, arrays=arrays, document=edit)
    assert path in (caught.value.path or "")


def test_the_intercept_is_one_for_each_target():
    model = LinearRegression().fit(X, TARGET)
    model.intercept_ = np.zeros(2)
    with pytest.raises(Exception, match="2 intercepts for 1 targets"):
        dump_parts(model)


def test_a_loss_is_rebuilt():
    model = TweedieRegressor(power=1.5).fit(X, np.exp(TARGET / 9))
    assert load_parts(dump_parts(model)).score(X, np.exp(TARGET / 9)) > 0


ADAM, DESCENT = LEARNERS[-2:]


@pytest.mark.parametrize(
    ("network", "arrays", "edit", "path"),
    [
        (ADAM, {"_optimizer.ms[0]": less}, None, "_optimizer.ms"),
        (DESCENT, {"_optimizer.velocities[0]": lambda a: a.T}, None, "_optimizer.velocities"),
        (ADAM, {}, lambda m: m["state"]["_optimizer"]["dict"].pop(), "_optimizer"),
        (ADAM, {}, state(_optimizer=5), "_optimizer"),
        (ADAM, {}, state(_no_improvement_count=-1), "_no_improvement_count"),
    ],
)
def test_an_optimizer_that_does_not_fit_its_network_is_refused(network, arrays, edit, path):
    with pytest.raises(InvalidArtifactError) as caught:
        altered(network, arrays=arrays, document=edit, training_state=True)
    assert path in caught.value.path
