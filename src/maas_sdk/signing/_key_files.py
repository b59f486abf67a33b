"""Signing keys as PEM files: private ones for the owner's eyes only, public ones for everybody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from maas_sdk._internal.key_files import read_key_file, write_key_file
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing._private_key import PrivateKey
from maas_sdk.signing._public_key import PublicKey

if TYPE_CHECKING:
    import os

__all__ = ["load_private_key", "load_public_key", "save_private_key", "save_public_key"]


def load_private_key(path: str | os.PathLike[str], passphrase: str | bytes | None = None) -> PrivateKey:
    """Read a private key.

    Parameters
    ----------
    path : path-like
        A PEM file that group and others have no permission on.
    passphrase : str, bytes or None
        Opens an encrypted key.

    Raises
    ------
    KeyFileError
        When the file is missing, open to others, or not a private key of a supported type.
    WrongPassphraseError
        When the passphrase does not open it.
    """
    return PrivateKey.from_pem(read_key_file(Path(path), limits=DEFAULT_LIMITS, secret=True), passphrase)


def load_public_key(path: str | os.PathLike[str]) -> PublicKey:
    """Read a public key from a PEM file.

    Raises
    ------
    KeyFileError
        When the file is missing or not a public key of a supported type.
    """
    return PublicKey.from_pem(read_key_file(Path(path), limits=DEFAULT_LIMITS, secret=False))


def save_private_key(
    key: PrivateKey, path: str | os.PathLike[str], *, passphrase: str | bytes | None
) -> None:
    """Write a private key, readable by its owner only; an existing file is never replaced.

    Parameters
    ----------
    key : PrivateKey
        The key.
    path : path-like
        Where the file shall be.
    passphrase : str, bytes or None
        Encrypts the key; None leaves it in the clear. See `PrivateKey.to_pem`.

    Raises
    ------
    AlreadyExistsError
        When the file exists.
    StorageError
        When it cannot be written.
    """
    write_key_file(Path(path), key.to_pem(passphrase).encode("ascii"), secret=True)


def save_public_key(key: PublicKey, path: str | os.PathLike[str]) -> None:
    """Write a public key as PEM; an existing file is never replaced.

    Raises
    ------
    AlreadyExistsError
        When the file exists.
    StorageError
        When it cannot be written.
    """
    write_key_file(Path(path), key.pem.encode("ascii"), secret=False)
