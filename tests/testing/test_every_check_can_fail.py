"""No check is without its saboteur: a component that is caught by it, and by no other check."""

import importlib.util
from pathlib import Path

import pytest

from maas_sdk.testing._kit import CHECKS_OF_KIND

SABOTEURS = sorted(Path(__file__).parent.glob("test_*_checks_can_fail.py"))


def saboteurs():
    """Give check and saboteur from the tables of the modules whose tests run them."""
    for path in SABOTEURS:
        spec = importlib.util.spec_from_file_location(f"saboteurs_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for *_, check, broken in module.CASES:
            yield check, broken, broken not in module.CONSPICUOUS


TABLE = [*saboteurs()]


@pytest.mark.parametrize(
    ("kind", "check"),
    [(kind, check) for kind, checks in CHECKS_OF_KIND.items() for check in checks],
    ids=lambda item: getattr(item, "__name__", item),
)
def test_a_saboteur_is_caught_by_this_check_alone(kind, check):
    alone = {broken.__name__ for other, broken, subtle in TABLE if other is check and subtle}
    assert alone, f"no saboteur of a {kind} is caught by {check.__name__} alone"


def test_no_saboteur_is_for_a_check_that_is_gone():
    known = {check for checks in CHECKS_OF_KIND.values() for check in checks}
    assert {check for check, _, _ in TABLE} <= known
