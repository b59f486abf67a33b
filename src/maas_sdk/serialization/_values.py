"""Plain values ⇄ JSON: numbers, strings, sequences and mappings in the document, arrays in tensor files.

JSON has no NaN, no tuples, no keys but strings and no numpy scalars, so that these are objects with a tag:
``{"float": "nan"}``, ``{"tuple": […]}``, ``{"dict": [[key, value], …]}``, ``{"set": […]}``,
``{"scalar": value, "dtype": …}``, ``{"slice": [start, stop, step]}``, ``{"numpy_dtype": …}``, ``{"name":
…}`` for a function or class of our table. Arrays, sparse matrices and random states are in `_containers`;
what has a ``"type"`` is an estimator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from maas_sdk.serialization._arrays import LOGICAL_DTYPES, check_text
from maas_sdk.serialization._containers import ContainerReader, ContainerWriter
from maas_sdk.serialization._place import Piece

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.serialization._allowed import Allowed
    from maas_sdk.serialization._files import TensorSink, TensorSource
    from maas_sdk.serialization._place import Place

__all__ = ["ValueReader", "ValueWriter"]

_MAX_DEPTH = 48  # under the 64 that Limits.max_json_depth allows, tags included
_MAX_INTEGER = 2**64  # what native code and numpy can take
_ATOMS = (type(None), bool, float, str)
_DTYPES = {**LOGICAL_DTYPES, "object": np.dtype(object)}
_SCALARS = {**LOGICAL_DTYPES, "str": np.dtype(str)}
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class ValueWriter:
    """Encodes values; whatever is not plain goes to `encode_object`.

    Parameters
    ----------
    tensors : TensorSink
    allowed : Allowed
        Whose functions have names.
    encode_object : callable
        Takes the object and its place; gives JSON or raises.
    """

    def __init__(
        self, tensors: TensorSink, allowed: Allowed, encode_object: Callable[[Any, Place], Any]
    ) -> None:
        self._allowed = allowed
        self._tensors = tensors
        self._containers = ContainerWriter(tensors, self.encode)
        self._encode_object = encode_object

    def encode(self, value: Any, place: Place) -> Any:
        """Give the JSON of a value."""
        if place.depth > _MAX_DEPTH:
            raise place.refusal(f"nested deeper than {_MAX_DEPTH}")
        if value is None or isinstance(value, bool):
            return value
        if type(value) is Piece:
            return self.encode(value.value, place.in_unit(self._tensors.new_unit()))
        if isinstance(value, np.generic):
            return self._scalar(value, place)
        node = self._containers.encode(value, place)
        return self._builtin(value, place) if node is None else node

    def _builtin(self, value: Any, place: Place) -> Any:
        encode = self._ENCODERS.get(type(value))
        if encode is not None:
            return encode(self, value, place)
        if isinstance(value, np.dtype) and value.name in _DTYPES:
            return {"numpy_dtype": value.name}
        name = self._allowed.name_of(value)
        return self._encode_object(value, place) if name is None else {"name": name}

    def _int(self, value: int, place: Place) -> int:
        if abs(value) > _MAX_INTEGER:
            raise place.refusal("an integer of more than 64 bits")
        return value

    def _float(self, value: float, place: Place) -> Any:  # noqa: ARG002 - an encoder's
        return value if math.isfinite(value) else {"float": str(value)}

    def _text(self, value: str, place: Place) -> str:
        return check_text(value, place)

    def _list(self, value: list[Any], place: Place) -> list[Any]:
        return [self.encode(item, place.item(index)) for index, item in enumerate(value)]

    def _tuple(self, value: tuple[Any, ...], place: Place) -> dict[str, Any]:
        items = [
            self.encode(item, _place_of(index, place, named=type(item) is Piece))
            for index, item in enumerate(value)
        ]
        return {"tuple": items}

    def _dict(self, value: dict[Any, Any], place: Place) -> dict[str, Any]:
        return {"dict": [self._entry(index, entry, place) for index, entry in enumerate(value.items())]}

    def _slice(self, value: slice, place: Place) -> dict[str, Any]:
        return {"slice": [self.encode(end, place) for end in (value.start, value.stop, value.step)]}

    def _set(self, values: Any, place: Place) -> dict[str, Any]:
        if not all(type(item) in (int, str) for item in values):
            raise place.refusal("a set of other things than integers and strings")
        # Sorted, because the order of a set is no part of it.
        items = sorted(values, key=lambda item: (type(item) is str, item))
        return {"set" if type(values) is set else "frozenset": self.encode(items, place)}

    def _entry(self, index: int, entry: tuple[Any, Any], place: Place) -> list[Any]:
        key, value = entry
        if not (key is None or isinstance(key, bool | int | float | str | np.generic)):
            raise place.refusal(f"a mapping's key of type {type(key).__name__}")
        inner = place.attribute(key) if isinstance(key, str) and key.isidentifier() else place.item(index)
        return [self.encode(key, inner), self.encode(value, inner)]

    def _scalar(self, value: np.generic, place: Place) -> dict[str, Any]:
        name = "str" if isinstance(value, np.str_) else value.dtype.name
        if name not in _SCALARS:
            raise place.refusal(f"a scalar of dtype {value.dtype}")
        return {"scalar": self.encode(value.item(), place), "dtype": name}

    _ENCODERS: ClassVar[dict[type, Callable[[ValueWriter, Any, Place], Any]]] = {
        int: _int,
        float: _float,
        str: _text,
        list: _list,
        tuple: _tuple,
        dict: _dict,
        set: _set,
        frozenset: _set,
        slice: _slice,
    }


class ValueReader:
    """Decodes values from an untrusted document; what has a ``"type"`` goes to `decode_object`.

    Parameters
    ----------
    tensors : TensorSource
    allowed : Allowed
        Whose functions may be named.
    decode_object : callable
        Takes the JSON object and its place; gives the object or raises.
    """

    def __init__(
        self, tensors: TensorSource, allowed: Allowed, decode_object: Callable[[dict[str, Any], Place], Any]
    ) -> None:
        self._allowed = allowed
        self._containers = ContainerReader(tensors, self.decode)
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
        decode = self._DECODERS.get(frozenset(node))
        return self._containers.decode(node, place) if decode is None else decode(self, node, place)

    def _float(self, node: dict[str, Any], place: Place) -> float:
        text = node["float"]
        if not isinstance(text, str) or text not in _NON_FINITE:
            raise place.refusal("expected nan, inf or -inf")
        return _NON_FINITE[text]

    def _tuple(self, node: dict[str, Any], place: Place) -> tuple[Any, ...]:
        return tuple(
            self.decode(item, _place_of(index, place, named=isinstance(item, dict) and "type" in item))
            for index, item in enumerate(_items(node["tuple"], place))
        )

    def _set(self, node: dict[str, Any], place: Place) -> Any:
        ((tag, items),) = node.items()
        if not all(type(item) in (int, str) for item in _items(items, place)):
            raise place.refusal("a set is of integers and strings")
        return set(items) if tag == "set" else frozenset(items)

    def _slice(self, node: dict[str, Any], place: Place) -> slice:
        ends = [self.decode(end, place) for end in _items(node["slice"], place)]
        if (
            len(ends) != 3  # noqa: PLR2004 - from, to, by
            or not all(end is None or type(end) in (int, str) for end in ends)
            or ends[2] == 0
        ):
            raise place.refusal("a slice is from, to and by integers or names")
        return slice(*ends)

    def _numpy_dtype(self, node: dict[str, Any], place: Place) -> np.dtype[Any]:
        name = node["numpy_dtype"]
        if not isinstance(name, str) or name not in _DTYPES:
            raise place.refusal("a dtype that we do not know")
        return _DTYPES[name]

    def _name(self, node: dict[str, Any], place: Place) -> Any:
        name = node["name"]
        value = self._allowed.named(name) if isinstance(name, str) else None
        if value is None:
            raise place.refusal(f"no function or class is known by the name {str(name)[:80]!r}")
        return value

    def _dict(self, node: dict[str, Any], place: Place) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for index, entry in enumerate(_items(node["dict"], place)):
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

    def _scalar(self, node: dict[str, Any], place: Place) -> Any:
        value, name = self.decode(node["scalar"], place), node["dtype"]
        if not isinstance(name, str) or name not in _SCALARS:
            raise place.refusal("a scalar of a dtype that we do not know")
        dtype = _SCALARS[name]
        expected = {"b": bool, "i": int, "u": int, "f": float, "U": str}[dtype.kind]
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

    _DECODERS: ClassVar[dict[frozenset[str], Callable[[ValueReader, dict[str, Any], Place], Any]]] = {
        frozenset({"float"}): _float,
        frozenset({"tuple"}): _tuple,
        frozenset({"dict"}): _dict,
        frozenset({"set"}): _set,
        frozenset({"frozenset"}): _set,
        frozenset({"scalar", "dtype"}): _scalar,
        frozenset({"slice"}): _slice,
        frozenset({"numpy_dtype"}): _numpy_dtype,
        frozenset({"name"}): _name,
    }


def _items(items: Any, place: Place) -> list[Any]:
    if not isinstance(items, list):
        raise place.refusal("expected a sequence")
    return items


def _place_of(index: int, place: Place, *, named: bool) -> Place:
    """Give the place of an item; an estimator behind its name is where the pair is: ``steps[1].coef_``."""
    return place if named and index == 1 else place.item(index)
