"""Plugins: what they may declare, how they are found and loaded, and the registry that an application owns.

A vendor needs :class:`ComponentSpec` and :data:`hookimpl`; an application :class:`PluginRegistry`.
"""

from maas_sdk.plugin._component import ComponentInfo, ComponentSpec, Provider
from maas_sdk.plugin._discovery import InstalledPlugin
from maas_sdk.plugin._events import StepEvent
from maas_sdk.plugin._guard import component_errors
from maas_sdk.plugin._hooks import ENTRY_POINT_GROUP, KINDS, HookSpecs, hookimpl
from maas_sdk.plugin._observers import Step
from maas_sdk.plugin._options import Option
from maas_sdk.plugin._registry import PluginRegistry
from maas_sdk.plugin._warnings import PluginWarning

__all__ = [
    "ENTRY_POINT_GROUP",
    "KINDS",
    "ComponentInfo",
    "ComponentSpec",
    "HookSpecs",
    "InstalledPlugin",
    "Option",
    "PluginRegistry",
    "PluginWarning",
    "Provider",
    "Step",
    "StepEvent",
    "component_errors",
    "hookimpl",
]
