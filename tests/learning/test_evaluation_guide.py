"""What the guide to evaluation shows, works as shown."""

import contextlib
import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

GUIDE = Path(__file__).parents[2] / "docs/how-to/evaluate.md"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_each_snippet_of_the_guide_runs_and_says_what_its_comment_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed = {}, io.StringIO()
    text = GUIDE.read_text(encoding="utf-8")
    with contextlib.redirect_stdout(printed):
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            exec(compile(block, "<guide>", "exec"), names)
    assert str(names["evaluation"].charts) in text
    assert "95 % interval" in printed.getvalue()
    assert "Partial dependence on worst texture" in printed.getvalue()
    assert ET.parse(tmp_path / "calibration.svg").getroot().tag.endswith("svg")


def test_the_guide_names_every_metric():
    from maas_sdk.learning._metrics import table_of

    text = GUIDE.read_text(encoding="utf-8")
    for kind in ("classification", "multilabel", "regression"):
        assert [name for name in table_of(kind) if f"`{name}`" not in text] == []
