"""The safetensors file format: named arrays to bytes and, bounded and without copies, back.

https://github.com/huggingface/safetensors#format: eight bytes of header size, a JSON header, the data without
gaps. Ours starts the data, and each array in it, at a multiple of 64 bytes; zeros between two arrays are
arrays of their own, named ``.pad0`` and so on, because the format allows no gaps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk._internal import strict_json
from maas_sdk.errors import InvalidArtifactError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits

__all__ = ["MAX_DIMENSIONS", "pack", "unpack"]

MAX_DIMENSIONS = 16
_ALIGNMENT = 64
_PADDING = ".pad"
_DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
}
_CODES = {np.dtype(text).newbyteorder("="): code for code, text in _DTYPES.items()}


def pack(arrays: Mapping[str, NDArray[Any]]) -> list[Any]:
    """Encode arrays in the order given, as pieces of bytes; each is C-contiguous, of numbers or booleans."""
    header: dict[str, Any] = {}
    pieces: list[Any] = []
    end = 0
    for name, array in arrays.items():
        gap = -end % _ALIGNMENT
        if gap:
            header[f"{_PADDING}{len(header)}"] = _entry("U8", (gap,), end, end + gap)
            pieces.append(bytes(gap))
            end += gap
        code = _CODES[array.dtype]
        header[name] = _entry(code, array.shape, end, end + array.nbytes)
        pieces.append(array.astype(_DTYPES[code], copy=False).reshape(-1).view(np.uint8).data)
        end += array.nbytes
    text = strict_json.dumps(header)
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    return [len(text).to_bytes(8, "little") + text, *pieces]


def _entry(code: str, shape: tuple[int, ...], start: int, end: int) -> dict[str, Any]:
    return {"dtype": code, "shape": list(shape), "data_offsets": [start, end]}


def unpack(data: memoryview, *, what: str, limits: Limits) -> dict[str, NDArray[Any]]:
    """Give read-only arrays over `data`, which any writer of the format may have made.

    Raises
    ------
    InvalidArtifactError
        If the bytes are not one whole safetensors file.
    """
    if len(data) < 8:  # noqa: PLR2004 - the header's size
        raise InvalidArtifactError(f"{what} is truncated: {len(data)} bytes")
    size = int.from_bytes(data[:8], "little")
    if size > len(data) - 8:
        raise InvalidArtifactError(f"{what} is truncated: its header says {size} bytes")
    header = strict_json.loads(data[8 : 8 + size], what=f"the header of {what}", limits=limits)
    if not isinstance(header, dict):
        raise InvalidArtifactError(f"the header of {what} is not an object")
    body = data[8 + size :]
    arrays: dict[str, NDArray[Any]] = {}
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: _start(item[1])):
        array = _array(entry, body, end, f"{what}, tensor {name[:80]!r}", limits)
        end += array.nbytes
        if not name.startswith(_PADDING):
            arrays[name] = array
        elif array.any():
            raise InvalidArtifactError(f"{what}, tensor {name[:80]!r}: padding is not zero")
    if end != len(body):
        raise InvalidArtifactError(f"{what}: {len(body)} bytes of data, the header accounts for {end}")
    return arrays


def _start(entry: Any) -> int:
    """Give where the data of an entry start; whatever makes no sense goes first and is refused there."""
    match entry:
        case {"data_offsets": [int(start), int(end)]}:
            return start * 2 + (end > start)  # an empty array stands before the one that starts with it
    return -1


def _array(entry: Any, body: memoryview, start: int, what: str, limits: Limits) -> NDArray[Any]:
    match entry:
        case {"dtype": str(code), "shape": list(shape), "data_offsets": [int(first), int(last)], **rest} if (
            not rest and code in _DTYPES and len(shape) <= MAX_DIMENSIONS
        ):
            pass
        case _:
            raise InvalidArtifactError(f"{what}: malformed entry")
    if not all(type(length) is int and 0 <= length < 2**48 for length in shape):
        raise InvalidArtifactError(f"{what}: malformed shape")
    dtype = np.dtype(_DTYPES[code])
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes > limits.max_array_bytes:
        raise LimitExceededError(
            f"{what}: {n_bytes} bytes; Limits.max_array_bytes allows {limits.max_array_bytes}"
        )
    if first != start or last != start + n_bytes or last > len(body):
        raise InvalidArtifactError(f"{what}: its bytes are not where its shape and its neighbours say")
    raw = np.frombuffer(body[first:last], np.uint8) if n_bytes else np.empty(0, np.uint8)
    if dtype.kind == "b" and raw.size and raw.max() > 1:
        raise InvalidArtifactError(f"{what}: a boolean is neither 0 nor 1")
    array = raw.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    if not array.flags.aligned:
        array = array.copy()
    array.flags.writeable = False
    return array
