"""Clips: steps of a chain that bound gradients and leave the parameters to the optimizer behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from attrs import frozen

from maas_sdk.learning._optimizers._blocks import arrays_of, new_state, scratch_like
from maas_sdk.learning._optimizers._fields import real

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ClipByNorm", "ClipByValue"]

_EPSILON = 1e-6  # torch's
_BLOCK = 10_000  # numbers whose squares are added up together
_SHRINKING = {4: 2.0**-64, 8: 2.0**-512}  # by the bytes of a number


@frozen
class ClipByNorm:
    r"""Shortens a gradient that is longer than a bound, by the rule of ``torch.nn.utils.clip_grad_norm_``.

    :math:`g \leftarrow g \cdot \min(1,\; c / (\lVert g \rVert_2 + 10^{-6}))`, the norm over all parameters.
    A gradient with NaN becomes NaN everywhere, so that the training loop finds it.

    Parameters
    ----------
    max_norm : float, default=1.0
        :math:`c`, greater than 0.

    Attributes
    ----------
    moves_params : bool
        False: it needs an optimizer behind it, see :func:`chain`.

    Raises
    ------
    InvalidOptionError
        If `max_norm` is out of its bounds.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training Recurrent Neural Networks", ICML 2013,
    arXiv:1211.5063.
    """

    max_norm: float = real(1.0, above=0)
    moves_params: ClassVar[bool] = False

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        return new_state(params)

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Shorten `grads` in place; `params` stay as they are."""
        arrays_of(params, grads, state)
        coefficient = self.max_norm / (_norm(grads) + _EPSILON)
        if not coefficient >= 1:  # NaN is not, and has to spread
            np.multiply(grads, coefficient, grads)
        state["step"] += 1


@frozen
class ClipByValue:
    r"""Bounds each element of a gradient, by the rule of ``torch.nn.utils.clip_grad_value_``.

    :math:`g_i \leftarrow \max(-c, \min(c, g_i))`; NaN stays NaN.

    Parameters
    ----------
    max_value : float, default=1.0
        :math:`c`, greater than 0.

    Attributes
    ----------
    moves_params : bool
        False: it needs an optimizer behind it, see :func:`chain`.

    Raises
    ------
    InvalidOptionError
        If `max_value` is out of its bounds.
    """

    max_value: float = real(1.0, above=0)
    moves_params: ClassVar[bool] = False

    def init(self, params: NDArray[np.floating]) -> dict[str, Any]:
        """Make the state for `params`, a flat array of shape (n_parameters,), float32 or float64."""
        return new_state(params)

    def update_(
        self, params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any]
    ) -> None:
        """Bound `grads` in place; `params` stay as they are."""
        arrays_of(params, grads, state)
        np.clip(grads, -self.max_value, self.max_value, out=grads)
        state["step"] += 1


def _norm(grads: NDArray[np.floating], scale: float = 1.0) -> float:
    """Give the Euclidean norm, added up by block; blocks and numpy's pairs keep rounding small."""
    total, scratch = 0.0, scratch_like(grads)
    for start in range(0, grads.size, _BLOCK):
        g = grads[start : start + _BLOCK]
        s = scratch[: g.size]
        np.multiply(g, scale, s)
        total += float(np.add.reduce(np.multiply(s, s, s)))
    if total == math.inf and scale == 1:
        # The squares have overflowed, the norm need not.
        return _norm(grads, _SHRINKING[grads.itemsize])
    return math.sqrt(total) / scale
