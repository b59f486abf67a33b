"""Rounds the weights of linear models and networks to two bytes each; the arrays keep their dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from maas_sdk.compression._weights import WeightsCompressor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BFloat16Compressor", "Float16Compressor", "to_bfloat16", "to_float16"]

_BITS = 8  # of a bfloat16 that are significant
_LEAST_EXPONENT = -125  # of a normal float32, as frexp gives it: a half, or more, times a power of two
_LARGEST_BFLOAT16 = float.fromhex("0x1.fep127")


class _HalfCompressor(WeightsCompressor):
    """Rounds each number by itself."""

    _largest: ClassVar[str]

    def _why_not_values(self, array: NDArray[Any]) -> str | None:
        largest = np.abs(array).max(initial=0.0)
        if np.isfinite(self._round(np.asarray(largest), None)):
            return None
        return f"holds {largest:.4g}, beyond {self._name}'s range ({self._largest})"


class Float16Compressor(_HalfCompressor):
    """Rounds weights to values that float16 can represent.

    The arrays keep their dtype, so that prediction is computed as before (numpy's own float16 arithmetic is
    some hundred times slower); what is stored is narrow, because the serialization keeps floats in the
    narrowest form that is exact.

    It takes models whose `coef_` and `intercept_`, or `coefs_` and `intercepts_`, are plain dense arrays:
    linear models and networks, scikit-learn's and the SDK's. Rounding is to nearest, ties to even (IEEE 754):
    eleven significant bits; numbers below 6e-8 become zero.
    """

    _name = "float16"
    _largest = "65504"

    def _round(self, array: NDArray[Any], outputs: int | None) -> NDArray[Any]:  # noqa: ARG002 - each by itself
        return to_float16(array)


class BFloat16Compressor(_HalfCompressor):
    """Rounds weights to values that bfloat16 can represent: the upper half of a float32.

    Eight significant bits instead of float16's eleven, and the range of float32: for weights that are larger
    than 65504, or so small that float16 would make them zero. All else is as in :class:`Float16Compressor`;
    where float16 can hold the rounded weights, they are stored as float16, in as many bytes.
    """

    _name = "bfloat16"
    _largest = "3.39e38"

    def _round(self, array: NDArray[Any], outputs: int | None) -> NDArray[Any]:  # noqa: ARG002 - each by itself
        return to_bfloat16(array)


def to_float16(array: NDArray[Any]) -> NDArray[Any]:
    """Round to float16, and give that in the dtype of the array; infinite beyond the range."""
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(array.dtype)


def to_bfloat16(array: NDArray[Any]) -> NDArray[Any]:
    """Round to bfloat16, and give that in the dtype of the array; infinite beyond the range."""
    wide = array.astype(np.float64)
    _, exponents = np.frexp(wide)
    steps = np.ldexp(1.0, np.maximum(exponents, _LEAST_EXPONENT) - _BITS)
    nearest = np.rint(wide / steps) * steps  # exact in float64, but for the one rounding
    return np.where(np.abs(nearest) > _LARGEST_BFLOAT16, np.inf, nearest).astype(array.dtype)
