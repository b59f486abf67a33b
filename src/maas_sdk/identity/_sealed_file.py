"""A small secret in an age file that a passphrase opens; any age tool opens it too."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Final, TypeAlias

from maas_sdk.errors import (
    ArmorError,
    HeaderError,
    HeaderMacError,
    KeyFileError,
    NoMatchError,
    PayloadError,
    WrongPassphraseError,
)
from maas_sdk.sealing import Passphrase, decrypt, encrypt

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.limits import Limits

    Secret: TypeAlias = str | Callable[[], str]

__all__ = ["WORK_FACTOR", "ask", "is_sealed", "seal", "unseal"]

WORK_FACTOR: Final = 18  # scrypt: about a second and 256 MiB
_BEGINNINGS: Final = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


def ask(passphrase: Secret) -> str:
    """Give the passphrase, of a callable by calling it."""
    return passphrase() if callable(passphrase) else passphrase


def is_sealed(data: bytes) -> bool:
    """Whether it looks like an age file, armored or not."""
    return data.startswith(_BEGINNINGS)


def seal(plain: bytes, passphrase: str, *, work_factor: int) -> bytes:
    """Encrypt; `InvalidOptionError` when the passphrase is empty."""
    sealed = io.BytesIO()
    encrypt(plain, sealed, [Passphrase(passphrase, work_factor=work_factor)])
    return sealed.getvalue()


def unseal(sealed: bytes, passphrase: str, *, path: str | os.PathLike[str], limits: Limits) -> bytes:
    """Decrypt the content of `path`.

    Raises
    ------
    KeyFileError
        When it is not an age file, or was altered or truncated.
    WrongPassphraseError
        When the passphrase does not open it.
    """
    plain = io.BytesIO()
    try:
        decrypt(sealed, plain, [Passphrase(passphrase)], limits=limits)
    except NoMatchError as exc:
        raise WrongPassphraseError(f"the passphrase does not open {os.fspath(path)}") from exc
    except (ArmorError, HeaderError, HeaderMacError, PayloadError) as exc:
        raise KeyFileError(
            f"{os.fspath(path)} is not an identity file, or was altered or truncated: {exc}"
        ) from exc
    return plain.getvalue()
