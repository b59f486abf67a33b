"""From an object to the component that constructs such objects, and the options that made it so."""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING, Any, Final

import attrs

from maas_sdk.plugin import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection

    from maas_sdk.plugin import ComponentInfo, Option, PluginRegistry

__all__ = ["Naming", "options_of"]

_COMPARED_BY_TEXT: Final = (bool, int, float, str, bytes, tuple, list, dict)


class Naming:
    """Looks objects up among the components that a registry knows; it imports no component for that.

    Parameters
    ----------
    registry : PluginRegistry
        Where to look.
    """

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry
        self._known: list[ComponentInfo] | None = None
        self._options: dict[tuple[str, str], tuple[Option, ...]] = {}

    def of(self, value: object, kinds: Collection[str] = KINDS) -> ComponentInfo | None:
        """Give the component whose target is exactly the object's class, if there is one."""
        if self._known is None:
            # scikit-learn's classes go by their own names, also those that have a bare name, too.
            self._known = sorted(self._registry.describe(), key=lambda info: info.plugin != "sklearn")
        for info in self._known:
            if info.kind in kinds and _target(info) is type(value):
                return info
        return None

    def options(self, info: ComponentInfo) -> tuple[Option, ...]:
        """Give what a component declares, asked for once."""
        key = (info.kind, info.reference)
        if key not in self._options:
            self._options[key] = self._registry.options(*key)
        return self._options[key]

    def tuple_options(self, info: ComponentInfo) -> set[str]:
        """Give the names of those options that take tuples."""
        return {option.name for option in self.options(info) if option.tuples}

    def changed_options(self, info: ComponentInfo, value: Any) -> dict[str, Any]:
        """Give the options of an object that are not their defaults."""
        given = options_of(value)
        return {
            option.name: given[option.name]
            for option in self.options(info)
            if option.name in given and (option.required or not _is_same(given[option.name], option.default))
        }


def _target(info: ComponentInfo) -> Any:
    # An object's class has been imported, and with it the package that its component names.
    module, _, path = info.spec.target.partition(":")
    try:
        return operator.attrgetter(path)(sys.modules[module])
    except (KeyError, AttributeError):
        return None


def options_of(value: Any) -> dict[str, Any]:
    """Give the constructor's arguments of an object, as far as it tells them."""
    if hasattr(value, "get_params"):
        return dict(value.get_params(deep=False))
    if attrs.has(type(value)):
        return {each.alias: getattr(value, each.name) for each in attrs.fields(type(value)) if each.init}
    return dict(getattr(value, "__dict__", {}))


def _is_same(value: object, default: object) -> bool:
    if value is default:
        return True
    # As text NaN is NaN, and 1 neither 1.0 nor True.
    return (
        type(value) is type(default) and isinstance(value, _COMPARED_BY_TEXT) and repr(value) == repr(default)
    )
