"""Forests: their trees differ in their nodes and random states alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.serialization._native._nodes import take_forest
from maas_sdk.serialization._native.tree import build_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "copies", "take_members", "together"]


def apart(
    _: Any, attributes: dict[str, Any], profile: Profile, place: Place, *, keep: tuple[str, ...] = ()
) -> None:
    """Replace ``estimators_`` by the columns of their trees, and what else they have of their own."""
    members = attributes.pop("estimators_")
    take_members(members, _member_attributes(attributes), attributes, place)
    attributes["trees"] = take_forest([member.tree_ for member in members], profile, keep=keep)
    attributes["trees_max_features"] = members[0].max_features_
    if attributes.get("_sample_weight") is not None:
        del attributes["_sample_weight"]  # one number a row of the training data


def take_members(
    members: Sequence[Any], expected: Mapping[str, Any], attributes: dict[str, Any], place: Place
) -> None:
    """Keep the random states of trees that have all else from their ensemble."""
    wanted = {
        name: _flat(expected.get(name)) for name in ("n_outputs_", "n_classes_", "classes_", "n_features_in_")
    }
    for index, member in enumerate(members):
        for name, value in wanted.items():
            if not np.array_equal(_flat(getattr(member, name, None)), value):
                here = place.attribute("estimators_").item(index)
                raise here.attribute(name).refusal("differs from what the forest gave its trees")
    attributes["trees_random_state"] = [
        member.random_state if isinstance(member.random_state, int) else None for member in members
    ]


def _flat(value: Any) -> NDArray[Any]:
    """Give a number, an array or a list of arrays as one array."""
    return np.concatenate([np.ravel(item) for item in value]) if isinstance(value, list) else np.ravel(value)


def _member_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Give what all trees of a forest have: their classes are the numbers of the forest's."""
    given = {name: attributes[name] for name in ("n_features_in_", "n_outputs_")}
    if "n_classes_" not in attributes:
        return given
    counts = np.array(attributes["n_classes_"], np.intp)
    classes = [np.arange(count, dtype=np.float64) for count in np.atleast_1d(counts)]
    if counts.ndim:
        return {**given, "classes_": classes, "n_classes_": counts}
    return {**given, "classes_": classes[0], "n_classes_": counts[()]}


def together(forest: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    """Replace the columns by ``estimators_``."""
    trees = build_for(attributes, attributes.pop("trees"), scope, place.attribute("trees"), limits)
    if not trees:
        raise place.attribute("trees").refusal("no trees")
    forest._validate_estimator()  # noqa: SLF001 - sets estimator_, as fit does
    template = forest._make_estimator(append=False)  # noqa: SLF001 - likewise
    vars(template).update(_member_attributes(attributes), max_features_=attributes.pop("trees_max_features"))
    states = attributes.pop("trees_random_state")
    if len(states) != len(trees):
        raise place.attribute("trees_random_state").refusal(f"not one for each of {len(trees)} trees")
    attributes["estimators_"] = copies(template, trees, states)


def copies(template: Any, trees: Sequence[Any], states: Sequence[Any]) -> list[Any]:
    """Give an estimator like the template for each tree."""
    cls: Any = type(template)
    shared = vars(template)
    members = []
    for tree, random_state in zip(trees, states, strict=True):
        member = cls.__new__(cls)
        vars(member).update(shared, tree_=tree, random_state=random_state)
        members.append(member)
    return members
