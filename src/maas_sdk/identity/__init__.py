"""Who signs and who receives: an `Identity` with its secret keys, and the `Contact` to give away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk._internal.facade import lazy_names

if TYPE_CHECKING:
    from maas_sdk.identity._contact import Contact
    from maas_sdk.identity._identity import Identity
    from maas_sdk.identity._key_files import load_signing_key, load_verifying_key

__all__ = ["Contact", "Identity", "load_signing_key", "load_verifying_key"]

_MODULE_OF = {
    "Contact": "_contact",
    "Identity": "_identity",
    "load_signing_key": "_key_files",
    "load_verifying_key": "_key_files",
}

if not TYPE_CHECKING:  # pragma: no branch - type checkers read the imports above
    __getattr__ = lazy_names(__name__, _MODULE_OF)
