"""One key out of whatever file holds it: an identity, a contact, or PEM as other tools write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from maas_sdk._internal.key_files import read_key_file
from maas_sdk.errors import KeyFileError, WrongPassphraseError
from maas_sdk.identity._contact import Contact
from maas_sdk.identity._identity import Identity
from maas_sdk.identity._sealed_file import ask, is_sealed, unseal
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing import PrivateKey, PublicKey

if TYPE_CHECKING:
    import os

    from maas_sdk.identity._sealed_file import Secret
    from maas_sdk.limits import Limits

__all__ = ["load_signing_key", "load_verifying_key"]

_OBJECT = b"{"


def load_signing_key(
    path: str | os.PathLike[str], *, passphrase: Secret, limits: Limits = DEFAULT_LIMITS
) -> PrivateKey:
    """Read the key that signs from an identity, an age file around PEM, or a PEM file.

    Parameters
    ----------
    path : path-like
        A file that group and others have no permission on.
    passphrase : str or callable
        A callable is asked once, and only for a file that is encrypted.
    limits : Limits
        `max_key_file_bytes` and `max_scrypt_work_factor` hold.

    Raises
    ------
    KeyFileError
        When the file is missing, open to others, truncated, altered or malformed.
    WrongPassphraseError
        When the passphrase does not open it.
    LimitExceededError
        When it is larger than `Limits.max_key_file_bytes`.
    """
    data = read_key_file(Path(path), limits=limits, secret=True)
    secret: str | None = None
    if is_sealed(data):
        data = unseal(data, ask(passphrase), path=path, limits=limits)
        if data.startswith(_OBJECT):
            return Identity.from_json(data, limits=limits).signer
    elif b"ENCRYPTED" in data:
        secret = ask(passphrase)
    try:
        return PrivateKey.from_pem(data, secret)
    except WrongPassphraseError as exc:
        raise WrongPassphraseError(f"{path}: {exc}") from exc
    except KeyFileError as exc:
        raise KeyFileError(f"{path}: {exc}") from exc


def load_verifying_key(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> PublicKey:
    """Read the key that verifies from a contact or a PEM file.

    Raises
    ------
    KeyFileError
        When the file is missing or malformed.
    LimitExceededError
        When it is larger than `Limits.max_key_file_bytes`.
    """
    data = read_key_file(Path(path), limits=limits, secret=False)
    try:
        if data.lstrip().startswith(_OBJECT):
            return Contact.from_json(data, limits=limits).public_key
        return PublicKey.from_pem(data)
    except KeyFileError as exc:
        raise KeyFileError(f"{path}: {exc}") from exc
