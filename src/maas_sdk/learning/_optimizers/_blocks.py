"""Flat buffers in blocks that stay in the processor's cache, and the checks before a step.

A step works through all of its buffers block by block, from the first operation to the last, and allocates
nothing but views. The scratch block lives in the state, so that one optimizer object serves any number of
trainings at once; what it holds between two steps means nothing, and a state without it gets a new one.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.linalg import blas

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["adder", "arrays_of", "blocks", "new_state", "scratch_of"]

# Elements of a block. The five float32 blocks of an Adam step are 200 KB: they stay in a core's second-level
# cache, are long enough for the cost of a call to be small, and are the longest that OpenBLAS adds in one
# thread, without waking others for a microsecond's work.
_BLOCK: Final = 10_000
_SCRATCH: Final = "scratch"
_ADDERS: Final[Mapping[np.dtype[Any], Callable[..., object]]] = MappingProxyType(
    {np.dtype(np.float32): blas.saxpy, np.dtype(np.float64): blas.daxpy}
)


def adder(params: NDArray[np.floating]) -> Callable[..., object]:
    """Give the function of BLAS that adds ``a * x`` to `y` in place.

    It is called ``add(x, y, a=a)`` or, which is faster, ``add(x, y, x.size, a)``. It goes through memory once
    where numpy needs two operations. Its arrays must be contiguous, writeable and of the dtype of `params`,
    which `arrays_of` sees to: it checks nothing itself.
    """
    return _ADDERS[params.dtype]


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


def scratch_of(params: NDArray[np.floating], state: dict[str, Any]) -> NDArray[np.floating]:
    """Give the scratch block of a state, made anew where it does not fit `params`."""
    scratch: NDArray[np.floating] | None = state.get(_SCRATCH)
    size = min(params.size, _BLOCK)
    if scratch is None or scratch.size != size or scratch.dtype != params.dtype:
        scratch = state[_SCRATCH] = np.zeros(size, params.dtype)
    return scratch


def blocks(*arrays: NDArray[np.floating]) -> Iterable[tuple[NDArray[np.floating], ...]]:
    """Give views of the same block of each array; a scratch, shorter than the last, is cut to its length."""
    size = arrays[-1].size
    if size > _BLOCK:
        return _cut(arrays)
    return (arrays,) if size else ()


def _cut(arrays: tuple[NDArray[np.floating], ...]) -> Iterator[tuple[NDArray[np.floating], ...]]:
    size = arrays[-1].size
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        yield tuple(array[start:stop] if array.size == size else array[: stop - start] for array in arrays)
