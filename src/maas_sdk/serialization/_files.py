"""The tensor files of a model: which array goes to which file, and each stored array read exactly once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from maas_sdk.errors import InvalidArtifactError, LimitExceededError
from maas_sdk.serialization import _tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._place import Place

__all__ = ["TENSOR_FILE", "TensorSink", "TensorSource"]

TENSOR_FILE = re.compile(r"tensors/([0-9]{3})\.safetensors", re.ASCII)
_MAX_FILES = 96  # of the 128 parts of a release; the rest is for what stands beside the model
# What a file may cost in memory: no honest model comes near, and a small file cannot ask for gigabytes.
_EXPANSION = 16
_EXPANSION_FLOOR = 64 * 1024 * 1024


def _file_name(number: int) -> str:
    return f"tensors/{number:03}.safetensors"


class TensorSink:
    """Collects arrays on the way out.

    A piece of a model (a step of a pipeline) has a file of its own, so that an unchanged piece is an
    unchanged file; what exceeds the number of files shares the last one, under its full path.
    """

    def __init__(self) -> None:
        self._files: list[dict[str, NDArray[Any]]] = []
        self._numbers: dict[int, int] = {}
        self._units = 0
        self._expanded = 0

    def new_unit(self) -> int:
        """Open another piece of the model; it has a file as soon as it has an array."""
        self._units += 1
        return self._units

    def add(self, array: NDArray[Any], place: Place, *, suffix: str = "") -> dict[str, Any]:
        """Keep an array, C-contiguous, and give the reference to it."""
        number = self._numbers.setdefault(place.unit, min(len(self._files), _MAX_FILES - 1))
        if number == len(self._files):
            self._files.append({})
        name = (place.path if number == _MAX_FILES - 1 else place.name) + suffix
        self._files[number][name] = array
        return {"file": number, "name": name}

    def expand(self, n_bytes: int, place: Place) -> None:
        """Count what a receiver will need in memory."""
        self._expanded += n_bytes
        stored = sum(array.nbytes for file in self._files for array in file.values())
        if self._expanded > _EXPANSION_FLOOR + _EXPANSION * stored:
            raise place.refusal("its strings differ so much in length that a receiver would refuse them")

    def parts(self) -> dict[str, bytes]:
        """Give the bytes of each file by its name."""
        return {_file_name(number): _tensors.pack(file) for number, file in enumerate(self._files)}


class TensorSource:
    """Gives arrays on the way in, each once, and bounds what they may grow to in memory.

    Parameters
    ----------
    parts : mapping of str to memoryview
        The tensor files by name; other parts are passed over.
    limits : Limits
    """

    def __init__(self, parts: Mapping[str, memoryview], limits: Limits) -> None:
        names = sorted(name for name in parts if name.startswith("tensors/"))
        for number, name in enumerate(names):
            if name != _file_name(number):
                raise InvalidArtifactError(f"unexpected part {name[:80]!r}, expected {_file_name(number)!r}")
        self._limits = limits
        self._files = [_tensors.unpack(parts[name], what=name, limits=limits) for name in names]
        self._budget = _EXPANSION_FLOOR + _EXPANSION * sum(len(parts[name]) for name in names)

    def take(self, file: object, name: object, place: Place) -> NDArray[Any]:
        """Give an array that nobody has taken yet."""
        if type(file) is not int or not 0 <= file < len(self._files):
            missing = _file_name(file) if type(file) is int and file >= 0 else repr(file)[:80]
            raise place.refusal(f"part {missing} is missing")
        array = self._files[file].pop(name, None) if isinstance(name, str) else None
        if array is None:
            raise place.refusal(f"{_file_name(file)} has no tensor {str(name)[:80]!r}, or it is used twice")
        return array

    def expand(self, n_bytes: int, place: Place) -> None:
        """Account for memory before it is taken."""
        if n_bytes > self._limits.max_array_bytes:
            raise LimitExceededError(
                f"{n_bytes} bytes; Limits.max_array_bytes allows {self._limits.max_array_bytes}",
                path=place.path,
            )
        self._budget -= n_bytes
        if self._budget < 0:
            raise LimitExceededError(
                f"takes more than {_EXPANSION} times its file in memory", path=place.path
            )

    def finish(self) -> None:
        """Refuse what no part of the graph has asked for."""
        for number, file in enumerate(self._files):
            for name in file:
                raise InvalidArtifactError(f"{_file_name(number)}: nothing uses tensor {name[:80]!r}")
