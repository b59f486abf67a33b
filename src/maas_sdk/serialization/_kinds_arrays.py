"""What an attribute that is an array may be: dtypes, shapes, ranges."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen
from scipy import sparse

from maas_sdk.serialization._arrays import all_finite
from maas_sdk.serialization._kinds import MAX_NAME, Scope, describe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maas_sdk.serialization._kinds import Kind
    from maas_sdk.serialization._place import Place

__all__ = ["Array", "ArrayOf", "Dtype", "Indices", "Labels", "Names", "Objects", "Sparse"]

_NONE = type(None)


@frozen
class Array:
    """An array of numbers.

    Parameters
    ----------
    shape : tuple of int or str
        Lengths, or names of dimensions.
    dtypes : str
        The kinds of numpy: ``"f"`` floating, ``"i"`` and ``"u"`` integers, ``"b"`` booleans.
    finite : bool
        Whether NaN and infinities are refused.
    """

    shape: tuple[int | str, ...]
    dtypes: str = field(default="f", kw_only=True)
    finite: bool = field(default=True, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, np.ndarray) or value.dtype.kind not in self.dtypes:
            raise place.refusal(f"expected an array of kind {self.dtypes!r}, not {describe(value)}")
        if value.ndim != len(self.shape):
            raise place.refusal(f"expected {len(self.shape)} dimensions, not {value.ndim}")
        for dimension, size in zip(self.shape, value.shape, strict=True):
            scope.match(dimension, size, place)
        if self.finite and value.dtype.kind == "f" and not all_finite(value):
            raise place.refusal("expected finite numbers")


@frozen
class ArrayOf:
    """An array of objects of one kind, whose dimensions are their own; `size` names its length."""

    kind: Kind
    size: str

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        items = _one_dimension(value, "O", place)
        scope.bind(self.size, items.size, place)
        for index, item in enumerate(items):
            self.kind.check(item, Scope(dict(scope.sizes)), place.item(index))


@frozen
class Dtype:
    """A dtype of numpy, or what stands for one: its name, or a class.

    Parameters
    ----------
    kinds : str
        As for `Array`, and ``"O"`` for objects.
    types : tuple of type
        What it may be given as.
    sparse : bool
        Whether a sparse matrix can be of it.
    """

    kinds: str = "biuf"
    types: tuple[type, ...] = field(default=(np.dtype, type, str), kw_only=True)
    sparse: bool = field(default=False, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        dtype: np.dtype[Any] | None = None
        if isinstance(value, self.types):
            with contextlib.suppress(TypeError, ValueError, SyntaxError):
                dtype = _dtype_of(value)
        if dtype is None or dtype.kind not in self.kinds or (self.sparse and dtype == np.float16):
            raise place.refusal(f"expected a dtype of kind {self.kinds!r}, not {describe(value)}")


@frozen
class Labels:
    """The labels of a classifier; binds their number and that of a linear model's scores.

    Two classes share one score.
    """

    size: str = "n_classes"
    scores: str = ""
    low: int = 1

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        labels = _one_dimension(value, "biufUO", place)
        if labels.size < self.low or (labels.dtype.kind == "f" and not np.isfinite(labels).all()):
            raise place.refusal(f"expected at least {self.low} finite labels")
        scope.bind(self.size, labels.size, place)
        if self.scores:
            scope.bind(self.scores, 1 if labels.size == 2 else labels.size, place)  # noqa: PLR2004


@frozen
class Names:
    """Names of features."""

    size: str = "n_features"

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        names = _one_dimension(value, "O", place)
        if not all(issubclass(kind, str) for kind in set(map(type, names))):
            raise place.refusal("expected names")
        if max(map(len, names), default=0) > MAX_NAME:
            raise place.refusal(f"a name of more than {MAX_NAME} characters")
        scope.bind(self.size, names.size, place)


@frozen
class Indices:
    """An array of integers that something is indexed by.

    Parameters
    ----------
    shape : tuple of int or str
    below : int or str
        What each is less than: a number, or a dimension that is bound already.
    low : int
        The least that is allowed.
    """

    shape: tuple[int | str, ...]
    below: int | str
    low: int = field(default=0, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        Array(self.shape, dtypes="iu").check(value, scope, place)
        bound = scope.sizes[self.below] if isinstance(self.below, str) else self.below
        if value.size and (value.min() < self.low or value.max() >= bound):
            raise place.refusal(f"expected integers from {self.low} to {bound - 1}")


@frozen
class Objects:
    """An array of strings, numbers, None and NaN, mixed or not, of one dimension; `size` names its length."""

    size: str = ""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        array = _one_dimension(value, "biufUO", place)
        if array.dtype == object:
            for kind in set(map(type, array.tolist())):  # of many words, few types
                if not (kind is _NONE or issubclass(kind, bool | int | float | str | np.generic)):
                    raise place.refusal(f"expected strings and numbers, not a {kind.__name__}")
        if self.size:
            scope.bind(self.size, array.size, place)


@frozen
class Sparse:
    """A sparse matrix, whose indices are in range; finite unless said otherwise.

    Parameters
    ----------
    shape : tuple of int or str
    formats : tuple of str
    dtypes : str
    """

    shape: tuple[int | str, int | str]
    formats: tuple[str, ...] = ("csr",)
    dtypes: str = field(default="f", kw_only=True)
    finite: bool = field(default=True, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not sparse.issparse(value) or value.format not in self.formats:
            raise place.refusal(
                f"expected a sparse matrix ({', '.join(self.formats)}), not {describe(value)}"
            )
        if value.dtype.kind not in self.dtypes:
            raise place.refusal(f"expected a matrix of kind {self.dtypes!r}, not {value.dtype}")
        for dimension, size in zip(self.shape, value.shape, strict=True):
            scope.match(dimension, int(size), place)
        if self.finite and value.dtype.kind == "f" and not all_finite(value.data):
            raise place.refusal("expected finite numbers")


def _dtype_of(value: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(value)
    return dtype


def _one_dimension(value: Any, dtypes: str, place: Place) -> NDArray[Any]:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in dtypes or value.ndim != 1:
        raise place.refusal(f"expected an array of one dimension, not {describe(value)}")
    return value
