"""The names that a dictionary's entries have: an array of them stands for the list and for their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``feature_names_`` and ``vocabulary_`` by an array."""
    names, places = attributes.pop("feature_names_", []), attributes.pop("vocabulary_", {})
    if places != {name: index for index, name in enumerate(names)}:
        raise place.attribute("vocabulary_").refusal("not the places of feature_names_")
    attributes["names"] = np.empty(len(names), dtype=object)
    attributes["names"][:] = names


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace the array by these."""
    attributes["feature_names_"] = names = attributes.pop("names").tolist()
    attributes["vocabulary_"] = {name: index for index, name in enumerate(names)}
