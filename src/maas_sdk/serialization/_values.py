"""Plain values ⇄ JSON: numbers, strings, sequences and mappings in the document, arrays in tensor files.

JSON has no NaN, no tuples, no keys but strings and no numpy scalars, so that these are objects with a tag:
``{"float": "nan"}``, ``{"tuple": […]}``, ``{"dict": [[key, value], …]}``, ``{"scalar": value, "dtype": …}``.
Arrays are references: ``{"tensor": name, "file": number, "dtype": …}``, with ``"order": "F"`` where the
array was column-major and ``"flip": [axis, …]`` where it ran backwards, because both decide the order of a
matrix product's additions and so its last bits.
Arrays of strings name their text and offsets: ``{"strings": name, "file": number, "dtype": …}``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._arrays import (
    LOGICAL_DTYPES,
    join_strings,
    narrow,
    split_strings,
    widen,
)
from maas_sdk.serialization._tensors import MAX_DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maas_sdk.serialization._files import TensorSink, TensorSource
    from maas_sdk.serialization._place import Place

__all__ = ["ValueReader", "ValueWriter"]

_MAX_DEPTH = 48  # under the 64 that Limits.max_json_depth allows, tags included
_MAX_INTEGER = 2**64  # what native code and numpy can take
_ATOMS = (type(None), bool, float, str)
_TEXT, _OFFSETS = ".utf8", ".offsets"
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class ValueWriter:
    """Encodes values; whatever is not plain goes to `encode_object`.

    Parameters
    ----------
    tensors : TensorSink
    encode_object : callable
        Takes the object and its place; gives JSON or raises.
    """

    def __init__(self, tensors: TensorSink, encode_object: Callable[[Any, Place], Any]) -> None:
        self._tensors = tensors
        self._encode_object = encode_object

    def encode(self, value: Any, place: Place) -> Any:
        """Give the JSON of a value."""
        if place.depth > _MAX_DEPTH:
            raise place.refusal(f"nested deeper than {_MAX_DEPTH}")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, np.ndarray):
            return self._array(value, place)
        if isinstance(value, np.generic) and not isinstance(value, np.str_):
            return self._scalar(value, place)
        return self._builtin(value, place)

    def _builtin(self, value: Any, place: Place) -> Any:
        kind = type(value)
        if kind is int:
            if abs(value) > _MAX_INTEGER:
                raise place.refusal("an integer of more than 64 bits")
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is str or kind is np.str_:
            return _check_text(str(value), place)
        if kind is list or kind is tuple:
            items = [self.encode(item, place.item(index)) for index, item in enumerate(value)]
            return items if kind is list else {"tuple": items}
        if kind is dict:
            return {"dict": [self._entry(index, entry, place) for index, entry in enumerate(value.items())]}
        return self._encode_object(value, place)

    def _entry(self, index: int, entry: tuple[Any, Any], place: Place) -> list[Any]:
        key, value = entry
        if not (key is None or isinstance(key, bool | int | float | str | np.generic)):
            raise place.refusal(f"a mapping's key of type {type(key).__name__}")
        inner = place.attribute(key) if isinstance(key, str) and key.isidentifier() else place.item(index)
        return [self.encode(key, inner), self.encode(value, inner)]

    def _scalar(self, value: np.generic, place: Place) -> dict[str, Any]:
        if value.dtype.name not in LOGICAL_DTYPES:
            raise place.refusal(f"a scalar of dtype {value.dtype}")
        return {"scalar": self.encode(value.item(), place), "dtype": value.dtype.name}

    def _array(self, array: NDArray[Any], place: Place) -> dict[str, Any]:
        if type(array) is not np.ndarray or array.ndim > MAX_DIMENSIONS:
            raise place.refusal(f"a {type(array).__name__} of {array.ndim} dimensions")
        if array.dtype.kind in "UO":
            return self._strings(array, place)
        dtype = array.dtype.newbyteorder("=")
        if dtype.name not in LOGICAL_DTYPES:
            raise place.refusal(f"an array of dtype {array.dtype}")
        layout: dict[str, Any] = {}
        backwards = [axis for axis, stride in enumerate(array.strides) if stride < 0]
        if backwards:
            layout["flip"], array = backwards, np.flip(array, tuple(backwards))
        if _is_column_major(array):
            layout["order"], array = "F", array.T
        reference = self._tensors.add(narrow(np.asarray(array, dtype, order="C")), place)
        self._tensors.expand(array.nbytes, place)
        return {"tensor": reference["name"], "file": reference["file"], "dtype": dtype.name, **layout}

    def _strings(self, array: NDArray[Any], place: Place) -> dict[str, Any]:
        strings = array.tolist()
        if array.ndim != 1 or not all(type(text) is str for text in strings):
            raise place.refusal("an array of objects that are not all strings, or not in one dimension")
        for index, text in enumerate(strings):
            _check_text(text, place.item(index))
        joined, offsets = join_strings(strings)
        reference = self._tensors.add(joined, place, suffix=_TEXT)
        self._tensors.add(narrow(offsets), place, suffix=_OFFSETS)
        fixed = array.dtype.kind == "U"
        self._tensors.expand(_string_bytes(strings, fixed=fixed), place)
        name = reference["name"].removesuffix(_TEXT)
        return {"strings": name, "file": reference["file"], "dtype": "str" if fixed else "object"}


def _is_column_major(array: NDArray[Any]) -> bool:
    """Whether a matrix product reads the array by columns, also where it is a part of a larger one."""
    by_columns = array.ndim == 2 and array.strides[0] == array.itemsize and array.strides[1] > 0  # noqa: PLR2004
    return not array.flags.c_contiguous and bool(array.flags.f_contiguous or by_columns)


class ValueReader:
    """Decodes values from an untrusted document; what has a ``"type"`` goes to `decode_object`.

    Parameters
    ----------
    tensors : TensorSource
    decode_object : callable
        Takes the JSON object and its place; gives the object or raises.
    """

    def __init__(self, tensors: TensorSource, decode_object: Callable[[dict[str, Any], Place], Any]) -> None:
        self._tensors = tensors
        self._decode_object = decode_object

    def decode(self, node: Any, place: Place) -> Any:
        """Give the value; the parser has bounded how deep `node` is."""
        if isinstance(node, list):
            # Millions of small items are not worth a place each.
            return [
                item if type(item) in _ATOMS else self.decode(item, place.item(index))
                for index, item in enumerate(node)
            ]
        if type(node) is int and abs(node) > _MAX_INTEGER:
            raise place.refusal("an integer of more than 64 bits")
        if not isinstance(node, dict):
            return node
        if "type" in node:
            return self._decode_object(node, place)
        return self._tagged(node, place)

    def _tagged(self, node: dict[str, Any], place: Place) -> Any:
        match node:
            case {"float": ("nan" | "inf" | "-inf") as text, **rest} if not rest:
                return _NON_FINITE[text]
            case {"tuple": list(items), **rest} if not rest:
                return tuple(self.decode(items, place))
            case {"dict": list(entries), **rest} if not rest:
                return self._mapping(entries, place)
            case {"scalar": value, "dtype": str(dtype), **rest} if not rest and dtype in LOGICAL_DTYPES:
                return self._scalar(self.decode(value, place), LOGICAL_DTYPES[dtype], place)
            case {"tensor": name, "file": file, "dtype": str(dtype), **layout} if dtype in LOGICAL_DTYPES:
                return self._array(
                    self._tensors.take(file, name, place), LOGICAL_DTYPES[dtype], layout, place
                )
            case {"strings": str(name), "file": file, "dtype": ("str" | "object") as dtype, **rest} if (
                not rest
            ):
                return self._strings(name, file, dtype == "str", place)
        raise place.refusal("a malformed value with the keys " + ", ".join(sorted(node))[:80])

    def _mapping(self, entries: list[Any], place: Place) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for index, entry in enumerate(entries):
            inner = place.item(index)
            if not isinstance(entry, list) or len(entry) != 2:  # noqa: PLR2004 - key and value
                raise inner.refusal("an entry of a mapping is a key and a value")
            key = self.decode(entry[0], inner)
            if not (key is None or isinstance(key, bool | int | float | str | np.generic)) or key in result:
                raise inner.refusal("a mapping's key is of the wrong type or appears twice")
            if isinstance(key, str):
                inner = place.attribute(key[:80])
            result[key] = self.decode(entry[1], inner)
        return result

    def _scalar(self, value: Any, dtype: np.dtype[Any], place: Place) -> Any:
        expected = {"b": bool, "i": int, "u": int, "f": float}[dtype.kind]
        if type(value) is not expected:
            raise place.refusal(f"a {dtype.name} given as {type(value).__name__}")
        with np.errstate(over="ignore"):
            try:
                scalar = dtype.type(value)
            except OverflowError as exc:
                raise place.refusal(f"out of the range of {dtype.name}") from exc
        if scalar.item() != value and value == value:  # noqa: PLR0124 - NaN
            raise place.refusal(f"not a number of {dtype.name}")
        return scalar

    def _array(
        self, stored: NDArray[Any], dtype: np.dtype[Any], layout: dict[str, Any], place: Place
    ) -> NDArray[Any]:
        axes = layout.get("flip", [])
        if (
            layout.keys() - {"order", "flip"}
            or layout.get("order", "F") != "F"
            or not isinstance(axes, list)
            or axes != [axis for axis in range(stored.ndim) if axis in axes]
        ):
            raise place.refusal("an array laid out in a way that we do not know")
        self._tensors.expand(stored.size * dtype.itemsize, place)
        array = widen(stored, dtype, place)
        if "order" in layout:
            array = array.T
        return np.flip(array, tuple(axes)) if axes else array

    def _strings(self, name: str, file: object, fixed: bool, place: Place) -> NDArray[Any]:
        text = self._tensors.take(file, name + _TEXT, place)
        offsets = self._tensors.take(file, name + _OFFSETS, place)
        strings = split_strings(text, offsets, place)
        self._tensors.expand(_string_bytes(strings, fixed=fixed), place)
        return np.array(strings, dtype=np.str_ if fixed else object)


def _check_text(text: str, place: Place) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise place.refusal("a string with a lone surrogate") from exc
    return text


def _string_bytes(strings: list[str], *, fixed: bool) -> int:
    """Give the memory of an array of strings; the fixed-width kind repeats the longest."""
    longest = max((len(text) for text in strings), default=1)
    return len(strings) * 4 * max(longest, 1) if fixed else 8 * len(strings)
