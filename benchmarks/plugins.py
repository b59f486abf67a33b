"""What plugins cost: 200 that are installed but not referenced, and one observer of `predict`.

Run: ``python benchmarks/plugins.py``. The peers take turns, so that a busy machine slows all of them; each
figure is the best of its rounds, and what counts is the difference or the ratio within one run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits

import maas_sdk as maas
from maas_sdk.plugin import PluginRegistry, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 25
PLUGINS = 200


class Observer:
    """Is told, and does nothing."""

    @hookimpl
    def maas_sdk_before_step(self, event: object) -> None:
        """Do nothing."""

    @hookimpl
    def maas_sdk_after_step(self, event: object) -> None:
        """Do nothing."""


def best_times(
    peers: dict[str, Callable[[], object]], *, calls: int, rounds: int = ROUNDS
) -> dict[str, float]:
    """Give the best time of one call of each, in microseconds."""
    best = dict.fromkeys(peers, float("inf"))
    for _ in range(rounds):
        for name, run in peers.items():
            start = time.perf_counter()
            for _ in range(calls):
                run()
            best[name] = min(best[name], (time.perf_counter() - start) / calls * 1e6)
    return best


def install_plugins(folder: Path) -> None:
    """Make the metadata of distributions whose plugins cannot be imported: nobody may try."""
    for number in range(PLUGINS):
        info = folder / f"maas_sdk_vendor{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: maas-sdk-vendor{number}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(f"[maas_sdk.v1]\nvendor{number} = no_such_module{number}\n")


def compare_installed() -> None:
    peers: dict[str, Callable[[], object]] = {"construct": lambda: maas.Pipeline("mlp_classifier")}
    none = best_times(peers, calls=20)["construct"]
    with tempfile.TemporaryDirectory() as folder:
        install_plugins(Path(folder))
        sys.path.insert(0, folder)
        many = best_times(peers, calls=20)["construct"]
        sys.path.remove(folder)
    print(f"Pipeline(): {none:.1f} us; with {PLUGINS} plugins installed {many - none:+.1f} us (at most 5000)")


def compare_predict() -> None:
    X, y = load_digits(return_X_y=True)
    X = np.ascontiguousarray(X / 16)
    registry = PluginRegistry()
    registry.add_observer(Observer())
    model = ("sklearn.LogisticRegression", {"max_iter": 1000})
    for preprocessors in ([], ["standard_scaler"]):
        pipeline = maas.Pipeline(model, preprocessors, registry=registry).fit(X, y)
        for rows in (1, 1000):
            data = X[:rows]
            peers: dict[str, Callable[[], object]] = {
                "bare": partial(pipeline.chain_.predict, data),
                "hooked": partial(pipeline.predict, data),
            }
            told = best_times(peers, calls=1, rounds=400)
            more = told["hooked"] - told["bare"]
            print(
                f"predict, {len(preprocessors) + 1} steps, {rows:>4} rows: scikit-learn "
                f"{told['bare']:.1f} us, "
                f"hooked {more:+.1f} us ({more / told['bare']:+.1%}; at most 10 us and 3 %)"
            )


if __name__ == "__main__":
    compare_installed()
    compare_predict()
