"""The table's naive Bayes, discriminant analysis, covariance, cross decomposition, isotonic regression, mixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maas_sdk.serialization._spec import Spec

__all__ = ["STATISTICS"]

STATISTICS: tuple[Spec, ...] = ()
