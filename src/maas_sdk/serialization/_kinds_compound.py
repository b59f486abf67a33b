"""What an attribute that is made of others may be: sequences, mappings, alternatives, estimators."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk.errors import InvalidArtifactError
from maas_sdk.serialization._kinds import MAX_NAME, Scope, Text, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.serialization._kinds import Kind
    from maas_sdk.serialization._place import Place

__all__ = ["Either", "Entries", "Estimator", "Instance", "ListOf", "MapOf", "Record", "TupleOf", "is_fitted"]


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
    apart : bool
        Whether each value's dimensions are its own.
    """

    key: Kind
    value: Kind
    apart: bool = field(default=False, kw_only=True)

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if type(value) is not dict:
            raise place.refusal(f"expected a mapping, not {describe(value)}")
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
