"""What is kept of a selection: under what name, when, and that only what is missing runs again."""

import functools
import operator
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from maas_sdk.errors import CheckpointError, InvalidOptionError
from maas_sdk.learning import Adam, Halving, MLPClassifier, SearchSpace, select

IRIS = load_iris(return_X_y=True)
CANDIDATES = {
    "prior": DummyClassifier(),
    "bayes": SearchSpace(GaussianNB(), {"var_smoothing": [1e-9, 0.01, 0.1]}),
    "forest": RandomForestClassifier(n_estimators=3),
}


class Kept:
    """Checkpoints in a dict."""

    def __init__(self):
        self.states = {}

    def at(self, key):
        return Place(self.states, key)


class Place:
    def __init__(self, states, key):
        self.states, self.key = states, key

    def load(self):
        state = self.states.get(self.key)
        if state == "damaged":
            raise CheckpointError("damaged")
        return state

    def save(self, state):
        self.states[self.key] = dict(state)

    def clear(self):
        self.states.pop(self.key, None)


def keys(estimator, X=IRIS[0], y=IRIS[1], **options):
    """Give the names under which two folds are kept."""
    store = Kept()
    options = {"cv": KFold(2), "refit": False, "metric": "accuracy"} | options
    select({"it": estimator}, X, y, store=store, **options)
    assert store.states
    return frozenset(store.states)


# --- resuming ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"nested": 2}, {"halving": Halving(factor=2)}], ids=str)
def test_what_is_kept_is_not_run_again_and_the_result_is_the_same(options):
    store = Kept()
    plain = select(CANDIDATES, *IRIS, **options)
    first = select(CANDIDATES, *IRIS, store=store, **options)
    assert (first, first.resumed) == (plain, 0)
    for key in list(store.states)[::2]:
        del store.states[key]
    half = len(store.states)
    second = select(CANDIDATES, *IRIS, store=store, **options)
    assert (second, second.resumed) == (plain, half)
    third = select(CANDIDATES, *IRIS, store=store, **options)
    assert (third, third.resumed) == (plain, plain.n_trials)
    rows = IRIS[0][::7]
    assert np.array_equal(third.best_estimator.predict(rows), plain.best_estimator.predict(rows))


def test_more_candidates_run_only_what_is_new():
    store = Kept()
    select([GaussianNB()], *IRIS, store=store)
    found = select([DummyClassifier(), GaussianNB()], *IRIS, store=store)
    assert (found.resumed, found.n_trials) == (5, 10)


def test_a_damaged_checkpoint_is_computed_again():
    store = Kept()
    plain = select([GaussianNB()], *IRIS, store=store)
    store.states[next(iter(store.states))] = "damaged"
    again = select([GaussianNB()], *IRIS, store=store)
    assert (again, again.resumed) == (plain, 4)
    assert "damaged" not in store.states.values()


def test_failures_are_not_kept():
    class Fails(DummyClassifier):
        healed = False

        def fit(self, X, y):
            if not Fails.healed:
                raise MemoryError
            return super().fit(X, y)

    store = Kept()
    assert select([Fails(), GaussianNB()], *IRIS, store=store).leaderboard[1].status == "failed"
    Fails.healed = True
    found = select([Fails(), GaussianNB()], *IRIS, store=store)
    assert (found.leaderboard[1].status, found.resumed) == ("finished", 5)


def test_an_interrupt_leaves_what_has_ended():
    store, done = Kept(), []

    def interrupt(report):
        done.append(report)
        if report.done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        select(CANDIDATES, *IRIS, store=store, callback=interrupt)
    assert len(store.states) == 7
    again = select(CANDIDATES, *IRIS, store=store)
    assert (again, again.resumed) == (select(CANDIDATES, *IRIS), 7)


def test_an_interrupt_keeps_what_ended_elsewhere_meanwhile():
    store, ended = Kept(), threading.Semaphore(0)

    class Watched(ThreadPoolExecutor):
        def submit(self, *args):
            future = super().submit(*args)
            future.add_done_callback(lambda _: ended.release())
            return future

    def interrupt(_report):
        for _ in range(5):
            assert ended.acquire(timeout=60)
        raise KeyboardInterrupt

    with Watched(1) as pool, pytest.raises(KeyboardInterrupt):
        select([GaussianNB()], *IRIS, store=store, executor=pool, callback=interrupt)
    assert len(store.states) == 5


PROGRAM = """
import os, signal, sys
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
import maas_sdk as maas

X, y = load_iris(return_X_y=True)

def run(**options):
    space = maas.SearchSpace(GaussianNB(), {"var_smoothing": [1e-9, 0.01, 0.1]})
    forest = RandomForestClassifier(n_estimators=5)
    return maas.select([forest, space, "logistic_classifier"], X, y, **options)

def tell(found):
    return repr(found.leaderboard) + repr(found.comparison) + str(found.best_estimator.predict(X).tolist())

def report(told):
    print(told.done, told.resumed, flush=True)
    if told.done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    found = run(store=sys.argv[1], callback=report)
    print("resumed", found.resumed)
    print(tell(found))
"""


def test_a_selection_that_is_killed_goes_on_where_it_was_with_the_same_bits(tmp_path):
    def run(kill_at):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "trials"), str(kill_at)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    killed = run(kill_at=11)
    assert killed.returncode == -9, killed.stderr
    resumed = run(kill_at=0)
    assert resumed.returncode == 0, resumed.stderr
    *trials, count, told = resumed.stdout.splitlines()
    assert [line.split()[1] for line in trials].count("True") == 11
    assert count == "resumed 11"
    program: dict = {"__name__": "program"}
    exec(PROGRAM, program)
    assert told == program["tell"](program["run"]())


# --- under what name --------------------------------------------------------------------------------------


def test_data_rows_metric_seed_and_configuration_make_the_name():
    X, y = IRIS
    base = keys(GaussianNB())
    assert keys(GaussianNB()) == base
    other = X.copy()
    other[0, 0] += 1e-12
    forest = RandomForestClassifier(1)
    different = [
        keys(GaussianNB(), other),
        keys(GaussianNB(), X.astype(np.float32)),
        keys(GaussianNB(), X, y + 1),
        keys(GaussianNB(), X, y.astype(np.int32)),
        keys(GaussianNB(), sample_weight=np.ones(150)),
        keys(GaussianNB(), sample_weight=np.full(150, 2.0)),
        keys(GaussianNB(), metric="f1_macro"),
        keys(GaussianNB(), cv=KFold(3)),
        keys(GaussianNB(var_smoothing=1e-8)),
        keys(GaussianNB(var_smoothing=1)),
        keys(GaussianNB(var_smoothing=1.0)),
        keys(DummyClassifier()),
        keys(forest),
        keys(forest, random_state=1),
        keys(make_pipeline(GaussianNB())),
        keys(make_pipeline(StandardScaler(), GaussianNB())),
        keys(make_pipeline(StandardScaler().set_output(transform="pandas"), GaussianNB())),
    ]  # fmt: skip
    for index, one in enumerate([base, *different]):
        for later in [base, *different][index + 1 :]:
            assert one.isdisjoint(later)
    assert keys(forest) == keys(RandomForestClassifier(1))


def test_the_same_values_in_another_layout_have_the_same_name():
    X, y = IRIS
    base = keys(GaussianNB())
    assert keys(GaussianNB(), np.asfortranarray(X)) == base
    wide = np.empty((150, 8))
    wide[:, ::2] = X
    assert keys(GaussianNB(), wide[:, ::2], list(y)) == base


def test_versions_make_the_name(monkeypatch):
    base = keys(GaussianNB())
    monkeypatch.setattr("sklearn.__version__", "0.0")
    assert keys(GaussianNB()).isdisjoint(base)


def columns(**columns):
    return pd.DataFrame({"a": np.arange(150.0), **columns})


def test_frames_are_told_apart_by_columns_and_types():
    y = IRIS[1]
    prior = DummyClassifier()
    texts = np.array(["x", "y", "z"] * 50)
    frames = [
        columns(),
        columns().rename(columns={"a": "b"}),
        columns(b=1),
        columns(b=1.0),
        columns(b=texts),
        columns(b=texts[::-1]),
        columns(b=pd.Categorical(texts)),
        columns(b=pd.Categorical(texts, categories=["z", "y", "x"])),
        columns(b=np.array([None, *texts[1:]], dtype=object)),
        columns(b=pd.array([None, *texts[1:]], dtype="string")),
        columns(b=pd.array([None, *range(149)], dtype="Int64")),
        columns(b=pd.date_range("2024", periods=150)),
        columns(b=pd.date_range("2024", periods=150, tz="UTC")),
        pl.DataFrame({"a": np.arange(150.0)}),
    ]
    found = [keys(prior, frame, y) for frame in frames]
    assert len(set(found)) == len(frames)
    assert found == [keys(prior, frame, y) for frame in frames]


def test_sparse_matrices_and_lists_are_data_too():
    rows = sparse.csr_matrix(IRIS[0])
    assert keys(DummyClassifier(), rows) == keys(DummyClassifier(), rows.copy())
    assert keys(DummyClassifier(), rows).isdisjoint(keys(DummyClassifier(), 2 * rows))
    assert keys(DummyClassifier(), ["a"] * 150).isdisjoint(keys(DummyClassifier(), ["b"] * 150))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_objects_in_parameters_are_told_apart_by_their_attributes():
    def mlp(optimizer):
        return MLPClassifier((2,), optimizer=optimizer, max_iter=1, tol=0.0)

    assert keys(mlp(Adam(0.01))) == keys(mlp(Adam(0.01)))
    assert keys(mlp(Adam(0.01))).isdisjoint(keys(mlp(Adam(0.02))))
    X, y = IRIS
    gaussian = functools.partial(keys, X=X[:40], y=X[:40, 0] + y[:40], metric="r2")
    process = GaussianProcessRegressor
    one = gaussian(process(RBF(1.0) + WhiteKernel(1e-2), optimizer=None))
    assert one == gaussian(process(RBF(1.0) + WhiteKernel(1e-2), optimizer=None))
    assert one.isdisjoint(gaussian(process(RBF(2.0) + WhiteKernel(1e-2), optimizer=None)))


def scaled_by(factor):
    def scale(X):
        return X * factor

    return scale


def test_functions_are_told_apart_by_what_they_do():
    def chain(function):
        return keys(make_pipeline(FunctionTransformer(function), GaussianNB()))

    found = [
        chain(np.log1p),
        chain(np.sqrt),
        chain(np.nan_to_num),
        chain(operator.neg),
        chain(scaled_by(2)),
        chain(scaled_by(3)),
        chain(lambda X: X + 1),
        chain(lambda X: X + 2),
        chain(lambda X: X - 1),
        chain(lambda X, k=1: X * k),
        chain(lambda X, k=2: X * k),
        chain(functools.partial(np.clip, a_min=0, a_max=5)),
        chain(functools.partial(np.clip, a_min=0, a_max=6)),
    ]
    assert len(set(found)) == len(found)
    assert chain(scaled_by(2)) == found[4]


@pytest.mark.parametrize(
    "change",
    [
        ("fit(X, y)", "fit(X, y * 1)"),
        ("  return 1", "  return 2"),
        ("static = 3", "static = 4"),
        ("limit = 5", "limit = 6"),
    ],
)
def test_a_class_that_works_otherwise_than_before_has_another_name(change):
    def version(text):
        space = {"DummyClassifier": DummyClassifier, "__name__": "an_application"}
        exec(text, space)
        return space["Mine"]()

    text = """
class Mine(DummyClassifier):
 limit = 5
 def fit(self, X, y):
  return super().fit(X, y)
 @property
 def one(self):
  return 1
 @staticmethod
 def other():
  static = 3
  return static
"""
    assert keys(version(text)) == keys(version(text))
    assert keys(version(text)) == keys(version("\n\n" + text)), "where it stands is nothing that it does"
    assert change[0] in text
    assert keys(version(text)).isdisjoint(keys(version(text.replace(*change))))


class Holds(DummyRegressor):
    def __init__(self, thing=None):
        super().__init__()
        self.thing = thing


class Plain:
    def __init__(self, **attributes):
        vars(self).update(attributes)

    def __deepcopy__(self, memo):
        return self


def ring():
    items = Plain()
    items.items = [items]
    return items


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Plain(lock=threading.Lock()), r"estimator\.thing\.lock is a _thread\.lock that no checkpoint"),
        (Plain(a=[1, Plain(b=memoryview(b""))]), r"estimator\.thing\.a\[1\]\.b is a builtins\.memoryview"),
        (ring(), r"estimator\.thing\.items\[0\] is a .*Plain.*it holds itself"),
    ],
    ids=["lock", "deep", "ring"],
)
def test_what_cannot_be_told_apart_is_refused_with_its_place(thing, message):
    estimator = Holds(thing)
    with pytest.raises(InvalidOptionError, match=message):
        select([estimator], IRIS[0], IRIS[1], store=Kept())
    assert select([estimator], IRIS[0], IRIS[1]).best.status == "finished", "without a store nothing is filed"


class Kind(Enum):
    ONE = 1
    TWO = 2


def test_every_kind_of_plain_value_has_a_name_of_its_own():
    values = [
        None, True, 1, 1.0, -1, 0.0, -0.0, 1j, "1", b"1", "", [], (), {}, set(), {1}, {1, 2}, [1], (1,),
        {1: 1}, [[1], 2], [1, [2]], ["ab", "c"], ["a", "bc"], range(3), range(4), slice(3), np.float64(1.0),
        np.float32(1.0), np.array(1.0), np.array([1.0]), np.array([[1.0]]), np.array([1.0, 2.0]),
        np.zeros((0, 2)), np.zeros((0, 3)), np.datetime64("2024-01-01"), np.random.RandomState(0),
        np.random.RandomState(1), np.random.default_rng(0), np.random.default_rng(1), DummyClassifier,
        date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), timedelta(1), Decimal("1.0"), Decimal("1.00"),
        re.compile("a" * 300 + "b"), re.compile("a" * 300 + "c"), re.compile("a", re.ASCII),
        Path("a"), Path("b"), ..., lambda: ..., str.lower, pd.Timestamp("2024"), Kind.ONE, Kind.TWO,
        DummyRegressor, len, float("nan"), float("inf"), [].append, [1].append,
    ]  # fmt: skip
    found = [
        keys(Holds(value), IRIS[0][:6], IRIS[1][:6] * 1.0, metric="neg_mean_absolute_error")
        for value in values
    ]
    assert len(set(found)) == len(found)


NAMED = """
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from maas_sdk._internal.fingerprint import fingerprint

def change(X, k={"a", "b", "c"}):
    return X if X in {"a", "b", "c"} else k

chain = make_pipeline(FunctionTransformer(change), RandomForestClassifier(class_weight={"a": 1}))
name = fingerprint(chain=chain, X=load_iris().data)
"""


def test_nothing_of_the_process_is_in_a_name():
    program = f"names = {{'__name__': 'program'}}\nexec({NAMED!r}, names)\nprint(names['name'])"
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    here: dict = {"__name__": "program"}
    exec(NAMED, here)
    assert done.stdout.strip() == here["name"]
