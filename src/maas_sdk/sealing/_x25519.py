"""The X25519 recipient type: the classic one, which every age tool reads.

Source: https://c2sp.org/age, section "The X25519 recipient type".
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, ClassVar

from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from maas_sdk.errors import HeaderError, InvalidKeyError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing import _base64, _bech32
from maas_sdk.sealing._header import Stanza
from maas_sdk.sealing._keys import Identity, Recipient
from maas_sdk.sealing._wrap import arguments_of, bytes_of, hkdf, unwrap, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.limits import Limits

__all__ = ["KEY_BYTES", "X25519Identity", "X25519Recipient", "exchange"]

KEY_BYTES = 32
_TYPE = "X25519"
_INFO = b"age-encryption.org/v1/X25519"


def exchange(private: X25519PrivateKey, public: bytes) -> bytes | None:
    """Give the shared secret; `None` when it is all zero, because `public` is a point of low order."""
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return None


@frozen(repr=False)
class X25519Recipient(Recipient):
    """An X25519 public key.

    Parameters
    ----------
    key : bytes
        32 bytes.
    """

    type: ClassVar[str] = _TYPE
    post_quantum: ClassVar[bool] = False

    _key: bytes = field()

    @_key.validator
    def _check(self, _attribute: object, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise InvalidKeyError(f"an X25519 recipient is {KEY_BYTES} bytes, not {len(key)}")
        if exchange(X25519PrivateKey.generate(), key) is None:
            raise InvalidKeyError("the recipient is a point of low order: anybody could read the file")

    def __str__(self) -> str:
        return _bech32.encode("age", self._key)

    def __repr__(self) -> str:
        return f"<X25519Recipient {self}>"

    def public_bytes(self) -> bytes:
        """Give the raw public key, 32 bytes."""
        return self._key

    def wrap(self, file_key: bytes) -> Stanza:
        """Encrypt the file key for this recipient, with a fresh ephemeral key."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self._key))
        key = hkdf(shared, salt=share + self._key, info=_INFO)
        return Stanza(_TYPE, (_base64.encode(share).decode("ascii"),), wrap(key, file_key))


@frozen(repr=False)
class X25519Identity(Identity):
    """An X25519 private key.

    Parameters
    ----------
    secret : bytes
        32 bytes.
    """

    _secret: bytes = field()
    _recipient: X25519Recipient = field(init=False, eq=False)

    @_recipient.default
    def _derive(self) -> X25519Recipient:
        if len(self._secret) != KEY_BYTES:
            raise InvalidKeyError(f"an X25519 identity is {KEY_BYTES} bytes, not {len(self._secret)}")
        private = X25519PrivateKey.from_private_bytes(self._secret)
        return X25519Recipient(private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> X25519Identity:
        """Make a new identity from the operating system's randomness."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @property
    def recipient(self) -> X25519Recipient:
        """The public half."""
        return self._recipient

    def to_text(self) -> str:
        """Give the secret text, ``AGE-SECRET-KEY-1…``."""
        return _bech32.encode("age-secret-key-", self._secret).upper()

    def unwrap(self, stanzas: Sequence[Stanza], *, limits: Limits = DEFAULT_LIMITS) -> bytes | None:  # noqa: ARG002 - part of the contract
        """Decrypt the file key from the first stanza that fits; see `Identity.unwrap`."""
        private = X25519PrivateKey.from_private_bytes(self._secret)
        for share, body in [_read(stanza) for stanza in stanzas if stanza.type == _TYPE]:
            shared = exchange(private, share)
            if shared is None:
                raise HeaderError("X25519 stanza: the share is a point of low order")
            key = hkdf(shared, salt=share + self._recipient.public_bytes(), info=_INFO)
            file_key = unwrap(key, body)
            if file_key is not None:
                return file_key
        return None


def _read(stanza: Stanza) -> tuple[bytes, bytes]:
    (share,) = arguments_of(stanza, 1)
    return bytes_of(stanza, share, KEY_BYTES), stanza.body
