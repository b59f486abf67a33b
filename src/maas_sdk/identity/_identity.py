"""An identity: the secret keys of a person or an organisation, in one file sealed with a passphrase."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import field, frozen
from attrs.validators import instance_of

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.key_files import read_key_file, write_key_file
from maas_sdk.errors import (
    ArmorError,
    HeaderError,
    HeaderMacError,
    InvalidKeyError,
    InvalidOptionError,
    KeyFileError,
    NoMatchError,
    PayloadError,
    WrongPassphraseError,
)
from maas_sdk.identity._contact import Contact, check_format, check_name
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing import Identity as SealingIdentity
from maas_sdk.sealing import Passphrase, decrypt, encrypt, generate_identity, parse_identity
from maas_sdk.signing import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.limits import Limits

    Secret: TypeAlias = str | Callable[[], str]

__all__ = ["Identity"]

_FORMAT: Final = "maas-identity/1"
_WHAT: Final = "the identity"
_WORK_FACTOR: Final = 18  # scrypt: about a second and 256 MiB


@frozen(eq=False, repr=False)
class Identity:
    """A key that signs and a key that unseals, under the name of their owner.

    Make one with `generate`, keep it with `save`, give `public` away. Its ``repr`` shows no secret.

    Attributes
    ----------
    name : str
        The publisher's name, the first half of ``publisher/model``; see `Contact`.
    signer : PrivateKey
        Signs releases; a `maas_sdk.interfaces.Signer`.
    sealing : maas_sdk.sealing.Identity
        Opens what was sealed for `public`.
    """

    name: str = field(validator=check_name)
    signer: PrivateKey = field(validator=instance_of(PrivateKey))
    sealing: SealingIdentity = field(
        validator=instance_of(SealingIdentity)  # type: ignore[type-abstract] # only compared
    )

    def __repr__(self) -> str:
        return f"Identity({self.name!r}, {self.public.fingerprint})"

    @classmethod
    def generate(cls, name: str, *, key_type: str = "ecdsa-p256", post_quantum: bool = False) -> Identity:
        """Make new keys.

        Parameters
        ----------
        name : str
            The publisher's name.
        key_type : str
            Of the key that signs: ``"ecdsa-p256"``, ``"ecdsa-p384"`` or ``"ed25519"``.
        post_quantum : bool
            Whether the key that unseals withstands quantum computers too. Its files need age 1.3 or later,
            and hybrid and classic recipients cannot share a file: all who exchange releases choose alike.

        Raises
        ------
        InvalidOptionError
            When the name is malformed or the key type unknown.
        """
        return cls(name, PrivateKey.generate(key_type), generate_identity(post_quantum=post_quantum))

    @property
    def public(self) -> Contact:
        """What others need: give it away."""
        return Contact(self.name, self.signer.public_key, self.sealing.recipient)

    def save(
        self, path: str | os.PathLike[str], *, passphrase: Secret, work_factor: int = _WORK_FACTOR
    ) -> None:
        """Write a new file, sealed with a passphrase and readable by its owner only.

        It is an age file around JSON: ``age --decrypt`` opens it too.

        Parameters
        ----------
        path : path-like
            Where the file shall be, ``acme.identity`` by convention.
        passphrase : str or callable
            Not empty; a callable is asked for it once.
        work_factor : int
            Base-two logarithm of the scrypt cost; lower is for tests.

        Raises
        ------
        AlreadyExistsError
            When the file exists; it is left as it is.
        InvalidOptionError
            When the passphrase is empty.
        SigningError
            When the signer was closed.
        StorageError
            When the file cannot be written.
        """
        plain = strict_json.dumps(
            {
                "format": _FORMAT,
                "name": self.name,
                "signing_key": self.signer.to_pem(None),
                "sealing_key": self.sealing.to_text(),
            }
        )
        sealed = io.BytesIO()
        encrypt(plain, sealed, [Passphrase(_ask(passphrase), work_factor=work_factor)])
        write_key_file(Path(path), sealed.getvalue(), secret=True)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, passphrase: Secret, limits: Limits = DEFAULT_LIMITS
    ) -> Identity:
        """Read an identity.

        Parameters
        ----------
        path : path-like
            A file that group and others have no permission on.
        passphrase : str or callable
            A callable is asked once, and only when the file can be read.
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
        sealed = read_key_file(Path(path), limits=limits, secret=True)
        plain = _unseal(sealed, _ask(passphrase), path=path, limits=limits)
        document = strict_json.loads(plain, what=_WHAT, limits=limits, error=KeyFileError)
        check_format(document, _FORMAT, what=_WHAT)
        wire = records.structure(document, _Wire, what=_WHAT, error=KeyFileError)
        try:
            return cls(wire.name, PrivateKey.from_pem(wire.signing_key), parse_identity(wire.sealing_key))
        except (InvalidOptionError, InvalidKeyError) as exc:
            raise KeyFileError(f"{_WHAT}: {exc}") from exc


@frozen
class _Wire:
    format: str
    name: str
    signing_key: str = field(repr=False)
    sealing_key: str = field(repr=False)


def _ask(passphrase: Secret) -> str:
    return passphrase() if callable(passphrase) else passphrase


def _unseal(sealed: bytes, passphrase: str, *, path: str | os.PathLike[str], limits: Limits) -> bytes:
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
