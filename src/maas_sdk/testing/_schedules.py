"""What is asked of schedules: a rate for each step, pure options, a state that can be saved and resumed."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.learning import Adam
from maas_sdk.testing._any_kind import CHECKS as ANY_KIND_CHECKS
from maas_sdk.testing._check import expect, expect_plain
from maas_sdk.testing._fingerprints import fingerprint
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_STEPS = 300
_EPOCH = 10  # steps between two observations
_LOSS = 1.0  # observed each time: training stands still
_THREADS = 8


def _rates(schedule: Any, state: dict[str, Any], steps: range) -> list[Any]:
    rates = []
    for step in steps:
        rates.append(schedule.rate(step, state))
        if hasattr(schedule, "observe_") and step % _EPOCH == 0:
            schedule.observe_(_LOSS, state)
    return rates


def gives_a_rate_for_each_step(subject: Subject) -> None:
    """Finite and not negative, far beyond the end of what was planned, and sometimes above 0."""
    schedule = subject.make()
    rates = _rates(schedule, schedule.init(), range(_STEPS))
    for step, rate in enumerate(rates):
        sound = isinstance(rate, float | int) and math.isfinite(rate) and rate >= 0
        expect(sound, f"the rate of step {step} is {rate!r}, not a finite number of at least 0")
    expect(max(rates) > 0, "the rate is always 0")


def state_is_arrays_and_integers(subject: Subject) -> None:
    """So that it can be saved without pickle."""
    schedule = subject.make()
    state = schedule.init()
    expect_plain(state)
    _rates(schedule, state, range(_STEPS))
    expect_plain(state)


def resumes_from_a_copied_state(subject: Subject) -> None:
    """A new object with the saved state gives the rates that the old one would have."""
    old, new = subject.make(), subject.make()
    state = old.init()
    _rates(old, state, range(40))
    copied = copy.deepcopy(state)
    rest = range(40, _STEPS)
    expect(
        _rates(old, state, rest) == _rates(new, copied, rest),
        "a resumed run differs: something is kept outside the state",
    )


def leaves_options_and_state_alone(subject: Subject) -> None:
    """Asking for a rate changes nothing: it may be asked for twice."""
    schedule = subject.make()
    state = schedule.init()
    _rates(schedule, state, range(40))
    before = fingerprint((schedule, state))
    schedule.rate(40, state)
    if hasattr(schedule, "momentum"):
        schedule.momentum(40, state)
    expect(fingerprint((schedule, state)) == before, "rate or momentum changed the schedule or its state")


def is_taken_by_an_optimizer(subject: Subject) -> None:
    """Adam takes steps with it; a momentum, if it sets one, is at least 0 and below 1."""
    optimizer = Adam(learning_rate=subject.make())
    params = np.linspace(3.0, 2.0, 8)
    state = optimizer.init(params)
    for step in range(_STEPS):
        optimizer.update_(params, params.copy(), state)
        if step % _EPOCH == 0:
            optimizer.observe_(_LOSS, state)
        expect(np.isfinite(params).all(), f"after {step + 1} steps of Adam not all parameters are finite")


def serves_several_threads(subject: Subject) -> None:
    """One object, a run in each thread, as in a search over candidates."""
    schedule, alone = subject.make(), subject.make()
    expected = _rates(alone, alone.init(), range(_STEPS))
    for rates in at_once(lambda _: _rates(schedule, schedule.init(), range(_STEPS)), _THREADS):
        expect(rates == expected, "another thread got other rates")


CHECKS = (
    *ANY_KIND_CHECKS,
    gives_a_rate_for_each_step,
    state_is_arrays_and_integers,
    resumes_from_a_copied_state,
    leaves_options_and_state_alone,
    is_taken_by_an_optimizer,
    serves_several_threads,
)
