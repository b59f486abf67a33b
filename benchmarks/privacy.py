"""Differential privacy: what a private step costs, and what ε costs in accuracy on digits.

Run: ``python benchmarks/privacy.py``. A plain step and private ones take turns, so that a busy machine slows
all of them; each figure is the best of its rounds over that of the plain step. "Clipping" is the gradient
clipped row by row and the optimizer's step; "private step" is all of it, the sample and the secure noise
included. The loop clips rows one by one, as one would without ghost clipping.
"""

from __future__ import annotations

import statistics
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from maas_sdk.learning import Adam, DPAdam, MLPClassifier, MultinomialLogLoss
from maas_sdk.learning._nets._blas import suitable_blas_threads
from maas_sdk.learning._nets._network import Network, Workspace
from maas_sdk.learning._private import ClippingWorkspace, NoisySteps
from maas_sdk.learning._sources import open_source
from maas_sdk.privacy import membership_audit, noise_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.interfaces import Optimizer
    from maas_sdk.learning._sources import Source

ROUNDS = 60
SIZES = (((64, 10), 200), ((64, 100, 10), 200), ((64, 100, 10), 500), ((30, 512, 512, 3), 1000))
LOOPED = SIZES[1]
ROWS = 4000
EPSILONS = (16.0, 8.0, 4.0, 2.0, 1.0)
DELTA, BATCH, EPOCHS, SEEDS = 1e-5, 200, 38, 5  # 304 steps


def ratios(peers: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Give the best time of each over that of the first."""
    best = dict.fromkeys(peers, float("inf"))
    for run in peers.values():
        run()
    for _ in range(rounds):
        for name, run in peers.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    first = next(iter(best.values()))
    return {name: value / first for name, value in best.items()}


def workspace_of(
    kind: type[Workspace], sizes: tuple[int, ...], max_rows: int
) -> tuple[Any, Callable[[], None]]:
    """Give a workspace, and what takes an optimizer's step by its gradient."""
    network, optimizer = Network(sizes), Adam()
    params = network.random_parameters(np.random.RandomState(0), np.float32)
    workspace = kind(network, MultinomialLogLoss(), params, max_rows=max_rows, alpha=1e-4)
    state = optimizer.init(params)
    return workspace, lambda: optimizer.update_(params, workspace.grads, state)


def plain(source: Source, sizes: tuple[int, ...], batch: int) -> Callable[[], None]:
    workspace, update = workspace_of(Workspace, sizes, batch)

    def run() -> None:
        for X, target, _ in source.epoch(np.random.RandomState(0)):
            workspace.loss_and_gradient(X, target)
            update()

    return run


def clipping(source: Source, sizes: tuple[int, ...], batch: int) -> Callable[[], None]:
    workspace, update = workspace_of(ClippingWorkspace, sizes, batch)

    def run() -> None:
        for X, target, _ in source.epoch(np.random.RandomState(0)):
            workspace.clipped_gradient(X, target, 1.0)
            workspace.add_penalty_()
            update()

    return run


def private(source: Any, sizes: tuple[int, ...], batch: int) -> Callable[[], None]:
    workspace, update = workspace_of(ClippingWorkspace, sizes, batch)
    noisy = NoisySteps(workspace, source, DPAdam().privacy)

    def run() -> None:
        for _ in range(source.n_batches):
            noisy.gradient()
            update()

    return run


def loop(source: Source, sizes: tuple[int, ...], _batch: int) -> Callable[[], None]:
    workspace, update = workspace_of(Workspace, sizes, 1)

    def run() -> None:
        for X, target, _ in source.epoch(np.random.RandomState(0)):
            total = np.zeros_like(workspace.grads)
            for row in range(len(X)):
                workspace.loss_and_gradient(X[row : row + 1], target[row : row + 1])
                total += workspace.grads * min(1.0, 1 / np.linalg.norm(workspace.grads))
            np.divide(total, len(X), out=workspace.grads)
            update()

    return run


def cost(sizes: tuple[int, ...], batch: int, *, with_loop: bool) -> dict[str, float]:
    """Compare steps on one network; each goes through as many of them as there are batches."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((ROWS, sizes[0])).astype(np.float32)
    source = open_source(X, rng.randint(0, sizes[-1], ROWS), dtype=np.float32, batch_rows=batch)
    makers = {"plain": plain, "clipping": clipping, "private step": private}
    with suitable_blas_threads(batch * max(np.multiply(sizes[1:], sizes[:-1]))):
        found = ratios({name: make(source, sizes, batch) for name, make in makers.items()}, rounds=ROUNDS)
        if with_loop:
            slow = {"plain": plain(source, sizes, batch), "loop": loop(source, sizes, batch)}
            found["loop"] = ratios(slow, rounds=3)["loop"]
    return found


def digits(optimizer: Optimizer) -> tuple[float, float, float]:
    """Give the mean accuracy on held-out digits, its deviation, and the mean lower bound of an audit."""
    X, y = load_digits(return_X_y=True)
    accuracies, bounds = [], []
    for seed in range(SEEDS):
        X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.2, random_state=seed)
        model = MLPClassifier(
            (100,), optimizer=optimizer, batch_size=BATCH, max_iter=EPOCHS, random_state=seed, tol=0
        ).fit(X_train, y_train, classes=range(10))
        accuracies.append(model.score(X_test, y_test))
        bounds.append(membership_audit(model, X_train, y_train, X_test, y_test).epsilon_lower)
    return statistics.mean(accuracies), statistics.stdev(accuracies), statistics.mean(bounds)


def main() -> None:
    print("a step of Adam, float32, over a plain one\n")
    print("| network | batch | clipping | private step | loop over rows |\n| --- | --- | --- | --- | --- |")
    for sizes, batch in SIZES:
        found = cost(sizes, batch, with_loop=(sizes, batch) == LOOPED)
        by_loop = f"{found['loop']:.0f}" if "loop" in found else ""
        name = "-".join(map(str, sizes))
        print(f"| {name} | {batch} | {found['clipping']:.2f} | {found['private step']:.2f} | {by_loop} |")
    print(
        f"\ndigits, 64-100-10, {EPOCHS} epochs, batches of {BATCH} of 1437 rows, δ {DELTA:g}, {SEEDS} seeds\n"
    )
    print("| ε | noise multiplier | accuracy | audit: ε at least |\n| --- | --- | --- | --- |")
    for epsilon in EPSILONS:
        steps = EPOCHS * -(-1437 // BATCH)
        noise = noise_for(epsilon=epsilon, delta=DELTA, sampling_rate=BATCH / 1437, steps=steps)
        mean, deviation, bound = digits(DPAdam(5e-3, noise_multiplier=noise, delta=DELTA))
        print(f"| {epsilon:g} | {noise:.2f} | {mean:.3f} ± {deviation:.3f} | {bound:.2f} |")
    mean, deviation, bound = digits(Adam(5e-3))
    print(f"| ∞ (Adam) | | {mean:.3f} ± {deviation:.3f} | {bound:.2f} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
