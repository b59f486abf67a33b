"""Budgets and candidates say what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from maas_sdk.compression import Budget, Candidate, Float16Compressor, PCACompressor
from maas_sdk.errors import InvalidOptionError


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"metric": ""}, "metric"),
        ({"metric": None}, "metric"),
        ({"max_drop": -0.1}, "max_drop"),
        ({"max_drop": float("nan")}, "max_drop"),
        ({"max_drop": True}, "max_drop"),
        ({"max_drop": "0.1"}, "max_drop"),
        ({"max_size": 0}, "max_size"),
        ({"max_size": 1.5}, "max_size"),
        ({"max_latency": 0}, "max_latency"),
        ({"max_latency": float("inf")}, "max_latency"),
        ({"time": -1}, "time"),
        ({"time": "60"}, "time"),
    ],
)
def test_a_wrong_bound_is_refused_by_name(options, named):
    with pytest.raises(InvalidOptionError, match=named):
        Budget(**options)


def test_numpy_numbers_are_numbers():
    budget = Budget(max_drop=np.float64(0.01), max_size=np.int64(7), max_latency=np.float32(0.5))
    assert (budget.max_drop, budget.max_size, budget.max_latency) == (0.01, 7, 0.5)


def test_one_compressor_may_stand_alone():
    compressor = Float16Compressor()
    assert Candidate("narrow", compressor) == Candidate("narrow", (compressor,))


@pytest.mark.parametrize(
    ("name", "compressors", "named"),
    [
        ("", (Float16Compressor(),), "name"),
        ("original", (Float16Compressor(),), "original"),
        ("none", (), "at least one"),
        ("a class", (Float16Compressor,), "not a compressor"),
        ("a string", ("float16",), "not a compressor"),
        ("a number", 5, "int"),
    ],
)
def test_a_wrong_candidate_is_refused(name, compressors, named):
    with pytest.raises(InvalidOptionError, match=named):
        Candidate(name, compressors)


@pytest.mark.parametrize("n_components", [0, -1, 0.0, 1.0, 1.5, True, "0.95", None, float("nan")])
def test_components_are_a_share_or_a_whole_number(n_components):
    with pytest.raises(InvalidOptionError, match="n_components"):
        PCACompressor(n_components)
