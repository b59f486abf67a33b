"""A model as a folder of files: written whole or not at all, read without trust."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from maas_sdk._internal.files import atomic_file, storage_errors, sync_folder
from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
)
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.serialization._files import TENSOR_FILE
from maas_sdk.serialization._model import MODEL_FILE, dump_pieces, load_parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from maas_sdk.interfaces import EstimatorSerializer
    from maas_sdk.serialization._spec import Profile

__all__ = ["dump", "load"]

_TENSORS = "tensors"
_WORTH_MAPPING = 64 * 1024  # bytes


def dump(
    estimator: Any,
    folder: str | PathLike[str],
    *,
    profile: Profile = "full",
    training_state: bool = False,
    zstd: bool = False,
    serializers: Sequence[EstimatorSerializer] = (),
    allow: Sequence[Any] = (),
) -> tuple[str, ...]:
    """Serialize a fitted estimator to a folder, which must be empty or not exist.

    ``model.json`` is written last: a folder without it is not a model.

    Parameters
    ----------
    estimator : estimator
        See `dump_parts`, also for what is left out.
    folder : path
        Its parent must exist.
    profile : {"full", "inference"}
        Whether all that is public works after loading, or predictions alone, from smaller files.
    training_state : bool
        Whether to keep what the training has written down about itself, such as loss curves.
    zstd : bool
        Whether to compress tensor files with Zstandard, without loss; `load` cannot map such files.
    serializers : sequence of EstimatorSerializer
        For classes of third parties.
    allow : sequence of class or function
        Classes of third parties that follow scikit-learn's conventions, and functions that parameters name.

    Returns
    -------
    tuple of str
        Names of the parts, relative to the folder, sorted.

    Raises
    ------
    UnsupportedModelError
        If the model has no safe serialization; nothing is written.
    AlreadyExistsError
        If the folder is not empty.
    StorageError
        If the medium fails.
    """
    parts = dump_pieces(
        estimator,
        profile=profile,
        training_state=training_state,
        zstd=zstd,
        serializers=serializers,
        allow=allow,
    )
    root = Path(folder)
    with storage_errors(f"writing a model to {root}"):
        root.mkdir(exist_ok=True)
        if any(root.iterdir()):
            raise AlreadyExistsError(f"{root} is not empty; name a new folder")
    names = []
    for name, pieces in parts:
        path = root / name
        with storage_errors(f"writing a model to {root}"):
            path.parent.mkdir(exist_ok=True)
        with atomic_file(path, replace=False) as file:
            file.writelines(pieces)
        names.append(name)
    with storage_errors(f"writing a model to {root}"):
        sync_folder(root)
        sync_folder(root.parent)
    return tuple(sorted(names))


def load(
    folder: str | PathLike[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    serializers: Sequence[EstimatorSerializer] = (),
    allow: Sequence[Any] = (),
    mmap_mode: Literal["r"] | None = "r",
) -> Any:
    """Load an estimator from a folder that `dump` has made, without trusting a byte of it.

    Parameters
    ----------
    folder : path
        Holds the parts of one model and nothing else.
    limits : Limits
    serializers : sequence of EstimatorSerializer
        For classes of third parties.
    allow : sequence of class or function
        What the application allows beyond the table: the same objects as at `dump`.
    mmap_mode : {"r", None}
        With ``"r"``, arrays of floating-point numbers are views of the files, which the system reads when
        they are used: the files must then stay as they are while the model lives, and a file that is cut
        short meanwhile ends the process. Integers, by which compiled code may index, are copied before they
        are checked. None reads everything.

    Returns
    -------
    estimator

    Raises
    ------
    InvalidArtifactError
        If a part is malformed, truncated or missing, or there is something that is no part.
    StorageError
        If the folder cannot be read.
    """
    if mmap_mode not in ("r", None):
        raise InvalidOptionError(f"mmap_mode must be 'r' or None, not {mmap_mode!r}")
    root = Path(folder)
    with storage_errors(f"reading a model from {root}"):
        names = _list(root, limits)
        parts: dict[str, Any] = {}
        left = limits.max_release_bytes
        for name in names:
            mapped = mmap_mode is not None and name.endswith(".safetensors")
            parts[name] = _read(root / name, min(left, limits.max_part_bytes), mapped=mapped)
            left -= len(parts[name])
    return load_parts(
        parts, limits=limits, serializers=serializers, allow=allow, mapped=mmap_mode is not None
    )


def _list(root: Path, limits: Limits) -> list[str]:
    """Give the names of the parts; whatever else lies there is refused."""
    names: list[str] = []
    for path in (*root.iterdir(), *_inside(root / _TENSORS)):
        name = path.relative_to(root).as_posix()
        if name == _TENSORS and path.is_dir() and not path.is_symlink():
            continue
        if (
            (name != MODEL_FILE and not TENSOR_FILE.fullmatch(name))
            or path.is_symlink()
            or not path.is_file()
        ):
            raise InvalidArtifactError(f"{root}: {name[:80]!r} is not a part of a model")
        names.append(name)
        if len(names) > limits.max_parts:
            raise LimitExceededError(f"{root}: more parts than Limits.max_parts ({limits.max_parts})")
    return sorted(names)


def _inside(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _read(path: Path, max_bytes: int, *, mapped: bool) -> bytes | mmap.mmap:
    """Give the content of a file, mapped where that costs less than reading."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if mapped and _WORTH_MAPPING <= size <= max_bytes:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        data = file.read(min(max_bytes + 1, size + 1))
    if len(data) > max_bytes:
        raise LimitExceededError(f"{path} is larger than Limits allows ({max_bytes} bytes)")
    return data
