"""The network's gradient against finite differences, dropout, the penalty, and the same bits each time."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from maas_sdk.learning import (
    AbsoluteLoss,
    BinaryLogLoss,
    HingeLoss,
    HuberLoss,
    MultinomialLogLoss,
    SquaredLoss,
)
from maas_sdk.learning._nets._network import ACTIVATIONS, Network, Workspace, forward

STEP = 1e-6
ROWS = 6
RNG = np.random.default_rng(0)
X = RNG.standard_normal((ROWS, 2))
WEIGHT = RNG.uniform(0, 2, ROWS)
SIGNS = RNG.choice([-1.0, 1.0], (ROWS, 3))
CASES = [
    (SquaredLoss(), RNG.standard_normal((ROWS, 3))),
    (AbsoluteLoss(), RNG.standard_normal((ROWS, 3))),
    (HuberLoss(0.5), RNG.standard_normal((ROWS, 1))),
    (BinaryLogLoss(), RNG.integers(0, 2, (ROWS, 1)).astype(float)),
    (MultinomialLogLoss(), RNG.integers(0, 4, ROWS)),
    (HingeLoss(), SIGNS),
    (HingeLoss(squared=True), SIGNS[:, :1]),
]
every_case = pytest.mark.parametrize(("loss", "target"), CASES, ids=[repr(loss) for loss, _ in CASES])
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def n_outputs(target):
    return 4 if target.ndim == 1 else target.shape[1]


def make(hidden, target, loss, *, activation="relu", dtype=np.float64, alpha=0.0, **options):
    network = Network((2, *hidden, n_outputs(target)), activation)
    params = network.random_parameters(np.random.RandomState(1), dtype)
    return network, Workspace(network, loss, params, max_rows=8, alpha=alpha, **options)


def slopes_of(function, params):
    result = np.empty_like(params)
    for index, here in enumerate(params.copy()):
        params[index] = here + STEP
        above = function()
        params[index] = here - STEP
        below = function()
        params[index] = here
        result[index] = (above - below) / (2 * STEP)
    return result


@every_activation
@every_case
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)], ids=str)
@pytest.mark.parametrize("alpha", ["none", "number", "array"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_the_gradient_is_the_slope_of_the_penalized_loss(loss, target, activation, hidden, alpha, weight):
    n_weights = Network((2, *hidden, n_outputs(target))).n_weights
    strength = {"none": 0.0, "number": 0.3, "array": np.random.default_rng(2).uniform(0, 1, n_weights)}[alpha]
    _, workspace = make(hidden, target, loss, activation=activation, alpha=strength)
    value = partial(workspace.loss_and_gradient, X, target, weight)
    value()
    grads = workspace.grads.copy()
    np.testing.assert_allclose(grads, slopes_of(value, workspace.params), atol=1e-7)


@every_activation
@every_case
def test_the_gradient_with_dropout_is_the_slope_of_the_loss_with_the_same_units_dropped(
    loss, target, activation
):
    rng = np.random.default_rng(3)
    state = rng.bit_generator.state
    _, workspace = make((6, 5), target, loss, activation=activation, alpha=0.1, dropout=0.4, dropout_rng=rng)

    def value():
        rng.bit_generator.state = state
        return workspace.loss_and_gradient(X, target)

    value()
    grads = workspace.grads.copy()
    np.testing.assert_allclose(grads, slopes_of(value, workspace.params), atol=1e-7)


def test_an_array_of_equal_penalties_is_one_penalty():
    target = np.zeros((ROWS, 1))
    network, one = make((5,), target, SquaredLoss(), alpha=0.3)
    _, each = make((5,), target, SquaredLoss(), alpha=np.full(network.n_weights, 0.3))
    assert one.loss_and_gradient(X, target) == pytest.approx(each.loss_and_gradient(X, target), rel=1e-15)
    np.testing.assert_allclose(one.grads, each.grads, rtol=1e-14)


def test_the_penalty_is_half_alpha_times_the_squared_weights_and_spares_biases():
    target = np.zeros((ROWS, 1))
    network, plain = make((5,), target, SquaredLoss())
    _, penalized = make((5,), target, SquaredLoss(), alpha=0.5)
    weights = plain.params[: network.n_weights]
    more = penalized.loss_and_gradient(X, target) - plain.loss_and_gradient(X, target)
    assert more == pytest.approx(0.25 * np.sum(weights**2))
    assert np.array_equal(penalized.grads[network.n_weights :], plain.grads[network.n_weights :])


@every_activation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_one_seed_gives_the_same_bits_whatever_the_buffers_held(activation, dtype, dropout):
    target = np.array([0, 1, 2, 3, 0, 1])
    results = []
    for garbage in (0, np.nan):
        _, workspace = make(
            (50, 7),
            target,
            MultinomialLogLoss(),
            activation=activation,
            dtype=dtype,
            alpha=0.1,
            dropout=dropout,
            dropout_rng=np.random.default_rng(4),
        )
        workspace.grads[:] = garbage
        workspace.loss_and_gradient(X[:3].astype(dtype), target[:3])
        loss = workspace.loss_and_gradient(X.astype(dtype), target)
        results.append((loss, workspace.grads.tobytes()))
    assert results[0] == results[1]


@every_activation
def test_without_dropout_the_loss_in_training_is_that_of_the_prediction(activation):
    target = np.array([0, 1, 2, 3, 0, 1])
    loss = MultinomialLogLoss()
    network, workspace = make((5, 4), target, loss, activation=activation, dtype=np.float32)
    raw = forward(X.astype(np.float32), *network.views(workspace.params), activation)
    assert raw.dtype == np.float32
    expected = loss.value_and_gradient(raw, target, out=np.empty_like(raw))
    assert workspace.loss_and_gradient(X.astype(np.float32), target) == expected


def test_activations_are_what_they_are_called():
    values = np.linspace(-12, 12, 101)
    coefs, intercepts = [np.ones((1, 1))] * 2, [np.zeros(1)] * 2

    def through(activation):
        return forward(values[:, None], coefs, intercepts, activation)[:, 0]

    assert np.array_equal(through("relu"), np.where(values > 0, values, 0))
    np.testing.assert_allclose(through("tanh"), np.tanh(values), rtol=1e-15)
    np.testing.assert_allclose(through("gelu"), values * norm.cdf(values), rtol=1e-12, atol=1e-300)


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_is_torchs(activation, dtype):
    torch = pytest.importorskip("torch")
    target = np.array([0, 1, 2, 3, 0, 1])
    network, workspace = make((16, 8), target, MultinomialLogLoss(), activation=activation, dtype=dtype)
    value = workspace.loss_and_gradient(X.astype(dtype), target)
    weights, biases = (
        [torch.tensor(array, requires_grad=True) for array in arrays]
        for arrays in network.views(workspace.params)
    )
    function = {"gelu": torch.nn.functional.gelu, "relu": torch.relu, "tanh": torch.tanh}[activation]
    values = torch.tensor(X.astype(dtype))
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        values = (function(values) if layer else values) @ weight + bias
    loss = torch.nn.functional.cross_entropy(values, torch.tensor(target))
    loss.backward()
    grads = np.concatenate([tensor.grad.numpy().ravel() for tensor in (*weights, *biases)])
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    assert value == pytest.approx(loss.item(), rel=tolerance)
    assert np.linalg.norm(workspace.grads - grads) < tolerance * np.linalg.norm(grads)


def test_dropout_keeps_the_expected_output_and_drops_so_many():
    n_units, dropout = 20_000, 0.3
    # The first layer gives 1 everywhere; its kept outputs show in the gradient of the second layer's weights.
    network = Network((1, n_units, 1), "relu")
    params = np.zeros(network.n_parameters)
    weights, biases = network.views(params)
    biases[0][:] = 1
    weights[1][:] = 1 / n_units
    workspace = Workspace(
        network,
        AbsoluteLoss(),
        params,
        max_rows=1,
        alpha=0.0,
        dropout=dropout,
        dropout_rng=np.random.default_rng(5),
    )
    value = workspace.loss_and_gradient(np.zeros((1, 1)), np.zeros((1, 1)))
    assert value == pytest.approx(1, abs=0.02)
    outputs = network.views(workspace.grads)[0][1][:, 0]
    np.testing.assert_allclose(np.unique(outputs), [0, 1 / (1 - dropout)])
    assert np.mean(outputs == 0) == pytest.approx(dropout, abs=0.015)


def test_each_batch_drops_other_units_and_inputs_and_outputs_are_never_dropped():
    target = np.ones((ROWS, 1))
    rng = np.random.default_rng(6)
    _, workspace = make((30,), target, SquaredLoss(), dropout=0.5, dropout_rng=rng)
    values = {workspace.loss_and_gradient(X, target) for _ in range(5)}
    assert len(values) == 5
    _, linear = make((), target, SquaredLoss(), dropout=0.5, dropout_rng=rng)
    values = {linear.loss_and_gradient(X, target) for _ in range(5)}
    assert len(values) == 1


def test_a_smaller_batch_uses_its_rows_only():
    target = np.zeros((ROWS, 1))
    _, workspace = make((5,), target, SquaredLoss())
    workspace.loss_and_gradient(X, target)
    after_a_larger_one = workspace.loss_and_gradient(X[:2], target[:2])
    _, fresh = make((5,), target, SquaredLoss())
    assert after_a_larger_one == fresh.loss_and_gradient(X[:2], target[:2])
    assert np.array_equal(workspace.grads, fresh.grads)


def test_views_share_the_flat_buffer_and_cover_it_once():
    network = Network((3, 4, 2))
    flat = np.zeros(network.n_parameters)
    weights, biases = network.views(flat)
    assert [w.shape for w in weights] == [(3, 4), (4, 2)]
    for view in (*weights, *biases):
        np.add(view, 1, out=view)
    assert np.array_equal(flat, np.ones(3 * 4 + 4 * 2 + 4 + 2))
