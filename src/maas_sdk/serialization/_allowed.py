"""Classes and functions of third parties that the application itself declares as allowed.

The application gives the objects, so that nothing is imported by a name from a file. What is known of such a
class is what scikit-learn's conventions say: parameters, and attributes that are not the class's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.serialization._kinds import Scope
from maas_sdk.serialization._names import name_of, named
from maas_sdk.serialization._spec import ROUTING, Spec

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from maas_sdk.serialization._place import Place

__all__ = ["Allowed"]


@frozen(eq=False)
class _OpenSpec(Spec):
    """A class of which only scikit-learn's conventions are known."""

    cls: type = field(kw_only=True)

    def resolve(self) -> type:
        return self.cls

    def always_has_state(self) -> bool:
        return False

    def is_unfitted(self, estimator: Any, attributes: Mapping[str, Any]) -> bool:  # noqa: ARG002 - who knows
        return False

    def attributes_of(
        self,
        estimator: Any,
        params: Mapping[str, Any],
        kept: Container[str],  # noqa: ARG002 - all are
    ) -> dict[str, Any] | None:
        attributes = {
            name: value for name, value in vars(estimator).items() if name not in params and name != ROUTING
        }
        return attributes or None

    def check_state(self, estimator: Any, attributes: Mapping[str, Any], place: Place) -> Scope:  # noqa: ARG002
        for name in attributes:
            if not name.isidentifier() or name.startswith("__") or hasattr(self.cls, name):
                raise place.attribute(name[:80]).refusal(
                    f"an attribute that {self.cls.__qualname__} has itself, or that no object may have"
                )
        return Scope()


class Allowed:
    """What an application has declared.

    Parameters
    ----------
    objects : iterable of class or function
        Classes follow scikit-learn's conventions: a constructor that keeps its parameters under their names
        and does nothing else, and `get_params`.

    Raises
    ------
    InvalidOptionError
        If an object is neither, has no name of its own, or its name is taken.
    """

    def __init__(self, objects: Iterable[Any] = ()) -> None:
        self._specs: dict[str, Spec] = {}
        self._classes: dict[type, Spec] = {}
        self._functions: dict[str, Any] = {}
        for item in objects:
            name = f"{getattr(item, '__module__', None)}.{getattr(item, '__qualname__', None)}"
            if not callable(item) or "None" in name or "<" in name:
                raise InvalidOptionError(
                    f"allow: {item!r} is neither a class nor a function with a name of its own"
                )
            if name in self._specs or name in self._functions:
                raise InvalidOptionError(f"allow: {name!r} is declared twice")
            if isinstance(item, type) and hasattr(item, "get_params"):
                self._specs[name] = self._classes[item] = _OpenSpec(name, item.__module__, cls=item)
            else:
                self._functions[name] = item

    def spec_of(self, cls: type) -> Spec | None:
        """Give what is known of a class, None if it was not declared."""
        return self._classes.get(cls)

    def spec(self, name: str) -> Spec | None:
        """Give what is known of the class of this name, None if it was not declared."""
        return self._specs.get(name)

    def name_of(self, value: Any) -> str | None:
        """Give the name of a declared function, or of one in our own table."""
        for name, function in self._functions.items():
            if function is value:
                return name
        return name_of(value)

    def named(self, name: str) -> Any:
        """Give the declared function of this name, or our own table's; None for others."""
        return self._functions.get(name) if name in self._functions else named(name)
