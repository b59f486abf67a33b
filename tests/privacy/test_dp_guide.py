"""What the guide to differential privacy shows, works as shown."""

import contextlib
import io
import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs/how-to/differential-privacy.md"


def test_each_snippet_runs_and_says_what_its_comment_says():
    names, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
            exec(compile(block, "<guide>", "exec"), names)
    epsilon = names["pipeline"].privacy_.epsilon
    assert round(epsilon, 2) == 3.96
    assert f"{epsilon:.3f}" in printed.getvalue()
    assert "2.98\n" in printed.getvalue()
    assert names["audit"].epsilon == epsilon
    assert not names["audit"].refutes
