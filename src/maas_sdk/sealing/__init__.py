"""age v1 encryption: recipients, identities, header, payload stream, random access.

Source of the format: https://c2sp.org/age. What age does not do: it authenticates no sender and lets any
recipient write another payload, so that only a signature binds what was sealed.
"""

from maas_sdk.sealing._age import AgeSealer, decrypt, encrypt
from maas_sdk.sealing._header import Stanza
from maas_sdk.sealing._hybrid import HybridIdentity, HybridRecipient
from maas_sdk.sealing._keys import Identity, Recipient
from maas_sdk.sealing._parse import (
    generate_identity,
    parse_identity,
    parse_identity_file,
    parse_recipient,
    parse_recipient_file,
)
from maas_sdk.sealing._passphrase import Passphrase
from maas_sdk.sealing._reader import SealedReader, open_sealed
from maas_sdk.sealing._x25519 import X25519Identity, X25519Recipient

__all__ = [
    "AgeSealer",
    "HybridIdentity",
    "HybridRecipient",
    "Identity",
    "Passphrase",
    "Recipient",
    "SealedReader",
    "Stanza",
    "X25519Identity",
    "X25519Recipient",
    "decrypt",
    "encrypt",
    "generate_identity",
    "open_sealed",
    "parse_identity",
    "parse_identity_file",
    "parse_recipient",
    "parse_recipient_file",
]
