"""Draws of private training: which rows take part, and the noise, so that nobody can guess them.

`random_state` decides neither: whoever knows a seed can subtract the noise. The bytes come from OpenSSL's
generator, which the operating system seeds and reseeds; it is five times as fast as asking the system itself.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Randomness"]

_BLOCK: Final = 2**14  # numbers at a time, which fit into a cache
_SUMMED: Final = 4
_ONE: Final = np.float64(1).view(np.uint64)  # with random bits for its fraction it is a number in [1, 2)


class Randomness:
    """Bytes made into samples and noise.

    Parameters
    ----------
    unsafe_seed : int or None
        Not None takes numpy's generator: repeatable, for tests, and no protection.
    """

    def __init__(self, unsafe_seed: int | None = None) -> None:
        self._draw: Callable[[int], bytes] = (
            ssl.RAND_bytes if unsafe_seed is None else np.random.default_rng(unsafe_seed).bytes
        )

    def sample(self, n_rows: int, rate: float) -> NDArray[np.intp]:
        """Give the rows of a Poisson sample, in order: each takes part with that probability by itself."""
        if rate >= 1:
            return np.arange(n_rows)
        drawn = np.frombuffer(self._draw(4 * n_rows), np.uint32)
        # Rounded down, so that the true rate is not above the one that is accounted for.
        return np.flatnonzero(drawn < np.uint32(rate * 2**32))

    def add_noise_(self, values: NDArray[np.float64], deviation: float) -> None:
        """Add to each of `values`, shape (n,), a number from a normal distribution, in place.

        Each is half the sum of four, so that the gaps between floating-point numbers do not betray the value
        below the noise: I. Mironov, "On Significance of the Least Significant Bits For Differential Privacy",
        2012; N. Holohan, S. Braghin, "Secure Random Sampling in Differential Privacy", 2021,
        arXiv:2107.10138.
        """
        for start in range(0, values.size, _BLOCK):
            block = values[start : start + _BLOCK]
            noise = self._normal(block.size)
            np.multiply(noise, deviation / _SUMMED**0.5, out=noise)
            np.add(block, noise, out=block)

    def _normal(self, size: int) -> NDArray[np.float64]:
        """Give sums of four standard normal numbers each, by Box and Muller's method."""
        pairs = (size + 1) // 2
        shape = (_SUMMED, pairs)
        # 52 random bits for the length, where the tails come from, and 32 for the angle. That is rounded to
        # float32, whose sine is thirty times as fast; the length fills the last bits of what is added.
        bits = np.frombuffer(self._draw(8 * _SUMMED * pairs), np.uint64).reshape(shape) >> np.uint64(12)
        np.bitwise_or(bits, _ONE, out=bits)
        length = np.subtract(2, bits.view(np.float64))  # in (0, 1]
        np.log(length, out=length)
        np.multiply(length, -2, out=length)
        np.sqrt(length, out=length)
        turns = np.frombuffer(self._draw(4 * _SUMMED * pairs), np.int32).reshape(shape)
        angle = turns.astype(np.float32)
        np.multiply(angle, np.float32(np.pi / 2**31), out=angle)
        sums = np.empty((2, pairs))
        np.multiply(length, np.cos(angle)).sum(axis=0, out=sums[0])
        np.multiply(length, np.sin(angle, out=angle)).sum(axis=0, out=sums[1])
        return sums.reshape(-1)[:size]
