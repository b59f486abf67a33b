"""Whether the components keep the contracts of their kinds: the kit of maas-sdk says."""

from pathlib import Path
from typing import Any

from maas_sdk.testing import Check, parametrize_with_checks


def sqlite(folder: Path) -> dict[str, Any]:
    return {"file": folder / "store.sqlite"}


def seed_file(folder: Path) -> dict[str, Any]:
    return {"file": folder / "key.seed"}


OPTIONS = {
    "example.sqlite": sqlite,
    "example.seed_file": seed_file,
}


@parametrize_with_checks("example", options=OPTIONS)
def test_conformance(check: Check) -> None:
    check()
