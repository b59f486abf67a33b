"""The table of key types and what both halves of a key share; it holds no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from maas_sdk.errors import KeyFileError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve

__all__ = [
    "CURVES",
    "ECDSA_OF",
    "ED25519",
    "KEY_TYPES",
    "MODEL_SIGNING_KEY_TYPES",
    "POST_QUANTUM_BYTES",
    "POST_QUANTUM_SUFFIX",
    "ClassicPublicKey",
    "pem_blocks",
    "type_of",
    "unsupported",
]

ClassicPublicKey: TypeAlias = EllipticCurvePublicKey | Ed25519PublicKey

ED25519: Final = "ed25519"
CURVES: Final[dict[str, EllipticCurve]] = {
    "ecdsa-p256": SECP256R1(),
    "ecdsa-p384": SECP384R1(),
    "ecdsa-p521": SECP521R1(),
}
ECDSA_OF: Final = {
    "ecdsa-p256": ECDSA(hashes.SHA256()),
    "ecdsa-p384": ECDSA(hashes.SHA384()),
    "ecdsa-p521": ECDSA(hashes.SHA512()),
}
_TYPE_OF_CURVE: Final = {curve.name: key_type for key_type, curve in CURVES.items()}

KEY_TYPES: Final = (*CURVES, ED25519)
"""The classic key types, the default first; an ML-DSA-65 key may stand beside each."""

MODEL_SIGNING_KEY_TYPES: Final = tuple(CURVES)
"""The key types that OpenSSF Model Signing knows."""

POST_QUANTUM_SUFFIX: Final = "+ml-dsa-65"
POST_QUANTUM_BYTES: Final = 3309
"""The length of every ML-DSA-65 signature (FIPS 204, table 2)."""

_BEGIN: Final = b"-----BEGIN "


def type_of(key: ClassicPublicKey) -> str:
    """Name the type of a classic key, or raise `KeyFileError`."""
    if isinstance(key, Ed25519PublicKey):
        return ED25519
    if key.curve.name not in _TYPE_OF_CURVE:
        raise unsupported(f"a key on the curve {key.curve.name}")
    return _TYPE_OF_CURVE[key.curve.name]


def unsupported(found: str) -> KeyFileError:
    """Make the error for a key of another type."""
    return KeyFileError(
        f"{found} is not supported; use one of {', '.join(KEY_TYPES)}, alone or with ML-DSA-65 after it"
    )


def pem_blocks(text: str | bytes) -> list[bytes]:
    """Split PEM text before each of its blocks; what stands before the first is left out."""
    # What is not ASCII is not PEM either; the parser says so.
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return [_BEGIN + block for block in data.split(_BEGIN)[1:]]
