"""Tokens of SoftHSM in a folder of the tests' own; made once, because a module reads its settings once."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PIN = "sesame-4711"
MODULE = str(next(Path("/usr").glob("lib*/softhsm/libsofthsm2.so"), ""))
_KEYS = (
    ("p256", "01", "EC:prime256v1"),
    ("p384", "02", "EC:secp384r1"),
    ("ed25519", "03", "EC:edwards25519"),
    ("k1", "04", "EC:secp256k1"),
    ("twin", "05", "EC:prime256v1"),
    ("twin", "06", "EC:prime256v1"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [tool for tool in ("softhsm2-util", "pkcs11-tool") if shutil.which(tool) is None]
    if missing or not MODULE:
        reason = "needs SoftHSM and OpenSC: apt-get install softhsm2 opensc"
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def make_tokens(folder: Path) -> Path:
    """Make the tokens; gives the settings that SOFTHSM2_CONF names."""
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    for label in ("releases", "double", "double"):
        run(
            *("softhsm2-util", "--init-token", "--free", "--label", label),
            *("--so-pin", "officer-1", "--pin", PIN),
        )
    for label, key_id, kind in _KEYS:
        run(
            *("pkcs11-tool", "--module", MODULE, "--token-label", "releases", "--login", "--pin", PIN),
            *("--keypairgen", "--key-type", kind, "--label", label, "--id", key_id, "--usage-sign"),
        )
    return settings


@pytest.fixture(scope="session", autouse=True)
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    before = os.environ.get("SOFTHSM2_CONF")
    folder = tmp_path_factory.mktemp("softhsm")
    make_tokens(folder)
    yield folder
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture
def options() -> dict[str, Any]:
    return {"module": MODULE, "token_label": "releases", "key_label": "p256", "pin": lambda: PIN}
