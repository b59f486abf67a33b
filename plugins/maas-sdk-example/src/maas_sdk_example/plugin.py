"""Declares the components; imports none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.plugin import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["maas_sdk_compressors"]


@hookimpl
def maas_sdk_compressors() -> Iterator[ComponentSpec]:
    """Declare the compressor."""
    yield ComponentSpec(
        "float32", "maas_sdk_example.float32:Float32Compressor", summary="Weights in single precision"
    )
