"""Rounding to bfloat16 and to codes: what changes, what it weighs, what is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import BFloat16Compressor, Float16Compressor, Int4Compressor, Int8Compressor
from maas_sdk.errors import InvalidOptionError
from maas_sdk.serialization import dump_parts, load_parts

RNG = np.random.default_rng(5)
X = RNG.normal(size=(90, 120))
Y = np.arange(90) % 3
CODES = [(Int8Compressor(), 127), (Int4Compressor(), 7)]

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def chain(model, y=Y):
    return Pipeline([("scale", StandardScaler()), ("model", model)]).fit(X, y)


def network():
    return chain(MLPClassifier((64,), max_iter=3, random_state=0))


def size(fitted):
    return sum(map(len, dump_parts(fitted).values()))


def layers(fitted):
    return [*fitted[-1].coefs_, *fitted[-1].intercepts_]


def test_bfloat16_has_eight_significant_bits_and_rounds_ties_to_even():
    fitted = chain(LinearRegression(), X[:, 0])
    step = 2.0**-7
    fitted[-1].coef_[:9] = [
        1.0,
        1 + step,
        1 + step / 2,
        1 + 1.5 * step,
        -1 - 0.51 * step,
        1e-30,
        1e30,
        0,
        3e38,
    ]
    rounded = BFloat16Compressor().compress(fitted)[-1].coef_
    assert rounded[:5].tolist() == [1.0, 1 + step, 1.0, 1 + 2 * step, -1 - step]
    np.testing.assert_allclose(rounded, fitted[-1].coef_, rtol=2**-8)
    assert not (rounded.astype(np.float32).view(np.uint32) & 0xFFFF).any()


def test_bfloat16_takes_numbers_that_float16_cannot_and_stores_them_in_two_bytes():
    fitted = network()
    fitted[-1].coefs_ = [coef * 1e7 for coef in fitted[-1].coefs_]
    assert not Float16Compressor().supports(fitted)
    compressed = BFloat16Compressor().compress(fitted)
    n_weights = sum(layer.size for layer in layers(fitted))
    assert size(fitted) - size(compressed) > 5.5 * n_weights
    fitted[-1].coefs_[0][0, 0] = 3.4e38
    assert (
        BFloat16Compressor().why_not(fitted) == "coefs_[0] holds 3.4e+38, beyond bfloat16's range (3.39e38)"
    )


@pytest.mark.parametrize(("compressor", "largest"), CODES)
def test_weights_become_multiples_of_a_scale_for_each_output(compressor, largest):
    fitted = network()
    before = copy.deepcopy(layers(fitted))
    compressed = compressor.compress(fitted)
    assert all(map(np.array_equal, layers(fitted), before))
    for old, new in zip(fitted[-1].coefs_, compressed[-1].coefs_, strict=True):
        assert new.dtype == old.dtype
        scales = np.abs(old).max(axis=0) / largest
        np.testing.assert_allclose(new / scales, np.rint(new / scales), atol=1e-4)
        assert (np.abs(new - old) <= scales * 0.5001).all()
    for old, new in zip(fitted[-1].intercepts_, compressed[-1].intercepts_, strict=True):
        assert np.array_equal(new, old.astype(np.float16))


@pytest.mark.parametrize(("compressor", "largest"), CODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_takes_a_byte_or_half_a_byte_a_weight_and_comes_back_the_same(compressor, largest, dtype):
    fitted = network()
    fitted[-1].coefs_ = [coef.astype(dtype) for coef in fitted[-1].coefs_]
    fitted[-1].intercepts_ = [intercept.astype(dtype) for intercept in fitted[-1].intercepts_]
    compressed = compressor.compress(fitted)
    parts = dump_parts(compressed)
    stored = 120 * 64 * (1 if largest == 127 else 0.5)
    assert len(parts["tensors/001.safetensors"]) < stored + 64 * 6 + 2500
    loaded = load_parts(parts)
    assert loaded.predict_proba(X).tobytes() == compressed.predict_proba(X).tobytes()


def test_the_outputs_of_a_linear_model_are_rows_and_one_output_is_one_channel():
    fitted = chain(LogisticRegression())
    fitted[-1].coef_[0] *= 1000
    rounded = Int8Compressor().compress(fitted)[-1].coef_
    for old, new in zip(fitted[-1].coef_, rounded, strict=True):
        assert np.abs(new - old).max() <= np.abs(old).max() / 127 * 0.5001
    one = chain(LinearRegression(), X[:, 0] * 0.1)
    assert np.unique(Int4Compressor().compress(one)[-1].coef_).size <= 15


def test_layers_of_few_inputs_keep_eight_bits():
    fitted = Pipeline([("model", MLPClassifier((200,), max_iter=2, random_state=0))]).fit(X[:, :63], Y)
    compressed = Int4Compressor().compress(fitted)
    first, second = compressed[-1].coefs_
    assert np.unique(np.abs(first[:, 0])).size > 8
    assert np.unique(np.abs(second[:, 0])).size <= 8
    eight = Int8Compressor().compress(fitted)[-1].coefs_
    assert np.array_equal(first, eight[0])
    assert not np.array_equal(second, eight[1])


def test_an_output_without_weights_and_large_intercepts_stay_what_they_are():
    fitted = chain(LogisticRegression())
    fitted[-1].coef_[1] = 0
    fitted[-1].intercept_[:] = [1e6 + 0.125, 2.0, 3.0]
    compressed = Int4Compressor().compress(fitted)[-1]
    assert not compressed.coef_[1].any()
    assert compressed.intercept_.tolist() == [1e6 + 0.125, 2.0, 3.0]


def test_scales_beyond_the_smallest_floats_are_survived():
    fitted = chain(LinearRegression(), X[:, 0])
    fitted[-1].coef_[:] = np.linspace(-2e-43, 2e-43, 120)
    compressed = Int8Compressor().compress(fitted)
    assert np.abs(compressed[-1].coef_).max() <= 2.1e-43
    assert load_parts(dump_parts(compressed)).predict(X).shape == (90,)


@pytest.mark.parametrize("compressor", [each for each, _ in CODES], ids=repr)
def test_what_cannot_be_rounded_is_refused_with_the_reason(compressor):
    assert "GaussianNB has no coef_" in compressor.why_not(chain(GaussianNB()))
    fitted = chain(LinearRegression(), X[:, 0])
    fitted[-1].coef_[0] = 1e39
    assert compressor.why_not(fitted) == "coef_ holds 1e+39, beyond float32's range"
    fitted[-1].coef_ = np.zeros((2, 2, 2))
    assert compressor.why_not(fitted) == "coef_ has 3 dimensions, more than inputs and outputs"
    with pytest.raises(InvalidOptionError, match="does not fit this model: coef_ has 3 dimensions"):
        compressor.compress(fitted)
    assert repr(compressor) in ("Int8Compressor()", "Int4Compressor()")
