"""Losses and the network's gradient, against finite differences and against formulas."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from maas_sdk.learning import BinaryLogLoss, MultinomialLogLoss, SquaredLoss
from maas_sdk.learning._network import Network, Workspace

RNG = np.random.default_rng(0)
CASES = [
    (SquaredLoss(), RNG.standard_normal((6, 3)), RNG.standard_normal((6, 3))),
    (BinaryLogLoss(), RNG.standard_normal((6, 1)) * 3, RNG.integers(0, 2, (6, 1)).astype(float)),
    (MultinomialLogLoss(), RNG.standard_normal((6, 4)) * 3, RNG.integers(0, 4, 6)),
]
IDS = [type(loss).__name__ for loss, _, _ in CASES]


def finite_differences(function, point, *, step=1e-6):
    """Central differences of a function of an array, which is changed and restored."""
    result = np.empty_like(point)
    for index in np.ndindex(point.shape):
        here = point[index]
        point[index] = here + step
        above = function()
        point[index] = here - step
        below = function()
        point[index] = here
        result[index] = (above - below) / (2 * step)
    return result


@pytest.mark.parametrize(("loss", "raw", "target"), CASES, ids=IDS)
def test_the_gradient_is_the_slope_of_the_value(loss, raw, target):
    out = np.empty_like(raw)
    before = raw.copy()
    loss.value_and_gradient(raw, target, out=out)
    assert np.array_equal(raw, before)
    point = raw.copy()
    slopes = finite_differences(
        lambda: loss.value_and_gradient(point, target, out=np.empty_like(point)), point
    )
    np.testing.assert_allclose(out, slopes, atol=1e-8)


@pytest.mark.parametrize(("loss", "raw", "target"), CASES, ids=IDS)
def test_the_curvature_is_a_bound_of_the_gradients_change(loss, raw, target):
    one, other = np.empty_like(raw), np.empty_like(raw)
    for scale in (1e-3, 1.0, 10.0):
        step = np.random.default_rng(1).standard_normal(raw.shape) * scale
        loss.value_and_gradient(raw, target, out=one)
        loss.value_and_gradient(raw + step, target, out=other)
        bound = loss.curvature * np.linalg.norm(step) / len(raw)
        assert np.linalg.norm(other - one) <= bound * (1 + 1e-9)


def test_squared_loss_is_half_the_mean_of_squared_row_errors():
    out = np.empty((2, 2))
    value = SquaredLoss().value_and_gradient(np.array([[1.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2)), out=out)
    assert value == 1.25
    assert np.array_equal(out, [[0.5, 1.0], [0.0, 0.0]])


def test_log_losses_are_scikit_learns():
    _, raw, target = CASES[1]
    p = 1 / (1 + np.exp(-raw))
    value = BinaryLogLoss().value_and_gradient(raw, target, out=np.empty_like(raw))
    assert value == pytest.approx(log_loss(target.ravel(), np.hstack([1 - p, p]), labels=[0, 1]))
    _, raw, target = CASES[2]
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    value = MultinomialLogLoss().value_and_gradient(raw, target, out=np.empty_like(raw))
    assert value == pytest.approx(log_loss(target, p, labels=range(4)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_losses_stay_finite_and_exact_where_exponentials_would_overflow(dtype):
    raw = np.array([[1e4], [-1e4]], dtype)
    out = np.empty_like(raw)
    assert BinaryLogLoss().value_and_gradient(raw, np.array([[0], [1]], dtype), out=out) == 1e4
    assert np.array_equal(out, [[0.5], [-0.5]])
    raw = np.array([[1e4, -1e4]], dtype)
    out = np.empty_like(raw)
    assert MultinomialLogLoss().value_and_gradient(raw, np.array([1]), out=out) == 2e4
    assert np.array_equal(out, [[1.0, -1.0]])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)], ids=str)
@pytest.mark.parametrize(("loss", "raw", "target"), CASES, ids=IDS)
def test_the_networks_gradient_is_the_slope_of_its_penalized_loss(
    loss, raw, target, hidden, alpha, activation
):
    network = Network((2, *hidden, raw.shape[1]), activation)
    params = network.random_parameters(np.random.RandomState(0), np.float64)
    X = np.random.default_rng(2).standard_normal((6, 2))
    workspace = Workspace(network, loss, params, max_rows=8, alpha=alpha)
    workspace.loss_and_gradient(X, target)
    grads = workspace.grads.copy()
    slopes = finite_differences(lambda: workspace.loss_and_gradient(X, target), params)
    np.testing.assert_allclose(grads, slopes, atol=1e-7)


def test_views_share_the_flat_buffer_and_cover_it_once():
    network = Network((3, 4, 2))
    flat = np.zeros(network.n_parameters)
    weights, biases = network.views(flat)
    assert [w.shape for w in weights] == [(3, 4), (4, 2)]
    for view in (*weights, *biases):
        np.add(view, 1, out=view)
    assert np.array_equal(flat, np.ones(3 * 4 + 4 * 2 + 4 + 2))
