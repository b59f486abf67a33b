"""Optimizers: torch.optim's rules, options, state."""

import copy
import json
import math

import numpy as np
import pytest

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Optimizer
from maas_sdk.learning import SGD, Adam, GradientDescent

SGD_OPTIONS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.5},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
    {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01},
]
ADAM_OPTIONS = [{}, {"beta_1": 0.0}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}, {"epsilon": 1.0}]
ALL = [
    GradientDescent(0.05),
    *(SGD(0.05, **options) for options in SGD_OPTIONS),
    *(Adam(0.05, **options) for options in ADAM_OPTIONS),
]


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
    return state


def reference_gradient_descent(optimizer, p, t, steps):
    for _ in range(steps):
        p -= optimizer.learning_rate * gradient(p, t)
    return p


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
        g = gradient(p, t)
        m = optimizer.beta_1 * m + (1 - optimizer.beta_1) * g
        v = optimizer.beta_2 * v + (1 - optimizer.beta_2) * g * g
        m_hat = m / (1 - optimizer.beta_1**step)
        v_hat = v / (1 - optimizer.beta_2**step)
        p -= optimizer.learning_rate * m_hat / (math.sqrt(v_hat) + optimizer.epsilon)
    return p


REFERENCES = {GradientDescent: reference_gradient_descent, SGD: reference_sgd, Adam: reference_adam}


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_two_hundred_steps_follow_the_rule_computed_number_by_number(optimizer):
    params, target = problem(7)
    expected = [
        REFERENCES[type(optimizer)](optimizer, float(p), float(t), 200)
        for p, t in zip(params, target, strict=True)
    ]
    run(optimizer, params, target, steps=200)
    assert np.linalg.norm(params - expected) < 1e-14 * np.linalg.norm(expected)


def torch_optimizer(torch, optimizer, parameter):
    if isinstance(optimizer, Adam):
        return torch.optim.Adam(
            [parameter],
            lr=optimizer.learning_rate,
            betas=(optimizer.beta_1, optimizer.beta_2),
            eps=optimizer.epsilon,
        )
    options = ("momentum", "dampening", "nesterov", "weight_decay") if isinstance(optimizer, SGD) else ()
    return torch.optim.SGD(
        [parameter], lr=optimizer.learning_rate, **{name: getattr(optimizer, name) for name in options}
    )


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_two_hundred_steps_follow_torch(optimizer):
    torch = pytest.importorskip("torch")
    params, target = problem(50)
    parameter = torch.tensor(params, requires_grad=True)
    peer = torch_optimizer(torch, optimizer, parameter)
    for _ in range(200):
        parameter.grad = torch.tensor(gradient(parameter.detach().numpy(), target))
        peer.step()
    run(optimizer, params, target, steps=200)
    expected = parameter.detach().numpy()
    assert np.linalg.norm(params - expected) < 1e-14 * np.linalg.norm(expected)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_buffer_of_several_blocks_is_updated_as_its_parts_are(optimizer):
    params, target = problem(70_001)
    part = params[60_000:].copy()
    run(optimizer, params, target, steps=3)
    run(optimizer, part, target[60_000:], steps=3)
    assert np.array_equal(params[60_000:], part)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_training_resumed_from_a_saved_state_is_the_same_bit_for_bit(optimizer):
    params, target = problem(40_000, np.float32)
    straight = params.copy()
    run(optimizer, straight, target, steps=20)
    state = run(optimizer, params, target, steps=9)
    saved = {k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in state.items()}
    restored = {
        k: np.frombuffer(bytearray(v), np.float32) if isinstance(v, bytes) else v for k, v in saved.items()
    }
    run(optimizer, params, target, steps=11, state=restored)
    assert np.array_equal(params, straight)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_state_is_a_plain_dict_of_arrays_and_integers(optimizer):
    params, target = problem(5)
    state = run(optimizer, params, target, steps=2)
    assert type(state) is dict
    assert {type(value) for value in state.values()} <= {int, np.ndarray}
    assert state["step"] == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_every_array_keeps_the_dtype_of_the_parameters(optimizer, dtype):
    params, target = problem(5, dtype)
    state = run(optimizer, params, target, steps=2)
    arrays = [params, *(value for value in state.values() if isinstance(value, np.ndarray))]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_a_numpy_scalar_as_option_does_not_widen_float32():
    params, target = problem(5, np.float32)
    plain = params.copy()
    run(Adam(np.float64(0.1)), params, target, steps=3)
    run(Adam(0.1), plain, target, steps=3)
    assert np.array_equal(params, plain)
    assert type(Adam(np.float64(0.1)).learning_rate) is float


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_an_optimizer_is_a_value_that_training_does_not_change(optimizer):
    before = copy.deepcopy(optimizer)
    run(optimizer, *problem(5), steps=2)
    assert optimizer == before
    assert isinstance(optimizer, Optimizer)
    with pytest.raises(AttributeError):
        optimizer.learning_rate = 1.0


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


def test_gradient_descent_asks_for_the_full_batch_and_the_others_do_not():
    assert GradientDescent().full_batch
    assert not hasattr(SGD(), "full_batch")
    assert not hasattr(Adam(), "full_batch")


def test_without_the_root_of_the_second_moment_it_would_be_momentum_and_diverge_where_adam_does_not():
    adam, momentum = np.array([1.0]), np.array([1.0])
    adam_state = Adam(0.01).init(adam)
    imitation = SGD(0.01, momentum=0.9, dampening=0.1)
    imitation_state = imitation.init(momentum)
    for _ in range(50):
        Adam(0.01).update_(adam, 2000 * adam, adam_state)
        imitation.update_(momentum, 2000 * momentum, imitation_state)
    assert abs(adam[0]) < 1
    assert abs(momentum[0]) > 1e20


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (GradientDescent, {"learning_rate": 0}, "learning_rate must be a finite number > 0, not 0"),
        (GradientDescent, {"learning_rate": "fast"}, "'fast'"),
        (SGD, {"learning_rate": math.nan}, "learning_rate"),
        (SGD, {"learning_rate": True}, "learning_rate"),
        (SGD, {"momentum": -0.1}, "momentum must be a finite number >= 0"),
        (SGD, {"dampening": math.inf}, "dampening"),
        (SGD, {"weight_decay": -1}, "weight_decay"),
        (SGD, {"nesterov": 1, "momentum": 0.9}, "nesterov must be True or False"),
        (SGD, {"nesterov": True}, "nesterov needs momentum"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening = 0"),
        (Adam, {"beta_1": 1.0}, "beta_1 must be a finite number >= 0 and < 1"),
        (Adam, {"beta_2": -0.1}, "beta_2"),
        (Adam, {"epsilon": -1e-8}, "epsilon"),
    ],
)
def test_an_option_out_of_bounds_is_named_with_what_is_accepted(make, options, words):
    with pytest.raises(InvalidOptionError, match=words):
        make(**options)


@pytest.mark.parametrize("optimizer", [GradientDescent(), SGD(momentum=0.9), Adam()], ids=repr)
@pytest.mark.parametrize(
    "params", [np.zeros((2, 2)), np.zeros(3, np.int64), np.zeros(3, np.float16), [0.0]], ids=repr
)
def test_parameters_that_are_not_a_flat_array_of_floats_are_refused(optimizer, params):
    with pytest.raises(InvalidOptionError, match="flat numpy array"):
        optimizer.init(params)


@pytest.mark.parametrize("optimizer", [GradientDescent(), SGD(momentum=0.9), Adam()], ids=repr)
def test_a_gradient_or_a_state_of_another_size_is_refused_and_nothing_moves(optimizer):
    params = np.ones(4)
    state = optimizer.init(params)
    with pytest.raises(InvalidOptionError, match=r"\(1,\)"):
        optimizer.update_(params, np.ones(1), state)
    with pytest.raises(InvalidOptionError, match="float32"):
        optimizer.update_(params, np.ones(4, np.float32), state)
    assert np.array_equal(params, np.ones(4))
    assert state["step"] == 0


def test_the_numbers_of_a_state_go_through_json():
    params, target = problem(3)
    state = run(Adam(), params, target, steps=2)
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in state.items()}
    assert json.loads(json.dumps(plain)) == plain
