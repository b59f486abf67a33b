"""X.509 certificates as values; it does not decide which to trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from maas_sdk._internal.digests import sha256
from maas_sdk._internal.key_files import read_key_file
from maas_sdk.errors import KeyFileError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing._key_types import pem_blocks

if TYPE_CHECKING:
    import os

__all__ = ["Certificate", "load_certificates"]

_FAULTS: Final = (
    TypeError,  # of names with a kind of text that their attribute must not have
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,  # where the application has made warnings errors
)


@frozen
class Certificate:
    """A well-formed certificate. Whether it holds is another question; see `verify_files`.

    Two are equal when their bytes are. Make one with `from_pem` or `from_der`.

    Attributes
    ----------
    der : bytes
        The certificate itself.
    parsed : cryptography.x509.Certificate
        The same for reading.
    """

    der: bytes = field(repr=False)
    parsed: x509.Certificate = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        try:
            parsed = x509.load_der_x509_certificate(self.der)
            _read_all(parsed, self.der)
        except _FAULTS as exc:
            raise KeyFileError(f"this is not a certificate that can be used: {exc}") from exc
        object.__setattr__(self, "parsed", parsed)

    def __repr__(self) -> str:
        return f"Certificate({self.subject!r}, {self.fingerprint})"

    @classmethod
    def from_der(cls, data: bytes) -> Certificate:
        """Read one from DER.

        Raises
        ------
        KeyFileError
            When it is malformed, or its key is of a type that nobody knows.
        """
        return cls(data)

    @classmethod
    def from_pem(cls, text: str | bytes) -> Certificate:
        """Read one from PEM text.

        Raises
        ------
        KeyFileError
            When the text is not one certificate.
        """
        found = _from_pem(text)
        if len(found) != 1:
            raise KeyFileError(f"expected one certificate in PEM, found {len(found)}")
        return found[0]

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return self.parsed.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def subject(self) -> str:
        """Whose it is, as RFC 4514 writes it: ``CN=acme,O=ACME``."""
        return self.parsed.subject.rfc4514_string()

    @property
    def fingerprint(self) -> str:
        """``"sha256:…"`` over the DER."""
        return sha256(self.der)

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        return Certificate, (self.der,)


def _read_all(parsed: x509.Certificate, der: bytes) -> None:
    """Have every field parsed now: PyCA parses most of them when they are asked for."""
    parsed.public_key()
    for name in (parsed.subject, parsed.issuer):
        name.rfc4514_string()
    tuple(parsed.extensions)
    if not der.endswith(b"\0" + parsed.signature):  # PyCA reads over the count of unused bits
        raise ValueError("its signature does not end with the last octet")
    if parsed.serial_number <= 0:
        raise ValueError("its serial number is not positive (RFC 5280, section 4.1.2.2)")
    _ = (parsed.signature_hash_algorithm, parsed.not_valid_before_utc, parsed.not_valid_after_utc)


def load_certificates(path: str | os.PathLike[str]) -> tuple[Certificate, ...]:
    """Read a file with one certificate or more in PEM, a chain with the signer's own first.

    Raises
    ------
    KeyFileError
        When the file is missing, or holds anything else than certificates.
    """
    found = _from_pem(read_key_file(Path(path), limits=DEFAULT_LIMITS, secret=False))
    if not found:
        raise KeyFileError(f"{path} holds no certificate in PEM")
    return found


def _from_pem(text: str | bytes) -> tuple[Certificate, ...]:
    found = []
    for block in pem_blocks(text):
        try:
            parsed = x509.load_pem_x509_certificate(block)
        except _FAULTS as exc:
            raise KeyFileError(f"this is not a certificate in PEM: {exc}") from exc
        found.append(Certificate(parsed.public_bytes(Encoding.DER)))
    return tuple(found)
