"""Rounding to float16: what changes, what stays, what is refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from maas_sdk.compression import Float16Compressor
from maas_sdk.errors import InvalidOptionError

RNG = np.random.default_rng(7)
X = RNG.normal(size=(80, 5))
Y = (X @ [1.0, -2.0, 0.5, 0.0, 3.0] > 0).astype(int)


def chain(model, y=Y):
    return Pipeline([("scale", StandardScaler()), ("model", model)]).fit(X, y)


def arrays(fitted):
    state = vars(fitted.steps[-1][1])
    found = []
    for name in ("coef_", "coefs_", "intercept_", "intercepts_"):
        if name in state:
            value = state[name]
            found += value if isinstance(value, list) else [value]
    return found


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (LogisticRegression(), Y),
        (SGDClassifier(random_state=0), Y),
        (LinearRegression(), X @ [1.0, 2.0, 3.0, 4.0, 5.0] + 0.1),
        (LinearRegression(fit_intercept=False), X[:, 0] * 0.3),
        (MLPClassifier((8, 4), max_iter=5, random_state=0), Y),
    ],
    ids=["logistic", "sgd", "linear", "no intercept", "network"],
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_weights_become_float16_values_of_the_same_dtype_in_a_copy(model, y):
    original = chain(model, y)
    before = copy.deepcopy(arrays(original))
    compressed = Float16Compressor().compress(original)
    for old, kept, new in zip(before, arrays(original), arrays(compressed), strict=True):
        assert np.array_equal(old, kept)
        assert type(new) is type(old)
        assert np.asarray(new).dtype == np.asarray(old).dtype
        assert np.array_equal(np.float16(new).astype(np.asarray(new).dtype), new)
        np.testing.assert_allclose(new, old, rtol=2**-11, atol=2**-24)
    assert any(not np.array_equal(old, new) for old, new in zip(before, arrays(compressed), strict=True))
    assert compressed.predict(X).shape == original.predict(X).shape


def test_a_weight_beyond_the_range_is_refused_with_its_place():
    fitted = chain(MLPClassifier((3,), max_iter=200, tol=1.0, random_state=0))
    fitted[-1].coefs_[1][0, 0] = -1e6
    compressor = Float16Compressor()
    assert not compressor.supports(fitted)
    assert compressor.why_not(fitted) == "coefs_[1] holds 1e+06, beyond float16's range (65504)"
    with pytest.raises(InvalidOptionError, match=r"coefs_\[1\]"):
        compressor.compress(fitted)


def test_the_largest_weight_that_rounds_into_the_range_is_taken():
    fitted = chain(LinearRegression(), Y.astype(float))
    fitted[-1].coef_[0] = 65519.0
    assert Float16Compressor().compress(fitted)[-1].coef_[0] == 65504.0
    fitted[-1].coef_[0] = 65520.0
    assert not Float16Compressor().supports(fitted)


def test_a_weight_that_is_no_float_is_refused():
    fitted = chain(LogisticRegression())
    fitted[-1].coef_ = fitted[-1].coef_.astype(int)
    assert Float16Compressor().why_not(fitted) == "coef_ has dtype int64, not a float"
    assert repr(Float16Compressor()) == "Float16Compressor()"


def sparse_logistic():
    fitted = chain(LogisticRegression())
    fitted[-1].sparsify()
    return fitted


def infinite_logistic():
    fitted = chain(LogisticRegression())
    fitted[-1].coef_[0, 0] = np.inf
    return fitted


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: chain(GaussianNB()), "GaussianNB has no coef_"),
        (lambda: chain(SVC(kernel="linear")), "SVC has no coef_"),
        (lambda: Pipeline([("model", LogisticRegression())]), "is it fitted"),
        (sparse_logistic, "not an array of floats"),
        (infinite_logistic, "not finite"),
        (LogisticRegression, "not a fitted pipeline"),
        (lambda: None, "not a fitted pipeline"),
    ],
    ids=["naive Bayes", "linear SVC", "unfitted", "sparse", "infinite", "no pipeline", "nothing"],
)
def test_other_models_are_not_supported_and_the_reason_is_given(make, reason):
    assert not Float16Compressor().supports(make())
    assert reason in Float16Compressor().why_not(make())
