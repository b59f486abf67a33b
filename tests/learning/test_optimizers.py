"""Optimizers: their rules number by number, options, states and what they refuse."""

import copy
import json
import math
import tracemalloc

import children
import numpy as np
import pytest

from maas_sdk._internal.one_thread import one_thread
from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Optimizer, moves_params
from maas_sdk.learning import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    ClipByNorm,
    ClipByValue,
    CosineSchedule,
    GradientDescent,
    Lion,
    OneCycleSchedule,
    ReduceOnPlateauSchedule,
    RMSprop,
    chain,
)
from maas_sdk.learning._optimizers import _blocks

LIONS = [Lion(0.01), Lion(0.01, beta_1=0.0), Lion(0.02, beta_2=0.5, weight_decay=0.1)]
ALL = [
    GradientDescent(0.05),
    SGD(0.05),
    SGD(0.05, momentum=0.9, dampening=0.5),
    SGD(0.05, momentum=0.8, nesterov=True, weight_decay=0.01),
    Adam(0.05),
    Adam(0.05, beta_1=0.0, beta_2=0.5, epsilon=1.0, weight_decay=0.1),
    AdamW(0.05, weight_decay=0.1),
    AMSGrad(0.05),
    AdaGrad(0.05, lr_decay=0.1, initial_accumulator_value=0.1),
    RMSprop(0.05),
    RMSprop(0.05, momentum=0.9, centered=True),
    *LIONS,
    Adam(CosineSchedule(0.05, n_steps=15)),
    Adam(OneCycleSchedule(0.05, n_steps=15)),
    SGD(ReduceOnPlateauSchedule(0.05, patience=0), momentum=0.9),
    chain(ClipByNorm(2.0), ClipByValue(0.5), AdamW(0.05)),
]
CLIPS = [ClipByNorm(0.5), ClipByValue(0.5)]


def gradient(params, target):
    """Of ½ Σ log(1 + d²) + d²/20, d the distance from the target: differently curved, never steep."""
    d = params - target
    return d / (1 + d * d) + d / 10


def problem(size, dtype=np.float64):
    rng = np.random.default_rng(3)
    return rng.standard_normal(size).astype(dtype), rng.standard_normal(size).astype(dtype)


def run(optimizer, params, target, *, steps, state=None):
    state = optimizer.init(params) if state is None else state
    for _ in range(steps):
        optimizer.update_(params, gradient(params, target), state)
        if hasattr(optimizer, "observe_"):
            optimizer.observe_(1.0, state)
    return state


def arrays_in(state):
    return {key: value for key, value in state.items() if isinstance(value, np.ndarray) and value.ndim}


# -- the rules -----------------------------------------------------------------------------------------------


def reference_sgd(optimizer, p, t, steps):
    buffer = None
    for _ in range(steps):
        g = gradient(p, t) + optimizer.weight_decay * p
        if optimizer.momentum:
            first = buffer is None  # torch copies the first gradient, undampened
            buffer = g if first else optimizer.momentum * buffer + (1 - optimizer.dampening) * g
            g = g + optimizer.momentum * buffer if optimizer.nesterov else buffer
        p -= optimizer.learning_rate * g
    return p


def reference_adam(optimizer, p, t, steps):
    m = v = 0.0
    for step in range(1, steps + 1):
        g = gradient(p, t) + optimizer.weight_decay * p
        m = optimizer.beta_1 * m + (1 - optimizer.beta_1) * g
        v = optimizer.beta_2 * v + (1 - optimizer.beta_2) * g * g
        m_hat = m / (1 - optimizer.beta_1**step)
        v_hat = v / (1 - optimizer.beta_2**step)
        p -= optimizer.learning_rate * m_hat / (math.sqrt(v_hat) + optimizer.epsilon)
    return p


def reference_lion(optimizer, p, t, steps):
    m = 0.0
    for _ in range(steps):
        g = gradient(p, t)
        c = optimizer.beta_1 * m + (1 - optimizer.beta_1) * g
        sign = math.copysign(1.0, c) if c else 0.0
        p -= optimizer.learning_rate * (sign + optimizer.weight_decay * p)
        m = optimizer.beta_2 * m + (1 - optimizer.beta_2) * g
    return p


FOLLOWED = [
    *((reference_sgd, each) for each in ALL[1:4]),
    *((reference_adam, each) for each in ALL[4:6]),
    *((reference_lion, each) for each in LIONS),
]


@pytest.mark.parametrize(
    ("reference", "optimizer"), FOLLOWED, ids=lambda value: getattr(value, "__name__", repr(value))
)
def test_two_hundred_steps_follow_the_rule_computed_number_by_number(reference, optimizer):
    params, target = problem(7)
    pairs = zip(params, target, strict=True)
    expected = [reference(optimizer, float(p), float(t), 200) for p, t in pairs]
    run(optimizer, params, target, steps=200)
    assert np.linalg.norm(params - expected) < 1e-14 * np.linalg.norm(expected)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_moments_fade_as_they_should_through_many_rounds_of_storing_them_scaled(beta):
    optimizer = Adam(0.01, beta_1=beta, beta_2=beta)
    params, m, v, expected = np.zeros(1), 0.0, 0.0, 0.0
    state = optimizer.init(params)
    for step, g in enumerate(np.random.default_rng(1).standard_normal(3000).tolist(), 1):
        optimizer.update_(params, np.array([g]), state)
        m, v = beta * m + (1 - beta) * g, beta * v + (1 - beta) * g * g
        expected -= 0.01 * m / (1 - beta**step) / (math.sqrt(v / (1 - beta**step)) + 1e-8)
    assert params[0] == pytest.approx(expected, rel=1e-12)


def test_rmsprop_goes_on_where_rounding_makes_the_variance_negative():
    params = np.ones(1000)
    optimizer = RMSprop(1e-3, centered=True)
    state = optimizer.init(params)
    for _ in range(300):
        optimizer.update_(params, np.linspace(0.1, 7.3, 1000), state)
        assert np.isfinite(params).all()


def test_on_a_steep_parabola_a_formula_without_the_root_of_v_diverges_where_adam_does_not():
    def slope(x):  # of 1000 x²
        return 2000 * x

    optimizer, imitation = Adam(0.1), SGD(0.1, momentum=0.9, dampening=0.9)
    adam, momentum, without_root, m = np.array([1.0]), np.array([1.0]), 1.0, 0.0
    states = optimizer.init(adam), imitation.init(momentum)
    for step in range(1, 201):
        optimizer.update_(adam, slope(adam), states[0])
        imitation.update_(momentum, slope(momentum), states[1])
        m = 0.9 * m + (1 - 0.9) * slope(without_root)
        without_root -= 0.1 * m / (1 - 0.9**step)
        assert abs(adam[0]) <= 1
    assert abs(adam[0]) < 0.1
    assert abs(without_root) > 1e100
    assert abs(momentum[0]) > 1e100  # which is what it is, but for the correction of bias


# -- buffers and states --------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [*ALL[:-1], ClipByValue(0.5)], ids=repr)
def test_a_buffer_of_several_blocks_is_updated_as_its_parts_are(optimizer):
    params, target = problem(600_001)
    part = params[560_000:].copy()
    run(optimizer, params, target, steps=3)
    run(optimizer, part, target[560_000:], steps=3)
    assert np.array_equal(params[560_000:], part)


@pytest.mark.parametrize("optimizer", [*ALL[:-1], ClipByValue(0.5)], ids=repr)
def test_a_small_buffer_is_updated_as_a_part_of_a_larger_one_is(optimizer):
    params, target = problem(30_001)
    part = params[25_000:].copy()
    run(optimizer, params, target, steps=3)
    run(optimizer, part, target[25_000:], steps=3)
    # Of small ones, a processor may round a multiplication and the addition to it once.
    np.testing.assert_allclose(params[25_000:], part, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_large_buffer_is_the_same_bits_in_any_number_of_threads(optimizer, monkeypatch):
    params, target = problem(1_100_000, np.float32)
    alone = params.copy()
    monkeypatch.setattr(_blocks, "most_threads", lambda: 4)
    run(optimizer, params, target, steps=2)
    with one_thread():
        run(optimizer, alone, target, steps=2)
    assert np.array_equal(params, alone)


def test_a_child_of_a_fork_steps_with_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(_blocks, "most_threads", lambda: 2)
    params, target = problem(600_000, np.float32)
    run(Adam(), params, target, steps=1)

    def step():
        return float(run(Adam(), params, target, steps=1)["first_moment"].sum())

    outcome = children.run(step)
    assert not outcome.error, outcome.message
    assert outcome.value == step()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lion_knows_the_sign_of_any_number(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    grads = np.array([tiny, -tiny, 0.0, -0.0, np.finfo(dtype).max, -np.inf, np.nan, 1e-3], dtype)
    expected = -np.sign(grads)
    params = np.zeros(8, dtype)
    optimizer = Lion(learning_rate=1.0)
    optimizer.update_(params, grads, optimizer.init(params))
    np.testing.assert_array_equal(params, expected)


@pytest.mark.parametrize("optimizer", [*ALL, *CLIPS], ids=repr)
def test_training_resumed_from_a_saved_state_is_the_same_bit_for_bit(optimizer, tmp_path):
    params, target = problem(25_000, np.float32)
    straight = params.copy()
    run(optimizer, straight, target, steps=20)
    state = run(optimizer, params, target, steps=9)
    np.savez(tmp_path / "state.npz", **state)
    with np.load(tmp_path / "state.npz") as saved:
        restored = {key: saved[key] if saved[key].ndim else saved[key][()] for key in saved.files}
    restored = {k: int(v) if isinstance(v, np.integer) else np.asarray(v) for k, v in restored.items()}
    run(copy.deepcopy(optimizer), params, target, steps=11, state=restored)
    assert np.array_equal(params, straight)


@pytest.mark.parametrize("optimizer", [*ALL, *CLIPS], ids=repr)
def test_state_is_a_plain_dict_of_arrays_and_integers(optimizer):
    params, target = problem(5)
    state = run(optimizer, params, target, steps=2)
    assert type(state) is dict
    assert {type(value) for value in state.values()} <= {int, np.ndarray}
    assert state["step"] == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [*ALL, *CLIPS], ids=repr)
def test_every_array_keeps_the_dtype_of_the_parameters(optimizer, dtype):
    params, target = problem(5, dtype)
    state = run(optimizer, params, target, steps=2)
    arrays = [params, *arrays_in(state).values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_float32_stays_near_float64(optimizer):
    params, target = problem(50)
    single = params.astype(np.float32)
    run(optimizer, single, target.astype(np.float32), steps=20)
    run(optimizer, params, target, steps=20)
    assert np.abs(single - params).max() < 2e-4


@pytest.mark.parametrize("optimizer", [*ALL[:14], *CLIPS], ids=repr)
def test_a_step_allocates_nothing_that_grows_with_the_parameters(optimizer):
    params, _ = problem(400_000, np.float32)
    grads = params.copy()
    state = optimizer.init(params)
    optimizer.update_(params, grads, state)
    tracemalloc.start()
    try:
        optimizer.update_(params, grads, state)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000


def test_the_numbers_of_a_state_go_through_json():
    params, target = problem(3)
    state = run(Adam(), params, target, steps=2)
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in state.items()}
    assert json.loads(json.dumps(plain)) == plain


def test_one_optimizer_serves_two_trainings_at_once():
    optimizer = SGD(0.05, momentum=0.9)
    (one, target), (alone, _) = problem(5), problem(5)
    other = one + 1
    states = [optimizer.init(one), optimizer.init(other)]
    for _ in range(5):
        optimizer.update_(one, gradient(one, target), states[0])
        optimizer.update_(other, gradient(other, target), states[1])
    run(optimizer, alone, target, steps=5)
    assert np.array_equal(one, alone)


# -- extremes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [*ALL, *CLIPS], ids=repr)
def test_no_parameters_at_all_are_trained_without_complaint(optimizer):
    params = np.zeros(0)
    state = run(optimizer, params, params, steps=2)
    assert state["step"] == 2


@pytest.mark.parametrize("optimizer", ALL[:14], ids=repr)
def test_after_a_billion_steps_the_next_is_finite(optimizer):
    params, target = problem(5)
    state = run(optimizer, params, target, steps=3)
    state["step"] = 10**9
    run(optimizer, params, target, steps=3, state=state)
    assert np.isfinite(params).all()


@pytest.mark.parametrize("optimizer", ALL[:-1], ids=repr)
def test_a_gradient_that_is_not_a_number_reaches_its_parameter_and_no_other(optimizer):
    params, _ = problem(5)
    state = optimizer.init(params)
    with np.errstate(invalid="ignore"):
        optimizer.update_(params, np.array([1.0, np.nan, -1.0, 2.0, 3.0]), state)
    assert np.isnan(params).tolist() == [False, True, False, False, False]


def test_a_numpy_scalar_as_option_does_not_widen_float32():
    params, target = problem(5, np.float32)
    plain = params.copy()
    run(Adam(np.float64(0.1)), params, target, steps=3)
    run(Adam(0.1), plain, target, steps=3)
    assert np.array_equal(params, plain)
    assert type(Adam(np.float64(0.1)).learning_rate) is float


# -- options and refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [*ALL, *CLIPS], ids=repr)
def test_an_optimizer_is_a_value_that_training_does_not_change(optimizer):
    before = copy.deepcopy(optimizer)
    run(optimizer, *problem(5), steps=2)
    assert optimizer == before
    assert hash(optimizer) == hash(before)
    assert isinstance(optimizer, Optimizer)
    with pytest.raises(AttributeError):
        optimizer.learning_rate = 1.0


def test_gradient_descent_asks_for_the_full_batch_and_the_others_do_not():
    assert GradientDescent().full_batch
    assert not any(getattr(each, "full_batch", False) for each in ALL[1:])


def test_clips_alone_say_that_they_move_no_parameters():
    assert all(map(moves_params, ALL))
    assert not any(map(moves_params, CLIPS))


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (GradientDescent, {"learning_rate": 0}, "learning_rate must be a finite number > 0, not 0"),
        (GradientDescent, {"learning_rate": "fast"}, "'fast'"),
        (SGD, {"learning_rate": math.nan}, "learning_rate"),
        (SGD, {"learning_rate": True}, "a schedule such as CosineSchedule"),
        (SGD, {"learning_rate": CosineSchedule}, "a schedule such as CosineSchedule"),
        (SGD, {"learning_rate": Adam()}, "learning_rate"),
        (SGD, {"momentum": -0.1}, "momentum must be a finite number >= 0"),
        (SGD, {"dampening": math.inf}, "dampening"),
        (SGD, {"weight_decay": -1}, "weight_decay"),
        (SGD, {"nesterov": 1, "momentum": 0.9}, "nesterov must be True or False"),
        (SGD, {"nesterov": True}, "nesterov needs momentum"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening = 0"),
        *(
            (adam, options, words)
            for adam in (Adam, AdamW, AMSGrad)
            for options, words in (
                ({"beta_1": 1.0}, "beta_1 must be a finite number >= 0 and < 1"),
                ({"beta_2": -0.1}, "beta_2"),
                ({"epsilon": -1e-8}, "epsilon"),
                ({"weight_decay": -1e-8}, "weight_decay"),
            )
        ),
        (AdaGrad, {"lr_decay": -1}, "lr_decay"),
        (AdaGrad, {"initial_accumulator_value": -1}, "initial_accumulator_value"),
        (AdaGrad, {"learning_rate": OneCycleSchedule(n_steps=9)}, "AdaGrad does not have: pass cycle_mom"),
        (GradientDescent, {"learning_rate": OneCycleSchedule(n_steps=9)}, "GradientDescent does not have"),
        (RMSprop, {"alpha": 1.0}, "alpha"),
        (RMSprop, {"centered": "yes"}, "centered"),
        (Lion, {"beta_1": 1.0}, "beta_1"),
        (ClipByNorm, {"max_norm": 0}, "max_norm must be a finite number > 0"),
        (ClipByValue, {"max_value": -1}, "max_value must be a finite number > 0"),
    ],
)
def test_an_option_out_of_bounds_is_named_with_what_is_accepted(make, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        make(**options)


def read_only(params):
    params.flags.writeable = False
    return params


@pytest.mark.parametrize("optimizer", [*ALL, *CLIPS], ids=repr)
@pytest.mark.parametrize(
    ("params", "words"),
    [
        (np.zeros((2, 2)), "flat numpy array"),
        (np.zeros(3, np.int64), "flat numpy array"),
        (np.zeros(3, np.float16), "flat numpy array"),
        (np.zeros(3, ">f4"), "flat numpy array"),
        ([0.0], "flat numpy array"),
        (np.zeros(6)[::2], "contiguous"),
        (read_only(np.zeros(3)), "writeable"),
    ],
    ids=["matrix", "integers", "float16", "swapped", "list", "strided", "read-only"],
)
def test_parameters_that_cannot_be_updated_in_place_are_refused(optimizer, params, words):
    with pytest.raises(InvalidOptionError, match=words):
        optimizer.init(params)


@pytest.mark.parametrize("optimizer", [*ALL, *CLIPS], ids=repr)
def test_a_gradient_of_another_kind_is_refused_and_nothing_moves(optimizer):
    params = np.ones(4)
    state = optimizer.init(params)
    for grads, words in (
        (np.ones(1), r"\(1,\)"),
        (np.ones((4, 1)), r"\(4, 1\)"),
        (np.ones(4, np.float32), "float32"),
        (np.ones(8)[::2], "contiguous"),
        (read_only(np.ones(4)), "writeable"),
    ):
        with pytest.raises(InvalidOptionError, match=words):
            optimizer.update_(params, grads, state)
    assert np.array_equal(params, np.ones(4))
    assert state["step"] == 0


@pytest.mark.parametrize(
    "optimizer", [each for each in ALL if len(arrays_in(each.init(np.ones(3))))], ids=repr
)
def test_a_state_of_other_parameters_or_that_cannot_change_is_refused(optimizer):
    params = np.ones(4)
    state = optimizer.init(params)
    with pytest.raises(InvalidOptionError, match=r"\(3,\)"):
        optimizer.update_(params, np.ones(4), optimizer.init(np.ones(3)))
    for array in arrays_in(state).values():
        array.flags.writeable = False
    with pytest.raises(InvalidOptionError, match="writeable"):
        optimizer.update_(params, np.ones(4), state)
    assert np.array_equal(params, np.ones(4))


@pytest.mark.parametrize(
    "optimizer", [each for each in ALL if len(arrays_in(each.init(np.ones(3))))], ids=repr
)
def test_the_state_of_another_optimizer_is_refused(optimizer):
    params = np.ones(3)
    with pytest.raises(InvalidOptionError, match="belongs to another optimizer"):
        optimizer.update_(params, np.ones(3), GradientDescent().init(params))
    with pytest.raises(InvalidOptionError, match="has nothing"):
        optimizer.update_(params, np.ones(3), {})
    assert np.array_equal(params, np.ones(3))
