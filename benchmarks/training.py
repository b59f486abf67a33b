"""Training against scikit-learn and torch: milliseconds an epoch, and the scores after the same epochs.

Run: ``python benchmarks/training.py``, with torch installed for its rows. All train the same net in float32
with Adam on the same rows in batches of 200, shuffled anew each epoch. The peers take turns, so that a busy
machine slows all of them; a time is the best of its rounds, and a peer's the better one of one and two
threads. Times depend on the machine, ratios much less. "matrix products" are those of an epoch and nothing
else: what no training with numpy can be faster than. Scores are accuracy or R² on rows held out, mean and
standard deviation over seeds. torch has less to do: it penalizes no weights.
"""

from __future__ import annotations

import time
import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as PeerClassifier
from sklearn.neural_network import MLPRegressor as PeerRegressor
from threadpoolctl import threadpool_limits

from maas_sdk.learning import MLPClassifier, MLPRegressor

try:
    import torch
except ImportError:
    torch = None

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROUNDS = 5
SEEDS = range(5)
BATCH = 200
THREADS = (1, 2)


@frozen
class Task:
    """Data, a net for it, and for how many epochs it is trained: when it is timed, and when it is scored."""

    name: str
    classes: bool
    hidden: tuple[int, ...]
    X: NDArray[np.float32]
    y: NDArray[Any]
    X_test: NDArray[np.float32]
    y_test: NDArray[Any]
    timed_epochs: int
    scored_epochs: int

    @property
    def layers(self) -> str:
        """Units of each layer, as in 64-100-10."""
        n_outputs = len(np.unique(self.y)) if self.classes else 1
        return "-".join(map(str, (self.X.shape[1], *self.hidden, n_outputs)))

    def score(self, predicted: NDArray[Any]) -> float:
        """Give the score of what was predicted for the rows held out."""
        return float((accuracy_score if self.classes else r2_score)(self.y_test, predicted))


def tasks() -> list[Task]:
    digits, digit = load_digits(return_X_y=True)
    friedman, value = make_friedman1(12_000, noise=1.0, random_state=0)
    mixed, kind = make_classification(
        4_000, 30, n_informative=15, n_classes=3, class_sep=0.8, flip_y=0.05, random_state=0
    )
    return [
        _task("digits", True, (100,), digits / 16, digit, 360, (20, 60)),
        _task("regression", False, (128, 64), friedman, (value - value.mean()) / value.std(), 2_000, (5, 40)),
        _task("classes", True, (512, 512), mixed / mixed.std(axis=0), kind, 1_000, (10, 15)),
    ]


def _task(
    name: str,
    classes: bool,
    hidden: tuple[int, ...],
    X: NDArray[Any],
    y: NDArray[Any],
    n_test: int,
    epochs: tuple[int, int],
) -> Task:
    X = X.astype(np.float32)
    y = y if classes else y.astype(np.float32)
    X, X_test, y, y_test = train_test_split(X, y, test_size=n_test, random_state=0)
    return Task(name, classes, hidden, X, y, X_test, y_test, *epochs)


def _estimator(task: Task, kinds: tuple[Any, Any], epochs: int, seed: int) -> Any:
    return kinds[not task.classes](
        hidden_layer_sizes=task.hidden,
        batch_size=BATCH,
        max_iter=epochs,
        tol=0,
        n_iter_no_change=epochs,
        random_state=seed,
    )


def ours(task: Task, epochs: int, seed: int) -> Callable[[], Callable[[NDArray[Any]], NDArray[Any]]]:
    model = _estimator(task, (MLPClassifier, MLPRegressor), epochs, seed)
    return lambda: model.fit(task.X, task.y).predict


def scikit_learn(
    task: Task, epochs: int, seed: int, *, threads: int = 1
) -> Callable[[], Callable[[NDArray[Any]], NDArray[Any]]]:
    model = _estimator(task, (PeerClassifier, PeerRegressor), epochs, seed)

    def train() -> Callable[[NDArray[Any]], NDArray[Any]]:
        with threadpool_limits(threads):
            return model.fit(task.X, task.y).predict

    return train


def with_torch(
    task: Task, epochs: int, seed: int, *, threads: int = 1
) -> Callable[[], Callable[[NDArray[Any]], NDArray[Any]]]:
    """The loop that torch's tutorials show, the data in one tensor and batches gathered from it."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    sizes = (task.X.shape[1], *task.hidden, len(np.unique(task.y)) if task.classes else 1)
    layers: list[Any] = []
    for n_inputs, n_units in pairwise(sizes):
        layers += [torch.nn.Linear(n_inputs, n_units), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    X = torch.from_numpy(task.X)
    y = torch.from_numpy(task.y if task.classes else task.y[:, None])
    loss = torch.nn.CrossEntropyLoss() if task.classes else torch.nn.MSELoss()
    optimizer = torch.optim.Adam(net.parameters())

    def train() -> Callable[[NDArray[Any]], NDArray[Any]]:
        torch.set_num_threads(threads)
        for _ in range(epochs):
            order = torch.randperm(len(X))
            for start in range(0, len(X), BATCH):
                rows = order[start : start + BATCH]
                optimizer.zero_grad()
                loss(net(X.index_select(0, rows)), y.index_select(0, rows)).backward()
                optimizer.step()
        return predict

    def predict(rows: NDArray[Any]) -> NDArray[Any]:
        with torch.no_grad():
            raw = net(torch.from_numpy(rows)).numpy()
        return raw.argmax(axis=1) if task.classes else raw[:, 0]

    return train


def products(task: Task, *, threads: int = 1) -> Callable[[], None]:
    """Give what multiplies all the matrices of as many steps as a timed training takes."""
    sizes = [int(size) for size in task.layers.split("-")]
    rows = [np.ones((BATCH, size), np.float32) for size in sizes]
    weights = [np.ones((one, other), np.float32) for one, other in pairwise(sizes)]
    steps = round(task.timed_epochs * len(task.X) / BATCH)

    def multiply() -> None:
        for below, weight, above in zip(rows, weights, rows[1:], strict=False):
            np.matmul(below, weight, out=above)
        for below, weight, above in reversed(list(zip(rows, weights, rows[1:], strict=False))):
            np.matmul(below.T, above, out=weight)
            if below is not rows[0]:
                np.matmul(above, weight.T, out=below)

    def run() -> None:
        with threadpool_limits(threads), np.errstate(all="ignore"):
            for _ in range(steps):
                multiply()

    return run


def epoch_times(task: Task) -> dict[str, float]:
    """Give the best time of an epoch of each, in milliseconds."""
    runs: dict[str, list[Callable[[], object]]] = {
        "maas-sdk": [ours(task, task.timed_epochs, 0)],
        "matrix products": [products(task, threads=n) for n in THREADS],
        "scikit-learn": [scikit_learn(task, task.timed_epochs, 0, threads=n) for n in THREADS],
    }
    if torch:
        runs["torch"] = [with_torch(task, task.timed_epochs, 0, threads=n) for n in THREADS]
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, variants in runs.items():
            for run in variants:
                start = time.perf_counter()
                run()
                best[name] = min(best[name], (time.perf_counter() - start) / task.timed_epochs * 1e3)
    return best


def scores(task: Task) -> dict[str, list[float]]:
    """Give the test scores of each after the same number of epochs, one for each seed."""
    peers = {"maas-sdk": ours, "scikit-learn": scikit_learn} | ({"torch": with_torch} if torch else {})
    return {
        name: [task.score(peer(task, task.scored_epochs, seed)()(task.X_test)) for seed in SEEDS]
        for name, peer in peers.items()
    }


def main() -> None:
    print(f"ms an epoch, float32, Adam, batches of {BATCH}; score after the same epochs, {len(SEEDS)} seeds")
    print(f"{'net':<28}{'':<17}{'ms':>9}{'peer / ours':>13}   score")
    for task in tasks():
        times, scored = epoch_times(task), scores(task)
        for name, milliseconds in times.items():
            what = f"{task.name} {task.layers}" if name == "maas-sdk" else ""
            ratio = "" if name == "maas-sdk" else f"{milliseconds / times['maas-sdk']:.2f} x"
            values = scored.get(name)
            score = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}" if values else ""
            print(f"{what:<28}{name:<17}{milliseconds:>9.2f}{ratio:>13}   {score}".rstrip())
    if not torch:
        print("torch is not installed: no rows of it")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are fixed on purpose
        main()
