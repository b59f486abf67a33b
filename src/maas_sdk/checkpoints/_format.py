r"""The bytes of a checkpoint: JSON and arrays under one digest; it knows no storage.

::

    b"maas checkpoint 1\n" · length of the header (8 bytes, little-endian) · header · arrays · its SHA-256

The header is ``{"arrays": [{"dtype", "shape"}, …], "key", "number", "state"}``. In the state, lists, texts,
integers, finite floats, booleans and null stand for themselves; ``{"map": {…}}`` is a dict, ``{"array": 3}``
the fourth array, ``{"float": "inf"}`` one of the floats that JSON has not. Arrays are in C order and
little-endian, one after the other.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

import numpy as np

from maas_sdk._internal import strict_json
from maas_sdk.errors import CheckpointError, InvalidOptionError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits

__all__ = ["read_state", "write_state"]

_MAGIC: Final = b"maas checkpoint 1\n"
_LENGTH: Final = 8
_DIGEST: Final = 32
_KINDS: Final = "biufcSU"
_DTYPE: Final = re.compile(r"[<|][biufcSU][1-9][0-9]{0,6}", re.ASCII)
_MAX_INTEGER: Final = 1 << 128
_MAX_DIMENSIONS: Final = 32
_FLOATS: Final = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def write_state(state: Mapping[str, Any], file: BinaryIO, *, key: str, number: int) -> None:
    """Write a state.

    Raises
    ------
    InvalidOptionError
        If it holds something that is neither plain nor an array of numbers or texts; the message tells where.
    """
    arrays: list[NDArray[Any]] = []
    tree = _encode(dict(state), arrays, "state")
    specs = [{"dtype": array.dtype.str, "shape": list(array.shape)} for array in arrays]
    header = strict_json.dumps({"arrays": specs, "key": key, "number": number, "state": tree})
    digest = hashlib.sha256()
    pieces: list[bytes | memoryview] = [_MAGIC, len(header).to_bytes(_LENGTH, "little"), header]
    for piece in (*pieces, *map(_bytes_of, arrays)):
        file.write(piece)
        digest.update(piece)
    file.write(digest.digest())


def read_state(file: BinaryIO, size: int, *, key: str, number: int, limits: Limits) -> dict[str, Any]:
    """Read a state of `size` bytes, or say what is wrong.

    Raises
    ------
    CheckpointError
        If the bytes are not those that were written under that key and number.
    LimitExceededError
        If the header or an array exceeds a limit.
    """
    source = _Source(file, size, limits)
    if source.take(len(_MAGIC)) != _MAGIC:
        raise CheckpointError("it is no checkpoint of this version of the SDK")
    length = int.from_bytes(source.take(_LENGTH), "little")
    if length > limits.max_json_bytes:
        raise CheckpointError(f"its header claims {length} bytes; {limits.max_json_bytes} are allowed")
    raw = source.take(length)
    header = strict_json.loads(raw, what="the header", limits=limits, error=CheckpointError)
    if not isinstance(header, dict) or set(header) != {"arrays", "key", "number", "state"}:
        raise CheckpointError("its header has other fields than arrays, key, number and state")
    arrays = [source.array(spec) for spec in _listed(header["arrays"])]
    source.end()
    if header["key"] != key or header["number"] != number:
        raise CheckpointError(
            f"it is number {header['number']} of {header['key']!r}, not {number} of {key!r}"
        )
    state = _decode(header["state"], arrays)
    if not isinstance(state, dict):
        raise CheckpointError("its state is no mapping")
    return state


class _Source:
    """A file that is read to a known end, and digested on the way; no array is larger than what is left."""

    def __init__(self, file: BinaryIO, size: int, limits: Limits) -> None:
        self._file, self._left, self._limits = file, size - _DIGEST, limits
        self._digest = hashlib.sha256()

    def take(self, length: int) -> bytes:
        """Read so many bytes."""
        self._spend(length)
        data = self._file.read(length)
        if len(data) != length:
            _cut_short()
        self._digest.update(data)
        return data

    def array(self, spec: Any) -> NDArray[Any]:
        """Read an array."""
        dtype, shape = _check_spec(spec)
        size = math.prod(shape) * dtype.itemsize
        if size > self._limits.max_array_bytes:
            raise LimitExceededError(
                f"an array of {size} bytes; Limits.max_array_bytes allows {self._limits.max_array_bytes}"
            )
        self._spend(size)
        array = np.empty(shape, dtype)
        if size:
            view = _bytes_of(array)
            filled = 0
            while filled < size:
                count = self._file.readinto(view[filled:])  # type: ignore[attr-defined]  # of every binary file
                if not count:
                    _cut_short()
                filled += count
            self._digest.update(view)
        return array

    def end(self) -> None:
        """Check that this is the end and that the digest holds."""
        if self._left or self._file.read(_DIGEST + 1) != self._digest.digest():
            raise CheckpointError("its bytes are not those that were written: the digest does not hold")

    def _spend(self, length: int) -> None:
        if length > self._left:
            _cut_short()
        self._left -= length


def _bytes_of(array: NDArray[Any]) -> memoryview:
    flat: Any = array.reshape(-1).view(np.uint8) if array.size else b""
    return memoryview(flat)


def _cut_short() -> NoReturn:
    raise CheckpointError("it is cut short, or its header was altered")


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise CheckpointError("its header does not list arrays")
    return value


def _check_spec(spec: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    if (
        not isinstance(spec, dict)
        or set(spec) != {"dtype", "shape"}
        or not isinstance(spec["dtype"], str)
        or not _DTYPE.fullmatch(spec["dtype"])
        or not isinstance(spec["shape"], list)
        or len(spec["shape"]) > _MAX_DIMENSIONS
        or not all(type(length) is int and 0 <= length < 1 << 62 for length in spec["shape"])
    ):
        raise CheckpointError("its header describes an array that cannot be")
    try:
        return np.dtype(spec["dtype"]), tuple(spec["shape"])
    except TypeError as exc:
        raise CheckpointError(f"its header has an array of unknown dtype {spec['dtype']!r}") from exc


def _encode(value: Any, arrays: list[NDArray[Any]], path: str) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) < _MAX_INTEGER:
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, list):
        return [_encode(item, arrays, f"{path}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {"map": {name: _encode(item, arrays, f"{path}[{name!r}]") for name, item in value.items()}}
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS and value.dtype.fields is None:
        arrays.append(np.asarray(value, value.dtype.newbyteorder("<"), order="C"))
        return {"array": len(arrays) - 1}
    raise InvalidOptionError(
        f"a checkpoint cannot keep {path}, of type {type(value).__name__}: it keeps dicts with string keys, "
        "lists, None, booleans, integers of up to 128 bits, floats, strings, and arrays of numbers or strings"
    )


def _decode(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("map", dict(items))]:
            return {name: _decode(item, arrays) for name, item in items.items()}
        case [("array", int(number))] if 0 <= number < len(arrays):
            return arrays[number]
        case [("float", str(text))] if text in _FLOATS:
            return _FLOATS[text]
    raise CheckpointError(f"its state has the unknown mark {', '.join(map(repr, value))}")
