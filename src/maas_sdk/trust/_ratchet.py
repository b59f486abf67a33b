"""The memory of a receiver: it moves forward only, survives crashes, and notices when it was altered."""

from __future__ import annotations

import os
import secrets
import string
from typing import TYPE_CHECKING, Final

from attrs import evolve

from maas_sdk._internal.digests import is_digest
from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk._internal.key_files import read_key_file, write_key_file
from maas_sdk._internal.locks import locked
from maas_sdk.errors import (
    InvalidOptionError,
    KeyFileError,
    LimitExceededError,
    NotFoundError,
    TrustStateError,
)
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.trust._checks import (
    check_clock,
    check_equivocation,
    check_fast_forward,
    check_first_use,
    check_rollback,
    check_timestamp,
)
from maas_sdk.trust._state import Equivocation, Seen, TrustState
from maas_sdk.trust._verdict import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

__all__ = ["LOCK", "Ratchet", "create_state"]

_STATE: Final = "state.json"
_KEY: Final = "state.key"
LOCK: Final = "trust.lock"
_KEY_BYTES: Final = 32
_MAX_EQUIVOCATIONS: Final = 256  # evidence enough; the file must stay readable whatever arrives
_HALF: Final = (
    "one of state.json and state.key is missing: put both back from one backup, or delete both; then nothing "
    "is remembered, and every name is a first use again"
)


class Ratchet:
    """Remembers of each name the release with the highest sequence, and the latest signed time.

    Every call reads the state anew, so that several processes may share it. An old state put back together
    with its key cannot be noticed, nor can a medium that withholds newer releases.

    Made by `Trust`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"Ratchet({str(self._folder)!r})"

    def check(
        self,
        name: str,
        sequence: int,
        identity: str,
        created: str,
        *,
        first_use: Collection[str] = (),
        now: str,
    ) -> tuple[Check, ...]:
        """Hold a release whose signatures were verified against what is remembered; it changes nothing.

        Parameters
        ----------
        name : str
            ``publisher/model``.
        sequence : int
            The release's number among those of its name.
        identity : str
            The release's identity, ``"sha256:…"``.
        created : str
            When it was made, as signed: ``"2026-11-23T22:00:00Z"``.
        first_use : collection of str
            The names that are accepted although nothing is remembered of them.
        now : str
            The present moment.

        Returns
        -------
        tuple of Check
            ``"first use"``, ``"rollback"``, ``"fast-forward"``, ``"equivocation"`` and ``"clock"``.

        Raises
        ------
        InvalidOptionError
            When an argument has the wrong form.
        TrustStateError
            When the state is damaged, was altered, or misses one of its two files.
        """
        seen = _seen(sequence, identity, created)
        check_timestamp(now, "now")
        if isinstance(first_use, str):
            raise InvalidOptionError(f'first_use is a text; pass a list of names: ["{first_use}"]')
        state = self._load()
        remembered = state.names.get(name)
        return (
            check_first_use(name, remembered, first_use),
            *_checks_against(remembered, seen),
            check_clock(created, state.clock, now),
        )

    def advance(
        self, name: str, sequence: int, identity: str, created: str, *, version: str | None = None
    ) -> None:
        """Remember a release that has passed every check.

        Written whole or not at all, under a lock, against the state as it is then. The release that is
        remembered already changes nothing.

        Parameters
        ----------
        name, sequence, identity, created
            As in `check`.
        version : str or None
            The release's version; later messages quote it.

        Raises
        ------
        RefusedError
            When another process has remembered a later release, or another one of the same sequence, since
            `check`.
        TrustStateError
            As in `check`.
        StorageError
            When it cannot be written; then what was remembered still is.
        """
        seen = _seen(sequence, identity, created, version)

        def change(state: TrustState) -> TrustState:
            remembered = state.names.get(name)
            checks = _checks_against(remembered, seen)
            Verdict(name, checks, identity=identity, version=version).raise_if_refused()
            if remembered is not None and remembered.sequence == sequence:
                return state
            return state.with_seen(name, seen)

        self._update(change)

    def record_equivocation(
        self, name: str, sequence: int, identity: str, created: str, *, version: str | None = None
    ) -> None:
        """Keep the evidence that a publisher gave one number to two releases.

        Call it when the check ``"equivocation"`` failed for a release whose signatures hold. What is
        remembered of the name stays. The same evidence again changes nothing, and past 256 of them no more
        is kept.

        Raises
        ------
        InvalidOptionError
            When what is remembered of the name has another sequence or the same identity.
        TrustStateError, StorageError
            As in `advance`.
        """
        refused = _seen(sequence, identity, created, version)

        def change(state: TrustState) -> TrustState:
            accepted = state.names.get(name)
            if accepted is None or accepted.sequence != sequence or accepted.identity == identity:
                raise InvalidOptionError(f"{identity} does not contradict what is remembered of {name}")
            evidence = Equivocation(name, accepted, refused)
            if evidence in state.equivocations or len(state.equivocations) >= _MAX_EQUIVOCATIONS:
                return state
            return evolve(state, equivocations=(*state.equivocations, evidence))

        self._update(change)

    @property
    def equivocations(self) -> tuple[Equivocation, ...]:
        """The evidence that was kept."""
        return self._load().equivocations

    def remembered(self, name: str) -> Seen | None:
        """Give the release of a name with the highest sequence, or None when nothing of it was accepted."""
        return self._load().names.get(name)

    def _load(self) -> TrustState:
        key = _read_key(self._folder / _KEY)
        return TrustState.from_bytes(_read_state(self._folder / _STATE), key)

    def _update(self, change: Callable[[TrustState], TrustState]) -> None:
        with locked(self._folder / LOCK):
            old = self._load()
            new = change(old)
            if new is not old:
                _write_state(self._folder / _STATE, new, _read_key(self._folder / _KEY))


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


def _checks_against(remembered: Seen | None, seen: Seen) -> tuple[Check, ...]:
    return (
        check_rollback(remembered, seen.sequence),
        check_fast_forward(remembered, seen.sequence),
        check_equivocation(remembered, seen.sequence, seen.identity),
    )


def _seen(sequence: int, identity: str, created: str, version: str | None = None) -> Seen:
    if type(sequence) is not int:
        raise InvalidOptionError(f"sequence is {sequence!r}; it must be a whole number")
    if not is_digest(identity):
        raise InvalidOptionError(f"identity is {identity!r}; it must be sha256: and 64 hexadecimal digits")
    check_timestamp(created, "created")
    return Seen(sequence, identity, created, version)


def _exist(folder: Path) -> list[bool]:
    return [os.path.lexists(folder / name) for name in (_STATE, _KEY)]


def _read_key(path: Path) -> bytes:
    try:
        text = read_key_file(path, limits=DEFAULT_LIMITS, secret=True)
    except (KeyFileError, LimitExceededError) as exc:
        hint = "" if path.exists() else f"; {_HALF}"
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
    with atomic_file(path, mode=0o600) as file:
        file.write(state.to_bytes(key))
