"""Counts what noisy steps cost: Rényi divergences of the subsampled Gaussian mechanism, and ε of them.

Two data sets are neighbours if one has one row more than the other. All sums are taken of logarithms, so that
nothing overflows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import gammaln, log_ndtr, logsumexp

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_integer, check_real

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DEFAULT_ORDERS", "RenyiAccountant", "noise_for"]

DEFAULT_ORDERS: Final[tuple[float, ...]] = (
    *(1 + tenth / 10 for tenth in range(1, 100)),
    *map(float, range(11, 64)),
    128.0,
    256.0,
    512.0,
    1024.0,
)
"""Orders of the divergences, those of dp-accounting: ε is the least that any of them proves."""

_TERMS: Final = 1024  # of a series, at first
_MOST_TERMS: Final = 2**20
_NEGLIGIBLE: Final = -30.0  # a term's logarithm, less that of the sum
_LEAST_ORDER: Final = 1.01  # below it the conversion is not stable, and never the best
_MOST_NOISE: Final = 1e6
_PRECISION: Final = 1e-4  # of a noise multiplier that is searched for


class RenyiAccountant:
    """Adds up the Rényi divergences of steps with Gaussian noise on Poisson samples.

    Parameters
    ----------
    orders : sequence of float, default=DEFAULT_ORDERS
        Greater than 1; integers and fractions.

    Attributes
    ----------
    orders : ndarray of shape (n_orders,)
    divergences : ndarray of shape (n_orders,)
        The sum so far, at each order.

    Raises
    ------
    InvalidOptionError
        If there are no orders, or one is not greater than 1.

    References
    ----------
    I. Mironov, K. Talwar, L. Zhang, "Rényi Differential Privacy of the Sampled Gaussian Mechanism", 2019,
    arXiv:1908.10530; the conversion to ε: C. Canonne, G. Kamath, T. Steinke, "The Discrete Gaussian for
    Differential Privacy", 2020, arXiv:2004.00010, proposition 12, and B. Balle et al., "Hypothesis Testing
    Interpretations and Rényi Differential Privacy", 2020, arXiv:1905.09982.

    Examples
    --------
    >>> accountant = RenyiAccountant()
    >>> accountant.add(noise_multiplier=1.0, sampling_rate=0.01, steps=1000)
    >>> round(accountant.epsilon(delta=1e-5), 3)
    2.101
    """

    def __init__(self, orders: Sequence[float] = DEFAULT_ORDERS) -> None:
        checked = [check_real("each of orders", order, above=1) for order in orders]
        if not checked:
            raise InvalidOptionError("orders must not be empty")
        self.orders: NDArray[np.float64] = np.array(checked)
        self.divergences: NDArray[np.float64] = np.zeros(len(checked))

    def add(self, *, noise_multiplier: float, sampling_rate: float, steps: int) -> None:
        """Count `steps` more steps.

        Parameters
        ----------
        noise_multiplier : float
            Standard deviation of the noise over the norm that one row can add to a sum; greater than 0.
        sampling_rate : float
            Probability with which each row takes part in a step, in [0, 1].
        steps : int
            At least 0.
        """
        noise = check_real("noise_multiplier", noise_multiplier, above=0)
        rate = _check_rate(sampling_rate)
        number = check_integer("steps", steps, minimum=0)
        if number:
            self.divergences += number * _divergences(self.orders, noise, rate)

    def epsilon(self, delta: float) -> float:
        """Give the ε that holds with this δ, in (0, 1)."""
        return self.epsilon_and_order(delta)[0]

    def epsilon_and_order(self, delta: float) -> tuple[float, float]:
        """Give the ε that holds with this δ, and the order that proves it."""
        delta = check_real("delta", delta, above=0, below=1)
        orders, divergences = self.orders, self.divergences
        with np.errstate(invalid="ignore"):
            found = divergences + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)
        found[orders <= _LEAST_ORDER] = math.inf
        # Where the divergence is that small, δ alone covers it: its total variation is at most √(1 - e^-RDP).
        found[delta**2 + np.expm1(-divergences) > 0] = 0.0
        best = int(np.argmin(found))
        return max(0.0, float(found[best])), float(orders[best])


def noise_for(
    *,
    epsilon: float,
    delta: float,
    sampling_rate: float,
    steps: int,
    orders: Sequence[float] = DEFAULT_ORDERS,
) -> float:
    """Give the least noise multiplier, up to a ten-thousandth, with which `steps` steps stay within ε.

    Parameters
    ----------
    epsilon : float
        Greater than 0.
    delta : float
        In (0, 1).
    sampling_rate : float
        In [0, 1]: the batch size over the number of rows.
    steps : int
        At least 1: epochs times the rows over the batch size, rounded up.
    orders : sequence of float, default=DEFAULT_ORDERS
        Of the divergences.

    Raises
    ------
    InvalidOptionError
        If an option is out of its bounds, or no noise up to a million is enough.

    Examples
    --------
    >>> noise = noise_for(epsilon=2.0, delta=1e-5, sampling_rate=0.01, steps=1000)
    >>> round(noise, 2)
    1.02
    """
    epsilon = check_real("epsilon", epsilon, above=0)
    check_integer("steps", steps, minimum=1)

    def enough(noise: float) -> bool:
        accountant = RenyiAccountant(orders)
        accountant.add(noise_multiplier=noise, sampling_rate=sampling_rate, steps=steps)
        return accountant.epsilon(delta) <= epsilon

    low, high = 0.0, 1.0
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST_NOISE:
            raise InvalidOptionError(
                f"no noise multiplier up to {_MOST_NOISE:g} gives epsilon={epsilon:g} at delta={delta:g} "
                f"after {steps} steps: take fewer steps, or a larger epsilon or delta"
            )
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check_rate(value: Any) -> float:
    rate = check_real("sampling_rate", value, minimum=0)
    if rate > 1:
        raise InvalidOptionError(f"sampling_rate must be in [0, 1], not {value!r}")
    return rate


def _divergences(orders: NDArray[np.float64], noise: float, rate: float) -> NDArray[np.float64]:
    """Give the Rényi divergence of one step at each order."""
    if rate == 0:
        return np.zeros_like(orders)
    if rate == 1:
        plain: NDArray[np.float64] = orders / (2 * noise**2)
        return plain
    moments = [
        _integer_moment(int(order), noise, rate)
        if order.is_integer()
        else _fractional_moment(float(order), noise, rate)
        for order in orders
    ]
    # Rounding can leave a divergence of next to nothing below it.
    return np.maximum(np.array(moments) / (orders - 1), 0.0)


def _integer_moment(order: int, noise: float, rate: float) -> float:
    """Give the logarithm of A, the moment of integer order: a binomial sum, section 3.3 of Mironov et al."""
    k = np.arange(order + 1.0)
    terms = _log_binomial(order, k) + k * math.log(rate) + (order - k) * math.log1p(-rate)
    return float(logsumexp(terms + (k * k - k) / (2 * noise**2)))


def _fractional_moment(order: float, noise: float, rate: float) -> float:
    """Give an upper bound of the logarithm of A for a fraction; infinite where its series is too long.

    The two series of section 3.3 of Mironov et al., of the integrals below and above the point where both
    densities are equal. Behind the order their terms change signs; all are added as positive, as
    dp-accounting does. That errs to the safe side, and much only at small orders, which are seldom the best.
    """
    turn = noise**2 * math.log(1 / rate - 1) + 0.5
    total, begin, end = -math.inf, 0, _TERMS
    while end <= _MOST_TERMS:
        i = np.arange(float(begin), end)
        j = order - i
        both = _log_binomial(order, i)
        lower = both + i * math.log(rate) + j * math.log1p(-rate)
        lower += (i * i - i) / (2 * noise**2) + log_ndtr((turn - i) / noise)
        upper = both + j * math.log(rate) + i * math.log1p(-rate)
        upper += (j * j - j) / (2 * noise**2) + log_ndtr((j - turn) / noise)
        total = float(np.logaddexp(total, logsumexp([logsumexp(lower), logsumexp(upper)])))
        if max(lower[-1], upper[-1]) < total + _NEGLIGIBLE:
            return total
        begin, end = end, 2 * end
    return math.inf


def _log_binomial(order: float, k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the logarithms of the binomial coefficients, their signs left out."""
    found: NDArray[np.float64] = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    return found
