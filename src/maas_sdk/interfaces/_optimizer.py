"""The contract of an optimizer: a pure description, its state apart, its updates in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Optimizer", "moves_params"]


@runtime_checkable
class Optimizer(Protocol):
    """Moves parameters against their gradients.

    The object holds options only and is never changed; what changes is the state, a plain dict of arrays and
    integers, so that training can be saved without pickle and resumed bit for bit.

    Three things are optional. Where the attribute `full_batch` is true, the training loop gives the gradient
    over all samples, one step an epoch, instead of batches. Where `moves_params` is false, the object changes
    gradients alone, such as a clip, and trains nothing without another behind it. ``observe_(value, state)``
    is called after each epoch with what should become small: the loss, or minus the validation score.
    """

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        ...

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Update `params` and `state` in place; `grads` is like `params` and may be overwritten."""
        ...


def moves_params(optimizer: Optimizer) -> bool:
    """Whether `optimizer` changes parameters; false for what changes gradients alone, such as a clip."""
    return bool(getattr(optimizer, "moves_params", True))
