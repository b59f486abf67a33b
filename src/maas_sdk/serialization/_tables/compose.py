"""The table's compositions: column transformers, unions, targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["COMPOSE"]

COMPOSE: tuple[Spec, ...] = ()
