"""Times predictions of scikit-learn against the direct predictor, and prints ratios.

Each row is one model and one number of rows, in alternating rounds of this run, best of all: `scikit-learn`
is the chain's `predict`, `direct` the predictor's with the engine that it has chosen for so many rows, and
`pipeline` (for one row) `Pipeline.predict` before and after `accelerate`, with what the SDK itself adds to
both. Targets are for one row; on batches the chosen engine must not be slower, give or take the noise of the
machine (`--tolerance`). Where the chain itself is chosen both are the same call, and nothing is judged.

    python benchmarks/latency.py                # all models, a few minutes
    python benchmarks/latency.py --models "forest; logistic"
    python benchmarks/latency.py --quick        # a few rounds, no targets

The status is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import maas_sdk as maas
from maas_sdk.compression import DirectPredictor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BATCHES = (8, 64, 512, 4096, 10_000)
ROUNDS = 400
SECONDS = 3.0  # for each row of the table, however many rounds it takes


@frozen
class Model:
    """A model to time.

    Attributes
    ----------
    make : callable
        Gives the estimator.
    data : callable
        Gives what it is fitted on.
    scaled : bool
        Whether a StandardScaler comes first.
    target : float or None
        How many times faster one row must be.
    """

    make: Callable[[], Any]
    data: Callable[..., Any]
    scaled: bool = False
    target: float | None = None


def network(*sizes: int) -> Callable[[], Any]:
    return lambda: MLPClassifier(sizes, max_iter=3, random_state=0)


def logistic() -> Any:
    return LogisticRegression(max_iter=50)


MODELS: Mapping[str, Model] = {
    "linear": Model(LinearRegression, load_diabetes, target=20),
    "logistic": Model(logistic, load_digits, target=20),
    "scaler, logistic": Model(logistic, load_digits, scaled=True, target=20),
    "network 128-64": Model(network(128, 64), load_digits, target=6),
    "network 512-512": Model(network(512, 512), load_digits, target=6),
    "scaler, network 512-512": Model(network(512, 512), load_digits, scaled=True, target=6),
    "forest": Model(lambda: RandomForestClassifier(100, random_state=0), load_digits, target=10),
    "boosting": Model(lambda: GradientBoostingRegressor(random_state=0), load_diabetes),
    "boosting, 10 classes": Model(
        lambda: GradientBoostingClassifier(n_estimators=20, random_state=0), load_digits
    ),
    "histogram boosting": Model(lambda: HistGradientBoostingClassifier(random_state=0), load_breast_cancer),
}


@frozen
class Row:
    """One row of the table."""

    model: str
    what: str
    rows: int
    before: float
    after: float
    engine: str
    target: float | None

    @property
    def ratio(self) -> float:
        """How many times faster."""
        return self.before / self.after


def best_of_both(
    before: Callable[[Any], Any], after: Callable[[Any], Any], rows: Any, *, rounds: int
) -> tuple[float, float]:
    """Give the shortest times of two functions, called in turns."""
    best = [float("inf")] * 2
    deadline = time.perf_counter() + SECONDS
    for done in range(rounds):
        if done >= 5 and time.perf_counter() > deadline:
            break
        for index, call in enumerate((before, after)):
            start = time.perf_counter()
            call(rows)
            best[index] = min(best[index], time.perf_counter() - start)
    return best[0], best[1]


def measured(name: str, model: Model, *, rounds: int) -> Iterator[Row]:
    """Time one model for one row and for batches."""
    X, y = model.data(return_X_y=True)
    made = {"model": model.make(), "preprocessors": [StandardScaler()] if model.scaled else []}
    pipeline, plain = maas.Pipeline(**made), maas.Pipeline(**made)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(X, y)
        plain.fit(X, y)
    chain = pipeline.chain_
    predictor = DirectPredictor.of(chain, X=X)
    pipeline.accelerate(X, crossover=predictor.crossover)
    for size in (1, *BATCHES):
        rows = np.resize(X, (size, X.shape[1]))
        engine = next(predictor.crossover[start] for start in reversed(predictor.crossover) if start <= size)
        times = best_of_both(chain.predict, predictor.predict, rows, rounds=rounds)
        yield Row(name, "predictor", size, *times, engine, model.target if size == 1 else None)
        if size == 1:
            times = best_of_both(plain.predict, pipeline.predict, rows, rounds=rounds)
            yield Row(name, "pipeline", size, *times, engine, None)


HEADER = (
    f"{'model':<24} {'by':<10} {'rows':>6} {'scikit-learn':>14} {'direct':>14} {'ratio':>8} "
    f"{'target':>6}  engine"
)


def line(row: Row) -> str:
    """Word one row."""
    target = f"{row.target:>5.0f}x" if row.target is not None else f"{'':>6}"
    return (
        f"{row.model:<24} {row.what:<10} {row.rows:>6} {row.before * 1e6:>11,.1f} µs "
        f"{row.after * 1e6:>11,.1f} µs {row.ratio:>7.2f}x {target}  {row.engine}"
    )


def main() -> int:
    """Print the table and what was missed; the status is 1 where something was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", help=f"some of: {'; '.join(MODELS)} (with semicolons between them)")
    parser.add_argument("--quick", action="store_true", help="a few rounds, no targets")
    parser.add_argument("--tolerance", type=float, default=0.15, help="share that a batch may seem slower by")
    options = parser.parse_args()
    names = [name.strip() for name in options.models.split(";")] if options.models else list(MODELS)
    if unknown := [name for name in names if name not in MODELS]:
        parser.error(f"unknown models: {', '.join(unknown)}")
    print(HEADER)
    missed = []
    for name in names:
        for row in measured(name, MODELS[name], rounds=20 if options.quick else ROUNDS):
            print(line(row), flush=True)
            if row.engine != "chain" and row.ratio < (row.target or 1 - options.tolerance):
                missed.append(row)
    if options.quick:
        return 0
    for row in missed:
        print(f"MISSED {row.model}, {row.rows} rows: {row.ratio:.2f} times")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
