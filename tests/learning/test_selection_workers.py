"""Where trials run: the same result in any executor, workers that die, executors that break, bounds."""

import os
import pickle
import threading
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from maas_sdk.errors import ComponentError
from maas_sdk.learning import Halving, SearchSpace, select

IRIS = load_iris(return_X_y=True)
CANDIDATES = {"prior": DummyClassifier(), "bayes": SearchSpace(GaussianNB(), {"var_smoothing": [1e-9, 0.1]})}

DEADLY = '''
"""An estimator whose worker dies while it is fitted: once, or always."""
import os, pathlib, signal
from sklearn.dummy import DummyClassifier

class Deadly(DummyClassifier):
    def __init__(self, scar=None):
        super().__init__()
        self.scar = scar

    def fit(self, X, y):
        scar = pathlib.Path(self.scar)
        if not scar.exists() or scar.name == "always":
            scar.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)
'''


@pytest.fixture
def deadly(tmp_path, monkeypatch):
    """A module that worker processes can import."""
    (tmp_path / "maas_test_deadly.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path))
    import maas_test_deadly

    return maas_test_deadly.Deadly


SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(["maas_sdk.learning"])  # so that a new process costs little


def processes():
    return ProcessPoolExecutor(2, mp_context=SERVER)


class Scripted(Executor):
    """Runs in the caller's thread, what it is told: a number of calls end with an error instead."""

    def __init__(self, errors=(), broken_after=None):
        self.errors = dict(errors)
        self.broken_after = broken_after
        self.calls = self.sent = 0

    def submit(self, fn, /, *args, **kwargs):
        if self.broken_after is not None and self.calls >= self.broken_after:
            raise RuntimeError("cannot schedule new futures after shutdown")
        self.calls += 1
        future = Future()
        error = self.errors.get(self.calls)
        if error is None:
            copied = pickle.dumps((fn, args))
            self.sent = len(copied)
            fn, args = pickle.loads(copied)
            future.set_result(fn(*args))
        elif isinstance(error, CancelledError):
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_exception(error)
        return future


def error_named(kind):
    """Stands for one of Dask's, which are told by name."""
    return type(kind, (Exception,), {})


# --- the same bits ----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_threads_and_processes_give_the_bits_of_one_after_the_other():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300, ::2], y[:300]  # a view: not contiguous here, contiguous where it is sent
    candidates = [
        RandomForestClassifier(n_estimators=5),
        make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=5)),
        SearchSpace(LogisticRegression(max_iter=30), {"C": [0.01, 1.0]}),
    ]
    options = {"cv": 3, "metric": "log_loss", "nested": 2, "halving": Halving(factor=2), "refit": False}
    here = select(candidates, X, y, **options)
    with ThreadPoolExecutor(3) as pool:
        assert select(candidates, X, y, executor=pool, **options) == here
    with processes() as pool:
        there = select(candidates, X, y, executor=pool, **options)
    assert there == here
    assert there.to_dict() == here.to_dict()


def test_a_trial_has_one_thread_of_linear_algebra_and_leaves_the_others_as_they_were():
    before = [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    class Counts(DummyClassifier):
        def fit(self, X, y):
            seen.append({each["num_threads"] for each in threadpool_info()})
            return super().fit(X, y)

    seen: list = []
    with ThreadPoolExecutor(4) as pool:
        select([Counts() for _ in range(10)], *IRIS, executor=pool, refit=False)
    assert seen == [{1}] * 50
    assert [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"] == before


def test_an_array_mapped_from_a_file_travels_as_its_path(tmp_path):
    X, y = IRIS
    np.save(tmp_path / "X.npy", np.asfortranarray(X))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    tall, executor = Scripted(), Scripted()
    plain = select([GaussianNB()], X, y, executor=tall)
    assert select([GaussianNB()], mapped, y, executor=executor) == plain
    assert executor.sent < tall.sent - X.nbytes / 2
    # Numpy does not tell where a view begins: its rows are sent.
    assert select([GaussianNB()], mapped[3:], y[3:], executor=executor) == select(
        [GaussianNB()], X[3:], y[3:]
    )


# --- workers that die -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        BrokenExecutor("gone"),
        CancelledError(),
        ConnectionResetError("reset"),
        EOFError("closed"),
        error_named("KilledWorker")("killed"),
        error_named("CommClosedError")("closed"),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_a_trial_whose_worker_died_is_tried_again(loss):
    executor = Scripted({2: loss, 5: loss, 6: loss})
    found = select(CANDIDATES, *IRIS, executor=executor)
    assert found == select(CANDIDATES, *IRIS)
    assert found.retried == 3
    assert executor.calls == 15 + 3


def test_a_trial_that_loses_its_worker_too_often_fails_and_the_others_go_on():
    class Poison(Scripted):
        def submit(self, fn, /, data, estimator, *rest):
            if isinstance(estimator, DummyClassifier):
                future = Future()
                future.set_exception(EOFError())
                return future
            return super().submit(fn, data, estimator, *rest)

    found = select(CANDIDATES, *IRIS, executor=Poison(), retries=1)
    assert found.leaderboard[-1].reason == "fold 1: its worker died, 2 times (EOFError: )"
    assert found.best.status == "finished"
    assert found.retried == 5


def test_a_trial_that_lost_its_worker_runs_alone():
    class Watched(ThreadPoolExecutor):
        seen: list = []  # noqa: RUF012 - one for all
        flying: list = []  # noqa: RUF012 - likewise

        def submit(self, fn, /, *args):
            trial = (id(args[1]), args[4].tobytes())
            unfinished = [key for key, future in self.flying if not future.done()]
            if trial in self.seen or any(self.seen.count(key) > 1 for key in unfinished):
                assert not unfinished
            self.seen.append(trial)
            if len(self.seen) in (2, 3):
                future = Future()
                future.set_exception(EOFError())
            else:
                future = super().submit(fn, *args)
            self.flying.append((trial, future))
            return future

    with Watched(2) as pool:
        found = select(CANDIDATES, *IRIS, executor=pool)
    assert found.retried == 2
    assert len(Watched.seen) == 17
    assert found == select(CANDIDATES, *IRIS)


def test_an_executor_that_stays_broken_ends_with_what_to_do():
    with pytest.raises(ComponentError, match=r"Scripted\) is broken .*give a store") as caught:
        select(CANDIDATES, *IRIS, executor=Scripted(broken_after=4))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_function_that_can_make_no_executor_ends_with_why():
    def make():
        raise OSError("no more processes")

    with pytest.raises(ComponentError, match=r"\(function\) is broken \(OSError: no more processes\)"):
        select(CANDIDATES, *IRIS, executor=make)


def test_an_executor_that_was_shut_down_between_two_rungs_is_replaced():
    made = []

    def make():
        made.append(ThreadPoolExecutor(2))
        return made[-1]

    def shut(report):
        if report.done == report.planned:
            made[-1].shutdown()

    found = select(CANDIDATES, *IRIS, executor=make, halving=Halving(), callback=shut)
    assert len(made) == 2
    assert found == select(CANDIDATES, *IRIS, halving=Halving())


def test_a_pool_of_processes_that_lost_a_worker_ends_with_what_to_do(deadly, tmp_path):
    with processes() as pool, pytest.raises(ComponentError, match="a function that makes one") as caught:
        select({"deadly": deadly(str(tmp_path / "once")), **CANDIDATES}, *IRIS, executor=pool, cv=2)
    assert isinstance(caught.value.__cause__, BrokenExecutor)


def test_a_function_that_makes_pools_survives_a_killed_process(deadly, tmp_path):
    candidates = {"deadly": deadly(str(tmp_path / "once")), **CANDIDATES}
    found = select(candidates, *IRIS, executor=processes, cv=2)
    assert int((tmp_path / "once").read_text()) != os.getpid()
    assert found.retried >= 1
    assert found == select(candidates, *IRIS, cv=2)
    assert {row.status for row in found.leaderboard} == {"finished"}


def test_what_kills_every_process_takes_no_other_candidate_with_it(deadly, tmp_path):
    candidates = {"deadly": deadly(str(tmp_path / "always")), **CANDIDATES}
    found = select(candidates, *IRIS, executor=processes, cv=2, retries=1)
    assert [row.status for row in found.leaderboard] == ["finished"] * 3 + ["failed"]
    assert found.leaderboard[-1].reason.startswith("fold 1: its worker died, 2 times (BrokenProcessPool")


# --- what an executor cannot run --------------------------------------------------------------------------


def test_what_cannot_be_sent_is_told():
    class Local(DummyClassifier):
        pass

    with processes() as pool, pytest.raises(ComponentError, match="must be picklable"):
        select([Local()], *IRIS, executor=pool)


def test_an_estimator_that_ends_its_process_politely_has_failed():
    class Leaves(DummyClassifier):
        def fit(self, X, y):
            raise SystemExit(3)

    found = select([Leaves(), GaussianNB()], *IRIS)
    assert found.leaderboard[1].reason == "fold 1: SystemExit: 3"


# --- bounds, progress, interruption -----------------------------------------------------------------------


def test_no_more_trials_are_in_flight_than_allowed():
    most = []

    class Counted(ThreadPoolExecutor):
        def submit(self, fn, /, *args):
            most.append(sum(not future.done() for future in flying) + 1)
            flying.append(super().submit(fn, *args))
            return flying[-1]

    flying: list = []
    with Counted(2) as pool:
        select([GaussianNB() for _ in range(8)], *IRIS, executor=pool, in_flight=3, refit=False)
    assert len(most) == 40
    assert max(most) <= 3


def test_a_callback_is_told_of_each_trial_in_the_callers_thread():
    told = []

    def tell(report):
        told.append((report, threading.get_ident()))

    with ThreadPoolExecutor(2) as pool:
        select({"bayes": GaussianNB()}, *IRIS, executor=pool, callback=tell)
    assert [report.done for report, _ in told] == [1, 2, 3, 4, 5]
    assert {report.fold for report, _ in told} == set(range(5))
    assert {thread for _, thread in told} == {threading.get_ident()}
    assert all(r.planned == 5 and r.name == "bayes" and r.score > 0.8 and r.error is None for r, _ in told)


def test_an_interrupt_cancels_what_has_not_begun():
    release, begun = threading.Event(), []

    class Waits(DummyClassifier):
        def fit(self, X, y):
            begun.append(1)
            if len(begun) > 1:
                release.wait(60)
            return super().fit(X, y)

    def interrupt(_report):
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            select([Waits() for _ in range(6)], *IRIS, executor=pool, callback=interrupt)
        release.set()
    assert len(begun) <= 2


def test_an_executor_that_was_given_stays_open_and_one_that_was_made_is_closed():
    made = []

    def make():
        made.append(ThreadPoolExecutor(2))
        return made[-1]

    with ThreadPoolExecutor(2) as pool:
        select(CANDIDATES, *IRIS, executor=pool)
        assert pool.submit(int).result() == 0
    select(CANDIDATES, *IRIS, executor=make, halving=Halving())
    assert len(made) == 1
    with pytest.raises(RuntimeError, match="shutdown"):
        made[0].submit(int)
