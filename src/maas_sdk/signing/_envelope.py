"""DSSE v1.0.2 envelopes: signing, strict reading, verification against a threshold of trusted keys.

Specification: https://github.com/secure-systems-lab/dsse (``protocol.md``, ``envelope.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen
from attrs.validators import deep_iterable, instance_of

from maas_sdk._internal import strict_json
from maas_sdk.errors import (
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    MaasError,
    SigningError,
    VerificationError,
)
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing._base64 import decode_base64, encode_base64
from maas_sdk.signing._public_key import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_sdk.interfaces import Signer
    from maas_sdk.limits import Limits

__all__ = [
    "IN_TOTO_PAYLOAD_TYPE",
    "Envelope",
    "Signature",
    "VerifiedPayload",
    "pae",
    "sign_envelope",
    "sign_message",
    "verify_envelope",
]

IN_TOTO_PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
"""The payload type of an in-toto statement."""

_WHAT: Final = "the envelope"


def _as_tuple(signatures: Iterable[Signature]) -> tuple[Signature, ...]:
    return tuple(signatures)


def _check_not_empty(_instance: object, _attribute: object, value: tuple[Signature, ...]) -> None:
    if not value:
        raise InvalidOptionError("an envelope needs one signature at least")


@frozen
class Signature:
    """One signature of an envelope.

    Attributes
    ----------
    sig : bytes
        The signature itself.
    keyid : str
        A hint at the key, empty when there is none. It is not authenticated: no decision rests on it.
    """

    keyid: str = field(validator=instance_of(str))
    sig: bytes = field(validator=instance_of(bytes))


@frozen
class Envelope:
    """A payload with its signatures, none of them checked yet: `verify_envelope` does.

    Attributes
    ----------
    payload : bytes
        What was signed.
    payload_type : str
        How to interpret it; signed too.
    signatures : tuple of Signature
        One at least.
    """

    payload: bytes = field(validator=instance_of(bytes))
    payload_type: str = field(validator=instance_of(str))
    signatures: tuple[Signature, ...] = field(
        converter=_as_tuple, validator=[_check_not_empty, deep_iterable(instance_of(Signature))]
    )

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON object, for a document that contains an envelope; base64 is the standard one."""
        return {
            "payload": encode_base64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": s.keyid, "sig": encode_base64(s.sig)} for s in self.signatures],
        }

    def to_json(self) -> bytes:
        """Encode: canonical JSON; equal envelopes give equal bytes."""
        return strict_json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, data: bytes | bytearray | memoryview, *, limits: Limits = DEFAULT_LIMITS) -> Envelope:
        """Decode an envelope; fields that the specification does not name are ignored, as it demands.

        Parameters
        ----------
        data : bytes-like
            The whole document.
        limits : Limits
            The bounds on JSON and `max_signatures` hold.

        Raises
        ------
        InvalidArtifactError
            When it is not strict JSON, lacks a field, or a field is not canonical base64
            (standard or URL-safe).
        LimitExceededError
            When it exceeds a limit.
        """
        return cls.from_dict(strict_json.loads(data, what=_WHAT, limits=limits), limits=limits)

    @classmethod
    def from_dict(cls, document: object, *, limits: Limits = DEFAULT_LIMITS) -> Envelope:
        """Read the JSON object, already parsed strictly; see `from_json`."""
        if not isinstance(document, dict):
            raise _fault("expected an object", path="")
        payload = _decode(_text(document, "payload"), path="payload")
        payload_type = _text(document, "payloadType")
        signatures = document.get("signatures")
        if not isinstance(signatures, list) or not signatures:
            raise _fault("expected an array with one signature at least", path="signatures")
        if len(signatures) > limits.max_signatures:
            raise LimitExceededError(
                f"{_WHAT} has {len(signatures)} signatures; "
                f"Limits.max_signatures allows {limits.max_signatures}"
            )
        return cls(
            payload, payload_type, [_signature(s, f"signatures[{i}]") for i, s in enumerate(signatures)]
        )


@frozen
class VerifiedPayload:
    """The very bytes that were verified, and whose keys signed them.

    Attributes
    ----------
    payload : bytes
        Parse these, and never the envelope again.
    keys : tuple of PublicKey
        The distinct trusted keys with a valid signature, in the order in which they were given.
    """

    payload: bytes
    keys: tuple[PublicKey, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that DSSE signs, its pre-authentication encoding.

    Examples
    --------
    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(
    payload: bytes, signers: Sequence[Signer], *, payload_type: str = IN_TOTO_PAYLOAD_TYPE
) -> Envelope:
    """Sign a payload with each of `signers`.

    Each signature is checked with the signer's public key before it is used, so that a broken signer is
    noticed by the sender and not by the receiver.

    Parameters
    ----------
    payload : bytes
        What to sign.
    signers : sequence of Signer
        Anything with the three methods of `maas_sdk.interfaces.Signer`; one at least,
        with a key of its own each.
    payload_type : str
        How to interpret the payload.

    Raises
    ------
    InvalidOptionError
        When there is no signer, or two have the same key.
    SigningError
        When a signer fails, or its signature does not hold.
    """
    if not signers:
        raise InvalidOptionError("signers is empty; give one signer at least")
    message = pae(payload_type, payload)
    signatures: dict[str, Signature] = {}
    for signer in signers:
        key, sig = sign_message(signer, message)
        if key.fingerprint in signatures:
            raise InvalidOptionError(f"two of the signers have the same key, {key.fingerprint}")
        signatures[key.fingerprint] = Signature(keyid=key.keyid, sig=sig)
    return Envelope(payload, payload_type, signatures.values())


def verify_envelope(
    envelope: Envelope,
    keys: Sequence[PublicKey],
    *,
    threshold: int = 1,
    payload_type: str = IN_TOTO_PAYLOAD_TYPE,
) -> VerifiedPayload:
    """Check that enough of the trusted keys signed the payload.

    Each signature is tried with each key, whatever its `keyid` says; a key counts once, however often it
    signed or was given, and of keys that share a component one counts. Signatures by keys that are not
    trusted are passed over.

    Parameters
    ----------
    envelope : Envelope
        The envelope.
    keys : sequence of PublicKey
        The trusted keys; each fixes its algorithm.
    threshold : int
        How many distinct keys must have signed.
    payload_type : str
        The only type of payload that is accepted.

    Raises
    ------
    VerificationError
        When fewer than `threshold` of the keys signed, or the payload is of another type.
    """
    if threshold < 1:
        raise InvalidOptionError(f"threshold is {threshold}; one key at least must have signed")
    if envelope.payload_type != payload_type:
        raise VerificationError(f"the payload type is {envelope.payload_type!r}, not {payload_type!r}")
    message = pae(envelope.payload_type, envelope.payload)
    distinct = {key.fingerprint: key for key in keys}
    accepted: list[PublicKey] = []
    counted: set[str] = set()
    for key in distinct.values():
        # A key and the same key with ML-DSA-65 beside it are in one hand.
        if counted.isdisjoint(key.components) and _has_signed(key, envelope.signatures, message):
            accepted.append(key)
            counted |= key.components
    if len(accepted) < threshold:
        hints = ", ".join(sorted({repr(s.keyid) for s in envelope.signatures if s.keyid})) or "none"
        raise VerificationError(
            f"{len(accepted)} of {len(distinct)} trusted keys signed, {threshold} needed; "
            f"the signatures claim the keys {hints}"
        )
    return VerifiedPayload(envelope.payload, tuple(accepted))


def sign_message(signer: Signer, message: bytes) -> tuple[PublicKey, bytes]:
    """Get a signature out of foreign code and check it; see `sign_envelope`."""
    try:
        key = PublicKey.from_pem(signer.public_key_pem())
        sig = signer.sign(message)
    except MaasError:
        raise
    except Exception as exc:
        raise SigningError(f"the signer {type(signer).__name__} failed: {exc}") from exc
    try:
        key.verify(sig, message)
    except (VerificationError, TypeError) as exc:
        raise SigningError(
            f"the signer {type(signer).__name__} gave a signature that does not hold for its own public key "
            f"{key.fingerprint}; it must sign the message itself, ECDSA in DER or Ed25519, "
            "and with ML-DSA-65 after that where its public key has it"
        ) from exc
    return key, sig


def _has_signed(key: PublicKey, signatures: Sequence[Signature], message: bytes) -> bool:
    for signature in signatures:
        try:
            key.verify(signature.sig, message)
        except VerificationError:
            continue
        return True
    return False


def _signature(document: object, path: str) -> Signature:
    if not isinstance(document, dict):
        raise _fault("expected an object", path=path)
    sig = _decode(_text(document, "sig", inside=path), path=f"{path}.sig")
    if document.get("keyid") is None:  # unset, or null as some writers put it
        return Signature(keyid="", sig=sig)
    return Signature(keyid=_text(document, "keyid", inside=path), sig=sig)


def _text(document: dict[str, Any], name: str, *, inside: str = "") -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise _fault("expected a string", path=f"{inside}.{name}" if inside else name)
    return value


def _decode(text: str, *, path: str) -> bytes:
    try:
        return decode_base64(text)
    except ValueError as exc:
        raise _fault(str(exc), path=path) from exc


def _fault(reason: str, *, path: str) -> InvalidArtifactError:
    return InvalidArtifactError(f"{_WHAT}: {reason}", path=path)
