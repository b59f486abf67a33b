"""What an attribute may be: kinds of values, each with its check; dimensions with one name are equal."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from attrs import field, frozen

from maas_sdk.errors import InvalidArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from maas_sdk.serialization._place import Place

__all__ = [
    "Array",
    "Choice",
    "Either",
    "Flag",
    "Instance",
    "Int",
    "Kind",
    "Labels",
    "ListOf",
    "Names",
    "Nothing",
    "Number",
    "OutputConfig",
    "Record",
    "Scope",
]

_MAX_LENGTH = 2**31 - 1


@frozen
class Scope:
    """The dimensions that an estimator's attributes have bound so far."""

    sizes: dict[str, int] = field(factory=dict)

    def bind(self, name: str, size: int, place: Place) -> None:
        """Say how large a dimension is, for the first time or again."""
        if self.sizes.setdefault(name, size) != size:
            raise place.refusal(f"{name} is {size} here and {self.sizes[name]} elsewhere")

    def match(self, dimension: int | str, size: int, place: Place) -> None:
        """Compare a size with a number or a named dimension."""
        if isinstance(dimension, str):
            self.bind(dimension, size, place)
        elif dimension != size:
            raise place.refusal(f"a dimension is {size}, not {dimension}")


class Kind(Protocol):
    """One kind of value."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Raise `InvalidArtifactError` unless `value` is of this kind; bind its dimensions."""
        ...


@frozen
class Nothing:
    """None."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if value is not None:
            raise place.refusal(f"expected nothing, not {_describe(value)}")


@frozen
class Flag:
    """True or False."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if not isinstance(value, bool | np.bool_):
            raise place.refusal(f"expected a boolean, not {_describe(value)}")


@frozen
class Choice:
    """One of some strings."""

    options: tuple[str, ...]

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if type(value) is not str or value not in self.options:
            raise place.refusal(f"expected one of {', '.join(self.options)}, not {_describe(value)}")


@frozen
class Int:
    """An integer, of Python or of numpy; `size` names the dimension that it is."""

    low: int = 0
    high: int = _MAX_LENGTH
    size: str = ""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise place.refusal(f"expected an integer, not {_describe(value)}")
        if not self.low <= int(value) <= self.high:
            raise place.refusal(f"expected an integer from {self.low} to {self.high}, not {int(value)}")
        if self.size:
            scope.bind(self.size, int(value), place)


@frozen
class Number:
    """A real number, of Python or of numpy, finite unless said otherwise."""

    finite: bool = True

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
            raise place.refusal(f"expected a number, not {_describe(value)}")
        if self.finite and not math.isfinite(value):
            raise place.refusal(f"expected a finite number, not {value}")


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
            raise place.refusal(f"expected an array of kind {self.dtypes!r}, not {_describe(value)}")
        if value.ndim != len(self.shape):
            raise place.refusal(f"expected {len(self.shape)} dimensions, not {value.ndim}")
        for dimension, size in zip(self.shape, value.shape, strict=True):
            scope.match(dimension, size, place)
        if self.finite and value.dtype.kind == "f" and not np.isfinite(value).all():
            raise place.refusal("expected finite numbers")


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
        scope.bind(self.size, _one_dimension(value, "O", place).size, place)


@frozen
class OutputConfig:
    """Which container `transform` returns."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, dict) or value.keys() != {"transform"}:
            raise place.refusal(f"expected a choice for transform, not {_describe(value)}")
        Choice(("default", "pandas", "polars")).check(value["transform"], scope, place)


@frozen
class ListOf:
    """A list of values of one kind, whose dimensions are their own when `apart`."""

    kind: Kind
    size: str
    apart: bool = field(default=False, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, list):
            raise place.refusal(f"expected a list, not {_describe(value)}")
        scope.bind(self.size, len(value), place)
        for index, item in enumerate(value):
            inner = Scope(dict(scope.sizes)) if self.apart else scope
            self.kind.check(item, inner, place.item(index))


@frozen
class Instance:
    """An estimator of one of these classes, each given as (package, class name)."""

    classes: tuple[tuple[str, str], ...]

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        package = type(value).__module__.partition(".")[0]
        if (package, type(value).__name__) not in self.classes:
            names = ", ".join(name for _, name in self.classes)
            raise place.refusal(f"expected {names}, not {_describe(value)}")


@frozen
class Record:
    """A mapping with these keys and no others."""

    kinds: Mapping[str, Kind]

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, dict) or value.keys() != self.kinds.keys():
            raise place.refusal(f"expected a mapping of {', '.join(self.kinds)}")
        for key, kind in self.kinds.items():
            kind.check(value[key], scope, place.attribute(key))


@frozen(init=False)
class Either:
    """The first kind that fits; the refusal is that of the last."""

    kinds: tuple[Kind, ...]

    def __init__(self, *kinds: Kind) -> None:
        self.__attrs_init__(kinds)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        for kind in self.kinds[:-1]:
            attempt = Scope(dict(scope.sizes))
            try:
                kind.check(value, attempt, place)
            except InvalidArtifactError:
                continue
            scope.sizes.update(attempt.sizes)
            return
        self.kinds[-1].check(value, scope, place)


def _one_dimension(value: Any, dtypes: str, place: Place) -> NDArray[Any]:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in dtypes or value.ndim != 1:
        raise place.refusal(f"expected an array of one dimension, not {_describe(value)}")
    return value


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    return f"{type(value).__name__} {str(value)[:40]!r}" if np.isscalar(value) else type(value).__name__
