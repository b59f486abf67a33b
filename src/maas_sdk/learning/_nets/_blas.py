"""How many threads the linear algebra of a training uses; it changes nothing outside of the block."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["suitable_blas_threads"]

# Multiplications below which waking a second thread costs more than it
# gains; on a machine where others work too, it costs tens of times as much.
_WORTH_A_THREAD = 2**24


def suitable_blas_threads(largest_product: int) -> AbstractContextManager[object]:
    """Give a context in which BLAS uses one thread if the matrix products in it are small.

    As in scikit-learn's own loops, the limit is one of the process while the block runs.

    Parameters
    ----------
    largest_product : int
        Multiplications of the largest of them.
    """
    if largest_product >= _WORTH_A_THREAD:
        return contextlib.nullcontext()
    return _controller().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]  # untyped library


@functools.cache
def _controller() -> ThreadpoolController:
    # Looking through the loaded libraries takes milliseconds, and they do not change.
    return ThreadpoolController()
