"""Random trees embedding: a forest whose leaves are encoded, so that the encoder must know its leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._native import forest

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["apart", "together"]

apart = forest.apart


def together(embedding: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    """Replace the columns by ``estimators_``, one for each column that the encoder has learned."""
    forest.together(embedding, attributes, scope, place, limits)
    encoder = attributes["one_hot_encoder_"]
    if len(encoder.categories_) != len(attributes["estimators_"]):
        raise place.attribute("one_hot_encoder_").refusal("not one column for each tree")
