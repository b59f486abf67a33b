"""The table's support vector machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["SVM"]

SVM: tuple[Spec, ...] = ()
