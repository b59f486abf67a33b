"""What private training refuses, and what leaves it without an ε."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._nets import _losses
from maas_sdk.learning._sources import Batches

if TYPE_CHECKING:
    from maas_sdk.learning._nets._losses import Loss
    from maas_sdk.learning._private._options import PrivateSteps

__all__ = ["check_private", "why_not"]


def check_private(options: PrivateSteps | None, X: Any, sample_weight: Any, checkpoint: Any) -> None:
    """Raise `InvalidOptionError` if data are such that training on them cannot be private."""
    if options is None:
        return
    if Batches.takes(X):
        raise InvalidOptionError(
            "private training draws each sample from all rows, which batches do not allow: give arrays in "
            "memory"
        )
    if sample_weight is not None:
        raise InvalidOptionError(
            "private training takes no sample_weight: weights are scaled by their mean, which tells of all "
            "rows"
        )
    if checkpoint is not None:
        raise InvalidOptionError(
            "private training takes no checkpoint: it draws what nobody can draw again, and what a "
            "checkpoint tells besides the parameters is not private"
        )


def why_not(loss: Loss, *, goes_on: bool) -> list[str]:
    """Tell what of a training leaves it without an ε.

    Parameters
    ----------
    loss : Loss
    goes_on : bool
        Whether it goes on from parameters of before.
    """
    reasons = []
    if type(loss).__module__ != _losses.__name__:
        reasons.append(f"{loss!r} is a loss of your own: whether it looks at one row alone is not known")
    if goes_on:
        reasons.append("training went on from earlier parameters, whose cost is not counted here")
    return reasons
