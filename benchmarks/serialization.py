"""Saving and loading models against pickle, joblib and skops: ratios from one run, and the targets reached.

Run: ``python benchmarks/serialization.py``; ``--models forest,knn`` for some of the models, ``--rounds 9``
for steadier figures, ``--quick`` for tiny models that only show that it works. skops takes part if installed.

Each load is the first one of a new process, from a warm page cache: the process imports what unpickling would
import (the same modules for all) and its own library, collects garbage, then the clock runs for the one call
that loads. As a
mapped model is not read before it is used, the time until a first prediction is given too. Dumps are timed in
this process, each to a new place in memory (tmpfs). The peers take turns, so that a busy machine slows all of
them; figures are medians. Times depend on the machine, ratios much less.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn.ensemble
import sklearn.feature_extraction.text
import sklearn.linear_model
import sklearn.neighbors
import sklearn.neural_network
import sklearn.pipeline
from attrs import define, field, frozen
from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from numpy.typing import NDArray

ROUNDS = 5
VALIDATION_ROUNDS = 7
FULL, INFERENCE, ZSTD = "maas-sdk full", "maas-sdk inference", "maas-sdk inference zstd"
PICKLE, JOBLIB, MAPPED, SKOPS = "pickle 5", "joblib", "joblib mmap", "skops"
MAPPED_READ = "joblib mmap, read once"
AUDITED = "skops, audited"


# --- The models


@frozen
class Model:
    """One of the five models."""

    title: str
    fit: Callable[[bool], Any]  # takes whether a tiny one is enough
    probe: Callable[[], Any]  # gives a few samples to predict
    is_arrays: bool = False  # whether nearly all of it is arrays that a load can map


def fit_forest(quick: bool) -> Any:
    make_classification = importlib.import_module("sklearn.datasets").make_classification
    X, y = make_classification(
        2_000 if quick else 50_000, 30, n_informative=15, flip_y=0.2, class_sep=0.7, random_state=0
    )
    forest = sklearn.ensemble.RandomForestClassifier(10 if quick else 100, random_state=0, n_jobs=2)
    return forest.fit(X, y).set_params(n_jobs=None)


def fit_histogram(quick: bool) -> Any:
    make_classification = importlib.import_module("sklearn.datasets").make_classification
    X, y = make_classification(
        1_000 if quick else 10_000, 30, n_informative=15, n_classes=3, flip_y=0.1, random_state=0
    )
    boosting = sklearn.ensemble.HistGradientBoostingClassifier(
        max_iter=10 if quick else 200, early_stopping=False, random_state=0
    )
    return boosting.fit(X, y)


def fit_text(quick: bool) -> Any:
    n_terms = 2_000 if quick else 200_000
    rng = np.random.default_rng(0)
    terms = np.array([word(number) for number in range(n_terms)])
    tokens = terms[np.concatenate([rng.permutation(n_terms), rng.integers(0, n_terms, n_terms)])]
    documents = [" ".join(row) for row in tokens.reshape(-1, 40)]
    y = rng.integers(0, 2, len(documents))
    model = sklearn.pipeline.make_pipeline(
        sklearn.feature_extraction.text.TfidfVectorizer(),
        sklearn.linear_model.LogisticRegression(max_iter=5),
    )
    model.fit(documents, y)
    assert len(model[0].vocabulary_) == n_terms
    return model


def word(number: int) -> str:
    """Give a word of up to seven letters, another one for each number."""
    code, letters = (number + 1) * 2_654_435_761 % 2**32, ""
    while code:
        code, letter = divmod(code, 26)
        letters += chr(97 + letter)
    return letters


def fit_network(quick: bool) -> Any:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1_000, 64)), rng.integers(0, 10, 1_000)
    hidden = (64, 64) if quick else (1024, 1024)
    return sklearn.neural_network.MLPClassifier(hidden, max_iter=1, random_state=0).fit(X, y)


def fit_neighbors(quick: bool) -> Any:
    rng = np.random.default_rng(0)
    n_samples = 2_000 if quick else 200_000
    X, y = rng.standard_normal((n_samples, 64)), rng.integers(0, 10, n_samples)
    return sklearn.neighbors.KNeighborsClassifier().fit(X, y)


def numbers(n_features: int) -> Callable[[], Any]:
    return lambda: np.random.default_rng(1).standard_normal((4, n_features))


def texts() -> list[str]:
    return [" ".join(map(word, range(start, start + 40))) for start in (0, 40, 80, 120)]


MODELS = {
    "forest": Model("random forest, 100 trees on 50 000 x 30", fit_forest, numbers(30)),
    "histgb": Model("histogram gradient boosting, 200 x 3 trees", fit_histogram, numbers(30)),
    "tfidf": Model("TF-IDF with 200 000 terms + logistic regression", fit_text, texts),
    "mlp": Model("MLP 64-1024-1024-10, float64", fit_network, numbers(64), is_arrays=True),
    "knn": Model("k neighbors, 200 000 x 64 float64", fit_neighbors, numbers(64), is_arrays=True),
}


# --- The peers


@frozen
class Peer:
    """A way to save and load a model."""

    module: str  # is imported before any clock runs
    file: str
    load: Callable[[ModuleType, Path], Any]
    dump: Callable[[ModuleType, Any, Path], object] | None = None  # None: reads the file of another one
    prepare: Callable[[ModuleType, Path], object] | None = None  # once, not timed
    needs_arrays: bool = False


def dump_pickle(module: ModuleType, estimator: Any, path: Path) -> None:
    with path.open("wb") as file:
        module.dump(estimator, file, protocol=5)


def load_pickle(module: ModuleType, path: Path) -> Any:
    with path.open("rb") as file:
        return module.load(file)


def load_and_read(module: ModuleType, path: Path) -> Any:
    """Load and read each array once, as any validation of its values has to."""
    estimator = module.load(path, mmap_mode="r")
    assert all(np.isfinite(array).all() for array in arrays_of(estimator))
    return estimator


def arrays_of(estimator: Any) -> Iterator[NDArray[Any]]:
    for value in vars(estimator).values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, np.ndarray) and item.dtype.kind in "fiu":
                yield item


def name_trusted(module: ModuleType, path: Path) -> None:
    path.with_suffix(".json").write_text(json.dumps(module.get_untrusted_types(file=path)))


def load_skops(module: ModuleType, path: Path) -> Any:
    return module.load(path, trusted=TRUSTED[path])


def audit_and_load_skops(module: ModuleType, path: Path) -> Any:
    """Ask which types a file names, as its receiver has to, and load."""
    return module.load(path, trusted=module.get_untrusted_types(file=path))


TRUSTED: dict[Path, list[str]] = {}  # filled in the process that loads, before the clock runs
PEERS = {
    PICKLE: Peer("pickle", "model.pickle", load_pickle, dump_pickle),
    JOBLIB: Peer(
        "joblib", "model.joblib", lambda module, path: module.load(path), lambda m, e, p: m.dump(e, p)
    ),
    MAPPED: Peer("joblib", "model.joblib", lambda module, path: module.load(path, mmap_mode="r")),
    MAPPED_READ: Peer("joblib", "model.joblib", load_and_read, needs_arrays=True),
    SKOPS: Peer("skops.io", "model.skops", load_skops, lambda m, e, p: m.dump(e, p), name_trusted),
    AUDITED: Peer("skops.io", "model.skops", audit_and_load_skops),
    FULL: Peer(
        "maas_sdk.serialization", "full", lambda module, path: module.load(path), lambda m, e, p: m.dump(e, p)
    ),
    INFERENCE: Peer(
        "maas_sdk.serialization",
        "inference",
        lambda module, path: module.load(path),
        lambda m, e, p: m.dump(e, p, profile="inference"),
    ),
    ZSTD: Peer(
        "maas_sdk.serialization",
        "zstd",
        lambda module, path: module.load(path),
        lambda m, e, p: m.dump(e, p, profile="inference", zstd=True),
    ),
}


# --- What the child processes do


def time_load(model: str, peer: str, path: Path) -> dict[str, Any]:
    """Load once and predict once; both in seconds."""
    module = importlib.import_module(PEERS[peer].module)
    trusted, samples = path.with_suffix(".json"), MODELS[model].probe()
    if peer == SKOPS:
        TRUSTED[path] = json.loads(trusted.read_text())
    load = PEERS[peer].load
    gc.collect()  # of what the imports left behind; it would fall into the time of some peer
    start = time.perf_counter()
    estimator = load(module, path)
    loaded = time.perf_counter()
    prediction = estimator.predict_proba(samples)
    end = time.perf_counter()
    return {"load": loaded - start, "use": end - start, "prediction": prediction.tolist()}


def time_validation(folder: Path) -> dict[str, Any]:
    """Check the columns of a forest as loading does, which decodes the trees' shapes too; seconds, nodes."""
    serialization = importlib.import_module("maas_sdk.serialization")
    nodes = importlib.import_module("maas_sdk.serialization._native._nodes")
    kinds = importlib.import_module("maas_sdk.serialization._tables._columns")
    place = importlib.import_module("maas_sdk.serialization._place").Place()
    scope = importlib.import_module("maas_sdk.serialization._kinds").Scope
    forest = serialization.load(folder)
    blocks = nodes.take_forest([member.tree_ for member in forest.estimators_], "full")
    limits = importlib.import_module("maas_sdk.limits").DEFAULT_LIMITS
    best = math.inf
    for _ in range(VALIDATION_ROUNDS):
        start = time.perf_counter()
        kinds.tree_blocks("n_outputs", "n_classes").check(blocks, scope(), place)
        for columns in blocks:
            nodes._check_splits(columns, forest.n_features_in_, place)  # noqa: SLF001 - what is measured
            for _structure in nodes.read_structures(columns, place, limits, group=nodes._GROUP):  # noqa: SLF001
                pass
        best = min(best, time.perf_counter() - start)
    return {"seconds": best}


def child(*arguments: str) -> dict[str, Any]:
    """Run this file in a new process and give what it has measured."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(lines[-1])
    result: dict[str, Any] = json.loads(done.stdout)
    return result


# --- What the parent does


@define
class Result:
    """What one peer needed for one model: seconds and bytes."""

    dumps: list[float] = field(factory=list)
    loads: list[float] = field(factory=list)
    uses: list[float] = field(factory=list)
    size: int = 0
    failure: str = ""

    def median(self, name: str) -> float:
        """Give the median of dumps, loads or uses; not a number where there is none."""
        values: list[float] = getattr(self, name)
        return statistics.median(values) if values and not self.failure else math.nan


Results = dict[str, Result]


def measure(name: str, estimator: Any, folder: Path, rounds: int) -> Results:
    """Dump and load a model with each peer."""
    model = MODELS[name]
    results = {label: Result() for label, peer in PEERS.items() if model.is_arrays or not peer.needs_arrays}
    if importlib.util.find_spec("skops") is None:
        results[SKOPS].failure = "not installed"
    for _ in range(rounds):
        for label, result in results.items():
            attempt(result, partial(dump, label, result, estimator, folder))
    expected = estimator.predict_proba(model.probe())
    for _ in range(rounds):
        for label, result in results.items():
            attempt(result, partial(load, name, label, result, folder, expected))
    return results


def attempt(result: Result, step: Callable[[], None]) -> None:
    """Take a step, unless an earlier one has failed: what a peer cannot do is a row, not the end."""
    if not result.failure:
        try:
            step()
        except Exception as exc:  # noqa: BLE001 - of any library
            result.failure = f"{type(exc).__name__}: {exc}"


def dump(label: str, result: Result, estimator: Any, folder: Path) -> None:
    peer, path = PEERS[label], folder / PEERS[label].file
    module = importlib.import_module(peer.module)
    if peer.dump is not None:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        start = time.perf_counter()
        peer.dump(module, estimator, path)
        result.dumps.append(time.perf_counter() - start)
        if peer.prepare is not None and len(result.dumps) == 1:
            peer.prepare(module, path)
    files = path.rglob("*") if path.is_dir() else [path]
    result.size = sum(file.stat().st_size for file in files if file.is_file())


def load(name: str, label: str, result: Result, folder: Path, expected: NDArray[Any]) -> None:
    measured = child("--load", label, str(folder / PEERS[label].file), "--models", name)
    if not np.allclose(measured["prediction"], expected, rtol=1e-9, atol=0):
        raise RuntimeError("the loaded model predicts something else")
    result.loads.append(measured["load"])
    result.uses.append(measured["use"])


def validation_ns_per_node(folder: Path, n_nodes: int) -> float:
    """Give what checking a forest's trees costs, in a new process; NaN where it cannot be measured."""
    try:
        measured = child("--validation", str(folder))
    except RuntimeError as exc:
        print(f"\nvalidation of a forest was not measured: {exc}")
        return math.nan
    seconds: float = measured["seconds"]
    return seconds / n_nodes * 1e9


# --- Tables


def print_model(title: str, results: Results) -> None:
    print(f"\n{title}")
    print(
        f"  {'':<26}{'load ms':>9}{'min':>9}{'x pickle':>10}{'+ predict':>11}{'x pickle':>10}"
        f"{'dump ms':>10}{'x pickle':>10}{'MB':>10}{'x pickle':>10}"
    )
    peer = results[PICKLE]
    for label, result in results.items():
        if result.failure:
            print(f"  {label:<26}{result.failure[:100]}")
            continue
        loads, uses, dumps = (result.median(name) for name in ("loads", "uses", "dumps"))
        print(
            f"  {label:<26}{loads * 1e3:>9.2f}{min(result.loads) * 1e3:>9.2f}"
            f"{loads / peer.median('loads'):>10.3f}{uses * 1e3:>11.2f}{uses / peer.median('uses'):>10.3f}"
            f"{number(dumps * 1e3, 10, 2)}{number(dumps / peer.median('dumps'), 10, 2)}"
            f"{result.size / 1e6:>10.3f}{result.size / peer.size if peer.size else math.nan:>10.3f}"
        )


def number(value: float, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if math.isnan(value) else f"{value:>{width}.{digits}f}"


@frozen
class Target:
    """A bound on a figure of this run."""

    text: str
    reached: float
    bound: float
    at_least: bool = False

    def verdict(self) -> str:
        """Say whether the bound holds."""
        if math.isnan(self.reached):
            return "not measured"
        return (
            "yes" if (self.reached >= self.bound if self.at_least else self.reached <= self.bound) else "no"
        )


def targets(measured: Mapping[str, Results], validation: float) -> Iterator[Target]:
    """Give the targets for the models that were measured."""

    def ratio(model: str, what: str, above: str, below: str) -> float:
        return measured[model][above].median(what) / measured[model][below].median(what)

    if "forest" in measured:
        sizes = {label: result.size or math.nan for label, result in measured["forest"].items()}
        yield Target("forest: load / pickle", ratio("forest", "loads", FULL, PICKLE), 1)
        yield Target("forest: skops / load", ratio("forest", "loads", SKOPS, FULL), 5, at_least=True)
        yield Target(
            "forest: skops, audited / load", ratio("forest", "loads", AUDITED, FULL), 5, at_least=True
        )
        yield Target(
            "forest: size of pickle / inference zstd", sizes[PICKLE] / sizes[ZSTD], 25, at_least=True
        )
        yield Target("forest: validation, ns a node", validation, 40)
    if "histgb" in measured:
        yield Target("histgb: skops / load", ratio("histgb", "loads", SKOPS, FULL), 40, at_least=True)
        yield Target(
            "histgb: skops, audited / load", ratio("histgb", "loads", AUDITED, FULL), 40, at_least=True
        )
        yield Target("histgb: load / joblib", ratio("histgb", "loads", FULL, JOBLIB), 1)
    if "tfidf" in measured:
        yield Target("tfidf: skops / load", ratio("tfidf", "loads", SKOPS, FULL), 60, at_least=True)
        yield Target(
            "tfidf: skops, audited / load", ratio("tfidf", "loads", AUDITED, FULL), 60, at_least=True
        )
        yield Target("tfidf: load / pickle", ratio("tfidf", "loads", FULL, PICKLE), 1)
    for model in ("mlp", "knn"):
        if model in measured:
            reached = ratio(model, "loads", FULL, MAPPED_READ)
            yield Target(f"{model}: load / joblib mmap and reading once", reached, 1)
    for model in measured:
        yield Target(f"{model}: dump / joblib", ratio(model, "dumps", FULL, JOBLIB), 1)


def print_targets(rows: Iterator[Target], quick: bool) -> None:
    print(f"\n{'target' + (' (tiny models: says nothing)' if quick else ''):<48}{'bound':>9}{'reached':>10}")
    for row in rows:
        bound = f"{'>=' if row.at_least else '<='} {row.bound:g}"
        print(f"{row.text:<48}{bound:>9}{number(row.reached, 10, 2)}   {row.verdict()}")


def print_nodes(n_nodes: int, results: Results, validation: float) -> None:
    each = ", ".join(
        f"{label} {result.median('loads') / n_nodes * 1e9:.0f}"
        for label, result in results.items()
        if not result.failure
    )
    print(f"  {n_nodes:,} nodes; ns a node to load: {each}; to validate{number(validation, 6, 1)}")


def run(names: list[str], rounds: int, quick: bool) -> None:
    memory = Path("/dev/shm")  # noqa: S108 - tmpfs: a dump waits for no disk
    measured: dict[str, Results] = {}
    validation = math.nan
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
        for name in names:
            folder = Path(scratch) / name
            folder.mkdir()
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # training is not what this is about
                estimator = MODELS[name].fit(quick)
            title = f"{name}: {'a tiny one' if quick else MODELS[name].title}"
            fitted = time.perf_counter() - start
            measured[name] = measure(name, estimator, folder, rounds)
            print_model(f"{title} (fitted in {fitted:.0f} s)", measured[name])
            if name == "forest":
                n_nodes = sum(member.tree_.node_count for member in estimator.estimators_)
                if not measured[name][FULL].failure:
                    validation = validation_ns_per_node(folder / PEERS[FULL].file, n_nodes)
                print_nodes(n_nodes, measured[name], validation)
            shutil.rmtree(folder)
    print_targets(targets(measured, validation), quick)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default=",".join(MODELS), help="some of the models, with commas between")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="tiny models")
    parser.add_argument("--load", nargs=2, metavar=("PEER", "PATH"), help=argparse.SUPPRESS)
    parser.add_argument("--validation", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.models.split(",")
    if unknown := set(names) - MODELS.keys():
        parser.error(f"no such models: {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    if options.load:
        peer, path = options.load
        print(json.dumps(time_load(names[0], peer, Path(path))))
    elif options.validation:
        print(json.dumps(time_validation(options.validation)))
    else:
        run(names, options.rounds, options.quick)


if __name__ == "__main__":
    main()
