"""Losses: gradients against finite differences, values against scikit-learn's metrics and torch."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import hinge_loss, log_loss, mean_absolute_error, mean_squared_error

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning import (
    AbsoluteLoss,
    BinaryLogLoss,
    HingeLoss,
    HuberLoss,
    MultinomialLogLoss,
    SquaredLoss,
)

STEP = 1e-5
REGRESSION = [SquaredLoss(), AbsoluteLoss(), HuberLoss(), HuberLoss(0.3)]
SIGNS = [HingeLoss(), HingeLoss(squared=True)]
LOSSES = [*REGRESSION, *SIGNS, BinaryLogLoss(), MultinomialLogLoss()]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def a_target(loss, rng, shape, dtype=np.float64):
    """Give a target such as `loss` takes."""
    if isinstance(loss, MultinomialLogLoss):
        return rng.integers(0, shape[1], shape[0])
    if isinstance(loss, HingeLoss):
        return rng.choice([-1.0, 1.0], shape).astype(dtype)
    if isinstance(loss, BinaryLogLoss):
        return rng.integers(0, 2, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def distance_from_kinks(loss, raw, target):
    """Give how far the nearest output is from where the slope jumps or the formula changes."""
    if isinstance(loss, HingeLoss):
        return np.abs(1 - raw * target).min()
    if isinstance(loss, HuberLoss):
        return np.abs(np.abs(raw - target) - loss.delta).min()
    return np.abs(raw - target).min() if isinstance(loss, AbsoluteLoss) else math.inf


def finite_differences(function, point):
    """Central differences of a function of an array, which is changed and restored."""
    result = np.empty_like(point)
    for index in np.ndindex(point.shape):
        here = point[index]
        point[index] = here + STEP
        above = function()
        point[index] = here - STEP
        below = function()
        point[index] = here
        result[index] = (above - below) / (2 * STEP)
    return result


def value_of(loss, raw, target, sample_weight=None):
    return loss.value_and_gradient(raw, target, out=np.empty_like(raw), sample_weight=sample_weight)


def gradient_of(loss, raw, target, sample_weight=None):
    out = np.full_like(raw, np.nan)
    loss.value_and_gradient(raw, target, out=out, sample_weight=sample_weight)
    return out


@st.composite
def raws(draw):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 4)))
    return draw(arrays(np.float64, shape, elements=st.floats(-20, 20, width=32)))


@every_loss
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@settings(max_examples=60, deadline=None)
@given(raw=raws(), seed=st.integers(0, 2**32 - 1))
def test_the_gradient_is_the_slope_of_the_value(loss, weighted, raw, seed):
    rng = np.random.default_rng(seed)
    target = a_target(loss, rng, raw.shape)
    weight = rng.uniform(0, 3, len(raw)) if weighted else None
    assume(distance_from_kinks(loss, raw, target) > 2 * STEP)
    before = raw.copy()
    gradient = gradient_of(loss, raw, target, weight)
    assert np.array_equal(raw, before)
    slopes = finite_differences(partial(value_of, loss, raw, target, weight), raw)
    np.testing.assert_allclose(gradient, slopes, atol=2e-8)


@every_loss
def test_a_weight_counts_as_so_many_rows_and_zero_as_none(loss):
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(6, 3))
    target = a_target(loss, rng, raw.shape)
    times = np.array([0, 1, 2, 0, 3, 1])
    repeated = np.repeat(np.arange(6), times)
    scale = len(raw) / len(repeated)  # the mean is over rows, however heavy
    weighted = value_of(loss, raw, target, times * scale)
    assert weighted == pytest.approx(value_of(loss, raw[repeated], target[repeated]))
    assert not gradient_of(loss, raw, target, times * scale)[times == 0].any()


@every_loss
def test_weights_of_one_change_nothing(loss):
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(6, 3))
    target = a_target(loss, rng, raw.shape)
    assert value_of(loss, raw, target, np.ones(6)) == pytest.approx(value_of(loss, raw, target), rel=1e-15)
    np.testing.assert_allclose(
        gradient_of(loss, raw, target, np.ones(6)), gradient_of(loss, raw, target), rtol=1e-15, atol=1e-17
    )


@every_loss
def test_float32_gives_what_float64_gives(loss):
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(50, 4)).astype(np.float32)
    target = a_target(loss, rng, raw.shape, np.float32)
    weight = rng.uniform(0, 2, 50).astype(np.float32)
    wide_target = target if target.dtype.kind == "i" else target.astype(np.float64)
    wide = (raw.astype(np.float64), wide_target, weight.astype(np.float64))
    assert value_of(loss, raw, target, weight) == pytest.approx(value_of(loss, *wide), rel=1e-5)
    np.testing.assert_allclose(
        gradient_of(loss, raw, target, weight), gradient_of(loss, *wide), rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss.curvature is not None], ids=repr)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0])
def test_the_curvature_is_a_bound_of_the_gradients_change(loss, scale):
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(6, 4)) * 3
    target = a_target(loss, rng, raw.shape)
    step = rng.normal(size=raw.shape) * scale
    change = gradient_of(loss, raw + step, target) - gradient_of(loss, raw, target)
    bound = loss.curvature * np.linalg.norm(step, axis=1) / len(raw)
    assert (np.linalg.norm(change, axis=1) <= bound * (1 + 1e-9)).all()


@pytest.mark.parametrize(
    ("loss", "raw", "target", "step"),
    [
        (SquaredLoss(), [[0.0]], [[0.5]], [[1.0]]),
        (HuberLoss(), [[0.0]], [[0.1]], [[1.0]]),
        (HingeLoss(squared=True), [[0.0]], [[1.0]], [[1.0]]),
        (BinaryLogLoss(), [[0.0]], [[1.0]], [[1.0]]),
        (MultinomialLogLoss(), [[9.0, 9.0, -9.0]], [0], [[0.5**0.5, -(0.5**0.5), 0.0]]),
    ],
    ids=["squared", "huber", "squared hinge", "binary log", "multinomial log"],
)
def test_the_curvature_is_no_larger_than_needed(loss, raw, target, step):
    raw, step, target = np.array(raw), np.array(step) * STEP, np.array(target)
    change = gradient_of(loss, raw + step, target) - gradient_of(loss, raw - step, target)
    assert np.linalg.norm(change) / (2 * STEP) == pytest.approx(loss.curvature, rel=1e-6)


def test_losses_whose_slope_jumps_have_no_curvature():
    assert AbsoluteLoss().curvature is None
    assert HingeLoss().curvature is None


@pytest.mark.parametrize("weight", [None, np.array([0.5, 2.0, 0.0, 1.5])], ids=["plain", "weighted"])
def test_values_are_those_of_scikit_learns_metrics(weight):
    rng = np.random.default_rng(4)
    raw, target = rng.normal(size=(2, 4, 3))
    squared = mean_squared_error(target, raw, sample_weight=weight, multioutput=[1, 1, 1])
    assert value_of(SquaredLoss(), raw, target, weight) == pytest.approx(3 / 2 * squared)
    absolute = mean_absolute_error(target, raw, sample_weight=weight, multioutput=[1, 1, 1])
    assert value_of(AbsoluteLoss(), raw, target, weight) == pytest.approx(3 * absolute)

    codes = np.array([0, 2, 1, 1])
    softmax = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    expected = log_loss(codes, softmax, sample_weight=weight, labels=range(3))
    assert value_of(MultinomialLogLoss(), raw, codes, weight) == pytest.approx(expected)

    odds, binary = raw[:, :1], np.array([[0.0], [1.0], [1.0], [0.0]])
    p = 1 / (1 + np.exp(-odds))
    expected = log_loss(binary[:, 0], np.hstack([1 - p, p]), sample_weight=weight)
    assert value_of(BinaryLogLoss(), odds, binary, weight) == pytest.approx(expected)

    expected = hinge_loss(binary[:, 0], odds[:, 0], sample_weight=weight)
    assert value_of(HingeLoss(), odds, 2 * binary - 1, weight) == pytest.approx(expected)


def test_squared_loss_is_half_the_mean_of_squared_row_errors():
    raw, target = np.array([[1.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2))
    assert value_of(SquaredLoss(), raw, target) == 1.25
    assert np.array_equal(gradient_of(SquaredLoss(), raw, target), [[0.5, 1.0], [0.0, 0.0]])


def test_hinge_loss_of_several_columns_is_the_sum_of_one_versus_rest():
    rng = np.random.default_rng(5)
    raw = rng.normal(size=(7, 3))
    target = np.where(np.arange(3) == rng.integers(0, 3, (7, 1)), 1.0, -1.0)
    for loss in SIGNS:
        columns = [value_of(loss, raw[:, [k]], target[:, [k]]) for k in range(3)]
        assert value_of(loss, raw, target) == pytest.approx(sum(columns))


def test_squared_hinge_is_the_square_of_each_hinge():
    raw = np.array([[-1.0], [0.5], [3.0]])
    assert value_of(HingeLoss(squared=True), raw, np.ones((3, 1))) == pytest.approx((4 + 0.25 + 0) / 3)


def test_on_the_kink_the_gradient_is_zero():
    assert np.array_equal(gradient_of(AbsoluteLoss(), np.ones((1, 1)), np.ones((1, 1))), [[0.0]])
    for loss in SIGNS:
        assert np.array_equal(gradient_of(loss, np.ones((1, 1)), np.ones((1, 1))), [[0.0]])


def test_binary_log_loss_takes_probabilities_as_targets():
    gradient = gradient_of(BinaryLogLoss(), np.zeros((1, 1)), np.array([[0.5]]))
    assert np.array_equal(gradient, [[0.0]])


@pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huber_loss_is_torchs(delta, dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(6)
    raw, target = rng.normal(size=(2, 20, 1)).astype(dtype) * 3
    tensor = torch.tensor(raw, requires_grad=True)
    value = torch.nn.HuberLoss(delta=delta)(tensor, torch.tensor(target))
    value.backward()
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    assert value_of(HuberLoss(delta), raw, target) == pytest.approx(value.item(), rel=tolerance)
    np.testing.assert_allclose(gradient_of(HuberLoss(delta), raw, target), tensor.grad, rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_losses_stay_finite_and_exact_where_exponentials_would_overflow(dtype):
    raw, target = np.array([[1e4], [-1e4]], dtype), np.array([[0], [1]], dtype)
    assert value_of(BinaryLogLoss(), raw, target) == 1e4
    assert np.array_equal(gradient_of(BinaryLogLoss(), raw, target), [[0.5], [-0.5]])
    raw = np.array([[1e4, -1e4]], dtype)
    assert value_of(MultinomialLogLoss(), raw, np.array([1])) == 2e4
    assert np.array_equal(gradient_of(MultinomialLogLoss(), raw, np.array([1])), [[1.0, -1.0]])


def test_huber_loss_of_a_huge_error_does_not_overflow_in_its_square():
    raw = np.array([[1e30]], np.float32)
    assert value_of(HuberLoss(), raw, np.zeros_like(raw)) == pytest.approx(1e30)


@every_loss
def test_a_loss_of_one_column_leaves_the_raw_output_as_it_is(loss):
    raw = np.array([[2.0], [-1.0]])
    value_of(loss, raw, a_target(loss, np.random.default_rng(7), raw.shape))
    assert np.array_equal(raw, [[2.0], [-1.0]])


@pytest.mark.parametrize("delta", [0, -1.0, math.inf, math.nan, "wide", True, None])
def test_a_delta_that_is_no_positive_number_is_refused(delta):
    with pytest.raises(InvalidOptionError, match="delta must be a finite number > 0"):
        HuberLoss(delta)


@pytest.mark.parametrize("squared", [1, 0.0, None, "yes"])
def test_squared_must_be_a_truth_value(squared):
    with pytest.raises(InvalidOptionError, match="squared must be True or False"):
        HingeLoss(squared=squared)


def test_a_numpy_scalar_as_delta_does_not_widen_float32():
    raw = np.ones((2, 1), np.float32)
    assert type(HuberLoss(np.float64(0.5)).delta) is float
    assert value_of(HuberLoss(np.float64(0.5)), raw, raw - 1) == 0.375
