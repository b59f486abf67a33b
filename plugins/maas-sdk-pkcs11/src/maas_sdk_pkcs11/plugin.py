"""Declares the components; imports none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.plugin import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["maas_sdk_signers"]


@hookimpl
def maas_sdk_signers() -> Iterator[ComponentSpec]:
    """Declare the signer."""
    yield ComponentSpec(
        "token", "maas_sdk_pkcs11.token:TokenSigner", summary="A key in a PKCS#11 token: HSM, smart card"
    )
