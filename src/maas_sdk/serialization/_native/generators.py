"""Estimators that go on learning with a random state: one that is the whole process's is not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.utils import check_random_state

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]

_NAMES = ("random_state_", "_random_state")


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace the random state of the whole process by None."""
    for name in _NAMES:
        if attributes.get(name) is check_random_state(None):
            attributes[name] = None


def together(_: Any, attributes: dict[str, Any], scope: Scope, place: Place, limits: Limits) -> None:  # noqa: ARG001
    """Replace None by the random state of this process."""
    for name in _NAMES:
        if name in attributes:
            attributes[name] = check_random_state(attributes[name])
