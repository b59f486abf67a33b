"""Files that hold keys: bounded reads, and for secrets permissions that nobody but the owner has."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from maas_sdk._internal.files import atomic_file
from maas_sdk.errors import KeyFileError, LimitExceededError

if TYPE_CHECKING:
    from pathlib import Path

    from maas_sdk.limits import Limits

__all__ = ["read_key_file", "write_key_file"]

_PUBLIC = 0o644
_SECRET = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_key_file(path: Path, *, limits: Limits, secret: bool) -> bytes:
    """Read a whole file; one that holds a secret is refused when group or others have any permission.

    Raises
    ------
    KeyFileError
        When the file is missing, cannot be read, or is open to others.
    LimitExceededError
        When it is larger than `Limits.max_key_file_bytes`.
    """
    try:
        with path.open("rb") as file:
            # Asked of the open file, so that it cannot be exchanged between the question and the reading.
            mode = os.fstat(file.fileno()).st_mode
            if secret and os.name == "posix" and mode & _OTHERS:
                raise KeyFileError(
                    f"{path} holds a secret and is open to others (mode {stat.S_IMODE(mode):04o}); "
                    f"run: chmod 600 {path}"
                )
            data = file.read(limits.max_key_file_bytes + 1)
    except OSError as exc:
        raise KeyFileError(f"cannot read {path}: {exc.strerror or exc}") from exc
    if len(data) > limits.max_key_file_bytes:
        raise LimitExceededError(
            f"{path} is larger than Limits.max_key_file_bytes ({limits.max_key_file_bytes}) allows"
        )
    return data


def write_key_file(path: Path, data: bytes, *, secret: bool, replace: bool = False) -> None:
    """Write a new file, whole or not at all; an existing one stays, or with `replace` makes room at the end.

    Raises
    ------
    AlreadyExistsError
        When the file exists and must not be replaced.
    StorageError
        When it cannot be written.
    """
    with atomic_file(path, mode=_SECRET if secret else _PUBLIC, replace=replace) as file:
        file.write(data)
