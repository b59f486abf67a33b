"""Sample weights: what is accepted, and the scale that makes their mean 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_weights", "no_weights"]


def check_weights(weights: Any, n_rows: int, *, where: str = "") -> NDArray[np.float64]:
    """Give weights as float64 of shape (n_rows,), if they are finite and none is negative.

    Parameters
    ----------
    where : str
        Names the batch in the message: ``" in batch 3"``.

    Raises
    ------
    InvalidOptionError
        If they are something else.
    """
    try:
        values = np.asarray(weights, np.float64)
    except (TypeError, ValueError) as exc:
        raise InvalidOptionError(f"sample_weight{where} must hold numbers: {exc}") from exc
    if values.shape != (n_rows,):
        raise InvalidOptionError(
            f"sample_weight{where} must hold one weight for each of {n_rows} rows, but its shape is "
            f"{values.shape}"
        )
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise InvalidOptionError(
            f"sample_weight{where} must be finite and >= 0, but row {row} has {values[row]:g}"
        )
    return values


def no_weights() -> InvalidOptionError:
    """Make the error for weights that are all 0."""
    return InvalidOptionError("sample_weight is 0 for every row: nothing is left to learn from")
