"""Which names are the built-ins', and the modules that declare them; imports none of these."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from maas_sdk.plugin._names import BARE

__all__ = ["BUILTIN_MODULES", "RESERVED_NAMES"]

BUILTIN_MODULES: Final = MappingProxyType({BARE: "maas_sdk.builtin", "sklearn": "maas_sdk.builtin.sklearn"})
"""Reserved plugin name to the module that declares its components through the hooks, like any plugin."""

RESERVED_NAMES: Final = frozenset({*BUILTIN_MODULES, "builtin", "maas"})
"""Plugin names that neither a distribution nor an application can take."""
