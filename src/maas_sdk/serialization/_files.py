"""The tensor files of a model: which array goes to which file, and each stored array read exactly once."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidArtifactError, LimitExceededError
from maas_sdk.serialization import _tensors, _zstd
from maas_sdk.serialization._encodings import EXPANSION, excess, smallest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._place import Place

__all__ = ["TENSOR_FILE", "TensorSink", "TensorSource", "file_name"]

TENSOR_FILE = re.compile(r"tensors/([0-9]{3})\.safetensors(\.zst)?", re.ASCII)
_MAX_FILES = 96  # of the 128 parts of a release; the rest is for what stands beside the model
# What a file may cost in memory: no honest model comes near, and a small file cannot ask for gigabytes.
_EXPANSION_FLOOR = 64 * 1024 * 1024
# The first arrays of a file have a name each, for people; where there are many, small ones share a tensor.
_NAMED = 64
_SMALL = 1024  # bytes
_SHARED = ".small."  # no path of an array begins with a dot


def file_name(number: object) -> str:
    """Give the name of a tensor file, for a message also where there can be none."""
    return f"tensors/{number:03}.safetensors" if type(number) is int and number >= 0 else repr(number)[:80]


class TensorSink:
    """Collects arrays on the way out.

    A piece of a model (a step of a pipeline) has a file of its own, so that an unchanged piece is an
    unchanged file; what exceeds the number of files shares the last one, under its full path.
    """

    def __init__(self) -> None:
        self._files: list[dict[str, NDArray[Any]]] = []
        self._shared: list[dict[str, list[NDArray[Any]]]] = []
        self._sizes: list[dict[str, int]] = []
        self._numbers: dict[int, int] = {}
        self._units = 0
        self._expanded = self._stored = 0
        self._spare = _EXPANSION_FLOOR // 2  # the rest is for strings

    def new_unit(self) -> int:
        """Open another piece of the model; it has a file as soon as it has an array."""
        self._units += 1
        return self._units

    def add(self, array: NDArray[Any], place: Place, *, suffix: str = "") -> dict[str, Any]:
        """Keep an array, C-contiguous, and give the reference to it."""
        number = self._numbers.setdefault(place.unit, min(len(self._files), _MAX_FILES - 1))
        if number == len(self._files):
            self._files.append({})
            self._shared.append({})
            self._sizes.append({})
        self._stored += array.nbytes
        if len(self._files[number]) >= _NAMED and array.nbytes <= _SMALL:
            return self._share(array, number)
        name = (place.path if number == _MAX_FILES - 1 else place.name) + suffix
        self._files[number][name] = array
        return {"file": number, "tensor": name}

    def add_smallest(self, array: NDArray[Any], place: Place) -> dict[str, Any]:
        """Keep an array, C-contiguous, in the form that takes the fewest bytes, and give the JSON of that."""
        form = smallest(array, self._spare)
        self._spare -= excess(array, form)
        node = self._add_form(form, place, "")
        self.expand(array.nbytes, place)
        return node

    def _add_form(self, form: dict[str, Any], place: Place, suffix: str) -> dict[str, Any]:
        if "tensor" in form:
            return self.add(form["tensor"], place, suffix=suffix)
        node: dict[str, Any] = {}
        for key, part in form.items():
            inner = f"{suffix}.{key}"
            if isinstance(part, np.ndarray):
                node[key] = self.add(part, place, suffix=inner)
            else:
                node[key] = self._add_form(part, place, inner) if isinstance(part, dict) else part
        return node

    def _share(self, array: NDArray[Any], number: int) -> dict[str, Any]:
        name = _SHARED + array.dtype.name
        at = self._sizes[number].get(name, 0)
        self._shared[number].setdefault(name, []).append(array.reshape(-1))
        self._sizes[number][name] = at + array.size
        return {"file": number, "tensor": name, "at": at, "shape": list(array.shape)}

    def expand(self, n_bytes: int, place: Place) -> None:
        """Count what a receiver will need in memory."""
        self._expanded += n_bytes
        if self._expanded > _EXPANSION_FLOOR + EXPANSION * self._stored:
            raise place.refusal("its strings differ so much in length that a receiver would refuse them")

    def parts(self, *, zstd: bool) -> Iterator[tuple[str, Sequence[Any]]]:
        """Give name and bytes, in pieces, of each file.

        Parameters
        ----------
        zstd : bool
            Whether to compress what becomes smaller.
        """
        for number, file in enumerate(self._files):
            shared = {name: np.concatenate(arrays) for name, arrays in self._shared[number].items()}
            name, pieces = file_name(number), _tensors.pack({**file, **shared})
            compressed = _zstd.compress(pieces) if zstd else None
            yield (name, pieces) if compressed is None else (f"{name}.zst", [compressed])


class TensorSource:
    """Gives arrays on the way in, each once, and bounds what they may grow to in memory.

    Parameters
    ----------
    parts : mapping of str to memoryview
        The tensor files by name; other parts are passed over.
    limits : Limits
    mapped : bool
        Whether the bytes are a file's, which others may alter meanwhile: integers, by which native code may
        index, are copied before they are checked.
    """

    def __init__(self, parts: Mapping[str, memoryview], limits: Limits, *, mapped: bool = False) -> None:
        self._limits = limits
        self._mapped = mapped
        self._files: list[tuple[dict[str, NDArray[Any]], dict[str, list[tuple[int, int]]]]] = []
        total = 0
        for number, name in enumerate(sorted(name for name in parts if name.startswith("tensors/"))):
            match = TENSOR_FILE.fullmatch(name)
            if match is None or int(match[1]) != number:
                raise InvalidArtifactError(f"unexpected part {name[:80]!r}, expected {file_name(number)!r}")
            data = _zstd.decompress(parts[name], what=name, limits=limits) if match[2] else parts[name]
            total += len(data)
            self._files.append((_tensors.unpack(data, what=name, limits=limits), {}))
        self._budget = _EXPANSION_FLOOR + EXPANSION * total

    def take(self, file: object, name: object, place: Place) -> NDArray[Any]:
        """Give an array that nobody has taken yet."""
        arrays, _ = self._file(file, place)
        if not isinstance(name, str) or name.startswith(_SHARED) or name not in arrays:
            raise place.refusal(f"{file_name(file)} has no tensor {str(name)[:80]!r}, or it is used twice")
        return self._given(arrays.pop(name))

    def take_small(
        self, file: object, name: object, at: int, shape: tuple[int, ...], place: Place
    ) -> NDArray[Any]:
        """Give a piece of a shared tensor; `finish` refuses pieces that overlap."""
        arrays, taken = self._file(file, place)
        if not isinstance(name, str) or not name.startswith(_SHARED) or name not in arrays:
            raise place.refusal(f"{file_name(file)} has no shared tensor {str(name)[:80]!r}")
        whole, size = arrays[name], math.prod(shape)
        if whole.ndim != 1 or not 0 <= at <= whole.size - size:
            raise place.refusal(f"elements {at} to {at + size} of {name[:80]!r} do not exist")
        taken.setdefault(name, []).append((at, at + size))
        return self._given(whole[at : at + size].reshape(shape))

    def _file(
        self, file: object, place: Place
    ) -> tuple[dict[str, NDArray[Any]], dict[str, list[tuple[int, int]]]]:
        if type(file) is not int or not 0 <= file < len(self._files):
            raise place.refusal(f"part {file_name(file)} is missing")
        return self._files[file]

    def _given(self, array: NDArray[Any]) -> NDArray[Any]:
        return array.copy() if self._mapped and array.dtype.kind in "biu" else array

    def expand(self, n_bytes: int, place: Place) -> None:
        """Account for memory before it is taken."""
        if n_bytes > self._limits.max_array_bytes:
            raise LimitExceededError(
                f"{n_bytes} bytes; Limits.max_array_bytes allows {self._limits.max_array_bytes}",
                path=place.path,
            )
        self._budget -= n_bytes
        if self._budget < 0:
            raise LimitExceededError(f"takes more than {EXPANSION} times its file in memory", path=place.path)

    def finish(self) -> None:
        """Refuse what no part of the graph has asked for, and what two have."""
        for number, (arrays, taken) in enumerate(self._files):
            for name, array in arrays.items():
                pieces = sorted(taken.get(name, ()))
                if [*(start for start, _ in pieces), array.size] != [0, *(end for _, end in pieces)]:
                    raise InvalidArtifactError(
                        f"{file_name(number)}: nothing uses tensor {name[:80]!r}, or not exactly once"
                    )
