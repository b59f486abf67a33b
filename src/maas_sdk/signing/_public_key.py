"""Keys that verify: ECDSA over P-256, P-384 and P-521, Ed25519, and ML-DSA-65 beside any of them."""

from __future__ import annotations

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from maas_sdk._internal.digests import sha256
from maas_sdk.errors import KeyFileError, VerificationError
from maas_sdk.signing._key_types import (
    ECDSA_OF,
    POST_QUANTUM_BYTES,
    POST_QUANTUM_SUFFIX,
    ClassicPublicKey,
    pem_blocks,
    type_of,
    unsupported,
)

__all__ = ["PublicKey"]


@frozen
class PublicKey:
    """A key that verifies; it fixes the algorithm, so that no file can choose one.

    With an ML-DSA-65 key beside the classic one, both are one key: it has one fingerprint, and a signature
    holds only when both halves of it do. Two keys are equal when their types and their PEM texts are. Make
    one with `from_pem`.

    Attributes
    ----------
    key_type : str
        ``"ecdsa-p256"``, ``"ecdsa-p384"``, ``"ecdsa-p521"`` or ``"ed25519"``; with ``"+ml-dsa-65"`` after it
        for both.
    pem : str
        SubjectPublicKeyInfo in PEM, always written the same way, whatever it was read from; of both, the
        classic key's block first.
    fingerprint : str
        ``"sha256:…"`` over the key type, a zero byte and the SubjectPublicKeyInfo in DER, of both one after
        the other.
    """

    _key: ClassicPublicKey = field(repr=False, eq=False)
    _post_quantum: MLDSA65PublicKey | None = field(default=None, repr=False, eq=False)
    key_type: str = field(init=False)
    pem: str = field(init=False, repr=False)
    fingerprint: str = field(init=False)

    @key_type.default
    def _(self) -> str:
        return type_of(self._key) + (POST_QUANTUM_SUFFIX if self.post_quantum else "")

    @pem.default
    def _(self) -> str:
        return b"".join(self._encoded(Encoding.PEM)).decode("ascii")

    @fingerprint.default
    def _(self) -> str:
        return sha256(self.key_type.encode("ascii") + b"\0" + b"".join(self._encoded(Encoding.DER)))

    @classmethod
    def from_pem(cls, text: str | bytes) -> PublicKey:
        """Read one key from PEM text: one block, or a classic key's and an ML-DSA-65 key's after it.

        Raises
        ------
        KeyFileError
            When the text is not one public key, or the key is of another type.
        """
        keys = [_load(block) for block in pem_blocks(text)]
        match keys:
            case [EllipticCurvePublicKey() | Ed25519PublicKey() as key]:
                return cls(key)
            case [EllipticCurvePublicKey() | Ed25519PublicKey() as key, MLDSA65PublicKey() as post_quantum]:
                return cls(key, post_quantum)
            case [other]:
                raise unsupported(type(other).__name__)
        raise KeyFileError(
            f"expected one public key in PEM, or one and its ML-DSA-65 key; found {len(keys)} blocks"
        )

    @property
    def keyid(self) -> str:
        """The hint that goes into envelopes: the fingerprint."""
        return self.fingerprint

    @property
    def post_quantum(self) -> bool:
        """Whether an ML-DSA-65 key stands beside the classic one."""
        return self._post_quantum is not None

    @property
    def components(self) -> frozenset[str]:
        """Digests of the key, or of both; keys that share one are the same hand and count once."""
        return frozenset(map(sha256, self._encoded(Encoding.DER)))

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature.

        Parameters
        ----------
        signature : bytes
            ECDSA in DER with the curve's hash (SHA-256, -384, -512), or Ed25519's 64 bytes; where an
            ML-DSA-65 key stands beside, followed by its 3309 bytes over the same message, with an empty
            context.
        message : bytes
            What was signed, not a digest of it.

        Raises
        ------
        VerificationError
            When the signature, or either half of it, does not hold.
        """
        try:
            if self._post_quantum is not None:
                self._post_quantum.verify(signature[-POST_QUANTUM_BYTES:], message)
                signature = signature[:-POST_QUANTUM_BYTES]
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, message)
            else:
                self._key.verify(signature, message, ECDSA_OF[type_of(self._key)])
        except InvalidSignature as exc:
            raise VerificationError(f"the signature does not hold for key {self.fingerprint}") from exc

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return PublicKey.from_pem, (self.pem,)

    def _encoded(self, encoding: Encoding) -> list[bytes]:
        keys = [self._key] if self._post_quantum is None else [self._key, self._post_quantum]
        return [key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo) for key in keys]


def _load(block: bytes) -> object:
    try:
        return load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise KeyFileError(f"this is not a public key in PEM: {exc}") from exc
