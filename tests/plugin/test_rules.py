"""The table of rules in the documentation names tests that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[^`]+)::(test_\w+)`", (ROOT / "docs/reference/plugin-rules.md").read_text())


def test_every_row_names_a_test():
    rows = (ROOT / "docs/reference/plugin-rules.md").read_text().split("| --- | --- |\n")[1].splitlines()
    assert len(rows) > 15
    assert all("::test_" in row for row in rows)


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_named_test_exists(file, name):
    assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("room", ["trust", "signing", "sealing", "storage", "serialization", "artifact"])
def test_code_that_verifies_cannot_load_a_plugin(room):
    program = f"import sys, maas_sdk.{room}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"maas_sdk.plugin", "pluggy"}.isdisjoint(done.stdout.split())
