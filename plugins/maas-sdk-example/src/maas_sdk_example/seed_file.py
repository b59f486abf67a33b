"""Signs with an Ed25519 key whose seed is in a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from maas_sdk.errors import InvalidOptionError, KeyFileError, SigningError

__all__ = ["SeedFileSigner"]

_SEED_BYTES = 32


class SeedFileSigner:
    """Signs with Ed25519; in the place of the file there could be a token or a service.

    Parameters
    ----------
    file : str or Path
        Holds 32 bytes in hexadecimal, for its owner's eyes only; made when it is not there.

    Raises
    ------
    InvalidOptionError
        When `file` is not a path.
    KeyFileError
        When the file cannot be read or made, or holds something else.
    """

    def __init__(self, *, file: str | Path) -> None:
        try:
            path = Path(file)
        except TypeError as exc:
            raise InvalidOptionError(f"file must be a path, not {file!r}") from exc
        try:
            seed = _read(path) if path.exists() else _make(path)
            self._key: Ed25519PrivateKey | None = Ed25519PrivateKey.from_private_bytes(seed)
        except (OSError, ValueError) as exc:
            raise KeyFileError(f"{path} is no file with 32 bytes in hexadecimal: {exc}") from exc

    def public_key_pem(self) -> str:
        """Give the public key in PEM."""
        public = self._open_key().public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def sign(self, message: bytes) -> bytes:
        """Sign the message itself; 64 bytes."""
        return self._open_key().sign(message)

    def close(self) -> None:
        """Forget the key."""
        self._key = None

    def _open_key(self) -> Ed25519PrivateKey:
        if self._key is None:
            raise SigningError("the signer is closed: make a new one")
        return self._key


def _read(path: Path) -> bytes:
    return bytes.fromhex(path.read_text(encoding="ascii"))


def _make(path: Path) -> bytes:
    seed = secrets.token_bytes(_SEED_BYTES)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(seed.hex())
    return seed
