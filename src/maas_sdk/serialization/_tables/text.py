"""The table's feature extraction: texts, dictionaries, hashes, images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["TEXT"]

TEXT: tuple[Spec, ...] = ()
