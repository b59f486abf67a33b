"""Keys, DSSE envelopes, in-toto statements, Model Signing bundles; it does not decide whom to trust."""

from maas_sdk.signing._envelope import (
    IN_TOTO_PAYLOAD_TYPE,
    Envelope,
    Signature,
    VerifiedPayload,
    pae,
    sign_envelope,
    verify_envelope,
)
from maas_sdk.signing._folders import sign_folder, verify_folder
from maas_sdk.signing._key_files import (
    load_private_key,
    load_public_key,
    save_private_key,
    save_public_key,
)
from maas_sdk.signing._keys import KEY_TYPES, PrivateKey, PublicKey
from maas_sdk.signing._model_signing import SignedFiles, sign_files, verify_files
from maas_sdk.signing._statement import STATEMENT_TYPE, Statement, Subject

__all__ = [
    "IN_TOTO_PAYLOAD_TYPE",
    "KEY_TYPES",
    "STATEMENT_TYPE",
    "Envelope",
    "PrivateKey",
    "PublicKey",
    "Signature",
    "SignedFiles",
    "Statement",
    "Subject",
    "VerifiedPayload",
    "load_private_key",
    "load_public_key",
    "pae",
    "save_private_key",
    "save_public_key",
    "sign_envelope",
    "sign_files",
    "sign_folder",
    "verify_envelope",
    "verify_files",
    "verify_folder",
]
