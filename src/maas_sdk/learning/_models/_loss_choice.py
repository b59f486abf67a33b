"""Losses that regressors know by name, and stand-ins without kinks for a descent that needs a curvature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._nets._losses import AbsoluteLoss, HingeLoss, HuberLoss, SquaredLoss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.learning._nets._losses import Loss

__all__ = ["regression_loss", "without_kinks"]

_BY_NAME: dict[str, Loss] = {"absolute": AbsoluteLoss(), "huber": HuberLoss(), "squared": SquaredLoss()}
# Of the smoothed part of a kink, in margins or deviations of the target. A row within it is at most so much
# off, and few are: where it was measured, the loss came out a thousandth above its least value.
_WIDTH = 0.01


def regression_loss(loss: Any) -> Loss:
    """Give the loss of that name, or the object that was given.

    Raises
    ------
    InvalidOptionError
        If it is neither a name that is known nor a loss.
    """
    if isinstance(loss, str) and loss in _BY_NAME:
        return _BY_NAME[loss]
    if isinstance(loss, type) or not (hasattr(loss, "value_and_gradient") and hasattr(loss, "curvature")):
        raise InvalidOptionError(
            f"loss must be one of {', '.join(map(repr, _BY_NAME))} or an object with curvature and "
            f"value_and_gradient, such as HuberLoss(0.5), not {loss!r}"
        )
    chosen: Loss = loss
    return chosen


def without_kinks(loss: Loss) -> Loss:
    """Give a loss with the same values and nearly the same slopes, which do not jump; or the loss itself."""
    if isinstance(loss, AbsoluteLoss):
        return _Smoothed(loss)
    if isinstance(loss, HingeLoss) and not loss.squared:
        return _Smoothed(loss)
    return loss


@frozen
class _Smoothed:
    """The value of a loss, with slopes that change evenly over a small width where its own jump.

    They are those of Y. Nesterov, "Smooth minimization of non-smooth functions", Mathematical Programming,
    2005.
    """

    loss: AbsoluteLoss | HingeLoss
    width: float = _WIDTH

    @property
    def curvature(self) -> float:
        """The change of a slope by 1 over the width."""
        return 1 / self.width

    def value_and_gradient(
        self,
        raw: NDArray[np.floating],
        target: NDArray[Any],
        *,
        out: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None = None,
    ) -> float:
        """Give the weighted mean loss and write the smoothed gradient by `raw` into `out`."""
        value = self.loss.value_and_gradient(raw, target, out=out, sample_weight=sample_weight)
        if isinstance(self.loss, HingeLoss):
            slope = raw * target
            np.subtract(1, slope, out=slope)
        else:
            slope = np.abs(raw - target)
        np.multiply(slope, 1 / self.width, out=slope)
        np.clip(slope, 0, 1, out=slope)
        np.multiply(out, slope, out=out)
        return value
