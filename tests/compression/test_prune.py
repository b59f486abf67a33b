"""Gradual pruning: how many weights are zero, which, when, and what it costs in quality and bytes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from maas_sdk.compression import Int8Compressor, PruneCompressor
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.learning import SGD, Adam, ClipByNorm, GradientDescent, MLPClassifier, MLPRegressor
from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.testing import collect_checks

DIGITS, LABELS = load_digits(return_X_y=True)
X, Y = DIGITS[:900], LABELS[:900]
X_TEST, Y_TEST = DIGITS[900:], LABELS[900:]
DIABETES, TARGET = load_diabetes(return_X_y=True)
TARGET = (TARGET - TARGET.mean()) / TARGET.std()

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:training ended")


def chain(model, X=X, y=Y):
    return Pipeline([("scale", StandardScaler()), ("model", clone(model))]).fit(X, y)


def network(**options):
    return chain(MLPClassifier((96,), max_iter=15, random_state=0, **options))


def weights(fitted):
    return np.concatenate([coef.ravel() for coef in fitted[-1].coefs_])


def size(fitted):
    return sum(map(len, dump_parts(fitted).values()))


@pytest.fixture(scope="module")
def original():
    return network()


@pytest.mark.parametrize("sparsity", [0.5, 0.9])
def test_that_share_of_the_weights_is_zero_and_the_quality_stays(original, sparsity):
    before = weights(original).copy()
    pruned = PruneCompressor(sparsity).compress(original, X, Y)
    assert np.count_nonzero(weights(pruned) == 0) == int(sparsity * before.size)
    assert pruned.score(X_TEST, Y_TEST) > original.score(X_TEST, Y_TEST) - 0.02
    assert np.array_equal(weights(original), before)
    assert pruned[-1].coefs_[0].dtype == np.float32


def test_training_between_is_what_keeps_the_quality(original):
    slow = PruneCompressor(0.97, epochs=15).compress(original, X, Y)
    bare = PruneCompressor(0.97, epochs=1, optimizer=SGD(1e-12)).compress(original, X, Y)
    assert slow.score(X_TEST, Y_TEST) > bare.score(X_TEST, Y_TEST) + 0.1


def test_zeros_are_stored_in_a_bit_and_come_back_as_they_were(original):
    pruned = PruneCompressor(0.9).compress(original, X, Y)
    assert size(original) > 3.5 * size(pruned)
    both = Int8Compressor().compress(pruned)
    assert np.array_equal(weights(both) == 0, weights(both) * weights(pruned) == 0)
    assert size(pruned) > 1.2 * size(both)
    loaded = load_parts(dump_parts(pruned))
    assert np.array_equal(loaded.predict_proba(X), pruned.predict_proba(X))
    assert loaded[-1].get_params()["hidden_layer_sizes"] == (96,)


def test_the_share_grows_by_the_cubic_schedule_and_what_is_dropped_stays_zero(original):
    class Recording:
        """Counts zeros before each step."""

        def __init__(self):
            self.zeros = []

        def init(self, params):
            return Adam().init(params)

        def update_(self, params, grads, state):
            n_weights = weights(original).size
            self.zeros.append(np.count_nonzero(params[:n_weights] == 0) / n_weights)
            assert not grads[:n_weights][params[:n_weights] == 0].any()
            Adam().update_(params, grads, state)

    recording = Recording()
    PruneCompressor(0.8, epochs=6, optimizer=recording).compress(original, X, Y)
    per_epoch = np.reshape(recording.zeros, (6, 5))  # of 900 rows in batches of 200
    assert (per_epoch == per_epoch[:, :1]).all()
    passed = np.array([1, 2, 3, 4, 5, 5]) / 5
    np.testing.assert_allclose(per_epoch[:, 0], 0.8 * (1 - (1 - passed) ** 3), atol=1e-3)


def test_no_layer_is_emptied_whatever_its_scale(original):
    uneven = network()
    uneven[-1].coefs_[0] *= 1e-4
    pruned = PruneCompressor(0.9, epochs=1, optimizer=SGD(1e-12)).compress(uneven, X, Y)
    same = PruneCompressor(0.9, epochs=1, optimizer=SGD(1e-12)).compress(original, X, Y)
    for here, there in zip(pruned[-1].coefs_, same[-1].coefs_, strict=True):
        assert here.any()
        assert np.mean((here == 0) == (there == 0)) > 0.999


def test_within_a_layer_the_smallest_weights_go(original):
    pruned = PruneCompressor(0.7, epochs=1, optimizer=SGD(1e-12)).compress(original, X, Y)
    for before, after in zip(original[-1].coefs_, pruned[-1].coefs_, strict=True):
        gone = np.abs(before)[after == 0]
        assert gone.size == 0 or gone.max() <= np.abs(before)[after != 0].min()


@pytest.mark.parametrize(
    "model",
    [
        SklearnClassifier((40,), max_iter=20, random_state=0, early_stopping=True),
        SklearnClassifier((40,), activation="tanh", solver="lbfgs", max_iter=20, random_state=0),
        MLPClassifier((40,), activation="gelu", max_iter=20, random_state=0, dtype="float64"),
        MLPClassifier((40,), optimizer=GradientDescent(0.1), max_iter=40, random_state=0),
        MLPClassifier((40,), early_stopping=True, warm_start=True, max_iter=20, random_state=0),
    ],
    ids=["early stopping", "lbfgs", "gelu", "full batch", "warm start"],
)
@pytest.mark.parametrize("y", [Y, np.array(["odd", "even"])[Y % 2]], ids=["ten", "two classes"])
def test_networks_of_both_libraries_are_taken_with_their_own_optimizer(model, y):
    fitted = chain(model, X, y)
    pruned = PruneCompressor(0.6, epochs=4).compress(fitted, X, y)
    assert type(pruned[-1]) is type(fitted[-1])
    assert np.count_nonzero(weights(pruned) == 0) == int(0.6 * weights(fitted).size)
    assert pruned.score(X, y) > fitted.score(X, y) - 0.1
    loaded = load_parts(dump_parts(pruned, profile="full"))
    assert loaded.predict_proba(X_TEST).tobytes() == pruned.predict_proba(X_TEST).tobytes()
    assert pruned.fit(X, y).score(X, y) > 0.5  # it can be fitted again


@pytest.mark.parametrize("y", [TARGET, np.c_[TARGET, 1 - TARGET]], ids=["one", "two outputs"])
@pytest.mark.parametrize(
    "model",
    [
        SklearnRegressor(hidden_layer_sizes=(40,), max_iter=300, random_state=0),
        MLPRegressor((40,), loss="huber", random_state=0),
    ],
    ids=["sklearn", "own"],
)
def test_regressors_are_taken(model, y):
    fitted = chain(model, DIABETES, y)
    pruned = PruneCompressor(0.7).compress(fitted, DIABETES, y)
    assert pruned.score(DIABETES, y) > fitted.score(DIABETES, y) - 0.1 > 0.3
    assert pruned.predict(DIABETES).shape == y.shape
    assert np.count_nonzero(weights(pruned) == 0) == int(0.7 * weights(fitted).size)


def test_the_same_call_gives_the_same_bits_and_another_seed_gives_others(original):
    first, again = (PruneCompressor(epochs=2).compress(original, X, Y) for _ in range(2))
    assert np.array_equal(weights(first), weights(again))
    other = PruneCompressor(epochs=2, random_state=1).compress(original, X, Y)
    assert not np.array_equal(weights(first), weights(other))


@pytest.mark.parametrize(
    "options",
    [
        {"sparsity": 0.0},
        {"sparsity": 1.0},
        {"sparsity": 1},
        {"sparsity": "half"},
        {"epochs": 0},
        {"epochs": 2.5},
        {"optimizer": Adam},
        {"optimizer": ClipByNorm(1.0)},
        {"random_state": None},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InvalidOptionError, match="PruneCompressor"):
        PruneCompressor(**options)


def changed(change):
    fitted = chain(MLPClassifier((8,), max_iter=2, random_state=0), X[:60], Y[:60])
    change(fitted[-1])
    return fitted


def alone(model, y):
    return Pipeline([("model", model)]).fit(X[:60], y)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda model: model.set_params(activation="logistic"), "its activation is 'logistic', none of"),
        (lambda model: model.coefs_.pop(), "it has 1 coefs_ and 2 intercepts_"),
        (lambda model: setattr(model, "n_features_in_", 63), "layer 0 does not fit the one before"),
        (
            lambda model: model.coefs_.__setitem__(1, model.coefs_[1][:-1]),
            "layer 1 does not fit the one before",
        ),
        (lambda model: model.coefs_[0].__setitem__((0, 0), np.nan), "layer 0 holds numbers"),
        (lambda model: model.intercepts_.__setitem__(0, [0.0] * 8), "layer 0 is not made of arrays"),
        (lambda model: setattr(model, "classes_", model.classes_[:-1]), "it has 10 outputs for 9 classes"),
        (lambda model: setattr(model, "classes_", None), "it has 10 outputs for 0 classes"),
    ],
)
def test_a_network_that_does_not_hold_together_is_refused_with_the_reason(change, reason):
    fitted = changed(change)
    assert PruneCompressor().why_not(fitted).startswith(reason)
    with pytest.raises(InvalidOptionError, match="prune does not fit this model"):
        PruneCompressor().compress(fitted, X, Y)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: alone(LogisticRegression(max_iter=9000), Y[:60] > 4), "LogisticRegression is none of MLP"),
        (lambda: "chain", "not a fitted pipeline"),
        (lambda: Pipeline([("model", MLPClassifier())]), "it has no layers"),
        (
            lambda: alone(SklearnClassifier((5,), max_iter=2), np.eye(3, dtype=int)[Y[:60] % 3]),
            "it gives several labels at once",
        ),
        (
            lambda: alone(SklearnRegressor(hidden_layer_sizes=(5,), max_iter=2, loss="poisson"), Y[:60]),
            "its output is not linear",
        ),
    ],
)
def test_other_models_are_refused_with_the_reason(make, reason):
    fitted = make()
    assert PruneCompressor().why_not(fitted).startswith(reason)
    assert not PruneCompressor().supports(fitted)


def test_without_training_data_or_with_data_of_another_kind_it_says_so(original):
    compressor = PruneCompressor(epochs=1)
    for data in ((None, None), (X, None), (None, Y)):
        with pytest.raises(InvalidOptionError, match="needs the training data"):
            compressor.compress(original, *data)
    with pytest.raises(ComponentError, match="steps before MLPClassifier failed"):
        compressor.compress(original, X[:, :5], Y)
    with pytest.raises(InvalidOptionError, match="classes"):
        compressor.compress(original, X, Y + 1)
    with pytest.raises(ComponentError, match="prune of MLPClassifier failed"):
        compressor.compress(original, X, Y[:-1])
    steps = [
        ("sparse", FunctionTransformer(sparse.csr_array)),
        ("model", SklearnClassifier((5,), max_iter=2)),
    ]
    with pytest.raises(InvalidOptionError, match="dense features"):
        compressor.compress(Pipeline(steps).fit(X, Y), X, Y)
    assert repr(compressor) == "PruneCompressor(sparsity=0.9, epochs=1)"


@pytest.mark.parametrize(
    "check", [each for each in collect_checks("maas_sdk") if each.info.reference == "prune"], ids=str
)
def test_it_passes_the_checks_of_the_kit(check):
    check()
