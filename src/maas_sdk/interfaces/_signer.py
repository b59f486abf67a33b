"""The contract of a signer: a private key that may live elsewhere, in a token or a service."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["Signer"]


@runtime_checkable
class Signer(Protocol):
    """Signs messages with one private key."""

    def public_key_pem(self) -> str:
        """Give the public key: PEM, SubjectPublicKeyInfo."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign the message itself: ECDSA in DER with the curve's hash, or Ed25519's 64 bytes."""
        ...

    def close(self) -> None:
        """Release what the key holds on to; signing afterwards is an error."""
        ...
