"""Fixed keys and files, which must stay readable for ever, and authorities that issue any certificate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from maas_sdk.signing import Certificate

VECTORS = Path(__file__).parent / "vectors"
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
CA = x509.BasicConstraints(ca=True, path_length=None)
CODE_SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])


@pytest.fixture(scope="session")
def vectors():
    return VECTORS


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def usage(*wanted):
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{one: one in wanted for one in every})


class Holder:
    """Somebody with a key and a certificate, who may issue others, allowed or not."""

    def __init__(
        self, subject, key=None, *, issuer=None, start=-30 * DAY, end=30 * DAY, extensions, digest=None
    ):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.subject = subject
        issuer = issuer or self
        builder = (
            x509.CertificateBuilder(name(issuer.subject), name(subject), self.key.public_key())
            .serial_number(x509.random_serial_number() | 1 << 158)
            .not_valid_before(NOW + start)
            .not_valid_after(NOW + end)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        signs_itself = not hasattr(issuer.key, "curve") and not hasattr(issuer.key, "key_size")
        algorithm = None if signs_itself else digest or hashes.SHA256()
        self.x509 = builder.sign(issuer.key, algorithm)
        self.certificate = Certificate(self.x509.public_bytes(Encoding.DER))

    def authority(
        self, subject="intermediate", *, constraints=CA, key_usage="key_cert_sign", more=(), **options
    ):
        extensions = [(constraints, True)] if constraints else []
        extensions += [(usage(key_usage), True)] if key_usage else []
        return Holder(subject, issuer=self, extensions=[*extensions, *more], **options)

    def signer(
        self, subject="leaf", *, key_usage=("digital_signature",), purposes=CODE_SIGNING, more=(), **options
    ):
        extensions = [(usage(*key_usage), True)] if key_usage else []
        extensions += [(purposes, False)] if purposes else []
        return Holder(subject, issuer=self, extensions=[*extensions, *more], **options)


def make_root(subject="root", key=None, *, constraints=CA, more=(), **options):
    """Make an authority as ``openssl req -x509`` does: no key usage."""
    extensions = [(constraints, True)] if constraints else []
    return Holder(subject, key, extensions=[*extensions, *more], **options)


@pytest.fixture(scope="session")
def root():
    return make_root()


@pytest.fixture(scope="session")
def roots():
    """Make any authority."""
    return make_root
