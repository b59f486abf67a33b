"""The files of a receiver's memory, read and replaced under one lock; what they mean is said elsewhere."""

from __future__ import annotations

import os
import secrets
import string
from typing import TYPE_CHECKING, Final

from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk._internal.key_files import read_key_file, write_key_file
from maas_sdk._internal.locks import locked
from maas_sdk.errors import KeyFileError, LimitExceededError, NotFoundError, TrustStateError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.trust._state import TrustState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["LOCK", "create_state", "load_state", "update_state"]

_STATE: Final = "state.json"
_KEY: Final = "state.key"
LOCK: Final = "trust.lock"
_KEY_BYTES: Final = 32
_HALF: Final = (
    "one of state.json and state.key is missing: put both back from one backup, or delete both; then nothing "
    "is remembered, and every name is a first use again"
)


def create_state(folder: Path) -> None:
    """Begin to remember, unless either file of the state is there already."""
    if all(_exist(folder)):
        return
    with locked(folder / LOCK):
        if any(_exist(folder)):
            return
        key = secrets.token_bytes(_KEY_BYTES)
        write_key_file(folder / _KEY, key.hex().encode("ascii") + b"\n", secret=True)
        _write_state(folder / _STATE, TrustState(), key)


def load_state(folder: Path) -> TrustState:
    """Read what is remembered.

    Raises
    ------
    TrustStateError
        When it is damaged, was altered, or misses one of its two files.
    """
    key = _read_key(folder / _KEY)
    return TrustState.from_bytes(_read_state(folder / _STATE), key)


def update_state(folder: Path, change: Callable[[TrustState], TrustState]) -> None:
    """Replace what is remembered by what `change` makes of it, whole or not at all, under the lock.

    Raises
    ------
    TrustStateError
        As in `load_state`, and when so much would be remembered that it could not be read again.
    StorageError
        When it cannot be written; then what was remembered still is.
    """
    with locked(folder / LOCK):
        old = load_state(folder)
        new = change(old)
        if new is not old:
            _write_state(folder / _STATE, new, _read_key(folder / _KEY))


def _exist(folder: Path) -> list[bool]:
    return [os.path.lexists(folder / name) for name in (_STATE, _KEY)]


def _read_key(path: Path) -> bytes:
    try:
        text = read_key_file(path, limits=DEFAULT_LIMITS, secret=True)
    except (KeyFileError, LimitExceededError) as exc:
        hint = f"; {_HALF}" if isinstance(exc.__cause__, FileNotFoundError) else ""
        raise TrustStateError(f"the key of the trust state: {exc}{hint}") from exc
    digits = text.strip().decode("ascii", "replace")
    if len(digits) != 2 * _KEY_BYTES or not set(digits) <= set(string.hexdigits):
        raise TrustStateError(f"{path} is damaged: it must hold {2 * _KEY_BYTES} hexadecimal digits")
    return bytes.fromhex(digits)


def _read_state(path: Path) -> bytes:
    # What is cut off here no longer matches its HMAC.
    try:
        with storage_errors(f"reading {path}"), path.open("rb") as file:
            return file.read(DEFAULT_LIMITS.max_json_bytes)
    except NotFoundError as exc:
        raise TrustStateError(f"the trust state: {exc}; {_HALF}") from exc


def _write_state(path: Path, state: TrustState, key: bytes) -> None:
    data = state.to_bytes(key)
    if len(data) > DEFAULT_LIMITS.max_json_bytes:
        raise TrustStateError(
            f"{path} would be {len(data)} bytes, more than can be read again "
            f"({DEFAULT_LIMITS.max_json_bytes}); begin a trust folder for each publisher"
        )
    with atomic_file(path, mode=0o600) as file:
        file.write(data)
