"""What the guide shows, works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from maas_sdk.errors import InvalidOptionError
from maas_sdk.plugin import PluginRegistry
from maas_sdk.serialization import dump_parts

GUIDE = (Path(__file__).parents[2] / "docs/how-to/compress.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(block, "<docs/how-to/compress.md>", "exec"), names)
    return names


def test_the_search_of_the_guide_takes_a_combination_and_says_why_not_the_others(names):
    report = names["report"]
    assert report.chosen.name.startswith("forest_")
    assert report.compressed.size < report.original.size / 3
    assert {result.status for result in report.results} >= {"not supported", "chosen"}
    assert "RandomForestClassifier has no coef_" in str(report)


def test_the_compressor_of_the_guide_works_and_is_stored_without_its_zeros(names):
    X, y = load_digits(return_X_y=True)
    chain = Pipeline([("model", LogisticRegression(max_iter=50))])
    with pytest.warns(match="lbfgs"):
        chain.fit(np.repeat(X, 20, axis=1) / 16, y)
    own = names["TopWeights"](0.1)
    smaller = own.compress(chain)
    assert np.mean(smaller[-1].coef_ != 0) == pytest.approx(0.1, abs=0.01)
    assert len(dump_parts(smaller)["tensors/000.safetensors"]) < 0.25 * smaller[-1].coef_.nbytes
    assert not own.supports(names["report"].chain)
    with pytest.raises(InvalidOptionError, match="share"):
        names["TopWeights"](0)


def test_the_guide_names_every_built_in_compressor():
    declared = {info.reference for info in PluginRegistry().describe("maas_sdk") if info.kind == "compressor"}
    assert declared
    assert {name for name in declared if f"`{name}`" not in GUIDE} == set()
