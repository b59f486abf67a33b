"""Numpy arrays ⇄ what is stored of them: the narrowest exact dtype, strings as one text with offsets."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._tensors import MAX_DIMENSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.serialization._place import Place

__all__ = [
    "LOGICAL_DTYPES",
    "Words",
    "all_finite",
    "check_text",
    "join_strings",
    "narrow",
    "read_shape",
    "split_strings",
    "widen",
]

LOGICAL_DTYPES = {
    name: np.dtype(name)
    for name in (
        "bool",
        *("int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
}
_NARROWER = {
    "float64": ("float32",),
    "float32": ("float16",),
    "int64": ("int8", "int16", "int32"),
    "int32": ("int8", "int16"),
    "int16": ("int8",),
    "uint64": ("uint8", "uint16", "uint32"),
    "uint32": ("uint8", "uint16"),
    "uint16": ("uint8",),
}
_SAMPLE = 256
_MAX_LENGTH = 2**48
_PIECE = 65_536


class Words(list[str]):
    """A long list of strings that is stored as one text, and known to hold nothing else when it is read."""


def narrow(array: NDArray[Any]) -> NDArray[Any]:
    """Give the same values in the narrowest dtype of their kind that returns them bit for bit."""
    for name in _NARROWER.get(array.dtype.name, ()):
        dtype = np.dtype(name)
        if _fits(array.reshape(-1)[:_SAMPLE], dtype) and _fits(array, dtype):
            with np.errstate(all="ignore"):
                return narrow(array.astype(dtype))
    return array


def _fits(array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    with np.errstate(all="ignore"):
        back = array.astype(dtype).astype(array.dtype)
    bits = f"u{array.dtype.itemsize}"
    return bool(np.array_equal(back.view(bits), array.view(bits)))  # bits: -0.0 and the payload of NaN count


def all_finite(array: NDArray[Any]) -> bool:
    """Tell whether no number is NaN or infinite, in pieces that stay in the cache.

    A sum is finite only if all its terms are; one that is not may have overflowed, and is looked at closely.
    """
    flat = array.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        return all(
            np.isfinite(np.add.reduce(piece)) or np.isfinite(piece).all()
            for piece in (flat[start : start + _PIECE] for start in range(0, flat.size, _PIECE))
        )


def widen(array: NDArray[Any], dtype: np.dtype[Any], place: Place) -> NDArray[Any]:
    """Give a stored array its dtype back, as a view where it was not narrowed."""
    if array.dtype.kind != dtype.kind or array.dtype.itemsize > dtype.itemsize:
        raise place.refusal(f"{array.dtype.name} cannot stand for {dtype.name}")
    with np.errstate(all="ignore"):  # a signalling NaN
        return array.astype(dtype, copy=False)


def read_shape(shape: Any, place: Place) -> tuple[int, ...]:
    """Give the shape that an untrusted document tells."""
    if (
        not isinstance(shape, list)
        or len(shape) > MAX_DIMENSIONS
        or not all(type(size) is int and 0 <= size < _MAX_LENGTH for size in shape)
    ):
        raise place.refusal("malformed shape")
    return tuple(shape)


def check_text(text: str, place: Place) -> str:
    """Refuse a string that UTF-8 cannot carry."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise place.refusal("a string with a lone surrogate") from exc
    return text


def join_strings(strings: list[str], place: Place) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Give the UTF-8 text of all strings and, one more than strings, where each starts and ends."""
    whole = "".join(strings)
    offsets = np.zeros(len(strings) + 1, np.int64)
    if whole.isascii():
        text = whole.encode("ascii")
        lengths = [len(piece) for piece in strings]
    else:
        text = check_text(whole, place).encode("utf-8")
        lengths = [len(piece.encode("utf-8")) for piece in strings]
    np.cumsum(lengths, out=offsets[1:])
    return np.frombuffer(text, np.uint8), offsets


def split_strings(text: NDArray[Any], offsets: NDArray[Any], place: Place) -> list[str]:
    """Undo `join_strings` on untrusted arrays."""
    if text.dtype != np.uint8 or text.ndim != 1 or offsets.dtype.kind != "i" or offsets.ndim != 1:
        raise place.refusal("strings must be a text of bytes and integer offsets, one dimension each")
    if offsets.size == 0 or offsets[0] != 0 or offsets[-1] != text.size or (offsets[1:] < offsets[:-1]).any():
        raise place.refusal("the offsets of strings must grow from 0 to the length of the text")
    try:
        if text.size == 0 or text.min() > 0:
            # One decoding for all, and one splitting at zeros, which no text has: several times as fast.
            separated = np.insert(text, offsets[1:-1].astype(np.int64), 0)
            return separated.tobytes().decode("utf-8").split("\0") if offsets.size > 1 else []
        raw = text.tobytes()
        return [raw[start:end].decode("utf-8") for start, end in pairwise(offsets.tolist())]
    except UnicodeDecodeError as exc:
        raise place.refusal(f"strings are not UTF-8: {exc}") from exc
