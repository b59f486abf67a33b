"""Selection on a Dask cluster: a worker killed in the middle, a client lost altogether; shows what happened.

``pytest tests/peers/test_dask.py -s`` prints the story.
"""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("distributed")

from sklearn.datasets import load_iris

import maas_sdk as maas

pytestmark = [
    pytest.mark.slow,
    # Of a cluster whose worker was killed or that is closed: its sockets and its loop.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

AT_MOST = 240  # seconds until a cluster is closed under a test that hangs

WATCHED = '''
"""A classifier that leaves a note when it is fitted, and waits to be killed when it is asked to."""
import os, pathlib, time, uuid
from sklearn.naive_bayes import GaussianNB

class Watched(GaussianNB):
    def __init__(self, folder=None, *, priors=None, var_smoothing=1e-9):
        super().__init__(priors=priors, var_smoothing=var_smoothing)
        self.folder = folder

    def fit(self, X, y):
        folder = pathlib.Path(self.folder)
        (folder / f"fit-{uuid.uuid4()}").touch()
        if (folder / "wanted").exists():
            (folder / "wanted").unlink()
            (folder / "part").write_text(str(os.getpid()))
            (folder / "part").rename(folder / "victim")
            time.sleep(120)
            raise RuntimeError("nobody killed the worker")
        return super().fit(X, y)
'''

PROGRAM = """
import os, signal, sys
from sklearn.datasets import load_iris
from distributed import Client, LocalCluster
import maas_sdk as maas
from maas_test_watched import Watched

def report(told):
    print("done", told.done, flush=True)
    if told.done == 8:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    )
    client = Client(cluster)
    print("workers", *client.run(os.getpid).values(), flush=True)
    space = maas.SearchSpace(Watched(sys.argv[1]), {"var_smoothing": [1e-9, 0.01, 0.1, 1.0]})
    maas.select(
        {"bayes": space}, *load_iris(return_X_y=True), metric="log_loss", store=sys.argv[2],
        callback=report, executor=client.get_executor(pure=False), in_flight=4,
    )
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """A folder with a module that workers can import, too."""
    folder = tmp_path_factory.mktemp("module")
    (folder / "maas_test_watched.py").write_text(WATCHED)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder


@pytest.fixture(scope="module")
def cluster(module):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as made:
        watchdog = threading.Timer(AT_MOST, made.close)
        watchdog.start()
        yield made
        watchdog.cancel()


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster, timeout=60) as made:
        made.wait_for_workers(2, timeout=60)
        yield made


def candidates(folder):
    from maas_test_watched import Watched

    folder.mkdir(exist_ok=True)
    return {"bayes": maas.SearchSpace(Watched(str(folder)), {"var_smoothing": [1e-9, 0.01, 0.1, 1.0]})}


def begun(folder):
    return len(list(folder.glob("fit-*")))


def kill_the_victim(folder, killed):
    """Kill the worker that says it fits."""
    until = time.monotonic() + AT_MOST
    while not (folder / "victim").exists() and time.monotonic() < until:
        time.sleep(0.02)
    killed.append(int((folder / "victim").read_text()))
    os.kill(killed[0], signal.SIGKILL)


@pytest.mark.parametrize(("allowed_failures", "retried"), [(3, 0), (0, 1)], ids=["Dask", "select"])
def test_a_worker_killed_in_the_middle_changes_no_bit(cluster, client, tmp_path, allowed_failures, retried):
    X, y = load_iris(return_X_y=True)
    plain = maas.select(candidates(tmp_path / "serial"), X, y, metric="log_loss", nested=2)
    folder, killed = tmp_path / "cluster", []
    space = candidates(folder)
    workers = sorted(client.run(os.getpid).values())
    # With 0, Dask gives a task up when its worker dies, and the retry is ours.
    cluster.scheduler.allowed_failures = allowed_failures
    killer = threading.Thread(target=kill_the_victim, args=(folder, killed))
    killer.start()

    def arm(report):
        if report.done == 10:
            (folder / "wanted").touch()

    found = maas.select(
        space,
        X,
        y,
        metric="log_loss",
        nested=2,
        executor=client.get_executor(pure=False),
        in_flight=4,
        callback=arm,
    )
    killer.join()
    again = begun(folder) - plain.n_trials - 1  # the refit is here
    print(  # noqa: T201 - the story
        f"\nworkers {workers}: {killed[0]} was killed (SIGKILL) while it fitted; {plain.n_trials} trials, "
        f"begun twice: {again}, retried by select: {found.retried}\n"
        f"log loss one after the other {plain.best.mean!r}, on the cluster {found.best.mean!r}"
    )
    assert killed[0] in workers
    assert again >= 1
    assert found.retried >= retried
    assert found == plain
    assert found.to_dict()["leaderboard"] == plain.to_dict()["leaderboard"]


def test_a_client_that_was_lost_leaves_what_a_new_cluster_goes_on_with(module, client, tmp_path):
    X, y = load_iris(return_X_y=True)
    plain = maas.select(candidates(tmp_path / "serial"), X, y, metric="log_loss")
    folder, store = tmp_path / "cluster", tmp_path / "store"
    space = candidates(folder)
    lost = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(store)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(module), os.environ.get("PYTHONPATH", "")])},
        capture_output=True, text=True, check=False, timeout=AT_MOST,
    )  # fmt: skip
    assert lost.returncode == -signal.SIGKILL, lost.stderr
    orphans = [int(pid) for pid in lost.stdout.split("workers ")[1].splitlines()[0].split()]
    for pid in orphans:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it noticed itself
    before = begun(folder)
    found = maas.select(space, X, y, metric="log_loss", store=store, executor=client.get_executor(pure=False))
    ran = begun(folder) - before - 1  # the refit is here
    print(  # noqa: T201 - the story
        f"\nclient and scheduler were killed (SIGKILL) after 8 of {plain.n_trials} trials, with the workers "
        f"{orphans}; a new cluster: {found.resumed} from the store, {ran} run\n"
        f"log loss one after the other {plain.best.mean!r}, resumed {found.best.mean!r}"
    )
    assert found.resumed == 8
    assert ran == plain.n_trials - 8
    assert found == plain
