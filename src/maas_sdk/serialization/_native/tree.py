"""Single decision trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._native._nodes import build_trees, take_trees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "build_for", "together"]


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace ``tree_`` by its columns."""
    attributes["trees"] = take_trees([attributes.pop("tree_")], profile)


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    """Replace the columns by ``tree_``."""
    here = place.attribute("trees")
    trees = build_for(attributes, [attributes.pop("trees")], scope, here, limits)
    if len(trees) != 1:
        raise here.refusal(f"{len(trees)} trees instead of one")
    attributes["tree_"] = trees[0]


def build_for(
    attributes: Mapping[str, Any],
    blocks: Sequence[Mapping[str, Any]],
    scope: Scope,
    place: Place,
    limits: Limits,
) -> list[Any]:
    """Build trees with the outputs and classes of their estimator; one value an output for regression."""
    counts = attributes.get("n_classes_", [1] * scope.sizes["n_outputs"])
    return build_trees(
        blocks,
        n_features=scope.sizes["n_features"],
        n_classes=[int(count) for count in np.atleast_1d(counts)],
        place=place,
        limits=limits,
    )
