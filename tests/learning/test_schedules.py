"""Schedules: the rates that they give, what they remember, and what they refuse."""

import math

import numpy as np
import pytest

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Schedule
from maas_sdk.learning import (
    SGD,
    Adam,
    ClipByNorm,
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    LinearWarmupSchedule,
    Lion,
    OneCycleSchedule,
    ReduceOnPlateauSchedule,
    RMSprop,
    StepSchedule,
    chain,
)

ALL = [
    ConstantSchedule(0.1),
    StepSchedule(0.1, n_steps=3),
    ExponentialSchedule(0.1, factor=0.5),
    CosineSchedule(0.1, n_steps=10),
    LinearWarmupSchedule(0.1, n_steps=4),
    LinearWarmupSchedule(ReduceOnPlateauSchedule(0.1, patience=0), n_steps=4),
    OneCycleSchedule(0.1, n_steps=10),
    ReduceOnPlateauSchedule(0.1, patience=0),
]


def rates(schedule, *steps):
    return [schedule.rate(step, schedule.init()) for step in steps]


def observed(schedule, *values):
    """Give the rate after each value."""
    state = schedule.init()
    found = []
    for value in values:
        schedule.observe_(value, state)
        found.append(schedule.rate(0, state))
    return found


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_a_schedule_is_a_value(schedule):
    assert isinstance(schedule, Schedule)
    assert hash(schedule) == hash(
        type(schedule)(**{name: getattr(schedule, name) for name in names(schedule)})
    )
    with pytest.raises(AttributeError):
        schedule.learning_rate = 1.0


def names(schedule):
    return [each.name for each in schedule.__attrs_attrs__]


def test_a_constant_stays():
    assert rates(ConstantSchedule(0.3), 0, 1, 10**9) == [0.3] * 3


def test_a_step_falls_every_so_many_steps():
    assert rates(StepSchedule(1.0, n_steps=3, factor=0.5), 0, 2, 3, 5, 6) == [1, 1, 0.5, 0.5, 0.25]


def test_an_exponential_falls_in_each_step_down_to_nothing():
    assert rates(ExponentialSchedule(1.0, factor=0.5), 0, 1, 3, 10**9) == [1, 0.5, 0.125, 0]


def test_a_cosine_falls_to_its_end_and_stays_there():
    schedule = CosineSchedule(1.0, n_steps=4, min_learning_rate=0.2)
    root = math.sqrt(0.5)
    assert rates(schedule, 0, 1, 2, 3, 4, 5, 10**9) == pytest.approx(
        [1, 0.6 + 0.4 * root, 0.6, 0.6 - 0.4 * root, 0.2, 0.2, 0.2]
    )


def test_a_warm_up_rises_to_what_comes_after_and_lets_it_begin_at_its_own_beginning():
    assert rates(LinearWarmupSchedule(1.0, n_steps=4, start_factor=0.2), 0, 1, 4, 9) == pytest.approx(
        [0.2, 0.4, 1, 1]
    )
    after = StepSchedule(1.0, n_steps=2, factor=0.5)
    schedule = LinearWarmupSchedule(after, n_steps=4, start_factor=0.5)
    assert rates(schedule, 0, 2, 4, 5, 6, 8) == [0.5, 0.75, 1, 1, 0.5, 0.25]


def test_one_cycle_rises_and_falls_while_the_momentum_does_the_reverse():
    schedule = OneCycleSchedule(1.0, n_steps=11, pct_start=0.5, div_factor=10.0, final_div_factor=100.0)
    top = 4.5  # the end of the first phase lies between two steps, as in torch
    assert rates(schedule, 0, 10) == pytest.approx([0.1, 0.001])
    assert max(range(11), key=lambda step: schedule.rate(step, {})) in (math.floor(top), math.ceil(top))
    momenta = [schedule.momentum(step, {}) for step in range(11)]
    assert momenta[0] == momenta[10] == 0.95
    assert min(momenta) >= 0.85
    assert OneCycleSchedule(1.0, n_steps=11, cycle_momentum=False).momentum(3, {}) is None


@pytest.mark.parametrize("three_phase", [False, True])
def test_after_its_cycle_it_stays_at_the_end(three_phase):
    schedule = OneCycleSchedule(1.0, n_steps=20, three_phase=three_phase)
    assert rates(schedule, 19, 20, 10**9) == pytest.approx([1 / 25 / 1e4] * 3)
    assert schedule.momentum(10**9, {}) == 0.95


@pytest.mark.parametrize("pct_start", [0.0, 0.01, 0.1])
def test_a_cycle_whose_rise_is_shorter_than_a_step_begins_near_the_top(pct_start):
    found = rates(OneCycleSchedule(1.0, n_steps=10, pct_start=pct_start), *range(10))
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9


def test_a_plateau_lowers_the_rate_after_more_than_its_patience():
    schedule = ReduceOnPlateauSchedule(1.0, factor=0.5, patience=1)
    assert observed(schedule, 5, 4, 4, 4, 4, 3, 3, 3) == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_a_plateau_counts_only_what_is_better_by_the_threshold():
    relative = ReduceOnPlateauSchedule(1.0, factor=0.5, patience=0, threshold=0.1)
    assert observed(relative, 100, 95, 89) == [1, 0.5, 0.5]
    absolute = ReduceOnPlateauSchedule(1.0, factor=0.5, patience=0, threshold=6, threshold_mode="abs")
    assert observed(absolute, 100, 95, 93) == [1, 0.5, 0.5]


def test_minus_a_score_must_grow_in_size_by_the_threshold():
    schedule = ReduceOnPlateauSchedule(1.0, factor=0.5, patience=0, threshold=0.01)
    assert observed(schedule, -0.9, -0.9, -0.905, -0.92) == [1, 0.5, 0.25, 0.25]


def test_after_a_fall_it_cools_down_and_it_ends_at_the_least_rate():
    schedule = ReduceOnPlateauSchedule(1.0, factor=0.5, patience=0, cooldown=2, min_learning_rate=0.3)
    assert observed(schedule, *[1] * 8) == [1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3]
    tiny = ReduceOnPlateauSchedule(1.0, factor=0.5, patience=0, epsilon=0.6)
    assert observed(tiny, *[1] * 5) == [1] * 5


def test_what_is_not_a_number_is_no_improvement():
    assert observed(ReduceOnPlateauSchedule(1.0, patience=1), math.nan, math.inf) == [1, 0.1]


@pytest.mark.parametrize(
    "wrapped", [lambda it: it, lambda it: chain(ClipByNorm(9.0), it)], ids=["bare", "chain"]
)
@pytest.mark.parametrize("make", [SGD, Adam, RMSprop, Lion])
def test_an_optimizer_tells_its_schedule_what_was_observed_and_saves_what_it_remembers(make, wrapped):
    schedule = LinearWarmupSchedule(ReduceOnPlateauSchedule(0.5, factor=0.5, patience=0), n_steps=1)
    optimizer = wrapped(make(schedule))
    params = np.ones(2)
    state = optimizer.init(params)
    for value in (1.0, 1.0, 1.0):
        optimizer.update_(params, np.ones(2), state)
        optimizer.observe_(value, state)
    (rate,) = [value for key, value in state.items() if key.endswith("schedule.rate")]
    assert rate == 0.125


def test_an_optimizer_with_a_number_is_told_for_nothing():
    optimizer = SGD(0.1)
    state = optimizer.init(np.ones(2))
    optimizer.observe_(1.0, state)
    assert state == {"step": 0}


@pytest.mark.parametrize("make", [Adam, Lion])
def test_a_schedule_sets_beta_1_in_place_of_the_optimizers_own(make):
    params, other = np.ones(3), np.ones(3)
    schedule = OneCycleSchedule(0.1, n_steps=30)
    states = make(schedule, beta_1=0.0).init(params), make(schedule, beta_1=0.5).init(other)
    for step in range(10):
        grads = np.sin(np.arange(3) + step)
        make(schedule, beta_1=0.0).update_(params, grads.copy(), states[0])
        make(schedule, beta_1=0.5).update_(other, grads.copy(), states[1])
    assert np.array_equal(params, other)


def test_the_rate_of_a_vendors_schedule_does_not_widen_float32():
    class Wide:
        def init(self):
            return {}

        def rate(self, step, state):
            return np.float64(0.1)

    params, plain = np.ones(3, np.float32), np.ones(3, np.float32)
    for optimizer, each in ((Adam(Wide()), params), (Adam(0.1), plain)):
        optimizer.update_(each, np.ones(3, np.float32), optimizer.init(each))
    assert np.array_equal(params, plain)


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (ConstantSchedule, {"learning_rate": 0}, "learning_rate must be a finite number > 0"),
        (ConstantSchedule, {"learning_rate": ConstantSchedule()}, "learning_rate must be a finite number"),
        (StepSchedule, {"n_steps": 0}, "n_steps must be an integer >= 1"),
        (StepSchedule, {"n_steps": 2.5}, "n_steps must be an integer"),
        (StepSchedule, {"n_steps": 2, "factor": 0}, "factor"),
        (ExponentialSchedule, {"factor": 1.0}, "factor must be a finite number > 0 and < 1"),
        (CosineSchedule, {"n_steps": True}, "n_steps"),
        (CosineSchedule, {"n_steps": 5, "min_learning_rate": -1}, "min_learning_rate"),
        (
            LinearWarmupSchedule,
            {"after": "cosine", "n_steps": 5},
            "after must be a finite number > 0 or a sched",
        ),
        (LinearWarmupSchedule, {"n_steps": 5, "start_factor": 1.0}, "start_factor"),
        (OneCycleSchedule, {"n_steps": 1}, "n_steps must be an integer >= 2"),
        (OneCycleSchedule, {"n_steps": 9, "pct_start": 1.0}, "pct_start"),
        (OneCycleSchedule, {"n_steps": 9, "pct_start": 0.6, "three_phase": True}, "at most 0.5 in three"),
        (OneCycleSchedule, {"n_steps": 9, "anneal_strategy": "square"}, "one of 'cos', 'linear'"),
        (OneCycleSchedule, {"n_steps": 9, "base_momentum": 0.96}, "at most max_momentum"),
        (OneCycleSchedule, {"n_steps": 9, "max_momentum": 1.0}, "max_momentum"),
        (OneCycleSchedule, {"n_steps": 9, "cycle_momentum": 1}, "cycle_momentum must be True or False"),
        (ReduceOnPlateauSchedule, {"factor": 1.0}, "factor"),
        (ReduceOnPlateauSchedule, {"patience": -1}, "patience"),
        (ReduceOnPlateauSchedule, {"threshold_mode": "relative"}, "one of 'abs', 'rel'"),
    ],
)
def test_an_option_out_of_bounds_is_named_with_what_is_accepted(make, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        make(**options)
