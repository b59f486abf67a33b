"""A chain of certificates up to a given root, each check with its name; it asks nobody about revocation.

Rules: RFC 5280, section 6, narrowed to what signs models: one ordered chain, and no extension that has to be
understood and is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from maas_sdk.errors import KeyFileError, VerificationError
from maas_sdk.signing._key_types import MODEL_SIGNING_KEY_TYPES, type_of
from maas_sdk.signing._public_key import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from maas_sdk.signing._certificate import Certificate

__all__ = ["key_of", "verify_chain"]

_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,  # nothing is decided by a name
    }
)
_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})
_MIN_RSA_BITS: Final = 2048

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def verify_chain(
    chain: Sequence[Certificate], roots: Iterable[Certificate], *, now: datetime
) -> tuple[Certificate, ...]:
    """Check that `chain` leads from a certificate that may sign code up to one of `roots`.

    No bundle says when it was signed, but that was after its certificate became valid and is past. Each
    certificate of the path must be valid at both ends of that span, and so was when the model was signed.

    Parameters
    ----------
    chain : sequence of Certificate
        The signer's own first, each issued by the next; the root may be among them or not.
    roots : iterable of Certificate
        Trusted by the caller.
    now : datetime
        With a time zone.

    Returns
    -------
    tuple of Certificate
        The path that was checked, the root last; what `chain` holds beyond is not part of it.

    Raises
    ------
    VerificationError
        With the name of the check that failed and the certificate's.
    """
    path = _find_path(chain, tuple(roots))
    leaf = path[0]
    _check_leaf(leaf)
    for index, issuer in enumerate(path[1:]):
        _check_issuer(issuer, below=path[1 : index + 1])
    for certificate in path:
        _check_extensions(certificate)
        _check_validity(certificate, leaf.parsed.not_valid_before_utc, "at signing time")
        _check_validity(certificate, now, "now")
    return path


def key_of(leaf: Certificate) -> PublicKey:
    """Give the key that signs models: ECDSA on a curve that the format knows.

    Raises
    ------
    VerificationError
        When it is of another type.
    """
    public_key = leaf.parsed.public_key()
    try:
        if isinstance(public_key, EllipticCurvePublicKey):
            return PublicKey(public_key)
    except KeyFileError as exc:
        raise _failed("key", leaf, str(exc)) from exc
    raise _failed(
        "key", leaf, f"has a {type(public_key).__name__}, not one of {', '.join(MODEL_SIGNING_KEY_TYPES)}"
    )


def _find_path(chain: Sequence[Certificate], roots: Sequence[Certificate]) -> tuple[Certificate, ...]:
    path: list[Certificate] = []
    for certificate in chain:
        if path:
            _check_signature(path[-1], certificate)
        path.append(certificate)
        if certificate in roots:
            return tuple(path)
        for root in roots:
            if root.parsed.subject == certificate.parsed.issuer and _issued(certificate, root):
                _check_signature(certificate, root)
                return (*path, root)
    issuer = path[-1].parsed.issuer.rfc4514_string()
    raise _failed("issuer", path[-1], f"was issued by {issuer!r}, which is none of the given roots")


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.parsed.verify_directly_issued_by(issuer.parsed)
    except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _check_signature(certificate: Certificate, issuer: Certificate) -> None:
    if certificate.parsed.issuer != issuer.parsed.subject or not _issued(certificate, issuer):
        raise _failed("issuer", certificate, f"was not issued by {issuer.subject!r}, the next of the chain")
    algorithm = certificate.parsed.signature_hash_algorithm
    if algorithm is not None and algorithm.name not in _HASHES:
        raise _failed("signature algorithm", certificate, f"is signed with {algorithm.name}, which is weak")
    key = issuer.parsed.public_key()
    if isinstance(key, RSAPublicKey):
        if key.key_size < _MIN_RSA_BITS:
            raise _failed("key", issuer, f"has an RSA key of {key.key_size} bits; {_MIN_RSA_BITS} at least")
    elif isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey):
        try:
            type_of(key)
        except KeyFileError as exc:
            raise _failed("key", issuer, str(exc)) from exc
    else:
        raise _failed("key", issuer, f"has a {type(key).__name__}, which is not accepted")


def _check_leaf(leaf: Certificate) -> None:
    key_of(leaf)
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise _failed("basic constraints", leaf, "is an authority's, which signs certificates, not models")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise _failed("key usage", leaf, "does not say digitalSignature")
    purposes = _extension(leaf, x509.ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        raise _failed("extended key usage", leaf, "does not say codeSigning")


def _check_issuer(issuer: Certificate, *, below: Sequence[Certificate]) -> None:
    """Check an authority; `below` are those between it and the leaf."""
    constraints = _extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise _failed("basic constraints", issuer, "issued another, but is no authority's")
    length = constraints.path_length
    # Section 6.1: those that issued themselves, as in a change of keys, do not count.
    depth = sum(certificate.parsed.issuer != certificate.parsed.subject for certificate in below)
    if length is not None and depth > length:
        raise _failed("path length", issuer, f"allows {length} authorities below it, and there are {depth}")
    usage = _extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise _failed("key usage", issuer, "issued another, but does not say keyCertSign")
    purposes = _extension(issuer, x509.ExtendedKeyUsage)
    allowed = {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and allowed.isdisjoint(purposes):
        raise _failed("extended key usage", issuer, "is restricted to purposes other than codeSigning")


def _check_extensions(certificate: Certificate) -> None:
    for extension in certificate.parsed.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise _failed(
                "critical extension", certificate, f"demands that {extension.oid.dotted_string} is understood"
            )


def _check_validity(certificate: Certificate, instant: datetime, what: str) -> None:
    start, end = certificate.parsed.not_valid_before_utc, certificate.parsed.not_valid_after_utc
    if not start <= instant <= end:
        raise _failed(f"validity {what}", certificate, f"holds from {start} to {end}, not on {instant}")


def _extension(certificate: Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _failed(check: str, certificate: Certificate, why: str) -> VerificationError:
    return VerificationError(f"certificate chain, {check}: {certificate.subject!r} {why}")
