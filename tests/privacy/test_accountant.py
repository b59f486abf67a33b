"""The privacy accountant, against dp-accounting and against what is known without either."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from maas_sdk.errors import InvalidOptionError
from maas_sdk.privacy import RenyiAccountant, noise_for

VECTORS = Path(__file__).parent.parent / "vectors" / "renyi_accountant.json"
CASES = json.loads(VECTORS.read_text(encoding="utf-8"))


def accountant_of(case, **options):
    accountant = RenyiAccountant(**options)
    accountant.add(**{name: case[name] for name in ("noise_multiplier", "sampling_rate", "steps")})
    return accountant


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['noise_multiplier']}-{case['steps']}")
def test_it_equals_dp_accounting_at_the_same_orders(case):
    accountant = accountant_of(case)
    for delta, epsilon in case["epsilons"]:
        assert accountant.epsilon(delta) == pytest.approx(epsilon, rel=1e-6, abs=1e-6)
    at = {float(order): value for order, value in zip(accountant.orders, accountant.divergences, strict=True)}
    for order, divergence in zip(case["orders"], case["divergences"], strict=True):
        assert at[order] / case["steps"] == pytest.approx(divergence / case["steps"], rel=3e-6, abs=1e-6)


def test_it_equals_the_dp_accounting_that_is_installed():
    dp_accounting = pytest.importorskip("dp_accounting")
    rdp = pytest.importorskip("dp_accounting.rdp")
    for noise, rate, steps in ((0.7, 0.03, 500), (2.5, 0.2, 77), (1.0, 1e-4, 100_000)):
        theirs = rdp.RdpAccountant()
        step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
        theirs.compose(dp_accounting.SelfComposedDpEvent(step, steps))
        ours = RenyiAccountant()
        ours.add(noise_multiplier=noise, sampling_rate=rate, steps=steps)
        assert ours.epsilon(1e-5) == pytest.approx(theirs.get_epsilon(1e-5), rel=1e-6)


@pytest.mark.parametrize("order", [1.5, 2.0, 3.7, 8.0])
def test_a_divergence_is_the_integral_that_defines_it(order):
    noise, rate = 1.2, 0.15

    def moment(x):
        with_row = (1 - rate) * norm.pdf(x, 0, noise) + rate * norm.pdf(x, 1, noise)
        without = norm.pdf(x, 0, noise)
        return without * (with_row / without) ** order

    integral, _ = quad(moment, -20, 20, limit=500)
    accountant = RenyiAccountant([order])
    accountant.add(noise_multiplier=noise, sampling_rate=rate, steps=1)
    (divergence,) = accountant.divergences
    exact = math.log(integral) / (order - 1)
    if order.is_integer():
        assert divergence == pytest.approx(exact, rel=1e-9)
    else:  # an upper bound, coarse where the order is small
        assert exact < divergence < 1.4 * exact


def test_epsilon_is_not_below_what_the_gaussian_mechanism_costs_exactly():
    """Balle and Wang's formula, for one step on all rows."""
    for noise in (0.5, 1.0, 5.0):
        accountant = RenyiAccountant()
        accountant.add(noise_multiplier=noise, sampling_rate=1.0, steps=1)
        epsilon = accountant.epsilon(1e-5)
        half, slope = 1 / (2 * noise), epsilon * noise
        exact_delta = norm.cdf(half - slope) - math.exp(epsilon) * norm.cdf(-half - slope)
        assert exact_delta <= 1e-5
        assert exact_delta > 1e-7  # and not far above it


def test_steps_add_up_in_any_order_and_grouping():
    whole, parts = RenyiAccountant(), RenyiAccountant()
    whole.add(noise_multiplier=1.0, sampling_rate=0.1, steps=30)
    whole.add(noise_multiplier=2.0, sampling_rate=0.2, steps=5)
    parts.add(noise_multiplier=2.0, sampling_rate=0.2, steps=5)
    for _ in range(3):
        parts.add(noise_multiplier=1.0, sampling_rate=0.1, steps=10)
    np.testing.assert_allclose(whole.divergences, parts.divergences, rtol=1e-12)


def test_nothing_done_costs_nothing():
    accountant = RenyiAccountant()
    assert accountant.epsilon(1e-5) == 0
    accountant.add(noise_multiplier=0.1, sampling_rate=0.0, steps=10**9)
    accountant.add(noise_multiplier=0.1, sampling_rate=1.0, steps=0)
    assert accountant.epsilon(1e-5) == 0


def test_more_noise_fewer_rows_fewer_steps_and_a_larger_delta_cost_less():
    base = {"noise_multiplier": 1.0, "sampling_rate": 0.05, "steps": 200}

    def epsilon(delta=1e-5, **changes):
        return accountant_of(base | changes).epsilon(delta)

    assert epsilon(noise_multiplier=1.1) < epsilon()
    assert epsilon(sampling_rate=0.04) < epsilon()
    assert epsilon(steps=199) < epsilon()
    assert epsilon(delta=1e-4) < epsilon()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("noise", [1e-3, 0.05, 1e5])
@pytest.mark.parametrize("rate", [1e-9, 0.5, 1 - 1e-9])
def test_nothing_overflows(noise, rate):
    accountant = RenyiAccountant()
    accountant.add(noise_multiplier=noise, sampling_rate=rate, steps=10**6)
    assert not np.isnan(accountant.divergences).any()
    assert accountant.epsilon(1e-10) >= 0


def test_noise_for_gives_the_least_noise_that_suffices():
    wanted = {"delta": 1e-5, "sampling_rate": 0.1, "steps": 100, "orders": [1.5, 2.0, 4.0, 8.0, 16.0, 32.0]}
    for epsilon in (0.5, 3.0, 50.0):
        noise = noise_for(epsilon=epsilon, **wanted)
        case = {"sampling_rate": 0.1, "steps": 100}
        orders = {"orders": wanted["orders"]}
        assert accountant_of(case | {"noise_multiplier": noise}, **orders).epsilon(1e-5) <= epsilon
        assert accountant_of(case | {"noise_multiplier": noise * 0.999}, **orders).epsilon(1e-5) > epsilon


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise_multiplier": 0.0}, "noise_multiplier must be a finite number > 0"),
        ({"noise_multiplier": math.inf}, "noise_multiplier"),
        ({"sampling_rate": 1.5}, r"sampling_rate must be in \[0, 1\], not 1.5"),
        ({"sampling_rate": -0.1}, "sampling_rate"),
        ({"steps": 1.5}, "steps must be an integer >= 0"),
        ({"steps": -1}, "steps"),
    ],
)
def test_options_out_of_bounds_are_refused(options, message):
    with pytest.raises(InvalidOptionError, match=message):
        accountant_of({"noise_multiplier": 1.0, "sampling_rate": 0.1, "steps": 1} | options)


def test_orders_and_deltas_out_of_bounds_are_refused():
    for orders in ([], [1.0], [math.nan]):
        with pytest.raises(InvalidOptionError, match="orders"):
            RenyiAccountant(orders)
    for delta in (0.0, 1.0, -1e-5):
        with pytest.raises(InvalidOptionError, match="delta"):
            RenyiAccountant().epsilon(delta)
    with pytest.raises(InvalidOptionError, match="epsilon"):
        noise_for(epsilon=0.0, delta=1e-5, sampling_rate=0.1, steps=1)
    with pytest.raises(InvalidOptionError, match="no noise multiplier up to"):
        noise_for(epsilon=1e-9, delta=1e-12, sampling_rate=1.0, steps=10**9, orders=[2.0, 4.0])
