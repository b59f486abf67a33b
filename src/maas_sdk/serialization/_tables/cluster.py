"""The table's clustering."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["CLUSTER"]

CLUSTER: tuple[Spec, ...] = ()
