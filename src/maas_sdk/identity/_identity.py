"""An identity: the secret keys of a person or an organisation, in one file sealed with a passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from attrs.validators import instance_of

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.key_files import read_key_file, write_key_file
from maas_sdk.errors import InvalidKeyError, InvalidOptionError, KeyFileError
from maas_sdk.identity._contact import Contact, check_format, check_name
from maas_sdk.identity._sealed_file import WORK_FACTOR, ask, seal, unseal
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing import Identity as SealingIdentity
from maas_sdk.sealing import generate_identity, parse_identity
from maas_sdk.signing import PrivateKey

if TYPE_CHECKING:
    import os

    from maas_sdk.identity._sealed_file import Secret
    from maas_sdk.limits import Limits

__all__ = ["Identity"]

_FORMAT: Final = "maas-identity/1"
_WHAT: Final = "the identity"


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
            Of the key that signs: ``"ecdsa-p256"``, ``"ecdsa-p384"``, ``"ecdsa-p521"`` or ``"ed25519"``.
        post_quantum : bool
            Whether both keys shall withstand quantum computers too: an ML-DSA-65 key signs beside the other,
            and both must verify; the key that unseals is hybrid. Sealed files need age 1.3 or later then, and
            hybrid and classic recipients cannot share a file: all who exchange releases choose alike. OpenSSF
            Model Signing knows no such keys.

        Raises
        ------
        InvalidOptionError
            When the name is malformed or the key type unknown.
        """
        signer = PrivateKey.generate(key_type, post_quantum=post_quantum)
        return cls(name, signer, generate_identity(post_quantum=post_quantum))

    @property
    def public(self) -> Contact:
        """What others need: give it away."""
        return Contact(self.name, self.signer.public_key, self.sealing.recipient)

    def save(
        self, path: str | os.PathLike[str], *, passphrase: Secret, work_factor: int = WORK_FACTOR
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
        sealed = seal(self._to_json(), ask(passphrase), work_factor=work_factor)
        write_key_file(Path(path), sealed, secret=True)

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
        return cls.from_json(unseal(sealed, ask(passphrase), path=path, limits=limits), limits=limits)

    @classmethod
    def change_passphrase(
        cls, path: str | os.PathLike[str], *, old: Secret, new: Secret, work_factor: int = WORK_FACTOR
    ) -> Identity:
        """Seal an identity file with another passphrase.

        The old file is there until the new one is durable, which then takes its place; nothing in between.
        Copies made before still open with the old passphrase.

        Parameters
        ----------
        path : path-like
            The file; of a symbolic link, what it leads to.
        old, new : str or callable
            `new` is asked for only when `old` has opened the file.
        work_factor : int
            Base-two logarithm of the scrypt cost; lower is for tests.

        Returns
        -------
        Identity
            What the file holds.

        Raises
        ------
        InvalidOptionError
            When a passphrase is empty.
        KeyFileError, WrongPassphraseError, LimitExceededError
            As `load` does.
        StorageError
            When the new file cannot be written; the old one is as it was.
        """
        place = Path(path).resolve()
        identity = cls.load(place, passphrase=old)
        sealed = seal(identity._to_json(), ask(new), work_factor=work_factor)  # noqa: SLF001 - our own class
        write_key_file(place, sealed, secret=True, replace=True)
        return identity

    @classmethod
    def from_json(cls, plain: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Identity:
        """Decode what an identity file holds, once unsealed.

        Raises
        ------
        KeyFileError
            When it is malformed.
        LimitExceededError
            When it exceeds a limit on JSON.
        """
        document = strict_json.loads(plain, what=_WHAT, limits=limits, error=KeyFileError)
        check_format(document, _FORMAT, what=_WHAT)
        wire = records.structure(document, _Wire, what=_WHAT, error=KeyFileError)
        try:
            return cls(wire.name, PrivateKey.from_pem(wire.signing_key), parse_identity(wire.sealing_key))
        except (InvalidOptionError, InvalidKeyError) as exc:
            raise KeyFileError(f"{_WHAT}: {exc}") from exc

    def _to_json(self) -> bytes:
        return strict_json.dumps(
            {
                "format": _FORMAT,
                "name": self.name,
                "signing_key": self.signer.to_pem(None),
                "sealing_key": self.sealing.to_text(),
            }
        )


@frozen
class _Wire:
    format: str
    name: str
    signing_key: str = field(repr=False)
    sealing_key: str = field(repr=False)
