"""The contract of a signer: a private key that may live elsewhere, in a token or a service."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["Signer"]


@runtime_checkable
class Signer(Protocol):
    """Signs messages with one private key."""

    def public_key_pem(self) -> str:
        """Give the public key: PEM, SubjectPublicKeyInfo; an ML-DSA-65 key beside it in a block after it."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign the message itself: ECDSA in DER with the curve's hash, or Ed25519's 64 bytes.

        Where an ML-DSA-65 key stands beside, its signature of the same message (context empty) follows.
        """
        ...

    def close(self) -> None:
        """Release what the key holds on to; signing afterwards is an error."""
        ...
