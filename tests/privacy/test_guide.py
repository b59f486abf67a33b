"""The guide works as it is shown."""

import contextlib
import io
import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "privacy.md"


def test_the_guide_works_as_it_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as told:
        for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
            exec(compile(block, "<guide>", "exec"), names)
    assert names["report"].highest == "high"
    assert names["report"].findings[0].name == "verbatim-rows:model._fit_X"
    assert names["report"].findings[0].evidence == "150 rows, 150 of them equal to a row of X_train"
    assert "accept=['verbatim-rows:model._fit_X']" in told.getvalue()
    assert names["release"].disclosures.highest == "high"
    assert names["result"].scan.highest == "low"
    assert re.fullmatch("m_[0-9a-f]{32}", names["masked"].feature_names_in_[0])
    assert names["asked"].predict(names["X"])[:2].tolist() == ["setosa", "setosa"]
    restored = names["mask"].restore(
        names["masked"].predict(names["asked"].masked_input(names["X"])), classes=set(names["y"])
    )
    assert restored.tolist() == names["pipeline"].predict(names["X"]).tolist()
