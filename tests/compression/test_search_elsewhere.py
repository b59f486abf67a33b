"""A search that is bounded in time, goes on after a kill, and runs in other threads and processes."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.checkpoints import open_checkpoints
from maas_sdk.compression import (
    Budget,
    Candidate,
    DropTrainingStateCompressor,
    Float16Compressor,
    Int8Compressor,
    PCACompressor,
    StoredForm,
    compress,
)
from maas_sdk.errors import CheckpointError, InvalidOptionError

X, Y = load_iris(return_X_y=True)
STAGES = {
    "inputs": [Candidate("pca", PCACompressor(2))],
    "weights": [Candidate("float16", Float16Compressor()), Candidate("int8", Int8Compressor())],
    "state": [Candidate("drop", DropTrainingStateCompressor())],
}


def network():
    model = MLPClassifier((16,), solver="lbfgs", max_iter=2000, random_state=0)
    return Pipeline([("scaler", StandardScaler()), ("model", model)]).fit(X, Y)


@pytest.fixture(scope="module")
def chain():
    return network()


class Counted:
    """Does what another compressor does, and counts."""

    needs_training_data = False

    def __init__(self, error=None):
        self.error = error

    def supports(self, chain):
        return True

    def compress(self, chain, X=None, y=None):
        CALLS.append(self.error)
        if self.error is not None:
            raise self.error
        return Float16Compressor().compress(chain)


CALLS = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def search(chain, candidates=STAGES, **options):
    given = {"budget": Budget(max_drop=0.2), "X_train": X, "y_train": Y} | options
    return compress(chain, X, Y, candidates=candidates, **given)


def without_times(report):
    plain = report.to_dict()
    del plain["gained"], plain["original"], plain["resumed"]
    for result in plain["results"]:
        del result["latency"], result["batch_latency"]
    return plain


# --- the same everywhere


def test_the_same_call_gives_the_same_report_but_for_times(chain):
    assert without_times(search(chain)) == without_times(search(chain))


@pytest.mark.parametrize(
    "executor",
    [
        lambda: ThreadPoolExecutor(2),
        lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    ],
    ids=["threads", "processes"],
)
def test_an_executor_gives_the_same_report(chain, executor):
    here = search(chain)
    with executor() as pool:
        there = search(chain, executor=pool)
    assert without_times(there) == without_times(here)
    assert np.array_equal(there.chain.predict_proba(X), here.chain.predict_proba(X))


def test_sizes_are_those_of_the_form_that_will_be_stored(chain):
    full, inference = (
        search(chain, {}, measure_size=StoredForm(profile=each)) for each in ("full", "inference")
    )
    assert inference.original.size < full.original.size
    assert "sizes as stored in profile 'inference'" in str(inference)
    with pytest.raises(InvalidOptionError, match="profile"):
        StoredForm(profile="small")


# --- time


def test_what_the_time_did_not_suffice_for_is_listed_as_not_tried(chain):
    report = search(chain, budget=Budget(max_drop=0.2, time=0))
    assert {result.status for result in report.results[1:]} == {"not tried"}
    assert report.results[1].reason == "the budget's 0 s were over"
    assert report.chosen.name == "original"
    assert report.chain is chain


class Waiting(Counted):
    """Waits in the worker, and says that it has begun."""

    def compress(self, chain, X=None, y=None):
        BEGUN.set()
        DONE.wait()
        return chain


BEGUN, DONE = threading.Event(), threading.Event()


def test_nobody_waits_for_what_an_executor_has_not_ended_when_time_is_over(chain):
    candidates = [Candidate("waits", Waiting()), Candidate("behind", Float16Compressor())]
    with ThreadPoolExecutor(1) as pool:
        report = search(chain, candidates, executor=pool, X_train=None, budget=Budget(max_drop=0.2, time=0.5))
        DONE.set()
    assert [result.status for result in report.results] == ["chosen", "not tried", "not tried"]


def test_progress_is_told_candidate_by_candidate(chain):
    told = []
    search(chain, progress=lambda *news: told.append(news), budget=Budget(max_drop=0.0))
    assert told[0] == ("baseline(linear)", 1, 6)
    assert told[5] == ("pca", 6, 6)
    assert all(done <= planned for _name, done, planned in told)


# --- a store


def test_what_was_measured_is_not_measured_again(chain):
    store = open_checkpoints("memory:")
    first = search(chain, store=store)
    again = search(network(), store=store)
    assert first.resumed == 0
    assert again.resumed == len(again.results) - 1
    assert again.results[1:] == first.results[1:]  # latencies included
    assert np.array_equal(again.chain.predict_proba(X), first.chain.predict_proba(X))


def test_an_interrupted_search_goes_on_where_it_was(chain):
    store = open_checkpoints("memory:")
    first = Candidate("first", Counted())
    with pytest.raises(KeyboardInterrupt):
        search(chain, [first, Candidate("second", Counted(KeyboardInterrupt))], store=store)
    assert len(CALLS) == 2
    report = search(chain, [first, Candidate("second", Float16Compressor())], store=store)
    assert len(CALLS) == 2
    assert report.resumed == 3  # two baselines, and the first


def test_what_failed_is_tried_again(chain):
    store = open_checkpoints("memory:")
    for _ in range(2):
        report = search(chain, [Candidate("fails", Counted(ValueError))], store=store)
    assert report.results[-1].status == "failed"
    assert len(CALLS) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 1},
        {"confidence": 0.9},
        {"budget": Budget(metric="f1_macro", max_drop=0.2)},
        {"X_train": X[1:], "y_train": Y[1:]},
        {"measure_size": StoredForm(zstd=True)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_depends_on_something_else_is_measured_anew(chain, change):
    store = open_checkpoints("memory:")
    candidates = [Candidate("float16", Float16Compressor())]
    search(chain, candidates, store=store)
    assert search(chain, candidates, store=store, **change).resumed == 0


def test_another_model_is_measured_anew(chain):
    store = open_checkpoints("memory:")
    search(chain, store=store)
    other = Pipeline([("model", LogisticRegression(max_iter=500))]).fit(X, Y)
    assert search(other, store=store).resumed == 0


def test_a_budget_of_other_bounds_uses_what_was_measured(chain):
    store = open_checkpoints("memory:")
    candidates = [Candidate("float16", Float16Compressor())]
    search(chain, candidates, store=store)
    assert search(chain, candidates, store=store, budget=Budget(max_drop=0.5)).resumed == 3


class Damaged:
    """A store whose checkpoints cannot be read."""

    def at(self, key):
        return self

    def load(self):
        raise CheckpointError("damaged")

    def save(self, state):
        pass


def test_a_damaged_checkpoint_is_measured_again(chain):
    assert search(chain, store=Damaged()).resumed == 0


class Open(Counted):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def test_a_compressor_that_cannot_be_told_from_another_has_no_place_in_a_store(chain):
    with pytest.raises(InvalidOptionError, match="lock"):
        search(chain, [Candidate("open", Open())], store=open_checkpoints("memory:"))
