"""The table's decomposition, manifolds, kernel approximation and random projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["DECOMPOSITION"]

DECOMPOSITION: tuple[Spec, ...] = ()
