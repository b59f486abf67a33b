"""Keys, certificates, DSSE, in-toto statements, Model Signing; it does not decide whom to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk._internal.facade import lazy_names

if TYPE_CHECKING:
    from maas_sdk.signing._certificate import Certificate, load_certificates
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
    from maas_sdk.signing._key_types import KEY_TYPES, MODEL_SIGNING_KEY_TYPES
    from maas_sdk.signing._model_signing import SignedFiles, sign_files, verify_files
    from maas_sdk.signing._private_key import PrivateKey
    from maas_sdk.signing._public_key import PublicKey
    from maas_sdk.signing._statement import STATEMENT_TYPE, Statement, Subject

__all__ = [
    "IN_TOTO_PAYLOAD_TYPE",
    "KEY_TYPES",
    "MODEL_SIGNING_KEY_TYPES",
    "STATEMENT_TYPE",
    "Certificate",
    "Envelope",
    "PrivateKey",
    "PublicKey",
    "Signature",
    "SignedFiles",
    "Statement",
    "Subject",
    "VerifiedPayload",
    "load_certificates",
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

_MODULE_OF = {
    "IN_TOTO_PAYLOAD_TYPE": "_envelope",
    "KEY_TYPES": "_key_types",
    "MODEL_SIGNING_KEY_TYPES": "_key_types",
    "STATEMENT_TYPE": "_statement",
    "Certificate": "_certificate",
    "Envelope": "_envelope",
    "PrivateKey": "_private_key",
    "PublicKey": "_public_key",
    "Signature": "_envelope",
    "SignedFiles": "_model_signing",
    "Statement": "_statement",
    "Subject": "_statement",
    "VerifiedPayload": "_envelope",
    "load_certificates": "_certificate",
    "load_private_key": "_key_files",
    "load_public_key": "_key_files",
    "pae": "_envelope",
    "save_private_key": "_key_files",
    "save_public_key": "_key_files",
    "sign_envelope": "_envelope",
    "sign_files": "_model_signing",
    "sign_folder": "_folders",
    "verify_envelope": "_envelope",
    "verify_files": "_model_signing",
    "verify_folder": "_folders",
}

if not TYPE_CHECKING:  # pragma: no branch - type checkers read the imports above
    __getattr__ = lazy_names(__name__, _MODULE_OF)
