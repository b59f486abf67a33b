"""Who signs and who receives: an `Identity` with its secret keys, and the `Contact` to give away."""

from maas_sdk.identity._contact import Contact
from maas_sdk.identity._identity import Identity

__all__ = ["Contact", "Identity"]
