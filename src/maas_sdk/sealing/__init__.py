"""age v1 encryption: recipients, identities, header, payload stream, random access.

Source of the format: https://c2sp.org/age. What age does not do: it authenticates no sender and lets any
recipient write another payload, so that only a signature binds what was sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk._internal.facade import lazy_names

if TYPE_CHECKING:
    from maas_sdk.sealing._age import AgeSealer, decrypt, encrypt, encrypt_pieces, stanza_types
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
    "encrypt_pieces",
    "generate_identity",
    "open_sealed",
    "parse_identity",
    "parse_identity_file",
    "parse_recipient",
    "parse_recipient_file",
    "stanza_types",
]

_MODULE_OF = {
    "AgeSealer": "_age",
    "HybridIdentity": "_hybrid",
    "HybridRecipient": "_hybrid",
    "Identity": "_keys",
    "Passphrase": "_passphrase",
    "Recipient": "_keys",
    "SealedReader": "_reader",
    "Stanza": "_header",
    "X25519Identity": "_x25519",
    "X25519Recipient": "_x25519",
    "decrypt": "_age",
    "encrypt": "_age",
    "encrypt_pieces": "_age",
    "generate_identity": "_parse",
    "open_sealed": "_reader",
    "parse_identity": "_parse",
    "parse_identity_file": "_parse",
    "parse_recipient": "_parse",
    "parse_recipient_file": "_parse",
    "stanza_types": "_age",
}

if not TYPE_CHECKING:  # pragma: no branch - type checkers read the imports above
    __getattr__ = lazy_names(__name__, _MODULE_OF)
