"""What several estimators need after they are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["writable"]


def writable(*names: str, when: str) -> Callable[[Any], None]:
    """Give what copies the arrays in which an estimator writes that goes on learning.

    Parameters
    ----------
    *names : str
        Attributes that are arrays.
    when : str
        The attribute without which it learns no more, and nothing is copied: the inference profile lacks it.
    """

    def copy(estimator: Any) -> None:
        if hasattr(estimator, when):
            for name in names:
                setattr(estimator, name, np.array(getattr(estimator, name)))

    return copy
