"""Keys that sign, in memory; it reads no files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from maas_sdk.errors import InvalidOptionError, KeyFileError, SigningError, WrongPassphraseError
from maas_sdk.signing._key_types import (
    CURVES,
    ECDSA_OF,
    ED25519,
    KEY_TYPES,
    pem_blocks,
    type_of,
    unsupported,
)
from maas_sdk.signing._public_key import PublicKey

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PrivateKey"]

_Classic: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey
_MAX_PASSPHRASE_BYTES: Final = 1023  # OpenSSL's own bound
_LABEL: Final = b"PRIVATE KEY-----"


class PrivateKey:
    """A key that signs, in memory, with or without ML-DSA-65; the built-in `maas_sdk.interfaces.Signer`.

    Its ``repr`` shows the public half alone, and it cannot be pickled. Make one with `generate` or
    `from_pem`.
    """

    __slots__ = ("_keys", "_public_key")

    def __init__(self, key: _Classic, post_quantum: MLDSA65PrivateKey | None = None) -> None:
        self._keys: tuple[_Classic, MLDSA65PrivateKey | None] | None = (key, post_quantum)
        self._public_key = PublicKey(key.public_key(), post_quantum.public_key() if post_quantum else None)

    def __repr__(self) -> str:
        return f"PrivateKey({self._public_key.key_type}, {self._public_key.fingerprint})"

    @classmethod
    def generate(cls, key_type: str = "ecdsa-p256", *, post_quantum: bool = False) -> PrivateKey:
        """Make a new key.

        Parameters
        ----------
        key_type : str
            ``"ecdsa-p256"``, ``"ecdsa-p384"``, ``"ecdsa-p521"`` or ``"ed25519"``.
        post_quantum : bool
            Whether an ML-DSA-65 key shall stand beside it; then both sign, and both must verify.

        Raises
        ------
        InvalidOptionError
            When the key type is unknown.
        """
        if key_type not in KEY_TYPES:
            raise InvalidOptionError(f"key_type is {key_type!r}; choose one of {', '.join(KEY_TYPES)}")
        key: _Classic
        key = Ed25519PrivateKey.generate() if key_type == ED25519 else generate_ec_key(CURVES[key_type])
        return cls(key, MLDSA65PrivateKey.generate() if post_quantum else None)

    @classmethod
    def from_pem(cls, text: str | bytes, passphrase: str | bytes | None = None) -> PrivateKey:
        """Read a key from PEM text, as OpenSSL and `to_pem` write it.

        Raises
        ------
        KeyFileError
            When the text is not one private key (or a classic one and its ML-DSA-65 key), the key is of
            another type, or a passphrase is given for a key that is not encrypted or missing for one that is.
        WrongPassphraseError
            When the passphrase does not open it.
        """
        secret = None if passphrase is None else _passphrase_bytes(passphrase)
        # OpenSSL may write EC PARAMETERS, a block of their own, before a key.
        blocks = [block for block in pem_blocks(text) if _LABEL in block.partition(b"\n")[0]]
        keys = [_load(block, secret) for block in blocks]
        match keys:
            case [EllipticCurvePrivateKey() | Ed25519PrivateKey() as key]:
                return cls(key)
            case [EllipticCurvePrivateKey() | Ed25519PrivateKey() as key, MLDSA65PrivateKey() as pq]:
                return cls(key, pq)
            case [other]:
                raise unsupported(type(other).__name__)
        found = f"{len(keys)} private keys in it, and not one, or one and its ML-DSA-65 key"
        raise KeyFileError(f"this is not a private key in PEM: {found}")

    def to_pem(self, passphrase: str | bytes | None) -> str:
        """Write PKCS#8 in PEM; with ML-DSA-65 two blocks, the classic key's first.

        Parameters
        ----------
        passphrase : str, bytes or None
            Encrypts the key (PBES2 with AES-256-CBC); None leaves it in the clear. Its PBKDF2 runs only 2048
            rounds, so the passphrase must be long and random; for others `maas_sdk.identity.Identity` uses
            scrypt.

        Raises
        ------
        SigningError
            After `close`.
        """
        encryption: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            encryption = BestAvailableEncryption(_passphrase_bytes(passphrase))
        keys: Sequence[_Classic | MLDSA65PrivateKey | None] = self._open()
        blocks = [k.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption) for k in keys if k]
        return b"".join(blocks).decode("ascii")

    @property
    def public_key(self) -> PublicKey:
        """The half that verifies."""
        return self._public_key

    def public_key_pem(self) -> str:
        """Give the public key: PEM, SubjectPublicKeyInfo."""
        return self._public_key.pem

    def sign(self, message: bytes) -> bytes:
        """Sign the message itself; see `PublicKey.verify` for the form of a signature.

        Raises
        ------
        SigningError
            After `close`.
        """
        key, post_quantum = self._open()
        if isinstance(key, Ed25519PrivateKey):
            signature = key.sign(message)
        else:
            signature = key.sign(message, ECDSA_OF[type_of(key.public_key())])
        return signature if post_quantum is None else signature + post_quantum.sign(message)

    def close(self) -> None:
        """Forget the key; signing afterwards is an error."""
        self._keys = None

    def _open(self) -> tuple[_Classic, MLDSA65PrivateKey | None]:
        if self._keys is None:
            raise SigningError(f"the key {self._public_key.fingerprint} was closed; load it again to sign")
        return self._keys


def _load(block: bytes, passphrase: bytes | None) -> object:
    try:
        key = load_pem_private_key(block, None)
    except TypeError as exc:
        if passphrase is None:
            raise KeyFileError("the private key is encrypted; give its passphrase") from exc
        return _decrypted(block, passphrase)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise KeyFileError(f"this is not a private key in PEM: {exc}") from exc
    if passphrase is not None:
        raise KeyFileError("a passphrase was given, but the private key is not encrypted")
    return key


def _decrypted(block: bytes, passphrase: bytes) -> object:
    try:
        return load_pem_private_key(block, passphrase)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise WrongPassphraseError("the passphrase is wrong, or the private key is damaged") from exc


def _passphrase_bytes(passphrase: str | bytes) -> bytes:
    data = passphrase.encode("utf-8") if isinstance(passphrase, str) else passphrase
    if not 1 <= len(data) <= _MAX_PASSPHRASE_BYTES:
        raise InvalidOptionError(f"a passphrase has 1 to {_MAX_PASSPHRASE_BYTES} bytes, not {len(data)}")
    return data
