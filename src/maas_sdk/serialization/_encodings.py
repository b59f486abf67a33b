"""Float arrays ⇄ fewer bytes, exactly: bfloat16, codes with a scale for each channel, zeros left out.

What is stored of an array is a *form*: arrays by name, and perhaps another form in it. `smallest` finds the
one with the fewest bytes and proves that it returns every bit; `FormReader` undoes it on untrusted arrays.

- ``{"tensor": array}``: the array itself.
- ``{"bfloat16": form}``: the upper halves of float32 numbers, as uint16.
- ``{"codes": form, "scales": array}``: the float32 products of codes, int8 or uint8, and of a float32 scale
  for each row, each column or all.
- ``{"nibbles": array, "shape": […]}``: int8 codes from -7 to 7, two a byte, the first in the low half.
- ``{"nonzero": array, "values": form, "shape": […]}``: a bit for each element, the first in the lowest bit,
  and those elements alone whose bits are not all zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.serialization._arrays import narrow, read_shape, widen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maas_sdk.serialization._place import Place

__all__ = ["EXPANSION", "FormReader", "excess", "smallest"]

Form = dict[str, Any]

EXPANSION = 16
"""Times its bytes that a file may take in memory."""

_WORTH = 1024  # bytes that a form must save: its references take some in the document
_SAMPLE = 2048
_LOWER = 0xFFFF
_CODES, _NIBBLES = 127, 7  # the largest
_ULPS = (0, 1, -1, 2, -2)  # by so many the quotient of a rounded product may be off
_SHARE = np.float32(1 / 255)
_LARGEST_SCALE = np.finfo(np.float32).max / 256  # times any code a number
_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def smallest(array: NDArray[Any], spare: int) -> Form:
    """Give the form of a C-contiguous array that takes the fewest bytes; of equal ones the simplest.

    One that saves less than an eighth is none: the array itself can be mapped into memory.

    Parameters
    ----------
    array : ndarray
    spare : int
        Bytes of memory that it may take beyond what a reader allows for the bytes of its form.
    """
    plain = narrow(array)
    best: Form = {"tensor": plain}
    if array.dtype.kind != "f" or plain.nbytes <= _WORTH:
        return best
    bound = plain.nbytes - max(_WORTH, plain.nbytes // 8)
    for form in _forms(plain):
        size = _size(form)
        if size <= bound and excess(array, form) <= spare:
            best, bound = form, size - 1
    return best


def excess(array: NDArray[Any], form: Form) -> int:
    """Give by how many bytes an array in memory exceeds what a reader allows for the bytes of a form."""
    return max(array.nbytes - EXPANSION * _size(form), 0)


def _size(form: Form) -> int:
    parts = (value for key, value in form.items() if key != "shape")
    return sum(value.nbytes if isinstance(value, np.ndarray) else _size(value) for value in parts)


def _forms(plain: NDArray[Any]) -> Iterator[Form]:
    """Give the forms that return every bit, simple ones first."""
    yield from _without_zeros(plain)
    if plain.dtype == np.float64:
        return
    for halves in _upper_halves(plain):
        yield {"bfloat16": {"tensor": halves}}
        yield from ({"bfloat16": form} for form in _without_zeros(halves))
    for codes, scales in _codes(plain):
        yield {"codes": {"tensor": codes}, "scales": scales}
        for form in _without_zeros(codes):
            yield {"codes": form, "scales": scales}
        if codes.dtype == np.int8 and max(codes.max(), -codes.min()) <= _NIBBLES:
            yield {"codes": _nibbles(codes), "scales": scales}
            for form in _without_zeros(codes):
                values = _nibbles(form["values"]["tensor"])
                yield {"codes": {**form, "values": values}, "scales": scales}


# --- Writing


def _without_zeros(array: NDArray[Any]) -> Iterator[Form]:
    """Give the bits and the rest, where a sample has so many zeros that this may be smaller by an eighth."""
    flat = array.reshape(-1)
    bits = flat.view(_BITS[array.itemsize])  # of -0.0 one is set
    sample = bits[:: max(flat.size // _SAMPLE, 1) | 1]  # an odd step, which columns do not follow
    if np.count_nonzero(sample) > sample.size * (1 - (1 + 1 / array.itemsize) / 16):
        return
    kept = bits != 0
    packed = np.packbits(kept, bitorder="little")
    yield {"nonzero": packed, "values": {"tensor": flat[kept]}, "shape": list(array.shape)}


def _upper_halves(plain: NDArray[Any]) -> Iterator[NDArray[np.uint16]]:
    """Give the upper halves of float32 numbers, where the lower ones are zero."""
    if plain.dtype == np.float32:
        bits = plain.view(np.uint32)
        if not (bits.reshape(-1)[:_SAMPLE] & _LOWER).any() and not (bits & _LOWER).any():
            yield (bits >> 16).astype(np.uint16)


def _codes(plain: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[np.float32]]]:
    """Give codes and scales, the float32 products of which are the numbers given.

    The scale of a channel, a row or a column, is its largest number divided by the largest code; that of
    shares, such as trees predict them, is 1/255 for all.
    """
    if _are_few(plain.reshape(-1)) and _are_shares(plain.reshape(-1)[:_SAMPLE]) and _are_shares(plain):
        yield _quotients(plain, _SHARE)[0].astype(np.uint8), np.full((1,) * plain.ndim, _SHARE)
    if plain.ndim not in (1, 2):
        return
    for axis in range(plain.ndim):
        first = plain if plain.ndim == 1 else plain[:, :1] if axis == 0 else plain[:1]
        if not _are_few(first.reshape(-1)):
            continue
        for largest in (_NIBBLES, _CODES):
            if _scales(first, axis, largest, most=_SAMPLE) is None:
                continue
            scales = _scales(plain, axis, largest)
            if scales is not None:
                yield _quotients(plain, scales)[0].astype(np.int8), scales


def _are_few(numbers: NDArray[Any]) -> bool:
    """Whether there are no more than codes: of nearly all arrays a look at some numbers shows that."""
    return np.unique(numbers[:_SAMPLE]).size <= 256  # noqa: PLR2004 - of a byte


def _are_shares(numbers: NDArray[Any]) -> bool:
    return bool(numbers.min() >= 0 and numbers.max() <= 1 and _quotients(numbers, _SHARE)[1].all())


def _scales(
    plain: NDArray[Any], axis: int, largest: int, *, most: int | None = None
) -> NDArray[np.float32] | None:
    """Give the scale of each channel, along which `axis` runs; compare the first `most` numbers of each."""
    with np.errstate(all="ignore"):
        peaks = np.maximum(plain.max(axis, keepdims=True), -plain.min(axis, keepdims=True))
        peaks = peaks.astype(np.float32)
        near = peaks / np.float32(largest)
        bits = near.view(np.int32)  # positive floats are in the order of their bits
        head = plain[(slice(None),) * axis + (slice(most),)]
        scales = np.full_like(near, np.nan)
        for ulps in _ULPS:
            trial = np.where(near > 0, (bits + np.int32(ulps)).view(np.float32), np.float32(0))
            fits = _quotients(head, trial)[1].all(axis, keepdims=True) & np.isfinite(peaks)
            scales = np.where(np.isnan(scales) & fits, trial, scales)
            if not np.isnan(scales).any():
                return scales
    return None


def _quotients(
    plain: NDArray[Any], scales: NDArray[np.float32] | np.float32
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Give whole numbers, and where their products with the scales are the numbers given to the last bit."""
    numbers = plain.astype(np.float32, copy=False)
    with np.errstate(all="ignore"):
        codes = np.rint(numbers / scales)
        codes[~np.isfinite(codes)] = 0
        codes += 0.0  # makes -0.0 what an integer makes of it
        return codes, (codes * scales).view(np.uint32) == numbers.view(np.uint32)


def _nibbles(codes: NDArray[np.int8]) -> Form:
    low = np.zeros(-(-codes.size // 2) * 2, np.uint8)
    low[: codes.size] = codes.reshape(-1).view(np.uint8) & 15
    return {"nibbles": low[::2] | low[1::2] << 4, "shape": list(codes.shape)}


# --- Reading


@frozen
class FormReader:
    """Reads what an untrusted document says of one array.

    Parameters
    ----------
    take : callable
        Gives the array of a reference.
    reserve : callable
        Takes a number of bytes before they are allocated, and raises if it is too large.
    dtype : dtype
        What is to come out.
    place : Place
    """

    take: Callable[[Any], NDArray[Any]]
    reserve: Callable[[int], None]
    dtype: np.dtype[Any]
    place: Place

    def read(self, node: dict[str, Any]) -> NDArray[Any]:
        """Give the array."""
        if node.keys() == {"bfloat16"}:
            array = self._from_halves(self._stored(node["bfloat16"]))
        elif node.keys() == {"codes", "scales"}:
            array = self._from_codes(self._stored(node["codes"], nibbles=True), self.take(node["scales"]))
        else:
            array = self._stored(node)
        return widen(array, self.dtype, self.place)

    def _from_halves(self, halves: NDArray[Any]) -> NDArray[np.float32]:
        if halves.dtype != np.uint16:
            raise self.place.refusal(f"the upper halves of numbers are uint16, not {halves.dtype.name}")
        return (halves.astype(np.uint32) << 16).view(np.float32)

    def _from_codes(self, codes: NDArray[Any], scales: NDArray[Any]) -> NDArray[Any]:
        if codes.dtype not in (np.int8, np.uint8) or scales.dtype != np.float32:
            raise self.place.refusal(f"codes and scales are {codes.dtype.name} and {scales.dtype.name}")
        allowed = [
            tuple(size if dimension == along else 1 for dimension, size in enumerate(codes.shape))
            for along in range(-1, codes.ndim)
        ]
        if scales.shape not in allowed:
            raise self.place.refusal(f"scales of shape {scales.shape} for codes of shape {codes.shape}")
        if np.signbit(scales).any() or not (scales <= _LARGEST_SCALE).all():
            raise self.place.refusal("a scale is negative, not finite or too large")
        products: NDArray[np.float32] = np.multiply(codes, scales, dtype=np.float32)
        if self.dtype != np.float16:
            return products
        with np.errstate(over="ignore"):
            halves: NDArray[np.float16] = products.astype(np.float16)
        if not np.array_equal(halves, products):
            raise self.place.refusal("a product of code and scale is no float16")
        return halves

    def _stored(self, node: Any, *, nibbles: bool = False) -> NDArray[Any]:
        keys = node.keys() if isinstance(node, dict) else ()
        if keys == {"nonzero", "values", "shape"} and self.dtype.kind == "f":
            return self._with_zeros(node, nibbles=nibbles)
        if keys == {"nibbles", "shape"} and nibbles:
            shape = read_shape(node["shape"], self.place)
            self.reserve(math.prod(shape) * self.dtype.itemsize)
            return self._from_nibbles(self.take(node["nibbles"]), shape)
        array = self.take(node)
        self.reserve(array.size * self.dtype.itemsize)
        return array

    def _with_zeros(self, node: dict[str, Any], *, nibbles: bool) -> NDArray[Any]:
        shape, bits = read_shape(node["shape"], self.place), self.take(node["nonzero"])
        size = math.prod(shape)
        self._check_bytes(bits, 8, size)
        self.reserve(size * self.dtype.itemsize)
        if nibbles and isinstance(node["values"], dict) and node["values"].keys() == {"nibbles", "shape"}:
            packed = node["values"]
            values = self._from_nibbles(self.take(packed["nibbles"]), read_shape(packed["shape"], self.place))
        else:
            values = self.take(node["values"])
        kept = np.unpackbits(bits, count=size, bitorder="little").view(np.bool_)
        if values.shape != (np.count_nonzero(kept),):
            raise self.place.refusal(f"values of shape {values.shape} for the bits that are set")
        if values.dtype.kind == "b" or not values.view(_BITS[values.itemsize]).all():
            raise self.place.refusal("one of the values other than zero is zero")
        whole = np.zeros(size, values.dtype)
        whole[kept] = values
        return whole.reshape(shape)

    def _from_nibbles(self, packed: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int8]:
        size = math.prod(shape)
        self._check_bytes(packed, 2, size)
        codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:size]
        if (codes == 8).any():  # noqa: PLR2004 - the sign alone, which no code has
            raise self.place.refusal("a code is not from -7 to 7")
        return ((codes ^ 8).view(np.int8) - np.int8(8)).reshape(shape)

    def _check_bytes(self, packed: NDArray[Any], parts: int, size: int) -> None:
        """Refuse bytes that are not exactly those that so many elements need, `parts` a byte."""
        if packed.dtype != np.uint8 or packed.shape != (-(-size // parts),):
            raise self.place.refusal(f"{packed.dtype.name} of shape {packed.shape} for {size} elements")
        if size % parts and packed[-1] >> (size % parts * 8 // parts):
            raise self.place.refusal("bits are set for elements that there are not")
