"""The optimizer of scikit-learn's neural networks: its rates and its moments of each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

if TYPE_CHECKING:
    from maas_sdk.limits import Limits
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place
    from maas_sdk.serialization._spec import Profile

__all__ = ["apart", "together"]


def apart(_: Any, attributes: dict[str, Any], profile: Profile, place: Place) -> None:  # noqa: ARG001
    """Replace the optimizer, if it is kept, by what it holds."""
    if "_optimizer" in attributes:
        attributes["_optimizer"] = dict(vars(attributes["_optimizer"]))


def together(
    _: Any,
    attributes: dict[str, Any],
    scope: Scope,  # noqa: ARG001 - the protocol's
    place: Place,
    limits: Limits,  # noqa: ARG001 - the protocol's
) -> None:
    """Replace what an optimizer holds by the optimizer."""
    if "_optimizer" not in attributes:
        return
    held, here = attributes["_optimizer"], place.attribute("_optimizer")
    shapes = [layer.shape for layer in (*attributes["coefs_"], *attributes["intercepts_"])]
    for name in ("ms", "vs", "velocities"):
        if name in held and [moment.shape for moment in held[name]] != shapes:
            raise here.attribute(name).refusal("not one for each array of weights, of its shape")
    optimizer = AdamOptimizer([]) if "ms" in held else SGDOptimizer([])
    vars(optimizer).update(held)
    attributes["_optimizer"] = optimizer
