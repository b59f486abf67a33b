"""Optimizers one behind the other: clips, and at the end what moves the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Attribute, field, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Optimizer, moves_params
from maas_sdk.learning._optimizers._substates import part, prefixed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Chain", "chain"]


def _check_steps(_: object, __: Attribute[Any], steps: Any) -> None:
    if not isinstance(steps, tuple) or not steps:
        raise InvalidOptionError(
            f"a chain takes a tuple of one or more steps, as of chain(ClipByNorm(1.0), Adam()), not {steps!r}"
        )
    for index, step in enumerate(steps):
        if isinstance(step, type) or not isinstance(step, Optimizer):
            raise InvalidOptionError(
                f"step {index} of the chain must be an object with init and update_, not {step!r}"
            )
        if moves_params(step) and index < len(steps) - 1:
            raise InvalidOptionError(
                f"step {index} of the chain, {step!r}, moves the parameters; only the last step may do so"
            )
    if not moves_params(steps[-1]):
        raise InvalidOptionError(
            f"the chain ends with {steps[-1]!r}, which moves no parameters: add an optimizer such as Adam()"
        )


@frozen
class Chain:
    """Applies clips to the gradient and then the step of an optimizer; :func:`chain` makes it.

    Parameters
    ----------
    steps : tuple of Optimizer
        Any number of clips, or whatever else has a `moves_params` that is false, and one optimizer behind
        them.

    Raises
    ------
    InvalidOptionError
        If there are no steps, one is no optimizer, or the last, and only the last, does not move parameters.

    Notes
    -----
    The state is flat: those of the steps, with ``"0."``, ``"1."`` and so on before each key.

    Examples
    --------
    >>> from maas_sdk.learning import Adam, ClipByNorm
    >>> optimizer = chain(ClipByNorm(1.0), Adam(1e-3))
    """

    steps: tuple[Optimizer, ...] = field(validator=_check_steps)

    @property
    def full_batch(self) -> bool:
        """Whether the last step takes all of the data at once."""
        return bool(getattr(self.steps[-1], "full_batch", False))

    @property
    def privacy(self) -> Any:
        """How gradients are made private before the first step sees them, or None; the last step says it."""
        return getattr(self.steps[-1], "privacy", None)

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        state: dict[str, Any] = {"step": 0}
        for prefix, step in self._by_prefix():
            state.update(prefixed(prefix, step.init(params)))
        return state

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Take one step: change `params` and `state` in place; `grads` is overwritten."""
        for prefix, step in self._by_prefix():
            own = part(state, prefix)
            step.update_(params, grads, own)
            state.update(prefixed(prefix, own))
        state["step"] += 1

    def observe_(self, value: float, state: dict[str, Any]) -> None:
        """Tell the steps what should become small, such as an epoch's loss; `state` changes in place."""
        for prefix, step in self._by_prefix():
            if hasattr(step, "observe_"):
                own = part(state, prefix)
                step.observe_(value, own)
                state.update(prefixed(prefix, own))

    def _by_prefix(self) -> list[tuple[str, Optimizer]]:
        return [(f"{index}.", step) for index, step in enumerate(self.steps)]


def chain(*steps: Optimizer) -> Chain:
    """Put clips before an optimizer.

    Parameters
    ----------
    *steps : Optimizer
        In the order in which they see the gradient; the last moves the parameters.

    Returns
    -------
    Chain

    Raises
    ------
    InvalidOptionError
        If there are no steps, one is no optimizer, or the last, and only the last, does not move parameters.

    Examples
    --------
    >>> from maas_sdk.learning import ClipByNorm, SGD
    >>> chain(ClipByNorm(1.0), SGD(0.1)).steps[-1].learning_rate
    0.1
    """
    return Chain(steps)
