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

    from maas_sdk.serialization._place import Place

__all__ = [
    "MAX_NAME",
    "Anything",
    "Choice",
    "Either",
    "Entries",
    "Estimator",
    "Flag",
    "Function",
    "Instance",
    "Int",
    "Kind",
    "ListOf",
    "MapOf",
    "Nothing",
    "Number",
    "OutputConfig",
    "Plain",
    "RandomState",
    "Record",
    "Scope",
    "Slice",
    "Text",
    "TupleOf",
    "describe",
    "is_fitted",
]

_MAX_LENGTH = 2**31 - 1
MAX_NAME = 1024
"""Characters of a name that the names of many outputs are made with."""


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
            raise place.refusal(f"expected nothing, not {describe(value)}")


@frozen
class Flag:
    """True or False."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if not isinstance(value, bool | np.bool_):
            raise place.refusal(f"expected a boolean, not {describe(value)}")


@frozen
class Choice:
    """One of some strings."""

    options: tuple[str, ...]

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if type(value) is not str or value not in self.options:
            raise place.refusal(f"expected one of {', '.join(self.options)}, not {describe(value)}")


@frozen
class Int:
    """An integer, of Python or of numpy; `size` names the dimension that it is."""

    low: int = 0
    high: int = _MAX_LENGTH
    size: str = ""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise place.refusal(f"expected an integer, not {describe(value)}")
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
            raise place.refusal(f"expected a number, not {describe(value)}")
        if self.finite and not math.isfinite(value):
            raise place.refusal(f"expected a finite number, not {value}")


@frozen
class Text:
    """A string of at most so many characters."""

    most: int = _MAX_LENGTH

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if type(value) is not str:
            raise place.refusal(f"expected a string, not {describe(value)}")
        if len(value) > self.most:
            raise place.refusal(f"expected a string of at most {self.most} characters")


@frozen
class Slice:
    """A slice."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if type(value) is not slice:
            raise place.refusal(f"expected a slice, not {describe(value)}")


@frozen
class Function:
    """A function or class that has a name in our table or was declared by the application."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        others = ("get_params", "predict", "_score_func")  # estimators, kernels, and scorers
        if not callable(value) or any(hasattr(value, name) for name in others):
            raise place.refusal(f"expected a function or a class, not {describe(value)}")


@frozen
class RandomState:
    """A random state of numpy's legacy kind."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        if type(value) is not np.random.RandomState:
            raise place.refusal(f"expected a random state, not {describe(value)}")


@frozen
class Plain:
    """Whatever plain data: for what nobody computes with, indexes by or sizes memory by."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self.check(item, scope, place.item(index))
        elif isinstance(value, dict):
            for key, item in value.items():
                self.check(item, scope, place.attribute(str(key)[:80]))
        elif not (value is None or isinstance(value, bool | int | float | str | np.generic | np.ndarray)):
            raise place.refusal(f"expected plain data, not {describe(value)}")


@frozen
class Anything:
    """Whatever a file can hold, estimators included: for what nobody but people looks at."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check nothing."""


@frozen
class OutputConfig:
    """Which container `transform` returns."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, dict) or value.keys() != {"transform"}:
            raise place.refusal(f"expected a choice for transform, not {describe(value)}")
        Choice(("default", "pandas", "polars")).check(value["transform"], scope, place)


@frozen
class ListOf:
    """A list of values of one kind, whose dimensions are their own when `apart`; `size` names its length.

    It has at least `low` items; a tuple will do where `tuples` says so.
    """

    kind: Kind
    size: str = ""
    apart: bool = field(default=False, kw_only=True)
    low: int = field(default=0, kw_only=True)
    tuples: bool = field(default=False, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, list) and not (self.tuples and isinstance(value, tuple)):
            raise place.refusal(f"expected a list, not {describe(value)}")
        if len(value) < self.low:
            raise place.refusal(f"expected at least {self.low} items, not {len(value)}")
        if self.size:
            scope.bind(self.size, len(value), place)
        for index, item in enumerate(value):
            inner = Scope(dict(scope.sizes)) if self.apart else scope
            self.kind.check(item, inner, place.item(index))


@frozen
class Instance:
    """A fitted estimator of one of these classes, each given as (package, class name); or else an object."""

    classes: tuple[tuple[str, str], ...]

    def check(self, value: Any, scope: Scope, place: Place) -> None:  # noqa: ARG002 - the protocol's
        """Check the value."""
        package = type(value).__module__.partition(".")[0]
        if (package, type(value).__name__) not in self.classes:
            names = ", ".join(name for _, name in self.classes)
            raise place.refusal(f"expected {names}, not {describe(value)}")
        if hasattr(value, "fit") and not is_fitted(value):
            raise place.refusal(f"{type(value).__name__} is not fitted")


@frozen
class TupleOf:
    """A tuple of so many values, each of its kind."""

    kinds: tuple[Kind, ...]

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if type(value) is not tuple or len(value) != len(self.kinds):
            raise place.refusal(f"expected a tuple of {len(self.kinds)}, not {describe(value)}")
        for index, (kind, item) in enumerate(zip(self.kinds, value, strict=True)):
            kind.check(item, scope, place.item(index))


@frozen
class MapOf:
    """A mapping of any number of keys of one kind to values of another.

    Parameters
    ----------
    key, value : Kind
    size : str
        The dimension that the number of entries is; none if empty.
    apart : bool
        Whether each value's dimensions are its own.
    """

    key: Kind
    value: Kind
    size: str = ""
    apart: bool = field(default=False, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if type(value) is not dict:
            raise place.refusal(f"expected a mapping, not {describe(value)}")
        if self.size:
            scope.bind(self.size, len(value), place)
        for index, (key, item) in enumerate(value.items()):
            here = place.item(index)
            self.key.check(key, scope, here)
            self.value.check(item, Scope(dict(scope.sizes)) if self.apart else scope, here)


@frozen
class Entries:
    """A list of tuples of so many things, the first of which is a name."""

    length: int

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if not isinstance(value, list | tuple):
            raise place.refusal(f"expected a list, not {describe(value)}")
        for index, item in enumerate(value):
            if not isinstance(item, list | tuple) or len(item) != self.length:
                raise place.item(index).refusal(f"expected a name and {self.length - 1} more")
            Text(MAX_NAME).check(item[0], scope, place.item(index))


@frozen
class Estimator:
    """An estimator that has some methods.

    Parameters
    ----------
    methods : tuple of str
        All that it must have, such as ``("predict",)``.
    fitted : bool
        Whether it must be fitted.
    classes : tuple of (str, str)
        If not empty, of which it must be one, as for `Instance`.
    features : str
        The dimension that its number of features is, where it knows one; none if empty.
    """

    methods: tuple[str, ...] = ()
    classes: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    fitted: bool = field(default=True, kw_only=True)
    features: str = field(default="", kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if isinstance(value, type) or not hasattr(value, "get_params"):
            raise place.refusal(f"expected an estimator, not {describe(value)}")
        if self.classes:
            Instance(self.classes).check(value, scope, place)
        if self.fitted and not is_fitted(value):
            raise place.refusal(f"{type(value).__name__} is not fitted")
        for method in self.methods:
            if not hasattr(value, method):
                raise place.refusal(f"{type(value).__name__} has no {method}")
        if self.features and isinstance(getattr(value, "n_features_in_", None), Integral):
            scope.bind(self.features, int(value.n_features_in_), place)


def is_fitted(estimator: Any) -> bool:
    """Tell whether an estimator is fitted, or needs no fitting; what it holds is asked for itself."""
    from maas_sdk.serialization._table import spec_of  # noqa: PLC0415 - the table is made of kinds

    spec = spec_of(type(estimator))
    return spec is None or spec.is_fitted(estimator)


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


def describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    return f"{type(value).__name__} {str(value)[:40]!r}" if np.isscalar(value) else type(value).__name__
