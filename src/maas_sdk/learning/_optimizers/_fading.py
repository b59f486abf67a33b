r"""Sums that fade, :math:`a \leftarrow \beta a + x`, in one pass over memory instead of two.

Stored is not :math:`a` but :math:`a \beta^{-k}`, where :math:`k` counts the steps since the last of the few
in which the sum really fades: between these a step only adds :math:`\beta^{-k} x`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["fade", "fading"]

_MOST: Final = math.log(2.0**16)  # how much larger than the sum the stored one may become


def fading(beta: float, step: int) -> tuple[float | None, float]:
    """Give how a step fades, before which `step` steps were taken, all with the same `beta`.

    Returns
    -------
    keep : float or None
        What the stored sum is multiplied by before the step adds to it; None for nothing.
    weight : float
        What the step's addend is multiplied by: how many times the sum is what is stored afterwards.
    """
    period = int(_MOST * beta / (1 - beta)) if beta < 1 else 0  # at most _MOST / -log(beta)
    age = step % period if period else 0
    return (None, beta**-age) if age else (beta ** (period or 1), 1.0)


def fade(
    stored: NDArray[np.floating],
    keep: float | None,
    x: NDArray[np.floating],
    weight: float,
    add: Callable[..., object],
) -> None:
    """Fade a stored sum and add `weight` times `x`, in place."""
    if keep is not None:
        np.multiply(stored, keep, stored)
    add(x, stored, a=weight)
