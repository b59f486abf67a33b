"""What the guide to acceleration shows, works as shown."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np

GUIDE = (Path(__file__).parents[2] / "docs/how-to/accelerate.md").read_text(encoding="utf-8")


def test_the_guide_runs():
    names = {"export": lambda chain, method: SimpleNamespace(run=getattr(chain, method))}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(compile(block, "<docs/how-to/accelerate.md>", "exec"), names)
    pipeline, X = names["pipeline"], names["X"]
    assert pipeline.accelerated_[1] == "direct"
    np.testing.assert_array_equal(pipeline.predict(X), pipeline.chain_.predict(X))
