"""Activations of hidden layers and their derivatives, in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "activate_", "multiply_by_slope_", "needs_slope"]

ACTIVATIONS = ("gelu", "relu", "tanh")


def needs_slope(activation: str) -> bool:
    """Tell whether the derivative cannot be had from the output, so that `activate_` has to keep it."""
    return activation == "gelu"


def activate_(
    activation: str, values: NDArray[np.floating], slope: NDArray[np.floating] | None = None
) -> None:
    """Turn a layer's sums into its outputs.

    Parameters
    ----------
    activation : {"gelu", "relu", "tanh"}
    values : ndarray of shape (n_rows, n_units)
        Changed in place.
    slope : ndarray of the shape and dtype of `values`, default=None
        Receives the derivative, if it is given and the activation needs it later.
    """
    if activation == "relu":
        # numpy compares with a row of zeros twice as fast as with one zero.
        np.maximum(values, np.zeros(values.shape[1], values.dtype), out=values)
    elif activation == "tanh":
        np.tanh(values, out=values)
    else:
        _gelu_(values, slope)


def multiply_by_slope_(
    activation: str,
    delta: NDArray[np.floating],
    values: NDArray[np.floating],
    slope: NDArray[np.floating] | None,
) -> None:
    """Multiply the gradient `delta` by the activation's derivative.

    Parameters
    ----------
    activation : {"gelu", "relu", "tanh"}
    delta : ndarray of shape (n_rows, n_units)
        Changed in place.
    values : ndarray of the shape and dtype of `delta`
        The activation's output; overwritten, as it has served.
    slope : ndarray of the shape and dtype of `delta`, or None
        As `activate_` left it.
    """
    if activation == "relu":
        _clear_where_zero_(delta, values)
    elif activation == "tanh":
        np.multiply(values, values, out=values)
        np.subtract(1, values, out=values)
        np.multiply(delta, values, out=delta)
    else:
        assert slope is not None
        np.multiply(delta, slope, out=delta)


def _gelu_(values: NDArray[np.floating], slope: NDArray[np.floating] | None) -> None:
    """Turn z into z·Φ(z), and write the derivative Φ(z) + z·φ(z) into `slope`."""
    below = ndtr(values)
    if slope is not None:
        np.multiply(values, values, out=slope)
        np.multiply(slope, -0.5, out=slope)
        np.exp(slope, out=slope)
        np.multiply(slope, 1 / math.sqrt(2 * math.pi), out=slope)
        np.multiply(slope, values, out=slope)
        np.add(slope, below, out=slope)
    np.multiply(values, below, out=values)


def _clear_where_zero_(delta: NDArray[np.floating], values: NDArray[np.floating]) -> None:
    """Set `delta` to 0 where `values`, none of them negative, is 0; `values` is overwritten.

    Multiplying by ``values > 0`` would turn truth values into numbers first. Read as an integer, a positive
    number is positive and 0 is 0: negated and shifted down to the sign, it is a mask of all ones or none.
    """
    integer = f"i{values.dtype.itemsize}"
    bits, delta_bits = values.view(integer), delta.view(integer)
    np.negative(bits, out=bits)
    np.right_shift(bits, 8 * values.dtype.itemsize - 1, out=bits)
    np.bitwise_and(delta_bits, bits, out=delta_bits)
