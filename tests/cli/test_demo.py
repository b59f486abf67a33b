"""The demonstration, whole, as the README's first command runs it."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_demonstration_holds_and_leaves_what_it_says(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "maas_sdk", "demo"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "macro F1",
        "times smaller",
        "bit for bit those of acme",
        "refused by the check 'contents'",
        "refused by the check 'signature'",
        "refused by the check 'rollback'",
        "All of it held",
    ):
        assert words in done.stdout
    root = tmp_path / "maas-demo"
    for left in (
        "acme/card.html",
        "acme/models",
        "courier/digits-1.0.0.maas",
        "globex/received",
        "globex/labels.npy",
    ):
        assert (root / left).exists()
        assert left in done.stdout
    listing = subprocess.run(
        ["tar", "tf", root / "courier/digits-1.0.0.maas"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert listing[:2] == ["oci-layout", "index.json"]
