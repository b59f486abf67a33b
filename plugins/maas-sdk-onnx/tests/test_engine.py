"""ONNX Runtime gives what the chain gives, or takes no part."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from maas_sdk_onnx import OnnxEngine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import maas_sdk as maas
from maas_sdk.compression import DirectPredictor, Engine
from maas_sdk.errors import InvalidOptionError, UnsupportedModelError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 5)).astype(np.float32).astype(np.float64)
LABELS = np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [-0.4, 0.4])]
ONNX = {1: "onnx"}
MODELS: dict[str, Callable[[], Any]] = {
    "logistic": LogisticRegression,
    "network": lambda: MLPClassifier((16,), max_iter=600, tol=1e-3, random_state=0),
    "forest": lambda: RandomForestClassifier(10, random_state=0),
    "naive Bayes": GaussianNB,
}


@pytest.mark.parametrize("name", MODELS)
def test_labels_and_probabilities_are_the_chains(name: str) -> None:
    chain = make_pipeline(MODELS[name]()).fit(X, LABELS)
    predictor = DirectPredictor.of(chain, engines=[OnnxEngine()], crossover=ONNX)
    for rows in (X, X[:1]):
        assert predictor.attempt("predict", rows) is not None
        found = predictor.predict(rows)
        assert found.dtype == LABELS.dtype
        np.testing.assert_array_equal(found, chain.predict(rows))
        np.testing.assert_allclose(predictor.predict_proba(rows), chain.predict_proba(rows), atol=1e-5)
        assert predictor.predict_proba(rows).dtype == np.float64


@pytest.mark.parametrize("make", [LinearRegression, lambda: RandomForestRegressor(10, random_state=0)])
def test_values_are_the_chains(make: Callable[[], Any]) -> None:
    chain = make_pipeline(StandardScaler(), make()).fit(X, X[:, 0] * 2 + X[:, 1])
    predictor = DirectPredictor.of(chain, engines=[OnnxEngine()], crossover=ONNX)
    found = predictor.predict(X)
    assert found.shape == (len(X),)
    np.testing.assert_allclose(found, chain.predict(X), rtol=1e-2, atol=1e-2)


def test_it_is_compared_and_measured_with_the_others() -> None:
    chain = make_pipeline(MODELS["forest"]()).fit(X, LABELS)
    predictor = DirectPredictor.of(chain, X=X, engines=[OnnxEngine()], seconds=0.5)
    assert predictor.refused == {}
    assert set(predictor.crossover.values()) <= {"onnx", "direct", "chain"}
    np.testing.assert_array_equal(predictor.predict(X), chain.predict(X))


def test_a_pipeline_answers_by_it() -> None:
    pipeline = maas.Pipeline(model="sklearn.GaussianNB").fit(X, LABELS)
    expected = pipeline.predict(X)
    pipeline.accelerate(X, engines=[OnnxEngine()])
    assert set(pipeline.accelerated_.values()) <= {"onnx", "chain"}
    np.testing.assert_array_equal(pipeline.predict(X), expected)


def test_what_cannot_be_exported_is_not_supported() -> None:
    engine = OnnxEngine()
    assert isinstance(engine, Engine)
    chain = make_pipeline(LogisticRegression()).fit(X, LABELS)
    assert engine.supports(chain, "predict")
    assert not engine.supports(chain, "decision_function")

    class Own:
        """A model of the application's own."""

        n_features_in_ = 5

        def predict(self, rows: Any) -> Any:
            return rows[:, 0]

    own = Own()
    assert not engine.supports(own, "predict")
    with pytest.raises(UnsupportedModelError, match="cannot be exported"):
        engine.compile(own, "predict")


def test_several_threads_may_use_it() -> None:
    chain = make_pipeline(MODELS["network"]()).fit(X, LABELS)
    predictor = DirectPredictor.of(chain, engines=[OnnxEngine()], crossover=ONNX)
    expected = chain.predict_proba(X)
    right = []

    def work() -> None:
        for start in range(len(X)):
            rows = slice(start, start + 3)
            right.append(np.allclose(predictor.predict_proba(X[rows]), expected[rows], atol=1e-5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(right) == len(threads) * len(X)
    assert all(right)


@pytest.mark.parametrize("threads", [0, -1, True, "2"])
def test_the_number_of_threads_is_positive(threads: Any) -> None:
    with pytest.raises(InvalidOptionError, match="threads"):
        OnnxEngine(threads=threads)
