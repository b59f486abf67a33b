"""One step of each optimizer in float32, against scikit-learn, PyTorch, naive numpy and the memory's bound.

Run: ``python benchmarks/optimizers.py``; where torch is not installed, its rows are left out and said to be.
The peers take turns, so that a busy machine slows all of them; each figure is the best of its rounds. Between
turns is a pause: the threads of torch go on spinning for a while, and would take a core from whoever is next.
Ours and torch work in as many threads as they take and, for the table of rules, in one as well. The bound is
what an Adam step moves at least, 28 bytes a parameter (four arrays read, three written), at the speed at
which all cores together copy. Times depend on the machine, ratios much less.
"""

from __future__ import annotations

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from maas_sdk._internal.one_thread import one_thread
from maas_sdk.learning import SGD, AdaGrad, Adam, AdamW, AMSGrad, Lion, RMSprop

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maas_sdk.interfaces import Optimizer

ADAM_BYTES = 28
SIZES = ((10_000, 200, 25), (1_000_000, 8, 12), (50_000_000, 1, 3))  # parameters, calls a round, rounds
PAUSE = 0.02  # seconds
COPIED = 100_000_000  # float32 numbers


def best_times(peers: dict[str, Callable[[], object]], *, calls: int, rounds: int) -> dict[str, float]:
    """Give the best time of one call of each, in milliseconds; a call before each turn warms up."""
    best = dict.fromkeys(peers, float("inf"))
    for _ in range(rounds):
        for name, run in peers.items():
            time.sleep(PAUSE)
            run()
            start = time.perf_counter()
            for _ in range(calls):
                run()
            best[name] = min(best[name], (time.perf_counter() - start) / calls * 1e3)
    return best


def arrays(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return rng.standard_normal(size, np.float32), rng.standard_normal(size, np.float32)


def ours(optimizer: Optimizer, size: int) -> Callable[[], object]:
    params, grads = arrays(size)
    state = optimizer.init(params)
    return lambda: optimizer.update_(params, grads, state)


def scikit_learn(size: int) -> Callable[[], object]:
    params, grads = arrays(size)
    optimizer = AdamOptimizer([params])
    return lambda: optimizer.update_params([params], [grads])


def naive(size: int) -> Callable[[], object]:
    """Adam as one writes it first: an expression for each formula, new arrays each step."""
    params, grads = arrays(size)
    m = v = np.zeros_like(params)
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


def torch_step(name: str, size: int, **options: Any) -> Callable[[], object]:
    params, grads = map(torch.from_numpy, arrays(size))
    parameter = torch.nn.Parameter(params)
    parameter.grad = grads
    step: Callable[[], object] = getattr(torch.optim, name)([parameter], lr=1e-3, **options).step
    return step


def copying_speed() -> float:
    """Give the bytes a millisecond that all cores together read and write when they copy."""
    source, target = np.ones(COPIED, np.float32), np.zeros(COPIED, np.float32)
    cores = os.cpu_count() or 1
    bounds = np.linspace(0, COPIED, cores + 1, dtype=int)
    parts = [slice(*bounds[i : i + 2]) for i in range(cores)]
    with ThreadPoolExecutor(cores) as pool:
        times = best_times(
            {"copy": lambda: list(pool.map(lambda part: np.copyto(target[part], source[part]), parts))},
            calls=1,
            rounds=5,
        )
    return 2 * source.nbytes / times["copy"]


def adam_peers(size: int) -> dict[str, Callable[[], object]]:
    peers = {"maas-sdk": ours(Adam(), size), "scikit-learn": scikit_learn(size), "naive numpy": naive(size)}
    if torch is not None:
        threads = torch.get_num_threads()
        peers |= {
            f"torch foreach, {threads} threads": torch_step("Adam", size, foreach=True),
            f"torch fused, {threads} threads": torch_step("Adam", size, fused=True),
        }
    return peers


def rules(size: int, calls: int, rounds: int) -> None:
    """Compare each rule with torch's foreach implementation, in as many threads as it takes and in one."""
    most = torch.get_num_threads()
    for optimizer, name, options in (
        (SGD(), "SGD", {}),
        (SGD(momentum=0.9), "SGD", {"momentum": 0.9}),
        (Adam(), "Adam", {}),
        (AdamW(), "AdamW", {}),
        (AMSGrad(), "Adam", {"amsgrad": True}),
        (AdaGrad(), "Adagrad", {}),
        (RMSprop(), "RMSprop", {}),
        (Lion(), "AdamW", {"weight_decay": 0.0}),  # torch has no Lion: what one would take instead
    ):
        peer = torch_step(name, size, foreach=True, **options)
        mine = ours(optimizer, size)
        for threads in dict.fromkeys((most, 1)):
            torch.set_num_threads(threads)
            label = f"torch {name} foreach, both in {threads} thread{'s' if threads > 1 else ''}"
            with one_thread() if threads == 1 else contextlib.nullcontext():
                times = best_times({"maas-sdk": mine, label: peer}, calls=calls, rounds=rounds)
            what = type(optimizer).__name__ + (", momentum" if "momentum" in options else "")
            rows(f"{what}, {size:,} parameters", times)
        torch.set_num_threads(most)


def rows(what: str, times: dict[str, float]) -> None:
    mine = times.pop("maas-sdk")
    for peer, theirs in times.items():
        print(f"{what:<34}{mine:>10.4f}{theirs:>10.4f}   {theirs / mine:>6.2f} x   {peer}", flush=True)


def main() -> None:
    print("" if torch is not None else "torch is not installed: its rows are left out")
    print(f"{'one step, float32':<34}{'ours ms':>10}{'peer ms':>10}   {'ratio':>8}   peer")
    speed = copying_speed()
    for size, calls, rounds in SIZES:
        times = best_times(adam_peers(size), calls=calls, rounds=rounds)
        bound = f"bound: {ADAM_BYTES} B a parameter at {speed / 1e6:.0f} GB/s"
        rows(f"Adam, {size:,} parameters", {**times, bound: ADAM_BYTES * size / speed})
    if torch is not None:
        rules(*SIZES[1])


if __name__ == "__main__":
    main()
