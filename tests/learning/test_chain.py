"""Clips and the chain: what they do to gradients, whose state is whose, and what is refused."""

import math

import numpy as np
import pytest

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import SGD, Adam, Chain, ClipByNorm, ClipByValue, GradientDescent, chain


def clipped(clip, values, dtype=np.float64):
    grads = np.array(values, dtype)
    params = np.zeros_like(grads)
    with np.errstate(all="ignore"):
        clip.update_(params, grads, clip.init(params))
    assert not params.any()
    return grads


def test_a_long_gradient_is_shortened_to_the_norm_and_a_short_one_left_alone():
    assert np.linalg.norm(clipped(ClipByNorm(2.0), [3.0, 4.0])) == pytest.approx(2, rel=1e-6)
    assert clipped(ClipByNorm(5.1), [3.0, 4.0]).tolist() == [3, 4]


def test_the_norm_is_of_all_parameters_however_many_blocks_they_take():
    values = np.random.default_rng(0).standard_normal(123_457)
    assert clipped(ClipByNorm(1.0), values) == pytest.approx(values / np.linalg.norm(values), rel=1e-5)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e200)])
def test_a_gradient_whose_squares_overflow_is_shortened_all_the_same(dtype, size):
    assert clipped(ClipByNorm(1.0), [size, -size], dtype) == pytest.approx([math.sqrt(0.5), -math.sqrt(0.5)])


def test_what_is_not_a_number_is_not_hidden_by_a_clip():
    assert np.isnan(clipped(ClipByNorm(1.0), [1.0, math.nan])).all()
    assert np.isnan(clipped(ClipByNorm(1.0), [1.0, math.inf])).any()
    assert clipped(ClipByValue(0.5), [math.nan, math.inf, -0.1]).tolist() == pytest.approx(
        [math.nan, 0.5, -0.1], nan_ok=True
    )


def test_each_element_is_bounded_by_value():
    assert clipped(ClipByValue(0.5), [0.6, -0.7, 0.2]).tolist() == [0.5, -0.5, 0.2]


def test_a_chain_does_what_its_steps_do_one_after_the_other():
    optimizer = chain(ClipByValue(1.0), ClipByNorm(1.0), SGD(0.1, momentum=0.5))
    params, expected = np.zeros(2), np.zeros(2)
    state, own = optimizer.init(params), SGD(0.1, momentum=0.5).init(expected)
    for grads in ([5.0, -0.5], [0.1, 0.2]):
        optimizer.update_(params, np.array(grads), state)
        bounded = np.clip(grads, -1, 1)
        bounded = bounded * min(1, 1 / (np.linalg.norm(bounded) + 1e-6))
        SGD(0.1, momentum=0.5).update_(expected, bounded, own)
    assert params == pytest.approx(expected, rel=1e-14)


def test_the_states_of_the_steps_lie_side_by_side_in_a_flat_one():
    optimizer = chain(ClipByNorm(1.0), chain(ClipByValue(1.0), SGD(0.1, momentum=0.5)))
    params = np.zeros(2)
    state = optimizer.init(params)
    optimizer.update_(params, np.ones(2), state)
    assert sorted(state) == [
        *("0.step", "1.0.step", "1.1.momentum_buffer", "1.1.step", "1.step", "step"),
    ]
    assert [value for value in state.values() if isinstance(value, int)] == [1] * 5


def test_a_chain_takes_the_full_batch_where_its_optimizer_does():
    assert chain(ClipByNorm(), GradientDescent()).full_batch
    assert not chain(ClipByNorm(), Adam()).full_batch


def test_a_chain_is_a_value_and_the_call_is_the_class():
    assert chain(ClipByNorm(), Adam()) == Chain((ClipByNorm(), Adam()))
    assert hash(chain(Adam())) == hash(Chain((Adam(),)))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((), "takes a tuple of one or more steps"),
        ((ClipByNorm(),), "moves no parameters: add an optimizer"),
        ((Adam(), ClipByNorm()), r"step 0 of the chain, Adam\(.*moves the parameters; only the last"),
        ((SGD(), Adam()), "only the last step"),
        ((ClipByNorm(), "adam"), "step 1 of the chain must be an object with init and update_, not 'adam'"),
        ((Adam,), "step 0 of the chain must be an object"),
    ],
)
def test_a_chain_that_could_not_train_is_refused(steps, words):
    with pytest.raises(InvalidOptionError, match=words):
        chain(*steps)


@pytest.mark.parametrize("steps", [Adam(), [Adam()]], ids=["bare", "list"])
def test_steps_that_are_no_tuple_are_refused(steps):
    with pytest.raises(InvalidOptionError, match="takes a tuple of one or more steps"):
        Chain(steps)
