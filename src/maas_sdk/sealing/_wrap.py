"""Key derivation, and the file key wrapped under another key, as several kinds of recipient do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from maas_sdk.errors import HeaderError
from maas_sdk.sealing import _base64

if TYPE_CHECKING:
    from maas_sdk.sealing._header import Stanza

__all__ = ["FILE_KEY_BYTES", "arguments_of", "bytes_of", "hkdf", "unwrap", "wrap"]

FILE_KEY_BYTES = 16
_BODY_BYTES = FILE_KEY_BYTES + 16  # with the Poly1305 tag
_NONCE = bytes(12)  # each wrapping key is used once


def hkdf(secret: bytes, *, salt: bytes, info: bytes) -> bytes:
    """Derive 32 bytes with HKDF-SHA-256 (RFC 5869)."""
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def wrap(key: bytes, file_key: bytes) -> bytes:
    """Encrypt the file key."""
    return ChaCha20Poly1305(key).encrypt(_NONCE, file_key, None)


def unwrap(key: bytes, body: bytes) -> bytes | None:
    """Decrypt the file key; `None` when it was encrypted under another key."""
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, body, None)
    except InvalidTag:
        return None


def arguments_of(stanza: Stanza, count: int) -> tuple[str, ...]:
    """Give the arguments after the type, or raise `HeaderError` unless they are `count`.

    The length of the body is checked before any decryption: it keeps one ciphertext from fitting many keys.
    """
    if len(stanza.args) != count:
        raise HeaderError(f"{stanza.type} stanza: {len(stanza.args)} arguments where {count} belong")
    if len(stanza.body) != _BODY_BYTES:
        raise HeaderError(f"{stanza.type} stanza: a body of {len(stanza.body)} bytes, not {_BODY_BYTES}")
    return stanza.args


def bytes_of(stanza: Stanza, argument: str, size: int) -> bytes:
    """Decode an argument of `size` bytes, or raise `HeaderError`."""
    data = _base64.decode(argument.encode("ascii"))
    if data is None or len(data) != size:
        raise HeaderError(f"{stanza.type} stanza: an argument is not {size} bytes in canonical base64")
    return data
