"""How often: a handful in a usual run, MAAS_SOAK_ROUNDS with ``-m soak``."""

import os

import pytest

HANDFUL = 6
SOAK = int(os.environ.get("MAAS_SOAK_ROUNDS", "200"))

how_often = pytest.mark.parametrize(
    "rounds", [pytest.param(HANDFUL, id="handful"), pytest.param(SOAK, id="soak", marks=pytest.mark.soak)]
)


def choose(cases, rounds):
    """Give `rounds` of the cases, evenly spread, with the first and the last; of fewer, some again."""
    if rounds > len(cases):
        return [cases[number % len(cases)] for number in range(rounds)]
    return [cases[round(number * (len(cases) - 1) / (rounds - 1))] for number in range(rounds)]
