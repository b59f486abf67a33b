"""Keys that sign and keys that verify: ECDSA over P-256 and P-384, Ed25519; it reads no files."""

from __future__ import annotations

from typing import Final, TypeAlias

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from maas_sdk._internal.digests import sha256
from maas_sdk.errors import (
    InvalidOptionError,
    KeyFileError,
    SigningError,
    VerificationError,
    WrongPassphraseError,
)

__all__ = ["KEY_TYPES", "PrivateKey", "PublicKey"]

_Public: TypeAlias = EllipticCurvePublicKey | Ed25519PublicKey
_Private: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey

_ED25519: Final = "ed25519"
_CURVES: Final = {"ecdsa-p256": SECP256R1(), "ecdsa-p384": SECP384R1()}
_TYPE_OF_CURVE: Final = {curve.name: key_type for key_type, curve in _CURVES.items()}
_ECDSA: Final = {"ecdsa-p256": ECDSA(hashes.SHA256()), "ecdsa-p384": ECDSA(hashes.SHA384())}
_MAX_PASSPHRASE_BYTES: Final = 1023  # OpenSSL's own bound

KEY_TYPES: Final = (*_CURVES, _ED25519)
"""The key types, the default first."""


@frozen
class PublicKey:
    """A key that verifies; it fixes the algorithm, so that no file can choose one.

    Two keys are equal when their types and their PEM texts are. Make one with `from_pem`.

    Attributes
    ----------
    key_type : str
        ``"ecdsa-p256"``, ``"ecdsa-p384"`` or ``"ed25519"``.
    pem : str
        SubjectPublicKeyInfo in PEM, always written the same way, whatever it was read from.
    fingerprint : str
        ``"sha256:…"`` over the key type, a zero byte and the SubjectPublicKeyInfo in DER.
    """

    _key: _Public = field(repr=False, eq=False)
    key_type: str = field(init=False)
    pem: str = field(init=False, repr=False)
    fingerprint: str = field(init=False)

    @key_type.default
    def _(self) -> str:
        return _type_of(self._key)

    @pem.default
    def _(self) -> str:
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    @fingerprint.default
    def _(self) -> str:
        der = self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return sha256(self.key_type.encode("ascii") + b"\0" + der)

    @classmethod
    def from_pem(cls, text: str | bytes) -> PublicKey:
        """Read one key from PEM text.

        Raises
        ------
        KeyFileError
            When the text is not one public key, or the key is of another type.
        """
        data = _pem_bytes(text)
        if data.count(b"-----BEGIN ") != 1:
            raise KeyFileError(f"expected one public key in PEM, found {data.count(b'-----BEGIN ')} blocks")
        try:
            key = load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as exc:
            raise KeyFileError(f"this is not a public key in PEM: {exc}") from exc
        if not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey):
            raise _unsupported(type(key).__name__)
        return cls(key)

    @property
    def keyid(self) -> str:
        """The hint that goes into envelopes: the fingerprint."""
        return self.fingerprint

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature.

        Parameters
        ----------
        signature : bytes
            ECDSA in DER with the curve's hash (SHA-256 for P-256, SHA-384 for P-384), or Ed25519's 64 bytes.
        message : bytes
            What was signed, not a digest of it.

        Raises
        ------
        VerificationError
            When the signature does not hold.
        """
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, message)
            else:
                self._key.verify(signature, message, _ECDSA[self.key_type])
        except InvalidSignature as exc:
            raise VerificationError(f"the signature does not hold for key {self.fingerprint}") from exc

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return PublicKey.from_pem, (self.pem,)


class PrivateKey:
    """A key that signs, in memory; the built-in `maas_sdk.interfaces.Signer`.

    Its ``repr`` shows the public half alone, and it cannot be pickled. Make one with `generate` or
    `from_pem`.
    """

    __slots__ = ("_key", "_public_key")

    def __init__(self, key: _Private) -> None:
        self._key: _Private | None = key
        self._public_key = PublicKey(key.public_key())

    def __repr__(self) -> str:
        return f"PrivateKey({self._public_key.key_type}, {self._public_key.fingerprint})"

    @classmethod
    def generate(cls, key_type: str = "ecdsa-p256") -> PrivateKey:
        """Make a new key: ``"ecdsa-p256"``, ``"ecdsa-p384"`` or ``"ed25519"``."""
        if key_type == _ED25519:
            return cls(Ed25519PrivateKey.generate())
        if key_type not in _CURVES:
            raise InvalidOptionError(f"key_type is {key_type!r}; choose one of {', '.join(KEY_TYPES)}")
        return cls(generate_ec_key(_CURVES[key_type]))

    @classmethod
    def from_pem(cls, text: str | bytes, passphrase: str | bytes | None = None) -> PrivateKey:
        """Read a key from PEM text, as OpenSSL and `to_pem` write it.

        Raises
        ------
        KeyFileError
            When the text is not a private key, the key is of another type, or a passphrase is given for a key
            that is not encrypted or missing for one that is.
        WrongPassphraseError
            When the passphrase does not open it.
        """
        data = _pem_bytes(text)
        try:
            key = load_pem_private_key(data, None)
        except TypeError as exc:
            if passphrase is None:
                raise KeyFileError("the private key is encrypted; give its passphrase") from exc
            return cls(_supported(_decrypted(data, _passphrase_bytes(passphrase))))
        except (ValueError, UnsupportedAlgorithm) as exc:
            raise KeyFileError(f"this is not a private key in PEM: {exc}") from exc
        if passphrase is not None:
            raise KeyFileError("a passphrase was given, but the private key is not encrypted")
        return cls(_supported(key))

    def to_pem(self, passphrase: str | bytes | None) -> str:
        """Write PKCS#8 in PEM.

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
        return self._open().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode("ascii")

    @property
    def public_key(self) -> PublicKey:
        """The half that verifies."""
        return self._public_key

    def public_key_pem(self) -> str:
        """Give the public key: PEM, SubjectPublicKeyInfo."""
        return self._public_key.pem

    def sign(self, message: bytes) -> bytes:
        """Sign the message itself: ECDSA in DER with the curve's hash, or Ed25519's 64 bytes.

        Raises
        ------
        SigningError
            After `close`.
        """
        key = self._open()
        if isinstance(key, Ed25519PrivateKey):
            return key.sign(message)
        return key.sign(message, _ECDSA[self._public_key.key_type])

    def close(self) -> None:
        """Forget the key; signing afterwards is an error."""
        self._key = None

    def _open(self) -> _Private:
        if self._key is None:
            raise SigningError(f"the key {self._public_key.fingerprint} was closed; load it again to sign")
        return self._key


def _type_of(key: _Public) -> str:
    if isinstance(key, Ed25519PublicKey):
        return _ED25519
    if key.curve.name not in _TYPE_OF_CURVE:
        raise _unsupported(f"a key on the curve {key.curve.name}")
    return _TYPE_OF_CURVE[key.curve.name]


def _supported(key: object) -> _Private:
    if not isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise _unsupported(type(key).__name__)
    return key


def _unsupported(found: str) -> KeyFileError:
    return KeyFileError(f"{found} is not supported; use one of {', '.join(KEY_TYPES)}")


def _pem_bytes(text: str | bytes) -> bytes:
    # What is not ASCII is not PEM either; the parser says so.
    return text.encode("utf-8", "replace") if isinstance(text, str) else text


def _decrypted(data: bytes, passphrase: bytes) -> object:
    try:
        return load_pem_private_key(data, passphrase)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise WrongPassphraseError("the passphrase is wrong, or the private key is damaged") from exc


def _passphrase_bytes(passphrase: str | bytes) -> bytes:
    data = passphrase.encode("utf-8") if isinstance(passphrase, str) else passphrase
    if not 1 <= len(data) <= _MAX_PASSPHRASE_BYTES:
        raise InvalidOptionError(f"a passphrase has 1 to {_MAX_PASSPHRASE_BYTES} bytes, not {len(data)}")
    return data
