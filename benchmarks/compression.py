"""What each compressor saves and costs, on several models: one table, and the targets reached or not.

Run: ``python benchmarks/compression.py``; ``--models forest,network`` for some of the models, ``--quick`` for
tiny ones that only show that it works (the targets are for the full ones).

*Before* is what a model is usually kept as: of trees the bytes of pickle, of others the SDK's own files in
the profile ``"full"``, which hold the weights as they are. *After* is the SDK's files of the compressed
model, of trees with Zstandard. The metric, accuracy or the coefficient of determination, is that on rows that
no compressor has seen. Sizes are exact, and the same on every machine with the same versions; times are
those of this process, and depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_classification
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from maas_sdk.compression import (
    BFloat16Compressor,
    DistillCompressor,
    DropTrainingStateCompressor,
    FeatureSelectionCompressor,
    Float16Compressor,
    ForestCompactCompressor,
    ForestQuantizeCompressor,
    ForestTrimCompressor,
    Int4Compressor,
    Int8Compressor,
    KNNCondenseCompressor,
    LowRankCompressor,
    PCACompressor,
    PruneCompressor,
)
from maas_sdk.serialization import dump, dump_parts, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LOADS = 5
TREES, ARRAYS = "trees", "arrays"


@frozen
class Model:
    """A model, its data, and what is tried on it."""

    title: str
    fit: Callable[[bool], tuple[Pipeline, Any, Any, Any, Any]]  # chain, training and test rows
    kind: str
    methods: Mapping[str, tuple[Any, ...]]


@frozen
class Row:
    """What one method made of one model."""

    model: str
    method: str
    before: int
    after: int
    metric_before: float
    metric_after: float
    seconds: float
    load_before: float
    load_after: float

    @property
    def ratio(self) -> float:
        """How many times smaller it is."""
        return self.before / self.after

    @property
    def points(self) -> float:
        """By how many hundredths the metric has become worse."""
        return round(100 * (self.metric_before - self.metric_after), 2)


# --- The models


def split_and_fit(
    model: Any, X: Any, y: Any, *, scaled: bool = True, share: float = 0.75
) -> tuple[Pipeline, Any, Any, Any, Any]:
    """Fit a chain on a share of the rows."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=share, random_state=0, stratify=y if y.dtype.kind == "i" else None
    )
    steps = [("scale", StandardScaler())] if scaled else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        chain = Pipeline([*steps, ("model", model)]).fit(X_train, y_train)
    return chain, X_train, y_train, X_test, y_test


def fit_forest(quick: bool) -> Any:
    """Fit the forest of a hundred megabytes that loading is measured with."""
    rows = 2_000 if quick else 67_000
    X, y = make_classification(rows, 30, n_informative=15, flip_y=0.2, class_sep=0.7, random_state=0)
    forest = RandomForestClassifier(10 if quick else 100, random_state=0, n_jobs=2)
    fitted = split_and_fit(forest, X, y, scaled=False)
    fitted[0][-1].set_params(n_jobs=None)
    return fitted


def fit_network(quick: bool) -> Any:
    """Fit two layers of 512 units in float32; most rows are for the test, of which 0.1 points are 30 then."""
    X, y = make_classification(
        600 if quick else 36_000,
        30,
        n_informative=20,
        n_classes=3,
        n_clusters_per_class=3,
        flip_y=0.03,
        random_state=0,
    )
    network = MLPClassifier((512, 512), max_iter=2 if quick else 12, batch_size=200, random_state=0)
    return split_and_fit(network, X.astype(np.float32), y, share=0.1875)


def fit_boosting(_quick: bool) -> Any:
    """Fit gradient boosting of numbers."""
    model = GradientBoostingRegressor(n_estimators=200, max_depth=3, random_state=0)
    return split_and_fit(model, *load_diabetes(return_X_y=True), scaled=False)


def fit_histogram(quick: bool) -> Any:
    """Fit histogram-based boosting."""
    model = HistGradientBoostingClassifier(max_iter=10 if quick else 100, random_state=0)
    return split_and_fit(model, *load_breast_cancer(return_X_y=True), scaled=False)


def fit_logistic(_quick: bool) -> Any:
    """Fit a linear model."""
    return split_and_fit(LogisticRegression(max_iter=500), *load_digits(return_X_y=True))


def fit_neighbours(_quick: bool) -> Any:
    """Store rows."""
    return split_and_fit(KNeighborsClassifier(), *load_digits(return_X_y=True), scaled=False)


COMPACT = ForestCompactCompressor()
FOREST = {
    "drop_training_state": (DropTrainingStateCompressor(),),
    "forest_compact": (COMPACT,),
    "+ leaves uint8": (COMPACT, ForestQuantizeCompressor(thresholds="exact")),
    "+ thresholds float16": (COMPACT, ForestQuantizeCompressor()),
    "+ compact again": (COMPACT, ForestQuantizeCompressor(), COMPACT),
    "half the trees, all of that": (ForestTrimCompressor(), COMPACT, ForestQuantizeCompressor(), COMPACT),
}
BOOSTING = {
    "forest_compact": (COMPACT,),
    "+ leaves, thresholds float16": (COMPACT, ForestQuantizeCompressor()),
    "half the stages, all of that": (ForestTrimCompressor(), COMPACT, ForestQuantizeCompressor()),
}
WEIGHTS = {
    "drop_training_state": (DropTrainingStateCompressor(),),
    "float16": (Float16Compressor(),),
    "bfloat16": (BFloat16Compressor(),),
    "int8": (Int8Compressor(),),
    "int4": (Int4Compressor(),),
}
NETWORK = {
    **WEIGHTS,
    "low_rank": (LowRankCompressor(),),
    "low_rank + int8": (LowRankCompressor(), Int8Compressor()),
    "prune": (PruneCompressor(),),
    "prune + int8": (PruneCompressor(), Int8Compressor()),
    "low_rank + prune + int8": (LowRankCompressor(24), PruneCompressor(0.8), Int8Compressor()),
    "distill": (DistillCompressor(),),
    "distill + int8": (DistillCompressor(), Int8Compressor()),
    "distill to a tree": (DistillCompressor("tree"),),
}
MODELS = {
    "forest": Model("forest", fit_forest, TREES, FOREST),
    "boosting": Model("boosting", fit_boosting, TREES, BOOSTING),
    "histogram": Model("boosting, histograms", fit_histogram, TREES, BOOSTING),
    "network": Model("network 512-512", fit_network, ARRAYS, NETWORK),
    "logistic": Model(
        "logistic",
        fit_logistic,
        ARRAYS,
        {
            **WEIGHTS,
            "feature_selection": (FeatureSelectionCompressor(),),
            "pca": (PCACompressor(),),
            "feature_selection + int8": (FeatureSelectionCompressor(), Int8Compressor()),
        },
    ),
    "neighbours": Model("neighbours", fit_neighbours, ARRAYS, {"knn_condense": (KNNCondenseCompressor(),)}),
}
TARGETS = (
    # model, method, times smaller at least, points lost at most
    ("forest", "forest_compact", 25.0, 0.0),
    ("forest", "+ thresholds float16", 35.0, 0.1),
    ("network", "float16", 1.9, 0.1),
    ("network", "int8", 3.8, 0.1),
    ("network", "int4", 7.0, 0.1),
    ("network", "prune", 7.0, 0.1),
    ("network", "prune + int8", 14.0, 0.1),
    ("network", "low_rank + int8", 14.0, 0.5),
    ("network", "low_rank + prune + int8", 40.0, 0.5),
    ("network", "distill + int8", 40.0, 0.5),
)


# --- The measurements


def measured(model: Model, quick: bool) -> Iterator[Row]:
    """Try each method on a model."""
    chain, X_train, y_train, X_test, y_test = model.fit(quick)
    zstd = model.kind == TREES
    before = len(pickle.dumps(chain, 5)) if zstd else total(dump_parts(chain))
    score, load_before = chain.score(X_test, y_test), load_seconds(chain, zstd=False)
    for method, compressors in model.methods.items():
        small, start = chain, time.perf_counter()
        for compressor in compressors:
            small = compressor.compress(small, X_train, y_train)
        yield Row(
            model=model.title,
            method=method,
            seconds=time.perf_counter() - start,
            before=before,
            after=total(dump_parts(small, zstd=zstd)),
            metric_before=score,
            metric_after=small.score(X_test, y_test),
            load_before=load_before,
            load_after=load_seconds(small, zstd=zstd),
        )


def total(parts: Mapping[str, bytes]) -> int:
    """Add up the bytes of all files."""
    return sum(map(len, parts.values()))


def load_seconds(chain: Pipeline, *, zstd: bool) -> float:
    """Give how long the SDK takes to load a model from a folder."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        dump(chain, folder, zstd=zstd)
        times = []
        for _ in range(LOADS):
            start = time.perf_counter()
            load(folder)
            times.append(time.perf_counter() - start)
    return statistics.median(times)


# --- The table

HEADER = (
    f"{'model':<21} {'method':<29} {'before':>9} {'after':>9} {'ratio':>7}  {'metric':<16} {'points':>7} "
    f"{'compress':>9}  load"
)


def line(row: Row) -> str:
    """Word one row."""
    return (
        f"{row.model:<21} {row.method:<29} {kib(row.before):>9} {kib(row.after):>9} {row.ratio:>6.1f}x  "
        f"{row.metric_before:.4f} → {row.metric_after:.4f} {0.0 - row.points:>+7.2f} {row.seconds:>8.2f}s  "
        f"{1000 * row.load_before:.1f} → {1000 * row.load_after:.1f} ms"
    )


def kib(size: int) -> str:
    """Word a number of bytes."""
    return f"{size / 1024:,.1f}K" if size < 2**20 else f"{size / 2**20:,.2f}M"


def judged(rows: list[tuple[str, Row]]) -> Iterator[tuple[str, bool]]:
    """Say which targets are reached, of the models that took part."""
    by_name = {(name, row.method): row for name, row in rows}
    for name, method, ratio, points in TARGETS:
        row = by_name.get((name, method))
        if row is not None:
            reached = row.ratio >= ratio and row.points <= points
            verdict = "reached" if reached else "MISSED"
            asked = f"at least {ratio:g} times, at most {points:g} points"
            yield (
                f"{verdict:<8} {name}, {method}: {asked}: {row.ratio:.1f} times, {row.points:.2f} points",
                reached,
            )


def main() -> int:
    """Print the table and the targets; the status is 1 where one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=",".join(MODELS), help=f"some of {', '.join(MODELS)}")
    parser.add_argument("--quick", action="store_true", help="tiny models, no targets")
    options = parser.parse_args()
    names = options.models.split(",")
    if unknown := [name for name in names if name not in MODELS]:
        parser.error(f"unknown models: {', '.join(unknown)}")
    print(HEADER)
    rows = []
    for name in names:
        for row in measured(MODELS[name], options.quick):
            print(line(row), flush=True)
            rows.append((name, row))
    if options.quick:
        return 0
    verdicts = list(judged(rows))
    print("\nTargets")
    for text, _ in verdicts:
        print(text)
    return 0 if all(reached for _, reached in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
