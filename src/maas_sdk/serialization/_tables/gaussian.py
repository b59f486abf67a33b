"""The table's Gaussian processes and their kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["GAUSSIAN"]

GAUSSIAN: tuple[Spec, ...] = ()
