"""Arrays, what is made of arrays, and long tables of strings ⇄ references to tensors.

- A tensor: ``{"tensor": name, "file": number}``, with ``"at"`` and ``"shape"`` where it shares a tensor
  with other small ones.
- An array is a tensor with its ``"dtype"``, with ``"order": "F"`` where it was column-major and ``"flip":
  [axis, …]`` where it ran backwards: both decide the order of a matrix product's additions and so its last
  bits. Floats may stand in another form than a tensor, which `_encodings` describes: ``{"bfloat16": …}``,
  ``{"codes": …, "scales": …}``, ``{"nonzero": …, "values": …, "shape": […]}``.
- Strings: ``{"strings": tensor, "offsets": tensor, "shape": […], "dtype": "str", "object" or "list"}``; a
  list of many words, with zeros between them: ``{"words": tensor, "count": …}``; other objects:
  ``{"objects": [value, …], "shape": […]}``; a dictionary of many strings to integers: ``{"index":
  strings, "to": array}``.
- ``{"sparse": "csr_matrix", "shape": […], "data": array, "indices": array, "indptr": array}``.
- ``{"masked": array, "mask": array}``; ``{"random_state": array, "position": …, "gauss": number or null}``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from maas_sdk.serialization._arrays import (
    LOGICAL_DTYPES,
    Words,
    check_text,
    join_strings,
    narrow,
    read_shape,
    split_strings,
)
from maas_sdk.serialization._encodings import FormReader
from maas_sdk.serialization._tensors import MAX_DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maas_sdk.serialization._files import TensorSink, TensorSource
    from maas_sdk.serialization._place import Place

__all__ = ["ContainerReader", "ContainerWriter"]

_SPARSE = {name: getattr(sparse, name) for name in ("csr_matrix", "csc_matrix", "csr_array", "csc_array")}
_COLUMNS = ("Index", "RangeIndex", "Series")
_SPARSE_ARRAYS = ("data", "indices", "indptr")
_STRINGS = frozenset({"strings", "offsets", "shape", "dtype"})
_NONE = type(None)
_LONG = 64  # entries from which a dictionary of integers is two arrays
_KEY_WORDS = 624  # of MT19937


class ContainerWriter:
    """Encodes arrays and what is made of them.

    Parameters
    ----------
    tensors : TensorSink
    encode : callable
        Takes any value and its place; gives JSON or raises.
    """

    def __init__(self, tensors: TensorSink, encode: Callable[[Any, Place], Any]) -> None:
        self._tensors = tensors
        self._encode = encode

    def encode(self, value: Any, place: Place) -> dict[str, Any] | None:
        """Give the JSON of a container, None for anything else."""
        if type(value).__name__ in _COLUMNS and type(value).__module__.partition(".")[0] == "pandas":
            value = value.to_numpy()  # people choose columns so; an array chooses the same
        if isinstance(value, np.ma.MaskedArray):
            mask = np.ma.getmaskarray(value)
            return {
                "masked": self._encode(value.data, place.attribute("data")),
                "mask": self._encode(mask, place.attribute("mask")),
            }
        if isinstance(value, np.ndarray):
            return self._array(value, place)
        if isinstance(value, np.random.RandomState):
            return self._random_state(value, place)
        if sparse.issparse(value):
            return self._sparse(value, place)
        if type(value) is Words:
            return self._words(value, place)
        return self._index(value, place) if type(value) is dict and len(value) >= _LONG else None

    def _index(self, index: dict[Any, Any], place: Place) -> dict[str, Any] | None:
        if set(map(type, index)) != {str} or set(map(type, index.values())) != {int}:
            return None
        try:
            numbers = np.fromiter(index.values(), np.int64, len(index))
        except OverflowError:
            return None
        keys = self._strings(np.array(list(index), dtype=object), place)
        return {"index": keys, "to": self._array(numbers, place.attribute("to"))}

    def _array(self, array: NDArray[Any], place: Place) -> dict[str, Any]:
        if type(array) is np.memmap:
            array = np.asarray(array)
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
        return {
            **self._tensors.add_smallest(np.asarray(array, dtype, order="C"), place),
            "dtype": dtype.name,
            **layout,
        }

    def _strings(self, array: NDArray[Any], place: Place) -> dict[str, Any]:
        strings = array.ravel().tolist()
        shape = list(array.shape)
        if array.dtype.kind != "U" and set(map(type, strings)) != {str}:
            # Many words and one NaN: words are not worth a place each.
            items = [
                item if type(item) is str and item.isascii() else self._encode(item, place.item(index))
                for index, item in enumerate(strings)
            ]
            return {"objects": items, "shape": shape}
        return self._text(strings, "str" if array.dtype.kind == "U" else "object", shape, place)

    def _words(self, words: list[str], place: Place) -> dict[str, Any]:
        joined = "\0".join(words)
        if joined.count("\0") != len(words) - 1:  # one has a zero itself, or there is none
            return self._text(words, "list", [len(words)], place)
        text = np.frombuffer(check_text(joined, place).encode("utf-8"), np.uint8)
        return {"words": self._tensors.add(text, place, suffix=".utf8"), "count": len(words)}

    def _text(self, strings: list[str], dtype: str, shape: list[int], place: Place) -> dict[str, Any]:
        joined, offsets = join_strings(strings, place)
        self._tensors.expand(_string_bytes(strings, fixed=dtype == "str"), place)
        return {
            "strings": self._tensors.add(joined, place, suffix=".utf8"),
            "offsets": self._tensors.add(narrow(offsets), place, suffix=".offsets"),
            "dtype": dtype,
            "shape": shape,
        }

    def _sparse(self, matrix: Any, place: Place) -> dict[str, Any]:
        name = type(matrix).__name__
        if name not in _SPARSE:
            raise place.refusal(f"a sparse {name}; those that are kept are {', '.join(_SPARSE)}")
        arrays = {key: getattr(matrix, key) for key in _SPARSE_ARRAYS}
        _check_sparse(arrays, matrix.shape, name, place)
        nodes = {key: self._array(array, place.attribute(key)) for key, array in arrays.items()}
        return {"sparse": name, "shape": [int(size) for size in matrix.shape], **nodes}

    def _random_state(self, state: np.random.RandomState, place: Place) -> dict[str, Any]:
        given = state.get_state(legacy=False)
        if given["bit_generator"] != "MT19937":
            raise place.refusal(f"a random state of {given['bit_generator']}; only MT19937 is kept")
        return {
            "random_state": self._array(given["state"]["key"], place),
            "position": int(given["state"]["pos"]),
            "gauss": float(given["gauss"]) if given["has_gauss"] else None,
        }


def _is_column_major(array: NDArray[Any]) -> bool:
    """Whether a matrix product reads the array by columns, also where it is a part of a larger one."""
    by_columns = array.ndim == 2 and array.strides[0] == array.itemsize and array.strides[1] > 0  # noqa: PLR2004
    return not array.flags.c_contiguous and bool(array.flags.f_contiguous or by_columns)


class ContainerReader:
    """Decodes arrays and what is made of them from an untrusted document.

    Parameters
    ----------
    tensors : TensorSource
    decode : callable
        Takes any JSON and its place; gives the value or raises.
    """

    def __init__(self, tensors: TensorSource, decode: Callable[[Any, Place], Any]) -> None:
        self._tensors = tensors
        self._decode = decode

    def decode(self, node: dict[str, Any], place: Place) -> Any:
        """Give the container; whatever is none is refused."""
        decode = self._DECODERS.get(frozenset(node))
        return self._array(node, place) if decode is None else decode(self, node, place)

    def _take(self, node: Any, place: Place) -> NDArray[Any]:
        match node:
            case {"tensor": name, "file": file, **rest} if not rest:
                return self._tensors.take(file, name, place)
            case {"tensor": name, "file": file, "at": int(at), "shape": shape, **rest} if not rest:
                return self._tensors.take_small(file, name, at, read_shape(shape, place), place)
        raise place.refusal("a malformed reference to a tensor")

    def _array(self, node: dict[str, Any], place: Place) -> NDArray[Any]:
        dtype = LOGICAL_DTYPES.get(node["dtype"]) if isinstance(node.get("dtype"), str) else None
        if dtype is None:
            raise place.refusal("a malformed value with the keys " + ", ".join(sorted(node))[:80])
        form = {key: node[key] for key in node.keys() - {"dtype", "order", "flip"}}
        reader = FormReader(
            take=lambda reference: self._take(reference, place),
            reserve=lambda n_bytes: self._tensors.expand(n_bytes, place),
            dtype=dtype,
            place=place,
        )
        array = reader.read(form)
        axes = node.get("flip", [])
        if (
            node.get("order", "F") != "F"
            or not isinstance(axes, list)
            or axes != [axis for axis in range(array.ndim) if axis in axes]
        ):
            raise place.refusal("an array laid out in a way that we do not know")
        if "order" in node:
            array = array.T
        return np.flip(array, tuple(axes)) if axes else array

    def _strings(self, node: dict[str, Any], place: Place) -> Any:
        strings, dtype = self._list_of_strings(node, place)
        if dtype == "list":
            return Words(strings)
        return np.array(strings, dtype=np.str_ if dtype == "str" else object).reshape(node["shape"])

    def _separated(self, node: dict[str, Any], place: Place) -> Words:
        text = self._take(node["words"], place)
        if text.dtype != np.uint8 or text.ndim != 1:
            raise place.refusal("expected a text of bytes")
        try:
            words = Words(text.tobytes().decode("utf-8").split("\0"))
        except UnicodeDecodeError as exc:
            raise place.refusal(f"words are not UTF-8: {exc}") from exc
        if len(words) != node["count"]:
            raise place.refusal(f"{len(words)} words, not {str(node['count'])[:80]}")
        return words

    def _list_of_strings(self, node: Any, place: Place) -> tuple[list[str], str]:
        dtype = node.get("dtype") if isinstance(node, dict) else None
        if dtype not in ("str", "object", "list") or node.keys() != _STRINGS:
            raise place.refusal("expected strings")
        strings = split_strings(self._take(node["strings"], place), self._take(node["offsets"], place), place)
        self._tensors.expand(_string_bytes(strings, fixed=dtype == "str"), place)
        if math.prod(read_shape(node["shape"], place)) != len(strings):
            raise place.refusal(f"{len(strings)} strings in an array of another shape")
        return strings, str(dtype)

    def _objects(self, node: dict[str, Any], place: Place) -> NDArray[Any]:
        items, shape = node["objects"], read_shape(node["shape"], place)
        if not isinstance(items, list) or math.prod(shape) != len(items):
            raise place.refusal("objects in an array of another shape")
        array = np.empty(len(items), dtype=object)
        for index, item in enumerate(self._decode(items, place)):
            array[index] = item
        return array.reshape(shape)

    def _index(self, node: dict[str, Any], place: Place) -> dict[str, int]:
        (strings, _), numbers = self._list_of_strings(node["index"], place), self._decode(node["to"], place)
        if (
            not isinstance(numbers, np.ndarray)
            or numbers.dtype != np.int64
            or numbers.shape != (len(strings),)
        ):
            raise place.refusal("expected as many integers as strings")
        index = dict(zip(strings, numbers.tolist(), strict=True))
        if len(index) != len(strings):
            raise place.refusal("a key of a dictionary appears twice")
        return index

    def _sparse(self, node: dict[str, Any], place: Place) -> Any:
        name, shape = node["sparse"], read_shape(node["shape"], place)
        if not isinstance(name, str) or name not in _SPARSE:
            raise place.refusal("a sparse matrix of a kind that we do not know")
        arrays = {key: self._decode(node[key], place.attribute(key)) for key in _SPARSE_ARRAYS}
        canonical = _check_sparse(arrays, shape, name, place)
        matrix = _SPARSE[name](tuple(arrays.values()), shape=shape, copy=False)
        # The constructor narrows indices that fit, and equal models would have other bytes.
        matrix.indices, matrix.indptr = arrays["indices"], arrays["indptr"]
        matrix.has_sorted_indices = canonical  # so that nobody sorts arrays that may not be written
        return matrix

    def _masked(self, node: dict[str, Any], place: Place) -> Any:
        data, mask = (self._decode(node[key], place) for key in ("masked", "mask"))
        if not isinstance(data, np.ndarray) or not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise place.refusal("expected an array and its mask")
        if mask.shape != data.shape:
            raise place.refusal("a mask of another shape")
        return np.ma.MaskedArray(data, mask)

    def _random_state(self, node: dict[str, Any], place: Place) -> np.random.RandomState:
        key, position, gauss = self._decode(node["random_state"], place), node["position"], node["gauss"]
        if not isinstance(key, np.ndarray) or key.dtype != np.uint32 or key.shape != (_KEY_WORDS,):
            raise place.refusal(f"expected the {_KEY_WORDS} words of a random state")
        if type(position) is not int or not 0 <= position <= _KEY_WORDS or type(gauss) not in (float, _NONE):
            raise place.refusal(
                f"a random state's position is {position!r:.80}, its next number {gauss!r:.80}"
            )
        if not key[1:].any() and key[0] < 2**31:
            raise place.refusal("a random state that gives zeros for ever")
        state = np.random.RandomState(0)
        state.set_state(("MT19937", key, position, int(gauss is not None), gauss or 0.0))
        return state

    _DECODERS: ClassVar[dict[frozenset[str], Callable[[ContainerReader, dict[str, Any], Place], Any]]] = {
        _STRINGS: _strings,
        frozenset({"words", "count"}): _separated,
        frozenset({"objects", "shape"}): _objects,
        frozenset({"index", "to"}): _index,
        frozenset({"sparse", "shape", *_SPARSE_ARRAYS}): _sparse,
        frozenset({"masked", "mask"}): _masked,
        frozenset({"random_state", "position", "gauss"}): _random_state,
    }


def _check_sparse(arrays: dict[str, Any], shape: tuple[int, ...], name: str, place: Place) -> bool:
    """Check that nothing indexes out of range; tell whether the indices are sorted and none stands twice."""
    for key, kinds in (("data", "biuf"), ("indices", "i"), ("indptr", "i")):
        array = arrays[key]
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in kinds:
            raise place.attribute(key).refusal(f"expected an array of one dimension and of kind {kinds!r}")
    data, indices, indptr = arrays["data"], arrays["indices"], arrays["indptr"]
    if indices.dtype != indptr.dtype or indices.dtype.itemsize < 4 or len(shape) != 2:  # noqa: PLR2004
        raise place.refusal("expected two dimensions and indices of one dtype, int32 or int64")
    major, minor = shape if name.startswith("csr") else (shape[1], shape[0])
    steps = np.diff(indptr)
    if indptr.size != major + 1 or indptr[0] != 0 or indptr[-1] != data.size or (steps < 0).any():
        raise place.attribute("indptr").refusal("must grow from 0 to the number of values")
    if indices.size != data.size or (indices.size and (indices.min() < 0 or indices.max() >= minor)):
        raise place.attribute("indices").refusal(f"not one index below {minor} for each value")
    grows = indices[1:] > indices[:-1]
    starts = indptr[1:-1]
    grows[starts[(starts > 0) & (starts < indices.size)] - 1] = True
    return bool(grows.all())


def _string_bytes(strings: list[str], *, fixed: bool) -> int:
    """Give the memory of an array of strings; the fixed-width kind repeats the longest."""
    if not fixed:
        return 8 * len(strings)
    return len(strings) * 4 * max(1, max((len(text) for text in strings), default=1))
