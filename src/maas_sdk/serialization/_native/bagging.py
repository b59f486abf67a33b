"""Bagging: the seeds with which the samples of each member can be drawn again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.serialization._tables.meta import MAX_DRAWN

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Leave out the seeds of so many samples that a receiver would refuse to draw them."""
    if "_seeds" in attributes and attributes["_seeds"].size * attributes["_max_samples"] > MAX_DRAWN:
        del attributes["_seeds"]


def together(_: Any, __: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:
    """Leave all as it is."""
