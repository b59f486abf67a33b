"""Flat buffers in blocks that stay in the processor's cache, and the checks before a step.

A step works through all of its buffers block by block, from the first operation to the last, and allocates
nothing but views; of large buffers, threads take a part each. Scratch blocks are those of the thread.
"""

from __future__ import annotations

import functools
import itertools
import math
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.linalg import blas

from maas_sdk._internal.one_thread import is_one_thread
from maas_sdk._internal.threads import most_threads, run_parts
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["arrays_of", "new_state", "scratch_like", "sweep"]

# Elements up to which all is one block, and OpenBLAS adds without waking threads for a microsecond's work.
_SMALL: Final = 10_000
# Elements of a block of larger buffers, at most: the five float32 blocks of an Adam step are 5 MB, which stay
# in a cache, and are long enough for calls, and handing over the interpreter's lock, to cost little.
_BLOCK: Final = 2**18
_ADDERS: Final[Mapping[np.dtype[Any], Callable[..., object]]] = MappingProxyType(
    {np.dtype(np.float32): blas.saxpy, np.dtype(np.float64): blas.daxpy}
)


def new_state(params: Any, *moments: str) -> dict[str, Any]:
    """Make a state with step 0 and zeros like `params` by the names in `moments`.

    Raises
    ------
    InvalidOptionError
        If `params` is not a flat, contiguous and writeable array of float32 or float64.
    """
    if not isinstance(params, np.ndarray) or params.ndim != 1 or params.dtype not in _ADDERS:
        raise InvalidOptionError("params must be a flat numpy array of float32 or float64")
    _check(params, params)
    return {"step": 0, **{name: np.zeros_like(params) for name in moments}}


def arrays_of(
    params: NDArray[np.floating], grads: NDArray[np.floating], state: dict[str, Any], *moments: str
) -> list[NDArray[np.floating]]:
    """Give `params`, `grads` and the state's `moments`, checked.

    Raises
    ------
    InvalidOptionError
        If one is missing or of the wrong kind; nothing has been changed then.
    """
    arrays = [params, grads]
    try:
        for name in moments:
            arrays.append(state[name])  # noqa: PERF401 - this runs before each step, and is faster so
        state["step"]  # looked up for the error
    except KeyError as exc:
        raise InvalidOptionError(
            f"the state has no {exc}, it has {', '.join(map(repr, state)) or 'nothing'}: it belongs to "
            "another optimizer; make it with init(params) of this one"
        ) from exc
    shape, dtype = params.shape, params.dtype
    for array in arrays:  # as before; a dtype is mostly the same object
        if array.dtype is not dtype or array.shape != shape or not array.flags.carray:
            _check(params, array)
    return arrays


def _check(params: NDArray[np.floating], array: NDArray[np.floating]) -> None:
    if array.shape != params.shape or array.dtype != params.dtype:
        raise InvalidOptionError(
            f"params have shape {params.shape} and dtype {params.dtype}, but a gradient or the state has "
            f"{array.shape} and {array.dtype}: make the state with init(params) of these very parameters"
        )
    if not array.flags.carray:
        raise InvalidOptionError(
            "parameters, gradients and state are updated in place: they must be contiguous and writeable; "
            "pass a copy"
        )


def sweep(rule: Callable[..., object], *arrays: NDArray[np.floating]) -> None:
    """Apply a rule, element by element, to all of the arrays in place.

    The same bits come of it however many threads there are.

    Parameters
    ----------
    rule : callable
        Called as ``rule(add, scratch, *blocks)`` with the same block of each array, a scratch block of the
        same size, and ``add(x, y, n, a)`` or ``add(x, y, a=a)``, which adds ``a * x`` to `y` in place (the
        `axpy` of BLAS) and may overwrite the scratch, `x` or not. Blocks are independent of each other.
    *arrays : ndarray of shape (n,)
        Contiguous and of one dtype, which `arrays_of` sees to.
    """
    size = arrays[0].size
    if size <= _SMALL:
        if size:
            rule(_ADDERS[arrays[0].dtype], scratch_like(arrays[0])[:size], *arrays)
        return
    parts = max(1, min(_n_threads(), size // _BLOCK))
    n_blocks = math.ceil(size / _BLOCK / parts)  # of a part
    length = math.ceil(size / (n_blocks * parts))
    bounds = [min(number * n_blocks * length, size) for number in range(parts + 1)]
    run_parts(
        [functools.partial(_sweep, rule, arrays, *bound, length) for bound in itertools.pairwise(bounds)]
    )


def _sweep(
    rule: Callable[..., object], arrays: Sequence[NDArray[np.floating]], start: int, stop: int, length: int
) -> None:
    """Do a part of a sweep, block by block."""
    scratch = scratch_like(arrays[0])

    # BLAS would go through memory once, but scipy holds the interpreter's lock while it does.
    def add(x: NDArray[np.floating], y: NDArray[np.floating], n: int | None = None, a: float = 1.0) -> None:
        scaled = scratch[: x.size if n is None else n]
        np.multiply(x, np.array(a, x.dtype), scaled)
        np.add(y, scaled, y)

    for at in range(start, stop, length):
        end = min(at + length, stop)
        rule(add, scratch[: end - at], *[array[at:end] for array in arrays])


def scratch_like(array: NDArray[np.floating]) -> NDArray[np.floating]:
    """Give the scratch block of this thread, of the dtype of `array` and shape (n,), n at least 10 000."""
    size = _SMALL if array.size <= _SMALL else _BLOCK
    mine: dict[Any, NDArray[np.floating]] = _scratch.__dict__
    scratch = mine.get(array.dtype.char)
    if scratch is None or scratch.size < size:
        scratch = mine[array.dtype.char] = np.zeros(size, array.dtype)
    return scratch


_scratch = threading.local()


def _n_threads() -> int:
    return 1 if is_one_thread() else most_threads()
