"""A trust folder: the policy of a receiver and its memory."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from maas_sdk._internal.beside import guarded, temporary_beside
from maas_sdk._internal.files import atomic_file, storage_errors, sync_folder
from maas_sdk._internal.locks import locked
from maas_sdk.errors import AlreadyExistsError, NotFoundError, PolicyError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.trust._audit import AuditLog
from maas_sdk.trust._evidence import list_evidence
from maas_sdk.trust._memory import LOCK, create_state
from maas_sdk.trust._policy import Policy
from maas_sdk.trust._ratchet import Ratchet

if TYPE_CHECKING:
    import os

    from maas_sdk.trust._rotation import RotatedKeys

__all__ = ["Trust"]

_POLICY: Final = "policy.toml"
_AUDIT: Final = "audit.jsonl"


class Trust:
    """Whom a receiver trusts, and what it has seen.

    The folder holds ``policy.toml``, which people may edit, ``state.json``, what is remembered, and
    ``state.key``, which authenticates it and which only the owner may read; with time ``audit.jsonl``, what
    was done, and ``evidence``, releases that contradict each other. When both files of the state are missing
    nothing is remembered: every name is a first use again.

    Parameters
    ----------
    folder : path-like
        A folder that `create` made.

    Raises
    ------
    NotFoundError
        When there is no trust folder.
    PolicyError
        When the policy is malformed.
    StorageError
        When it cannot be read.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).absolute()
        self._text = _read_policy(self._folder / _POLICY)
        self._policy = _parse_policy(self._text, self._folder / _POLICY)
        create_state(self._folder)
        self._ratchet = Ratchet(self._folder)

    def __repr__(self) -> str:
        return f"Trust({str(self._folder)!r})"

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Trust:
        """Open a trust folder; the same as ``Trust(folder)``."""
        return cls(folder)

    @classmethod
    def create(cls, folder: str | os.PathLike[str], *, policy: Policy | None = None) -> Trust:
        """Make a trust folder that remembers nothing; it appears whole, or not at all.

        Parameters
        ----------
        folder : path-like
            Must not exist, or be empty.
        policy : Policy or None
            Whom it trusts; None for nobody yet.

        Raises
        ------
        AlreadyExistsError
            When there is something in the folder.
        StorageError
            When it cannot be written.
        """
        path = Path(folder).absolute()
        temporary = temporary_beside(path)
        try:
            with storage_errors(f"making the trust folder {path}"), contextlib.ExitStack() as guard:
                if path.exists() and not (path.is_dir() and not any(path.iterdir())):
                    raise AlreadyExistsError(f"{path} exists and is not an empty folder")
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.mkdir(mode=0o700)
                guard.enter_context(guarded(temporary))
                create_state(temporary)
                _write_policy(temporary / _POLICY, _encode(policy or Policy()))
                # Replaces an empty folder, and fails when somebody was faster.
                temporary.rename(path)
                sync_folder(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return cls(path)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    @property
    def policy(self) -> Policy:
        """Whom it trusts."""
        return self._policy

    @property
    def ratchet(self) -> Ratchet:
        """What it has seen."""
        return self._ratchet

    @property
    def audit(self) -> AuditLog:
        """What was done here: the log ``audit.jsonl``, which begins with its first entry."""
        return AuditLog(self._folder / _AUDIT)

    def evidence(self) -> tuple[Path, ...]:
        """Give the signed envelopes of releases that contradict each other, as files.

        Each is named by the SHA-256 of its bytes: ``evidence/<SHA-256>.dsse.json``.

        Raises
        ------
        StorageError
            When the folder cannot be read.
        """
        return list_evidence(self._folder)

    def save_policy(self, policy: Policy) -> None:
        """Replace the policy; comments that people wrote into the file are lost.

        Raises
        ------
        PolicyError
            When the file was changed since it was opened: a change of somebody else would be lost. When the
            policy would be too large to be read again.
        StorageError
            When it cannot be written; then the old one stays.
        """
        path = self._folder / _POLICY
        text = _encode(policy)
        with locked(self._folder / LOCK):
            if _read_policy(path) != self._text:
                raise PolicyError(
                    f"{path} was changed since it was opened; open it again and repeat the change"
                )
            _write_policy(path, text)
        self._text, self._policy = text, policy

    def apply_rotation(self, names: str, rotated: RotatedKeys) -> None:
        """Put a publisher's new keys into the rule for some names, and save the policy.

        That enough of the old and of the new keys have signed the rotation is verified by the caller.

        Parameters
        ----------
        names, rotated
            As in `Policy.rotated`.

        Raises
        ------
        PolicyError
            As in `Policy.rotated` and `save_policy`.
        StorageError
            As in `save_policy`.
        """
        self.save_policy(self._policy.rotated(names, rotated))


def _read_policy(path: Path) -> bytes:
    try:
        with storage_errors(f"reading {path}"), path.open("rb") as file:
            data = file.read(DEFAULT_LIMITS.max_key_file_bytes + 1)
    except NotFoundError as exc:
        raise NotFoundError(
            f"{path.parent} is no trust folder; make one with Trust.create, on the command line with "
            "maas trust init"
        ) from exc
    if len(data) > DEFAULT_LIMITS.max_key_file_bytes:
        raise PolicyError(f"{path} is larger than {DEFAULT_LIMITS.max_key_file_bytes} bytes")
    return data


def _parse_policy(data: bytes, path: Path) -> Policy:
    try:
        return Policy.from_toml(data.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise PolicyError(f"{path} is not UTF-8: {exc}") from exc
    except PolicyError as exc:
        raise PolicyError(f"{path}: {exc}") from exc


def _encode(policy: Policy) -> bytes:
    data = policy.to_toml().encode("utf-8")
    if len(data) > DEFAULT_LIMITS.max_key_file_bytes:
        raise PolicyError(
            f"the policy is {len(data)} bytes, and {DEFAULT_LIMITS.max_key_file_bytes} can be read again; "
            "begin a trust folder for each publisher"
        )
    return data


def _write_policy(path: Path, data: bytes) -> None:
    with atomic_file(path) as file:
        file.write(data)
