"""Rounds the weights of linear models and networks to codes of 8 or 4 bits with a scale for each output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from maas_sdk.compression._rounding import to_float16
from maas_sdk.compression._weights import WeightsCompressor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Int4Compressor", "Int8Compressor"]

_LARGEST_CODE = 127  # of eight bits
_MANY = 64  # inputs, from which fewer bits do
_LARGEST = float(np.finfo(np.float32).max)


class _CodesCompressor(WeightsCompressor):
    """Rounds each weight to a whole multiple of its output's scale."""

    _largest: ClassVar[int]

    def _why_not_values(self, array: NDArray[Any]) -> str | None:
        if array.ndim > 2:  # noqa: PLR2004 - inputs and outputs
            return f"has {array.ndim} dimensions, more than inputs and outputs"
        largest = float(np.abs(array).max(initial=0.0))
        return None if largest <= _LARGEST else f"holds {largest:.4g}, beyond float32's range"

    def _round(self, array: NDArray[Any], outputs: int | None) -> NDArray[Any]:
        if outputs is None or array.ndim == 0:
            return _rounded_intercepts(array)
        inputs = 0 if array.ndim == 1 else 1 - outputs
        largest = self._largest if array.shape[inputs] >= _MANY else _LARGEST_CODE
        peaks = np.abs(array).max(axis=inputs, keepdims=True, initial=0.0)
        scales = (peaks / largest).astype(np.float32)
        codes = np.divide(array, scales, out=np.zeros_like(array), where=scales > 0)
        # What a reader computes: one float32 product of a code and its scale.
        whole = np.rint(codes).clip(-largest, largest).astype(np.int8)
        return np.asarray(whole * scales, array.dtype)


class Int8Compressor(_CodesCompressor):
    """Rounds weights to one of 255 steps for each output: a quarter of float32's bytes.

    The scale of an output, a unit of a network or a row of `coef_`, is its largest weight divided by 127;
    rounding is to nearest, ties to even, symmetric about zero. Intercepts, of which there are few, become
    float16 where that holds them, float32 elsewhere. The arrays keep their dtype: they are stored small, as
    codes and scales, and are products again when they are loaded.

    It takes the models that :class:`Float16Compressor` takes. Inputs should be on one scale: a feature with
    tiny weights beside one with large ones loses most of its bits.
    """

    _name = "int8"
    _largest = _LARGEST_CODE


class Int4Compressor(_CodesCompressor):
    """Rounds weights to one of 15 steps for each output: an eighth of float32's bytes.

    As :class:`Int8Compressor`, with scales of the largest weight divided by 7. Layers of fewer than 64 inputs
    have eight bits: they are a small part of a network, and with few inputs the errors of rounding do not
    cancel out.
    """

    _name = "int4"
    _largest = 7


def _rounded_intercepts(array: NDArray[Any]) -> NDArray[Any]:
    halves = to_float16(array)
    return halves if np.isfinite(halves).all() else array.astype(np.float32).astype(array.dtype)
