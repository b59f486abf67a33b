"""The mlkem768x25519 recipient type: the post-quantum hybrid, which age 1.3 and later read.

Source: https://c2sp.org/age, section "The MLKEM768-X25519 hybrid post-quantum recipient type", and
https://filippo.io/hpke-pq for the expansion of the seed.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, ClassVar

from attrs import field, frozen
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from maas_sdk.errors import HeaderError, InvalidKeyError, SealingError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing import _base64, _bech32
from maas_sdk.sealing._header import Stanza
from maas_sdk.sealing._keys import Identity, Recipient
from maas_sdk.sealing._wrap import arguments_of, bytes_of
from maas_sdk.sealing._x25519 import exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.limits import Limits

__all__ = ["PUBLIC_BYTES", "SEED_BYTES", "HybridIdentity", "HybridRecipient"]

SEED_BYTES = 32
PUBLIC_BYTES = 1184 + 32  # ML-KEM-768, then X25519
_MLKEM_PUBLIC_BYTES = 1184
_MLKEM_SEED_BYTES = 64
_SHARE_BYTES = 1088 + 32  # ML-KEM ciphertext, then X25519 share
_X25519_BYTES = 32
_TYPE = "mlkem768x25519"
_INFO = b"age-encryption.org/mlkem768x25519"
_NO_MLKEM = (
    "post-quantum keys need ML-KEM-768, which this build of cryptography lacks; install its wheel from PyPI, "
    "or use classic keys (generate_identity(post_quantum=False))"
)


@frozen(repr=False)
class HybridRecipient(Recipient):
    """An ML-KEM-768 and an X25519 public key, used together.

    Parameters
    ----------
    key : bytes
        1216 bytes: ML-KEM-768's encapsulation key, then X25519's public key.
    """

    type: ClassVar[str] = _TYPE
    post_quantum: ClassVar[bool] = True

    _key: bytes = field()

    @_key.validator
    def _check(self, _attribute: object, key: bytes) -> None:
        if len(key) != PUBLIC_BYTES:
            raise InvalidKeyError(f"a post-quantum recipient is {PUBLIC_BYTES} bytes, not {len(key)}")
        try:
            _encapsulation_key(key)
        except ValueError as exc:
            raise InvalidKeyError("the recipient's ML-KEM-768 part is no such key") from exc
        if exchange(X25519PrivateKey.generate(), key[_MLKEM_PUBLIC_BYTES:]) is None:
            raise InvalidKeyError("the recipient's X25519 part is a point of low order")

    def __str__(self) -> str:
        return _bech32.encode("age1pq", self._key)

    def __repr__(self) -> str:
        return f"<HybridRecipient {self.fingerprint}>"

    def public_bytes(self) -> bytes:
        """Give the raw public keys, 1216 bytes."""
        return self._key

    def wrap(self, file_key: bytes) -> Stanza:
        """Encrypt the file key for this recipient with HPKE (RFC 9180, SealBase)."""
        public = MLKEM768X25519PublicKey(
            _encapsulation_key(self._key),
            X25519PublicKey.from_public_bytes(self._key[_MLKEM_PUBLIC_BYTES:]),
        )
        sealed = _suite().encrypt(file_key, public, _INFO)
        share = _base64.encode(sealed[:_SHARE_BYTES]).decode("ascii")
        return Stanza(_TYPE, (share,), sealed[_SHARE_BYTES:])


@frozen(repr=False)
class HybridIdentity(Identity):
    """The seed of an ML-KEM-768 and an X25519 private key.

    Parameters
    ----------
    secret : bytes
        32 bytes.
    """

    _secret: bytes = field()
    _recipient: HybridRecipient = field(init=False, eq=False)

    @_recipient.default
    def _derive(self) -> HybridRecipient:
        if len(self._secret) != SEED_BYTES:
            raise InvalidKeyError(f"a post-quantum identity is {SEED_BYTES} bytes, not {len(self._secret)}")
        mlkem, x25519 = self._private_keys()
        return HybridRecipient(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> HybridIdentity:
        """Make a new identity from the operating system's randomness."""
        return cls(secrets.token_bytes(SEED_BYTES))

    @property
    def recipient(self) -> HybridRecipient:
        """The public half."""
        return self._recipient

    def to_text(self) -> str:
        """Give the secret text, ``AGE-SECRET-KEY-PQ-1…``."""
        return _bech32.encode("age-secret-key-pq-", self._secret).upper()

    def unwrap(self, stanzas: Sequence[Stanza], *, limits: Limits = DEFAULT_LIMITS) -> bytes | None:  # noqa: ARG002 - part of the contract
        """Decrypt the file key from the first stanza that fits; see `Identity.unwrap`."""
        mlkem, x25519 = self._private_keys()
        private = MLKEM768X25519PrivateKey(mlkem, x25519)
        for share, body in [_read(stanza) for stanza in stanzas if stanza.type == _TYPE]:
            # HPKE answers every fault alike; a share of low order is an attack, not another's stanza.
            if exchange(x25519, share[-_X25519_BYTES:]) is None:
                raise HeaderError("mlkem768x25519 stanza: the share is a point of low order")
            try:
                return _suite().decrypt(share + body, private, _INFO)
            except InvalidTag:
                continue
        return None

    def _private_keys(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        """Expand the seed with SHAKE256."""
        expanded = hashlib.shake_256(self._secret).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
        try:
            mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        except UnsupportedAlgorithm as exc:
            raise SealingError(_NO_MLKEM) from exc
        return (
            mlkem,
            X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:]),
        )


def _encapsulation_key(public: bytes) -> MLKEM768PublicKey:
    try:
        return MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_BYTES])
    except UnsupportedAlgorithm as exc:
        raise SealingError(_NO_MLKEM) from exc


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def _read(stanza: Stanza) -> tuple[bytes, bytes]:
    (share,) = arguments_of(stanza, 1)
    return bytes_of(stanza, share, _SHARE_BYTES), stanza.body
