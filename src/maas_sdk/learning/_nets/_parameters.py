"""One flat buffer of parameters with named views: what an optimizer of this package works on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError
from maas_sdk.learning._options import check_choice, check_integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

__all__ = ["ParameterBuffer"]


class ParameterBuffer(Mapping[str, "NDArray[np.floating]"]):
    """Arrays of several shapes that lie one behind the other in one flat buffer, all zero at first.

    A mapping from names to views: what is written into a view is in the buffer, and what an optimizer changes
    in the buffer is seen in the views. Names come in the order in which they were given.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        The shape of each array; ``()`` for a single number.
    dtype : {"float32", "float64"} or numpy dtype, default="float32"
        Of all of them.

    Attributes
    ----------
    flat : ndarray of shape (n_parameters,)
        The buffer, for an optimizer's `init` and `update_`.
    shapes : dict of str to tuple of int
        As given: ``ParameterBuffer(buffer.shapes, buffer.flat.dtype)`` has the same layout, for a gradient.

    Raises
    ------
    InvalidOptionError
        If a name is no string, a shape no sequence of positive integers, or the dtype another one.

    Examples
    --------
    Least squares by hand, with an optimizer of this package:

    >>> import numpy as np
    >>> from maas_sdk.learning import Adam, ParameterBuffer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 3))
    >>> Y = X @ [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]] + [7.0, 8.0]
    >>> buffer = ParameterBuffer({"weights": (3, 2), "bias": (2,)}, "float64")
    >>> grads = ParameterBuffer(buffer.shapes, buffer.flat.dtype)
    >>> optimizer = Adam(learning_rate=0.1)
    >>> state = optimizer.init(buffer.flat)
    >>> for _ in range(1000):
    ...     error = (X @ buffer["weights"] + buffer["bias"] - Y) / len(X)
    ...     grads["weights"][:] = X.T @ error
    ...     grads["bias"][:] = error.sum(axis=0)
    ...     optimizer.update_(buffer.flat, grads.flat, state)
    >>> buffer["weights"].round(3)
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike = "float32") -> None:
        self.shapes = _checked_shapes(shapes)
        # Slices and not views: a deep copy of a view would be an array of its own.
        self._slices: dict[str, slice] = {}
        size = 0
        for name, shape in self.shapes.items():
            self._slices[name] = slice(size, size := size + math.prod(shape))
        self.flat: NDArray[np.floating] = np.zeros(size, _checked_dtype(dtype))

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order in which they were given."""
        return tuple(self.shapes)

    def __getitem__(self, name: str) -> NDArray[np.floating]:
        """Give the view of that name; write into it with ``buffer[name][:] = ...``."""
        return self.flat[self._slices[name]].reshape(self.shapes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __repr__(self) -> str:
        return f"ParameterBuffer({self.shapes!r}, {self.flat.dtype.name!r})"

    # A mapping's own comparison would ask arrays for one truth value. A buffer changes all the time: two are
    # equal if they are the same.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _checked_shapes(shapes: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(shapes, Mapping) or not shapes:
        raise InvalidOptionError(f"shapes must be a mapping of names to shapes, not {shapes!r}")
    checked = {}
    for name, shape in shapes.items():
        if not isinstance(name, str):
            raise InvalidOptionError(f"a name in shapes must be a string, not {name!r}")
        if not isinstance(shape, tuple | list):
            raise InvalidOptionError(f"the shape of {name!r} must be a tuple of integers, not {shape!r}")
        checked[name] = tuple(
            check_integer(f"each number of the shape of {name!r}", number, minimum=1) for number in shape
        )
    return checked


def _checked_dtype(dtype: Any) -> np.dtype[np.floating]:
    try:
        name = np.dtype(dtype).name
    except TypeError as exc:
        raise InvalidOptionError(f"dtype must be 'float32' or 'float64', not {dtype!r}") from exc
    return np.dtype(check_choice("dtype", name, ("float32", "float64")))
