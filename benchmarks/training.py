"""Training against scikit-learn, and an Adam step against numpy written naively: ratios from one run.

Run: ``python benchmarks/training.py``. The peers take turns, so that a busy machine slows all of them; each
figure is the best of its rounds. Times depend on the machine, ratios much less.
"""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as PeerClassifier

from maas_sdk.learning import Adam, MLPClassifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROUNDS = 7
EPOCHS = 20


def best_times(peers: dict[str, Callable[[], object]], *, calls: int) -> dict[str, float]:
    """Give the best time of one call of each, in milliseconds."""
    best = dict.fromkeys(peers, float("inf"))
    for _ in range(ROUNDS):
        for name, run in peers.items():
            start = time.perf_counter()
            for _ in range(calls):
                run()
            best[name] = min(best[name], (time.perf_counter() - start) / calls * 1e3)
    return best


def naive_adam(size: int) -> Callable[[], None]:
    """Adam as one writes it first: an expression for each formula, new arrays each step."""
    params, grads, m, v = _arrays(size)
    step = 0

    def run() -> None:
        nonlocal params, m, v, step
        step += 1
        m = 0.9 * m + 0.1 * grads
        v = 0.999 * v + 0.001 * grads**2
        m_hat = m / (1 - 0.9**step)
        v_hat = v / (1 - 0.999**step)
        params = params - 1e-3 * m_hat / (np.sqrt(v_hat) + 1e-8)

    return run


def our_adam(size: int) -> Callable[[], None]:
    params, original, *_ = _arrays(size)
    grads = original.copy()
    optimizer = Adam()
    state = optimizer.init(params)

    def run() -> None:
        np.copyto(grads, original)  # a step may overwrite its gradient: its renewal is part of the time
        optimizer.update_(params, grads, state)

    return run


def _arrays(size: int) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    params, grads = (rng.standard_normal(size, np.float32) for _ in range(2))
    return [params, grads, np.zeros_like(params), np.zeros_like(params)]


def row(what: str, times: dict[str, float], peer: str) -> None:
    ours = times["maas-sdk"]
    print(f"{what:<34}{ours:>10.3f}{times[peer]:>10.3f}   {times[peer] / ours:>5.2f} x   {peer}")


def main() -> None:
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    options = {"max_iter": EPOCHS, "tol": 0, "n_iter_no_change": EPOCHS, "random_state": 0}
    print(f"{'':<34}{'ours ms':>10}{'peer ms':>10}   {'ratio':>7}   peer")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are fixed on purpose
        for hidden in ((100,), (128, 64), (512, 512)):
            times = best_times(
                {
                    "maas-sdk": lambda h=hidden: MLPClassifier(h, **options).fit(X, y),
                    "scikit-learn": lambda h=hidden: PeerClassifier(h, **options).fit(X, y),
                },
                calls=1,
            )
            layers = "-".join(map(str, (X.shape[1], *hidden, 10)))
            row(
                f"epoch, digits {layers}, float32",
                {name: value / EPOCHS for name, value in times.items()},
                "scikit-learn",
            )
    for size, calls in ((10_000, 200), (1_000_000, 10)):
        times = best_times({"maas-sdk": our_adam(size), "naive numpy": naive_adam(size)}, calls=calls)
        row(f"Adam step, {size:,} float32", times, "naive numpy")


if __name__ == "__main__":
    main()
