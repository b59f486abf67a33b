"""What an attribute may be: kinds of values, each with its check; dimensions with one name are equal."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from attrs import field, frozen

if TYPE_CHECKING:
    from maas_sdk.serialization._place import Place

__all__ = [
    "MAX_NAME",
    "Anything",
    "Choice",
    "Flag",
    "Function",
    "Int",
    "Kind",
    "Nothing",
    "Number",
    "OutputConfig",
    "Plain",
    "RandomState",
    "Scope",
    "Slice",
    "Text",
    "describe",
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


def describe(value: Any) -> str:
    """Say what a value is, briefly, for a refusal."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    return f"{type(value).__name__} {str(value)[:40]!r}" if np.isscalar(value) else type(value).__name__
