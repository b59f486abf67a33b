"""Who signs and who receives: an `Identity` with its secret keys, and the `Contact` to give away."""

from maas_sdk.identity._contact import Contact
from maas_sdk.identity._identity import Identity
from maas_sdk.identity._key_files import load_signing_key, load_verifying_key

__all__ = ["Contact", "Identity", "load_signing_key", "load_verifying_key"]
