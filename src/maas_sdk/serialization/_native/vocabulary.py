"""The terms of texts: a list of them in the order of their columns stands for the mapping to these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._arrays import Words

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``vocabulary_`` by its terms."""
    vocabulary = attributes.pop("vocabulary_")
    terms: list[Any] = [None] * len(vocabulary)
    for term, column in vocabulary.items():
        if not 0 <= column < len(terms):
            raise place.attribute("vocabulary_").refusal(f"expected the integers below {len(terms)}")
        terms[column] = term
    if set(map(type, terms)) != {str}:
        raise place.attribute("vocabulary_").refusal("expected a term for each column")
    attributes["terms"] = Words(terms)


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace the terms by the mapping."""
    terms = attributes.pop("terms")
    vocabulary = dict(zip(terms, range(len(terms)), strict=True))
    if not 0 < len(vocabulary) == len(terms):
        raise place.attribute("terms").refusal("no terms, or one stands twice")
    attributes["vocabulary_"] = vocabulary
