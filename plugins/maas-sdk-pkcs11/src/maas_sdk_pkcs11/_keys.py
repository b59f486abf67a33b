"""Kinds of keys: what a token says about a public key, and its signatures, in the forms that others read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from attrs import frozen
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Mechanism

from maas_sdk.errors import SigningError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Edwards", "Weierstrass", "scheme_of"]


@frozen
class Weierstrass:
    """ECDSA on a NIST curve: the token signs a digest and gives r and s, each as wide as the curve."""

    curve: ec.EllipticCurve
    hash: str
    mechanism = Mechanism.ECDSA

    def to_pem(self, point: bytes) -> str:
        """Give SubjectPublicKeyInfo; `point` is CKA_EC_POINT, within an OCTET STRING or bare."""
        width = 2 * self._width + 1  # uncompressed: 04, x, y
        return _pem(ec.EllipticCurvePublicKey.from_encoded_point(self.curve, point[-width:]))

    def to_be_signed(self, message: bytes) -> bytes:
        """Give the digest."""
        return hashlib.new(self.hash, message).digest()

    def to_signature(self, raw: bytes) -> bytes:
        """Give DER."""
        width = self._width
        if len(raw) != 2 * width:
            raise SigningError(f"the token gave a signature of {len(raw)} bytes instead of {2 * width}")
        return encode_dss_signature(int.from_bytes(raw[:width]), int.from_bytes(raw[width:]))

    @property
    def _width(self) -> int:
        return (self.curve.key_size + 7) // 8


@frozen
class Edwards:
    """Ed25519: the token signs the message itself."""

    mechanism = Mechanism.EDDSA

    def to_pem(self, point: bytes) -> str:
        """Give SubjectPublicKeyInfo; `point` is CKA_EC_POINT, within an OCTET or BIT STRING or bare."""
        return _pem(ed25519.Ed25519PublicKey.from_public_bytes(point[-32:]))

    def to_be_signed(self, message: bytes) -> bytes:
        """Give the message."""
        return message

    def to_signature(self, raw: bytes) -> bytes:
        """Give the 64 bytes of RFC 8032."""
        return raw


# CKA_EC_PARAMS: the DER of the curve's identifier; PKCS#11 3.0 knows a name for Ed25519, too.
_SCHEMES: Mapping[bytes, Weierstrass | Edwards] = {
    bytes.fromhex("06082a8648ce3d030107"): Weierstrass(ec.SECP256R1(), "sha256"),
    bytes.fromhex("06052b81040022"): Weierstrass(ec.SECP384R1(), "sha384"),
    bytes.fromhex("06032b6570"): Edwards(),
    b"\x13\x0cedwards25519": Edwards(),
}


def scheme_of(parameters: bytes) -> Weierstrass | Edwards:
    """Give what to do with keys whose CKA_EC_PARAMS are `parameters`."""
    scheme = _SCHEMES.get(parameters)
    if scheme is None:
        raise SigningError(
            f"the key's curve ({parameters.hex()}) is none of P-256, P-384 and Ed25519; make another key"
        )
    return scheme


def _pem(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
