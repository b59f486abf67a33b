"""Gradient descent with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from attrs import Attribute
    from numpy.typing import NDArray

__all__ = ["Momentum"]


def _check(_optimizer: Momentum, option: Attribute[float], value: object) -> None:
    largest = option.metadata["below"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < largest:
        raise InvalidOptionError(f"{option.name} must be a number from 0 to below {largest}, not {value!r}")


@frozen(kw_only=True)
class Momentum:
    """Moves along a decaying sum of the gradients.

    The object holds options only; what changes is the state, so that training can be saved and resumed.

    Parameters
    ----------
    learning_rate : float, default=0.05
        Factor of the sum in a step; 0 or more.
    momentum : float, default=0.9
        What is left of the sum after a step; from 0 to below 1.
    """

    learning_rate: float = field(default=0.05, validator=_check, metadata={"below": float("inf")})
    momentum: float = field(default=0.9, validator=_check, metadata={"below": 1})

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array."""
        return {"sum": np.zeros_like(params)}

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Update `params` and `state` in place."""
        total = state["sum"]
        total *= self.momentum
        total += grads
        params -= self.learning_rate * total
