"""A model as a folder of files: written whole or not at all, read without trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from maas_sdk._internal.files import atomic_file, storage_errors, sync_folder
from maas_sdk.errors import AlreadyExistsError, InvalidArtifactError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.serialization._files import TENSOR_FILE
from maas_sdk.serialization._model import MODEL_FILE, dump_parts, load_parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from maas_sdk.interfaces import EstimatorSerializer

__all__ = ["dump", "load"]

_TENSORS = "tensors"


def dump(
    estimator: Any, folder: str | PathLike[str], *, serializers: Sequence[EstimatorSerializer] = ()
) -> tuple[str, ...]:
    """Serialize a fitted estimator to a folder, which must be empty or not exist.

    ``model.json`` is written last: a folder without it is not a model.

    Parameters
    ----------
    estimator : estimator
        See `dump_parts`, also for what is left out.
    folder : path
        Its parent must exist.
    serializers : sequence of EstimatorSerializer
        For classes of third parties.

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
    parts = dump_parts(estimator, serializers=serializers)
    root = Path(folder)
    with storage_errors(f"writing a model to {root}"):
        root.mkdir(exist_ok=True)
        if any(root.iterdir()):
            raise AlreadyExistsError(f"{root} is not empty; name a new folder")
        if len(parts) > 1:
            (root / _TENSORS).mkdir()
    for name in sorted(parts, key=lambda name: (name == MODEL_FILE, name)):
        with atomic_file(root / name, replace=False) as file:
            file.write(parts[name])
    with storage_errors(f"writing a model to {root}"):
        sync_folder(root)
        sync_folder(root.parent)
    return tuple(sorted(parts))


def load(
    folder: str | PathLike[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    serializers: Sequence[EstimatorSerializer] = (),
) -> Any:
    """Load an estimator from a folder that `dump` has made, without trusting a byte of it.

    Parameters
    ----------
    folder : path
        Holds the parts of one model and nothing else.
    limits : Limits
    serializers : sequence of EstimatorSerializer
        For classes of third parties.

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
    root = Path(folder)
    with storage_errors(f"reading a model from {root}"):
        names = _list(root, limits)
        parts: dict[str, bytes] = {}
        left = limits.max_release_bytes
        for name in names:
            parts[name] = _read(root / name, min(left, limits.max_part_bytes))
            left -= len(parts[name])
    return load_parts(parts, limits=limits, serializers=serializers)


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


def _read(path: Path, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(min(max_bytes + 1, path.stat().st_size + 1))
    if len(data) > max_bytes:
        raise LimitExceededError(f"{path} is larger than Limits allows ({max_bytes} bytes)")
    return data
