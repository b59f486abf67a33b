"""The page about optimizers: what it shows runs, and its example of an optimizer passes the kit."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import maas_sdk as maas
from maas_sdk.plugin import ComponentSpec, PluginRegistry, hookimpl
from maas_sdk.testing import run_checks

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "optimizers.md"


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What the page's code blocks, run one after the other, have defined."""
    monkeypatch.chdir(tmp_path)
    names = {"batches": range(10)}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, PAGE.name, "exec"), names)
    return types.SimpleNamespace(**names)


def test_its_example_passes_the_kit(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "shown_module", shown)
    plugin = types.ModuleType("plugin")
    plugin.declare = hookimpl(specname="maas_sdk_optimizers")(
        lambda: [ComponentSpec("sign_descent", "shown_module:SignDescent")]
    )
    registry = PluginRegistry()
    registry.register(plugin, "shown")
    results = run_checks("shown", registry=registry)
    assert results.passed, str(results)


def test_what_it_resumes_is_what_would_have_been(shown):
    params = np.zeros(1000, np.float32)
    state = shown.optimizer.init(params)
    for _ in range(11):
        shown.optimizer.update_(params, 2 * params - 1, state)
    assert np.array_equal(shown.params, params)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_its_schedule_trains_a_network(shown):
    X = np.random.default_rng(0).standard_normal((200, 4))
    pipeline = maas.Pipeline(
        ("mlp_classifier", {"hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 0}),
        optimizer=shown.chain(shown.ClipByNorm(1.0), shown.AdamW(shown.CosineSchedule(0.05, n_steps=30))),
    )
    assert pipeline.fit(X, X[:, 0] > 0).score(X, X[:, 0] > 0) > 0.9


def test_it_names_every_optimizer_and_schedule_there_is():
    text = PAGE.read_text(encoding="utf-8")
    kinds = ("optimizer", "schedule")
    names = {info.reference for info in PluginRegistry().describe("maas_sdk") if info.kind in kinds}
    assert {name for name in names if f"`{name}`" not in text} == set()
