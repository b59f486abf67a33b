"""The table's estimators around estimators: voting, stacking, bagging, boosting, several classes and outputs, searches, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["META"]

META: tuple[Spec, ...] = ()
