"""Narrow layers for wide ones: what they predict before and after training, which layers, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import Int8Compressor, LowRankCompressor
from maas_sdk.errors import ComponentError, InvalidOptionError
from maas_sdk.learning import SGD, Adam, ClipByNorm, MLPClassifier, MLPRegressor
from maas_sdk.serialization import dump_parts, load_parts
from maas_sdk.testing import collect_checks

DIGITS, LABELS = load_digits(return_X_y=True)
X, Y = DIGITS[:900], LABELS[:900]
X_TEST, Y_TEST = DIGITS[900:], LABELS[900:]
DIABETES, TARGET = load_diabetes(return_X_y=True)
ACTIVATIONS = ("relu", "tanh", "gelu")

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:training ended")


def chain(model, X=X, y=Y):
    return Pipeline([("scale", StandardScaler()), ("model", clone(model))]).fit(X, y)


def wide(activation="relu", **options):
    return chain(MLPClassifier((128, 128), activation=activation, max_iter=10, random_state=0, **options))


def size(fitted):
    return sum(map(len, dump_parts(fitted).values()))


def shapes(fitted):
    return [coef.shape for coef in fitted[-1].coefs_]


@pytest.fixture(scope="module")
def original():
    return wide()


def test_a_wide_layer_becomes_two_and_the_model_smaller(original):
    before = [coef.copy() for coef in original[-1].coefs_]
    small = LowRankCompressor(16).compress(original, X, Y)
    assert shapes(small) == [(64, 16), (16, 128), (128, 16), (16, 128), (128, 10)]
    assert small[-1].get_params()["hidden_layer_sizes"] == (16, 128, 16, 128)
    assert size(original) > 2.5 * size(small)
    assert size(small) > 1.8 * size(Int8Compressor().compress(small))
    assert small.score(X_TEST, Y_TEST) > original.score(X_TEST, Y_TEST) - 0.02
    assert all(map(np.array_equal, original[-1].coefs_, before))
    loaded = load_parts(dump_parts(small, profile="full"))
    assert np.array_equal(loaded.predict_proba(X), small.predict_proba(X))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_layer_that_has_few_directions_loses_nothing_even_without_training(activation):
    fitted = wide(activation, dtype="float64")
    rng = np.random.default_rng(0)
    fitted[-1].coefs_[1][:] = rng.normal(size=(128, 6)) @ rng.normal(size=(6, 128)) / 20
    small = LowRankCompressor(0.9999, epochs=0).compress(fitted, X)
    assert shapes(small)[-3:] == [(128, 6), (6, 128), (128, 10)]
    wanted, given = fitted.predict_proba(X), small.predict_proba(X)
    # The others bend a little; relu is straight.
    np.testing.assert_allclose(given, wanted, atol=1e-9 if activation == "relu" else 0.02)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_share_of_the_variance_decides_how_many_directions(activation):
    fitted = wide(activation)
    widths = [
        shapes(LowRankCompressor(share, epochs=0).compress(fitted, X))[-2][0] for share in (0.3, 0.6, 0.8)
    ]
    assert widths == sorted(set(widths))
    assert widths[-1] < 64


def test_a_small_layer_stays_as_it_is(original):
    small = LowRankCompressor(1, epochs=0).compress(original, X)
    assert shapes(small)[-1] == (128, 10)


def test_training_makes_up_for_lost_directions(original):
    bare = LowRankCompressor(5, epochs=0).compress(original, X)
    trained = LowRankCompressor(5).compress(original, X, Y)
    assert shapes(bare) == shapes(trained)
    assert trained.score(X_TEST, Y_TEST) > bare.score(X_TEST, Y_TEST) + 0.05


def test_directions_are_those_of_the_rows_and_not_of_the_weights(original):
    low = np.zeros((900, 64))
    low[:, 20:24] = X[:, 20:24]
    fitted = chain(MLPClassifier((128, 128), max_iter=5, random_state=0), low, Y)
    small = LowRankCompressor(4, epochs=0).compress(fitted, low)
    first = fitted[0].transform(low) @ fitted[-1].coefs_[0] + fitted[-1].intercepts_[0]
    middle = np.maximum(fitted[0].transform(low) @ small[-1].coefs_[0] + small[-1].intercepts_[0], 0)
    np.testing.assert_allclose(middle @ small[-1].coefs_[1] + small[-1].intercepts_[1], first, atol=1e-3)


def test_no_unit_of_the_new_layers_is_at_its_bend_on_the_training_rows(original):
    small = LowRankCompressor(8, epochs=0).compress(original, X)[-1]
    inputs = original[0].transform(X)
    given = inputs @ small.coefs_[0] + small.intercepts_[0]
    assert given.min() > 0.99
    assert given.max() < 5.01


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (SklearnClassifier((96,), max_iter=20, early_stopping=True, random_state=0), Y % 2),
        (
            SklearnClassifier((96,), activation="tanh", max_iter=20, random_state=0),
            np.array(list("abcdefghij"))[Y],
        ),
        (MLPClassifier((96,), early_stopping=True, max_iter=20, random_state=0), Y),
        (SklearnRegressor(hidden_layer_sizes=(96,), max_iter=30, random_state=0), np.c_[Y, -Y] / 5),
        (MLPRegressor((96,), loss="absolute", max_iter=30, random_state=0), Y * 100.0),
    ],
)
def test_networks_of_both_libraries_are_taken_and_can_be_fitted_again(model, y):
    fitted = chain(model, X, y)
    small = LowRankCompressor(12, epochs=8).compress(fitted, X, y)
    assert type(small[-1]) is type(fitted[-1])
    assert len(small[-1].coefs_) == 3
    assert small.score(X, y) > fitted.score(X, y) - 0.1
    assert small.predict(X).shape == fitted.predict(X).shape
    assert np.array_equal(
        load_parts(dump_parts(small, profile="full")).predict(X_TEST), small.predict(X_TEST)
    )
    assert [coef.shape for coef in small.fit(X, y)[-1].coefs_] == shapes(small)


def test_a_share_that_few_directions_do_not_hold_leaves_the_network_as_it_is(original):
    same = LowRankCompressor(0.99999).compress(original, X, Y)
    assert shapes(same) == shapes(original)
    assert np.array_equal(same.predict_proba(X), original.predict_proba(X))
    same[-1].coefs_[0][:] = 0
    assert original[-1].coefs_[0].any()


def test_equal_rows_give_one_direction_and_no_warning(original):
    small = LowRankCompressor(16, epochs=0).compress(original, X[:1])
    assert shapes(small)[0] == (64, 1)
    np.testing.assert_allclose(small.predict_proba(X[:1]), original.predict_proba(X[:1]), atol=1e-5)


def test_of_very_many_rows_some_are_taken_the_same_each_time(original):
    many = np.tile(X, (12, 1))
    first, again = (LowRankCompressor(8, epochs=0).compress(original, many) for _ in range(2))
    assert np.array_equal(first.predict_proba(X), again.predict_proba(X))
    other = LowRankCompressor(8, epochs=0, random_state=1).compress(original, many)
    assert not np.array_equal(first[-1].coefs_[0], other[-1].coefs_[0])


def test_the_same_call_gives_the_same_bits_with_the_optimizer_that_is_given(original):
    compressor = LowRankCompressor(8, epochs=2, optimizer=SGD(1e-9))
    first, again = (compressor.compress(original, X, Y)[-1].coefs_ for _ in range(2))
    assert all(map(np.array_equal, first, again))
    untrained = LowRankCompressor(8, epochs=0).compress(original, X)[-1].coefs_
    np.testing.assert_allclose(first[0], untrained[0], atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"rank": 0},
        {"rank": -1},
        {"rank": 1.0},
        {"rank": True},
        {"rank": "full"},
        {"epochs": -1},
        {"epochs": 1.5},
        {"optimizer": Adam},
        {"optimizer": ClipByNorm(1.0)},
        {"random_state": "none"},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InvalidOptionError, match="LowRankCompressor"):
        LowRankCompressor(**options)


def test_what_it_does_not_take_is_refused_with_the_reason(original):
    assert LowRankCompressor(33).why_not(original) == "no layer is so wide that rank 33 would halve it"
    linear = chain(LogisticRegression(max_iter=9000))
    assert "LogisticRegression is none of" in LowRankCompressor().why_not(linear)
    assert not LowRankCompressor().supports(linear)
    with pytest.raises(InvalidOptionError, match="low_rank does not fit this model: Log"):
        LowRankCompressor().compress(linear, X, Y)
    with pytest.raises(InvalidOptionError, match="low_rank needs the training data"):
        LowRankCompressor().compress(original, X)
    with pytest.raises(InvalidOptionError, match="low_rank needs the training data"):
        LowRankCompressor(epochs=0).compress(original)
    with pytest.raises(ComponentError, match="low_rank of MLPClassifier failed"):
        LowRankCompressor(8).compress(original, X, Y[:-1])
    assert repr(LowRankCompressor(8)) == "LowRankCompressor(rank=8, epochs=None)"


@pytest.mark.parametrize(
    "check", [each for each in collect_checks("maas_sdk") if each.info.reference == "low_rank"], ids=str
)
def test_it_passes_the_checks_of_the_kit(check):
    check()
