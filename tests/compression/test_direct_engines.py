"""Which engine answers: measured once, plain data from then on, with others than the built-in ones."""

from __future__ import annotations

import copy
import json
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

import maas_sdk as maas
from maas_sdk.compression import (
    DirectPredictor,
    Engine,
    FeatureSelectionCompressor,
    Int8Compressor,
    PCACompressor,
)
from maas_sdk.compression._direct._crossover import SIZES, crossover_of
from maas_sdk.errors import ComponentError, InvalidOptionError, UnsupportedModelError
from maas_sdk.plugin import PluginRegistry, hookimpl
from maas_sdk.serialization import dump, dump_parts, load

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6))
LABELS = np.where(X[:, 0] > 0.4, "high", np.where(X[:, 0] < -0.4, "low", "mid"))


class Runtime:
    """Computes what the chain does, and counts how often it was asked."""

    name = "runtime"

    def __init__(self, change=lambda result: result, methods=("predict",)):
        self.change = change
        self.methods = methods
        self.asked = []

    def supports(self, chain, method):
        return method in self.methods

    def compile(self, chain, method):
        def compute(rows):
            self.asked.append(rows)
            return self.change(getattr(chain, method)(rows))

        return compute


def fitted(model=None, *steps):
    return make_pipeline(*steps, LogisticRegression() if model is None else model).fit(X, LABELS)


def test_one_row_of_a_linear_model_is_computed_directly():
    predictor = DirectPredictor.of(fitted(None, StandardScaler()), X=X, seconds=0.2)
    assert predictor.crossover[1] == "direct"
    assert predictor.refused == {}
    np.testing.assert_array_equal(predictor.predict(X), predictor.chain.predict(X))


def test_without_rows_some_are_made_up():
    assert DirectPredictor.of(fitted(), seconds=0.2).crossover[1] == "direct"


def test_the_crossover_is_plain_data_and_measures_nothing_when_given_again(monkeypatch):
    chain = fitted()
    crossover = json.loads(json.dumps({1: "direct", 50: "chain", 70: "direct"}))
    monkeypatch.setattr("maas_sdk.compression._direct._predictor.measure", None)
    predictor = DirectPredictor.of(chain, crossover=crossover)
    assert predictor.crossover == {1: "direct", 50: "chain", 70: "direct"}
    assert [predictor.attempt("predict", X[:n]) is not None for n in (1, 49, 50, 69, 70, 90)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    np.testing.assert_array_equal(predictor.predict(X), chain.predict(X))


@pytest.mark.parametrize(
    "crossover", [[], {}, {2: "direct"}, {1: "other"}, {"one": "direct"}, {0: "chain", 1: "direct"}, "direct"]
)
def test_a_crossover_that_is_none_is_refused(crossover):
    with pytest.raises(InvalidOptionError, match="crossover"):
        DirectPredictor.of(fitted(), crossover=crossover)


def test_another_engine_joins():
    runtime = Runtime()
    assert isinstance(runtime, Engine)
    predictor = DirectPredictor.of(fitted(), X=X, engines=[runtime], crossover={1: "direct", 2: "runtime"})
    predictor.predict(X[:1])
    assert not runtime.asked
    np.testing.assert_array_equal(predictor.predict(X[:5]), predictor.chain.predict(X[:5]))
    predictor.predict_proba(X[:5])  # which it does not support
    assert [rows.shape for rows in runtime.asked] == [(5, 6)]
    assert runtime.asked[0].flags.c_contiguous


def test_an_engine_is_measured_with_the_others():
    runtime = Runtime()
    predictor = DirectPredictor.of(fitted(), X=X, engines=[runtime], seconds=0.2)
    assert runtime.asked  # it is the chain itself, so that it never wins
    assert "runtime" not in predictor.crossover.values()
    assert predictor.refused == {}


def test_an_engine_that_can_do_what_cannot_be_compiled_is_enough():
    chain = fitted(GaussianNB())
    with pytest.raises(UnsupportedModelError, match="GaussianNB"):
        DirectPredictor.of(chain, X=X)
    predictor = DirectPredictor.of(chain, engines=[Runtime()], crossover={1: "runtime"})
    np.testing.assert_array_equal(predictor.predict(X), chain.predict(X))
    assert "direct" in predictor.refused


def test_an_engine_with_other_answers_is_left_out():
    wrong = {
        "a label": lambda result: np.where(np.arange(len(result)) == 3, "low", result),
        "a shape": lambda result: result[:, None],
        "a kind": lambda result: result.tolist(),
    }
    for change in wrong.values():
        predictor = DirectPredictor.of(fitted(), X=X, engines=[Runtime(change)], seconds=0.1)
        assert "runtime" not in predictor.crossover.values()
        assert "does not give" in predictor.refused["runtime"]
    proba = Runtime(lambda result: result + 1e-3, methods=("predict_proba",))
    assert "runtime" in DirectPredictor.of(fitted(), X=X, engines=[proba], seconds=0.1).refused


def test_an_engine_that_supports_nothing_of_it_is_named():
    predictor = DirectPredictor.of(fitted(), X=X, engines=[Runtime(methods=())], seconds=0.1)
    assert "does not support" in predictor.refused["runtime"]


def test_an_engine_that_raises_is_named():
    def fail(_result):
        raise RuntimeError("no session")

    predictor = DirectPredictor.of(fitted(), engines=[Runtime(fail)], crossover={1: "runtime"})
    with pytest.raises(ComponentError, match="'runtime' failed: no session"):
        predictor.predict(X)


def test_an_engine_that_cannot_compile_is_named():
    runtime = Runtime()
    runtime.compile = lambda chain, method: 1 / 0
    with pytest.raises(ComponentError, match="'runtime' failed to compile"):
        DirectPredictor.of(fitted(), engines=[runtime])


def test_rows_that_are_the_chains_prove_nothing_and_win_nothing():
    # A forest splits on missing values, which the compiled one leaves to the chain.
    holes = X.copy()
    holes[::2, 1] = np.nan
    chain = make_pipeline(RandomForestClassifier(5, random_state=0)).fit(holes, LABELS)
    predictor = DirectPredictor.of(chain, X=holes, seconds=0.3)
    assert predictor.refused == {}  # every second row was compared
    assert predictor.crossover[max(predictor.crossover)] == "chain"
    holes[:, 1] = np.nan
    predictor = DirectPredictor.of(chain, X=holes, seconds=0.3)
    assert "none of the rows" in predictor.refused["direct"]
    assert predictor.crossover == {1: "chain"}
    np.testing.assert_array_equal(predictor.predict(holes), chain.predict(holes))


def test_an_engine_gets_plain_rows_only():
    runtime = Runtime()
    predictor = DirectPredictor.of(fitted(), engines=[runtime], crossover={1: "runtime"})
    for rows in (X.tolist(), np.where(X > 0, np.nan, X), X[:, :2], X[:0]):
        assert predictor.attempt("predict", rows) is None
    assert not runtime.asked
    predictor.predict(np.asfortranarray(X))
    assert runtime.asked[0].flags.c_contiguous


@pytest.mark.parametrize("name", ["direct", "chain", "", "a b"])
def test_the_name_of_an_engine_is_an_identifier_of_its_own(name):
    runtime = Runtime()
    runtime.name = name
    with pytest.raises(InvalidOptionError, match="engine"):
        DirectPredictor.of(fitted(), engines=[runtime])
    with pytest.raises(InvalidOptionError, match="engine"):
        DirectPredictor.of(fitted(), engines=[object()])


def test_rows_that_must_be_given_are_asked_for():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("uvwxyz"))
    chain = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, LABELS)
    with pytest.raises(InvalidOptionError, match="pass X"):
        DirectPredictor.of(chain)
    assert DirectPredictor.of(chain, X=frame, seconds=0.1).refused == {}
    picky = make_pipeline(FunctionTransformer(lambda rows: rows[["u", "v"]]), LogisticRegression())
    picky.fit(frame, LABELS)
    with pytest.raises(InvalidOptionError, match="pass X"):
        DirectPredictor.of(picky)
    with pytest.raises(InvalidOptionError, match="pass X"):
        DirectPredictor.of(picky, X=X)
    with pytest.raises(InvalidOptionError, match="no rows"):
        DirectPredictor.of(chain, X=frame[:0])
    with pytest.raises(InvalidOptionError, match="seconds"):
        DirectPredictor.of(chain, X=frame, seconds=0)


@given(st.lists(st.tuples(*[st.floats(1e-6, 1.0)] * 3), min_size=1, max_size=len(SIZES)))
def test_at_each_size_that_was_measured_the_chain_is_replaced_by_faster_ones_only(times):
    sizes = SIZES[: len(times)]
    seconds = {name: [each[i] for each in times] for i, name in enumerate(("chain", "direct", "other"))}
    crossover = crossover_of(sizes, seconds)
    assert list(crossover) == sorted(crossover)
    for index, size in enumerate(sizes):
        engine = crossover[max(start for start in crossover if start <= size)]
        taken = seconds[engine][index]
        assert taken <= seconds["chain"][index]
        assert engine == "chain" or taken <= 0.9 * seconds["chain"][index]
    if len(times) < len(SIZES):
        assert crossover[max(crossover)] == "chain"


def test_between_two_sizes_the_engine_changes_where_lines_cross():
    crossover = crossover_of(SIZES[:2], {"chain": [8.0, 8.0], "direct": [0.9, 0.9 * 15]})
    assert crossover == {1: "direct", 5: "chain"}


@pytest.mark.parametrize(
    "model", [LogisticRegression(), MLPClassifier((16,), max_iter=400, tol=1e-2), RandomForestClassifier(9)]
)
def test_eight_threads_get_what_one_gets(model):
    predictor = DirectPredictor.of(fitted(model, StandardScaler()), crossover={1: "direct"})
    batches = [X[start : start + 1 + start % 5] for start in range(60)]
    expected = [predictor.chain.predict_proba(rows) for rows in batches]
    wrong = []
    ready = threading.Barrier(8)

    def work(seed):
        order = np.random.default_rng(seed).permutation(len(batches))
        ready.wait()
        for index in (*order, *order):
            found = predictor.predict_proba(batches[index])
            if not np.allclose(found, expected[index], rtol=1e-9, atol=0):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_predictor_can_be_copied_and_pickled_without_its_buffers():
    predictor = DirectPredictor.of(fitted(RandomForestClassifier(9)), crossover={1: "direct"})
    before = len(pickle.dumps(predictor))
    expected = predictor.predict_proba(np.resize(X, (5000, 6)))
    assert len(pickle.dumps(predictor)) == before
    for other in (pickle.loads(pickle.dumps(predictor)), copy.deepcopy(predictor), copy.copy(predictor)):
        assert other.crossover == predictor.crossover
        np.testing.assert_array_equal(other.predict_proba(np.resize(X, (5000, 6))), expected)
    assert copy.deepcopy(predictor).chain is not predictor.chain


@pytest.mark.parametrize("profile", ["full", "inference"])
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        MLPClassifier((16,), max_iter=400, tol=1e-2),
        RandomForestClassifier(9),
        GradientBoostingClassifier(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3),
    ],
)
def test_what_was_loaded_is_compiled_as_well(model, profile, tmp_path):
    with threadpool_limits(1):
        chain = fitted(model, StandardScaler())
        dump(chain, tmp_path / "model", profile=profile)
        predictor = DirectPredictor.of(load(tmp_path / "model"), crossover={1: "direct"})
        assert predictor.attempt("predict", X) is not None
        np.testing.assert_array_equal(predictor.predict(X), chain.predict(X))
        np.testing.assert_allclose(predictor.predict_proba(X), chain.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize(
    "compressor", [FeatureSelectionCompressor(n_features=2), PCACompressor(n_components=3), Int8Compressor()]
)
def test_what_was_compressed_is_compiled_as_well(compressor):
    chain = compressor.compress(fitted(None, StandardScaler()), X, LABELS)
    predictor = DirectPredictor.of(chain, crossover={1: "direct"})
    assert predictor.attempt("predict", X) is not None
    np.testing.assert_array_equal(predictor.predict(X), chain.predict(X))
    np.testing.assert_allclose(predictor.predict_proba(X), chain.predict_proba(X), rtol=1e-12)


# --- Pipeline.accelerate


def accelerated(**options):
    pipeline = maas.Pipeline(model="sklearn.LogisticRegression", preprocessors=["standard_scaler"])
    pipeline.fit(X, LABELS)
    return pipeline.accelerate(**options)


def test_an_accelerated_pipeline_predicts_the_same():
    plain = maas.Pipeline(model="sklearn.LogisticRegression", preprocessors=["standard_scaler"])
    plain.fit(X, LABELS)
    pipeline = accelerated(crossover={1: "direct"})
    assert pipeline.accelerated_ == {1: "direct"}
    np.testing.assert_array_equal(pipeline.predict(X), plain.predict(X))
    np.testing.assert_allclose(pipeline.predict_proba(X), plain.predict_proba(X), rtol=1e-12)
    np.testing.assert_allclose(pipeline.decision_function(X[:1]), plain.decision_function(X[:1]), rtol=1e-12)
    np.testing.assert_array_equal(pipeline.predict(X.tolist()), plain.predict(X))
    with pytest.raises(ValueError, match="expecting 6 features"):
        pipeline.predict(X[:, :2])


def test_accelerate_measures_when_no_crossover_is_given():
    assert accelerated(X=X).accelerated_[1] == "direct"


def test_the_engine_that_was_given_answers_for_the_pipeline():
    runtime = Runtime()
    pipeline = accelerated(engines=[runtime], crossover={1: "runtime"})
    pipeline.predict(X)
    assert len(runtime.asked) == 1


def test_fitting_anew_ends_it():
    pipeline = accelerated(engines=[Runtime(lambda _: "stale")], crossover={1: "runtime"})
    assert pipeline.predict(X) == "stale"
    pipeline.fit(X, LABELS)
    assert not hasattr(pipeline, "accelerated_")
    assert len(pipeline.predict(X)) == len(X)
    assert "_predictor" not in vars(pipeline)


def test_compressing_ends_it():
    pipeline = accelerated(crossover={1: "direct"})
    pipeline.compress(X, LABELS, compressors=["float16"], budget=maas.Budget(max_drop=1.0))
    assert pipeline.chain_ is not None
    assert not hasattr(pipeline, "accelerated_")


def test_params_clones_and_bytes_are_not_affected():
    pipeline = accelerated(crossover={1: "direct"})
    plain = clone(pipeline)
    assert plain.get_params().keys() == pipeline.get_params().keys()
    assert not hasattr(plain, "accelerated_")
    plain.fit(X, LABELS)
    assert dump_parts(plain.chain_) == dump_parts(pipeline.chain_)


def test_a_copy_of_the_pipeline_is_accelerated_too():
    pipeline = accelerated(crossover={1: "direct"})
    for other in (copy.deepcopy(pipeline), pickle.loads(pickle.dumps(pipeline))):
        assert other.accelerated_ == {1: "direct"}
        np.testing.assert_array_equal(other.predict(X), pipeline.predict(X))


def test_observers_are_told_of_each_prediction_once():
    events = []

    class Observer:
        @hookimpl
        def maas_sdk_after_step(self, event):
            events.append(event.step)

    registry = PluginRegistry()
    registry.add_observer(Observer())
    pipeline = maas.Pipeline(model="sklearn.LogisticRegression", registry=registry).fit(X, LABELS)
    pipeline.accelerate(crossover={1: "direct", 50: "chain"})
    events.clear()
    pipeline.predict(X)
    pipeline.predict(X[:1])
    assert events == ["predict", "predict"]


def test_a_pipeline_that_is_not_fitted_cannot_be_accelerated():
    with pytest.raises(ValueError, match="not fitted"):
        maas.Pipeline(model="sklearn.LogisticRegression").accelerate()
    pipeline = maas.Pipeline(model="sklearn.GaussianNB").fit(X, LABELS)
    with pytest.raises(UnsupportedModelError, match="GaussianNB"):
        pipeline.accelerate(X)
    assert not hasattr(pipeline, "accelerated_")
