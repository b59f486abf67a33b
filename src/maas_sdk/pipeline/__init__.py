"""`Pipeline`: joins the rooms; a scikit-learn estimator that can be compressed, published and loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk._internal.facade import lazy_names
from maas_sdk.pipeline._pipeline import Pipeline

if TYPE_CHECKING:
    from maas_sdk.pipeline._selection import select

__all__ = ["Pipeline", "select"]

# A receiver needs no learning room.
__getattr__ = lazy_names(__name__, {"select": "_selection"})
