"""The table's encoders, discretizers, transformers of single columns and imputers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["ENCODING"]

ENCODING: tuple[Spec, ...] = ()
