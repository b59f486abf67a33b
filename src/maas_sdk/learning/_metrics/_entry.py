"""A row of a table of metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from maas_sdk.learning._metrics._weighted import Weighted

__all__ = ["Entry"]


@frozen
class Entry:
    """How a metric is computed.

    Attributes
    ----------
    compute : callable
        From predictions under n sets of weights to n values; NaN where it has none.
    greater_is_better : bool
    needs : str
        What must be there for it to have a value.
    resampled : bool
        Whether the bootstrap says something about it; it does not about an extreme.
    """

    compute: Callable[[Weighted], NDArray[np.float64]]
    greater_is_better: bool = True
    needs: str = ""
    resampled: bool = True
