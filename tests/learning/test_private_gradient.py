"""Clipped gradients, noise and samples of private training, each by itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from maas_sdk.learning import (
    AbsoluteLoss,
    BinaryLogLoss,
    HingeLoss,
    HuberLoss,
    MultinomialLogLoss,
    SquaredLoss,
)
from maas_sdk.learning._nets._network import Network, Workspace
from maas_sdk.learning._private import ClippingWorkspace, NoisySteps, PrivateSteps
from maas_sdk.learning._private._randomness import Randomness
from maas_sdk.learning._sources import open_source

N_ROWS, N_FEATURES = 23, 5


def data(loss, n_outputs, dtype, n_rows=N_ROWS):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n_rows, N_FEATURES)).astype(dtype)
    if isinstance(loss, MultinomialLogLoss):
        return X, rng.integers(0, n_outputs, n_rows).astype(np.intp)
    target = rng.standard_normal((n_rows, n_outputs)).astype(dtype)
    if isinstance(loss, BinaryLogLoss):
        target = (target > 0).astype(dtype)
    return X, np.sign(target) if isinstance(loss, HingeLoss) else target


def by_loop(network, loss, params, X, target, max_norm):
    """Sum the clipped gradients of single rows, and count how many had to be clipped."""
    workspace = Workspace(network, loss, params, max_rows=1, alpha=0.0)
    total, clipped = np.zeros(params.size), 0
    for row in range(len(X)):
        workspace.loss_and_gradient(X[row : row + 1], target[row : row + 1])
        norm = np.linalg.norm(workspace.grads.astype(np.float64))
        clipped += norm > max_norm
        total += workspace.grads * (max_norm / max(norm, max_norm))
    return total, clipped


@pytest.mark.parametrize("activation", ["gelu", "relu", "tanh"])
@pytest.mark.parametrize("hidden", [(), (7,), (8, 6, 4)])
@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [
        (MultinomialLogLoss(), 4),
        (BinaryLogLoss(), 1),
        (SquaredLoss(), 2),
        (AbsoluteLoss(), 2),
        (HuberLoss(0.5), 1),
        (HingeLoss(), 3),
        (HingeLoss(squared=True), 1),
    ],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-6)])
def test_ghost_clipping_equals_the_loop_over_rows(activation, hidden, loss, n_outputs, dtype, tolerance):
    network = Network((N_FEATURES, *hidden, n_outputs), activation)
    params = network.random_parameters(np.random.RandomState(0), dtype)
    X, target = data(loss, n_outputs, dtype)
    _, norms_above = by_loop(network, loss, params, X, target, 1.0)
    max_norm = 1.0 if 0 < norms_above < N_ROWS else 2.5
    expected, _ = by_loop(network, loss, params, X, target, max_norm)
    workspace = ClippingWorkspace(network, loss, params, max_rows=N_ROWS, alpha=0.0)
    total = workspace.clipped_gradient(X, target, max_norm)
    assert np.linalg.norm(workspace.grads - expected) <= tolerance * np.linalg.norm(expected)
    plain = Workspace(network, loss, params, max_rows=N_ROWS, alpha=0.0)
    mean = plain.loss_and_gradient(X, target)
    assert total == pytest.approx(mean * N_ROWS, rel=1e-6)


def test_a_bound_that_no_row_reaches_leaves_the_plain_sum():
    network, loss = Network((N_FEATURES, 6, 3), "relu"), MultinomialLogLoss()
    params = network.random_parameters(np.random.RandomState(0), "float64")
    X, target = data(loss, 3, "float64")
    plain = Workspace(network, loss, params, max_rows=N_ROWS, alpha=0.0)
    plain.loss_and_gradient(X, target)
    workspace = ClippingWorkspace(network, loss, params, max_rows=N_ROWS, alpha=0.0)
    workspace.clipped_gradient(X, target, 1e6)
    np.testing.assert_allclose(workspace.grads, plain.grads * N_ROWS, rtol=1e-12, atol=1e-14)


def test_dropout_is_clipped_row_by_row_with_what_was_dropped():
    network, loss = Network((N_FEATURES, 30, 3), "tanh"), MultinomialLogLoss()
    params = network.random_parameters(np.random.RandomState(0), "float64")
    X, target = data(loss, 3, "float64", n_rows=1)
    made = []
    for kind, max_norm in ((Workspace, None), (ClippingWorkspace, 0.1)):
        workspace = kind(
            network,
            loss,
            params,
            max_rows=1,
            alpha=0.0,
            dropout=0.5,
            dropout_rng=np.random.default_rng(3),
        )
        if max_norm is None:
            workspace.loss_and_gradient(X, target)
        else:
            workspace.clipped_gradient(X, target, max_norm)
        made.append(workspace.grads)
    plain, clipped = made
    np.testing.assert_allclose(clipped, plain * 0.1 / np.linalg.norm(plain), rtol=1e-12)


@pytest.mark.parametrize("hidden", [(), (6,)])
def test_no_row_moves_the_sum_by_more_than_the_bound(hidden):
    network, loss = Network((N_FEATURES, *hidden, 2), "relu"), SquaredLoss()
    params = network.random_parameters(np.random.RandomState(0), "float32")
    X, target = data(loss, 2, "float32")
    workspace = ClippingWorkspace(network, loss, params, max_rows=N_ROWS + 1, alpha=0.0)
    workspace.clipped_gradient(X, target, 0.7)
    before = workspace.grads.astype(np.float64)
    for size in (1e-3, 1.0, 1e4, 1e15, 1e30):
        more, to = np.vstack([X, np.full((1, N_FEATURES), size, "float32")]), np.vstack([target, [[9, -9]]])
        with np.errstate(all="ignore"):
            workspace.clipped_gradient(more, to.astype("float32"), 0.7)
        assert np.isfinite(workspace.grads).all()
        assert np.linalg.norm(workspace.grads - before) <= 0.7 * (1 + 1e-5)


def steps(*, noise, rows, seed=5, max_rows=10, alpha=0.0):
    network, loss = Network((N_FEATURES, 2)), SquaredLoss()
    params = np.ones(network.n_parameters)
    X, target = data(loss, 2, "float64", n_rows=rows)
    source = open_source(X, target, dtype="float64", batch_rows=max_rows)
    workspace = ClippingWorkspace(network, loss, params, max_rows=source.max_rows, alpha=alpha)
    options = PrivateSteps(noise_multiplier=noise, max_grad_norm=0.5, delta=1e-5, public=(), unsafe_seed=seed)
    return NoisySteps(workspace, source, options), workspace, X, target


def test_the_sum_is_divided_by_the_expected_rows_and_not_by_those_that_came():
    noisy, workspace, X, target = steps(noise=1e-12, rows=40)
    assert noisy.sampling_rate == 0.25
    counts = set()
    for seed in range(6):
        noisy._randomness = Randomness(seed)
        rows = Randomness(seed).sample(40, 0.25)
        loss, n_rows = noisy.gradient()
        assert n_rows == len(rows)
        assert loss > 0
        counts.add(n_rows)
        private = workspace.grads.copy()
        expected = np.zeros(workspace.grads.size)
        for row in rows:
            workspace.clipped_gradient(X[[row]], target[[row]], 0.5)
            expected += workspace.grads
        np.testing.assert_allclose(private, expected / 10, atol=1e-11)
    assert len(counts) > 1


def test_a_sample_larger_than_the_buffers_is_taken_in_pieces():
    noisy, workspace, X, target = steps(noise=1e-12, rows=1000)
    noisy._randomness.sample = lambda n_rows, _: np.arange(n_rows)
    noisy.gradient()
    private = workspace.grads.copy()
    large = ClippingWorkspace(
        Network((N_FEATURES, 2)), SquaredLoss(), workspace.params, max_rows=1000, alpha=0.0
    )
    large.clipped_gradient(X, target, 0.5)
    np.testing.assert_allclose(private, large.grads / 10, rtol=1e-9, atol=1e-9)


def test_an_empty_sample_is_noise_alone_and_the_penalty_has_no_noise_of_its_own():
    noisy, workspace, _, _ = steps(noise=1e-12, rows=40, alpha=0.5)
    noisy._randomness.sample = lambda *_: np.empty(0, np.intp)
    assert noisy.gradient() == (0.0, 0)
    np.testing.assert_allclose(workspace.grads[: 2 * N_FEATURES], 0.5, atol=1e-9)
    np.testing.assert_allclose(workspace.grads[2 * N_FEATURES :], 0.0, atol=1e-9)


def test_the_noise_of_a_step_has_the_deviation_that_is_accounted_for():
    noisy, workspace, _, _ = steps(noise=3.0, rows=40)
    noisy._randomness.sample = lambda *_: np.empty(0, np.intp)
    drawn = []
    for _ in range(400):
        noisy.gradient()
        drawn.append(workspace.grads.copy())
    values = np.concatenate(drawn)
    assert values.std() == pytest.approx(3.0 * 0.5 / 10, rel=0.04)


@pytest.mark.parametrize("seed", [None, 0])
def test_noise_is_normal_and_independent(seed):
    values = np.zeros(100_001)
    Randomness(seed).add_noise_(values, 2.0)
    again = np.zeros(100_001)
    Randomness(seed).add_noise_(again, 2.0)
    assert np.array_equal(values, again) == (seed is not None)
    # Each of these fails by chance once in a million runs or less.
    assert stats.kstest(values / 2, "norm").pvalue > 1e-7
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.02
    half = values.size // 2
    assert abs(np.corrcoef(values[:half], values[half : 2 * half])[0, 1]) < 0.03


@pytest.mark.parametrize("seed", [None, 0])
def test_each_row_is_sampled_by_itself_at_the_rate(seed):
    randomness = Randomness(seed)
    counts = np.zeros(50)
    sizes = []
    for _ in range(4000):
        rows = randomness.sample(50, 0.3)
        counts[rows] += 1
        sizes.append(len(rows))
    assert abs(counts / 4000 - 0.3).max() < 0.045
    # A binomial size, neither constant nor clustered.
    assert np.var(sizes) == pytest.approx(50 * 0.3 * 0.7, rel=0.15)
    np.testing.assert_array_equal(randomness.sample(7, 1.0), np.arange(7))


def test_global_seeds_do_not_make_draws_repeat():
    drawn = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002 - what an unwary user does
        values = np.zeros(8)
        Randomness().add_noise_(values, 1.0)
        drawn.append(values)
    assert not np.array_equal(*drawn)
