"""Sizes as serialized: float16 halves what is stored, and what is loaded predicts the same."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier as SklearnMLP
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import Budget, Candidate, Float16Compressor, PCACompressor, compress
from maas_sdk.learning import MLPClassifier
from maas_sdk.serialization import dump_parts, load_parts

X, Y = load_digits(return_X_y=True)


def chain(model):
    return Pipeline([("scale", StandardScaler()), ("model", model)]).fit(X[:600], Y[:600])


@pytest.mark.filterwarnings("ignore:training ended")
def test_float16_cuts_the_stored_size_and_survives_the_round_trip():
    original = chain(MLPClassifier((128,), max_iter=15, random_state=0))  # float32 inside
    report = compress(
        original,
        X[600:],
        Y[600:],
        budget=Budget(max_drop=0.01),
        candidates=[Candidate("float16", Float16Compressor())],
    )
    assert report.chosen.name == "float16"
    assert report.chosen.size < 0.65 * report.original.size
    loaded = load_parts(dump_parts(report.chain))
    assert np.array_equal(loaded.predict_proba(X), report.chain.predict_proba(X))
    assert loaded[-1].coefs_[0].dtype == original[-1].coefs_[0].dtype


def test_float64_weights_shrink_to_a_quarter():
    original = chain(SklearnMLP((128,), max_iter=40, tol=0.1, n_iter_no_change=2, random_state=0))
    size = sum(map(len, dump_parts(original).values()))
    rounded = sum(map(len, dump_parts(Float16Compressor().compress(original)).values()))
    assert rounded < 0.4 * size


def test_pca_and_float16_together_are_measured_and_given_back():
    original = chain(LogisticRegression(max_iter=1000))
    report = compress(
        original,
        X[600:],
        Y[600:],
        budget=Budget(max_drop=0.05),
        candidates=[Candidate("both", (PCACompressor(0.9), Float16Compressor()))],
        X_train=X[:600],
        y_train=Y[:600],
    )
    both = next(result for result in report.results if result.name == "both")
    assert both.size > 0
    assert both.status in ("within budget", "over budget", "chosen")
