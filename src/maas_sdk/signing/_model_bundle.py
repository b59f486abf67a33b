"""The Sigstore bundle around a model signature: who signed, and the envelope; it checks no signature."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from maas_sdk._internal import strict_json
from maas_sdk.errors import InvalidArtifactError, KeyFileError
from maas_sdk.signing._base64 import decode_base64, encode_base64
from maas_sdk.signing._certificate import Certificate
from maas_sdk.signing._envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from maas_sdk.limits import Limits
    from maas_sdk.signing._public_key import PublicKey

__all__ = ["MAX_CHAIN", "WHAT", "hint_at", "read_bundle", "write_bundle"]

WHAT: Final = "the model signature"
MAX_CHAIN: Final = 10  # certificates; public hierarchies have three or four

_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"


def hint_at(key: PublicKey) -> str:
    """Name a key as the format does: by the SHA-256 of its PEM text."""
    return hashlib.sha256(key.pem.encode("ascii")).hexdigest()


def write_bundle(envelope: Envelope, material: str | Sequence[Certificate]) -> bytes:
    """Encode an envelope with the hint at a key, or with a chain of certificates."""
    return strict_json.dumps(
        {
            "mediaType": _MEDIA_TYPE,
            "verificationMaterial": {
                **({"publicKey": {"hint": material}} if isinstance(material, str) else _chain(material)),
                "tlogEntries": [],
            },
            "dsseEnvelope": envelope.to_dict(),
        }
    )


def read_bundle(document: object, limits: Limits) -> tuple[str, tuple[Certificate, ...], Envelope]:
    """Take the layers of a bundle apart: the hint or the chain (the other is empty), and the envelope.

    Raises
    ------
    InvalidArtifactError
        When a layer has anything else than it must.
    LimitExceededError
        When it exceeds a limit.
    """
    outer = _object(document, "the bundle", {"mediaType", "verificationMaterial", "dsseEnvelope"})
    if outer["mediaType"] != _MEDIA_TYPE:
        raise InvalidArtifactError(f"{WHAT}: mediaType is {outer['mediaType']!r}, not {_MEDIA_TYPE!r}")
    hint, chain = _material(outer["verificationMaterial"])
    envelope = Envelope.from_dict(outer["dsseEnvelope"], limits=limits)
    if len(envelope.signatures) != 1:
        raise InvalidArtifactError(f"{WHAT} has {len(envelope.signatures)} signatures, not one")
    return hint, chain, envelope


def _material(document: object) -> tuple[str, tuple[Certificate, ...]]:
    if isinstance(document, dict) and "certificate" in document:
        raise InvalidArtifactError(f"{WHAT} was made with a short-lived certificate and a log, on line")
    with_chain = isinstance(document, dict) and "x509CertificateChain" in document
    kind = "x509CertificateChain" if with_chain else "publicKey"
    material = _object(document, "verificationMaterial", {kind}, {"tlogEntries"})
    if material.get("tlogEntries", []) != []:
        raise InvalidArtifactError(f"{WHAT} has tlogEntries, which nobody checks where there is no network")
    if with_chain:
        return "", tuple(_certificates(_object(material[kind], kind, {"certificates"})["certificates"]))
    hint = _object(material[kind], kind, {"hint"})["hint"]
    if not isinstance(hint, str):
        raise InvalidArtifactError(f"{WHAT}: hint must be a string")
    return hint, ()


def _certificates(document: object) -> list[Certificate]:
    if not isinstance(document, list) or not 1 <= len(document) <= MAX_CHAIN:
        raise InvalidArtifactError(f"{WHAT}: certificates must be an array of 1 to {MAX_CHAIN}")
    found = []
    for index, item in enumerate(document):
        raw = _object(item, f"certificates[{index}]", {"rawBytes"})["rawBytes"]
        if not isinstance(raw, str):
            raise InvalidArtifactError(f"{WHAT}: expected a string", path=f"certificates[{index}].rawBytes")
        try:
            found.append(Certificate.from_der(decode_base64(raw)))
        except (ValueError, KeyFileError) as exc:
            raise InvalidArtifactError(f"{WHAT}: {exc}", path=f"certificates[{index}].rawBytes") from exc
    return found


def _chain(certificates: Sequence[Certificate]) -> dict[str, Any]:
    """Write a chain without the root at its end, as Sigstore's specification of the field demands."""
    last = certificates[-1].parsed
    kept = certificates[:-1] if len(certificates) > 1 and last.subject == last.issuer else certificates
    return {
        "x509CertificateChain": {
            "certificates": [{"rawBytes": encode_base64(certificate.der)} for certificate in kept]
        }
    }


def _object(
    value: object,
    name: str,
    required: AbstractSet[str],
    optional: AbstractSet[str] = frozenset(),
) -> dict[str, Any]:
    known = required | optional
    if not isinstance(value, dict) or not required <= value.keys() <= known:
        raise InvalidArtifactError(
            f"{WHAT}: {name} must be an object with {', '.join(sorted(known))} and nothing else"
        )
    return value
