"""The table's nearest neighbours and what is built on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["NEIGHBORS"]

NEIGHBORS: tuple[Spec, ...] = ()
