"""Which engine is the fastest for so many rows: measured once, and plain data from then on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["CHAIN", "DIRECT", "SIZES", "agree", "check_crossover", "crossover_of", "measure"]

CHAIN, DIRECT = "chain", "direct"

SIZES = (1, 8, 64, 512, 4096)
"""Rows of the batches that are measured."""

_MARGIN = 0.9
"""Another engine replaces the chain only where it takes at most this share of its time."""

_HOPELESS = 4.0
"""An engine that takes so many times as long as the fastest is not measured with more rows."""

_MOST_ROUNDS = 40
_LEAST_ROUNDS = 3

Call = Callable[[Any], Any]


def measure(calls: Mapping[str, Call], rows_of: Callable[[int], Any], *, seconds: float) -> dict[int, str]:
    """Measure each engine in alternating rounds, and give from how many rows on which one is the fastest.

    Parameters
    ----------
    calls : mapping of str to callable
        The chain's, and those of other engines.
    rows_of : callable
        Gives a batch of so many rows.
    seconds : float
        How long it may take, about. Batches that would take longer stay the chain's.
    """
    deadline = time.perf_counter() + seconds
    left_in = dict(calls)
    best: dict[str, list[float]] = {name: [] for name in calls}
    measured: list[int] = []
    for index, size in enumerate(SIZES):
        if measured:
            growth = size / measured[-1]
            likely = sum(best[name][-1] for name in left_in) * growth * (_LEAST_ROUNDS + 1)
            if time.perf_counter() + likely > deadline:
                break
        share = (deadline - time.perf_counter()) / (len(SIZES) - index)
        found = _best_times(left_in, rows_of(size), seconds=share)
        measured.append(size)
        for name in calls:
            best[name].append(found.get(name, math.inf))
        fastest = min(found.values())
        left_in = {
            name: call
            for name, call in left_in.items()
            if name == CHAIN or found[name] <= _HOPELESS * fastest
        }
    return crossover_of(measured, best)


def _best_times(calls: Mapping[str, Call], rows: Any, *, seconds: float) -> dict[str, float]:
    for call in calls.values():
        call(rows)  # the first one pays for buffers and caches
    best = dict.fromkeys(calls, math.inf)
    deadline = time.perf_counter() + seconds
    for done in range(_MOST_ROUNDS):
        if done >= _LEAST_ROUNDS and time.perf_counter() > deadline:
            break
        for name, call in calls.items():
            start = time.perf_counter()
            call(rows)
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def crossover_of(sizes: Sequence[int], seconds: Mapping[str, Sequence[float]]) -> dict[int, str]:
    """Turn times into engines; between two sizes the times are taken to lie on lines.

    Parameters
    ----------
    sizes : sequence of int
        Rows, from 1 upwards. What was not measured, because it would have taken too long, is the chain's.
    seconds : mapping of str to sequence of float
        Times of each engine for each size.
    """
    times = {
        name: [each if name == CHAIN else each / _MARGIN for each in given] for name, given in seconds.items()
    }
    winners = [min(times, key=lambda name: (times[name][index], name)) for index in range(len(sizes))]
    crossover = {1: winners[0]}
    for index in range(1, len(sizes)):
        before, after = winners[index - 1 : index + 1]
        if before != after:
            low, high = sizes[index - 1 : index + 1]
            behind = times[after][index - 1] - times[before][index - 1]
            ahead = times[before][index] - times[after][index]
            share = behind / (behind + ahead) if math.isfinite(behind + ahead) and behind + ahead > 0 else 1.0
            crossover[min(high, low + max(1, math.ceil(share * (high - low))))] = after
    if len(sizes) < len(SIZES) and winners[-1] != CHAIN:
        crossover[sizes[-1] + 1] = CHAIN
    return crossover


def check_crossover(given: Any, engines: Collection[str]) -> dict[int, str]:
    """Give a crossover from plain data; JSON has made texts of its numbers.

    Raises
    ------
    InvalidOptionError
        If it is none, or names an engine that is not there.
    """
    if not isinstance(given, Mapping):
        raise InvalidOptionError(f"crossover must map numbers of rows to engines, not {given!r}")
    try:
        crossover = {int(rows): engine for rows, engine in given.items()}
    except (TypeError, ValueError):
        raise InvalidOptionError(f"crossover must map numbers of rows to engines, not {given!r}") from None
    if min(crossover, default=0) != 1:
        raise InvalidOptionError(f"crossover must say which engine is taken from 1 row on, not {given!r}")
    for engine in crossover.values():
        if engine not in engines:
            raise InvalidOptionError(
                f"crossover names the engine {engine!r}, there are {', '.join(sorted(engines))}: give it "
                "among engines, or measure anew by leaving out crossover"
            )
    return dict(sorted(crossover.items()))


def agree(expected: Any, given: Any, *, rtol: float) -> bool:
    """Tell whether two answers are the same: labels exactly, numbers within `rtol` of the largest."""
    if type(given) is not np.ndarray or given.shape != expected.shape or given.dtype != expected.dtype:
        return False
    if given.dtype.kind != "f":
        return bool(np.array_equal(expected, given))
    same = (expected == given) | (np.isnan(expected) & np.isnan(given))
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        close = np.abs(expected - given) <= rtol * scale
    return bool((same | close).all())
