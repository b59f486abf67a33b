"""Loads plugins by name, each once, and remembers those that failed; not safe from several threads."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from maas_sdk._internal.version import __version__
from maas_sdk.errors import (
    InvalidPluginError,
    PluginError,
    PluginLoadError,
    PluginNotAllowedError,
    UnknownComponentError,
)
from maas_sdk.plugin._builtins import BUILTIN_MODULES
from maas_sdk.plugin._component import Provider
from maas_sdk.plugin._discovery import scan
from maas_sdk.plugin._hooks import ENTRY_POINT_GROUP
from maas_sdk.plugin._hosted import HostedPlugin
from maas_sdk.plugin._names import close_matches, did_you_mean
from maas_sdk.plugin._warnings import PluginWarning

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from maas_sdk.plugin._component import ComponentInfo
    from maas_sdk.plugin._discovery import InstalledPlugin

__all__ = ["PluginLoader"]


@frozen
class _Failure:
    """Why a plugin cannot be used; raised anew each time, so that tracebacks do not pile up."""

    error: type[PluginError]
    message: str
    cause: BaseException | None


class PluginLoader:
    """The plugins of one registry.

    Parameters
    ----------
    blocked : collection of str
        Names that are never loaded.
    """

    def __init__(self, blocked: Collection[str]) -> None:
        self._blocked = blocked
        self._installed: tuple[InstalledPlugin, ...] | None = None
        self._hosted: dict[str, HostedPlugin] = {}
        self._components: dict[str, Mapping[tuple[str, str], ComponentInfo]] = {}
        self._failures: dict[str, _Failure] = {}
        self._warned: set[str] = set()

    def add(self, plugin: HostedPlugin) -> None:
        """Take in a plugin under its own name."""
        name = plugin.provider.plugin
        if name in self._hosted:
            raise InvalidPluginError(f"there is a plugin {name!r} already: {self._hosted[name].provider}")
        self._failures.pop(name, None)
        self._hosted[name] = plugin

    def plugins(self) -> tuple[HostedPlugin, ...]:
        """Give what was added or loaded, in that order."""
        return tuple(self._hosted.values())

    def declared(self) -> list[ComponentInfo]:
        """Give the components of the plugins that were referenced so far; loads none."""
        return [info for components in self._components.values() for info in components.values()]

    def installed(self) -> tuple[InstalledPlugin, ...]:
        """Scan once; what failed to load since is told as a problem."""
        if self._installed is None:
            self._installed = scan()
            for plugin in self._installed:
                if plugin.is_spoof:
                    self._warn_once(plugin.provider.origin, plugin.problem)
        return tuple(
            evolve(plugin, problem=self._failures[plugin.name].message)
            if plugin.name in self._failures and plugin.group == ENTRY_POINT_GROUP
            else plugin
            for plugin in self._installed
        )

    def is_usable(self, name: str) -> bool:
        """Load a plugin that nobody referenced; warn once of one that is broken."""
        try:
            self.components(name)
        except (UnknownComponentError, PluginNotAllowedError):
            return False  # absent, or blocked by the application itself
        except PluginError as exc:
            self._warn_once(name, f"{exc}; going on without it")
            return False
        return True

    def components(self, name: str) -> Mapping[tuple[str, str], ComponentInfo]:
        """Load a plugin, unless it is, and give its components by kind and name.

        Raises
        ------
        PluginError
            In the subclass that says why it cannot be used; the same each time.
        """
        if name not in self._components:
            if name in self._blocked:
                raise PluginNotAllowedError(f"plugin {name!r} is blocked by this registry")
            self._load(name)
        return self._components[name]

    def _load(self, name: str) -> None:
        if name not in self._failures:
            try:
                if name not in self._hosted:
                    self._hosted[name] = self._import(name)
                self._components[name] = self._hosted[name].components()
            except (PluginLoadError, InvalidPluginError) as exc:
                self._hosted.pop(name, None)
                self._failures[name] = _Failure(type(exc), str(exc), exc.__cause__)
        if failure := self._failures.get(name):
            raise failure.error(failure.message) from failure.cause

    def _import(self, name: str) -> HostedPlugin:
        if name in BUILTIN_MODULES:
            module, provider = BUILTIN_MODULES[name], Provider(name, "maas-sdk", __version__)
        else:
            entry = self._entry(name)
            module, provider = entry.module, entry.provider
        try:
            plugin = importlib.import_module(module)
        except InvalidPluginError as exc:  # a ComponentSpec that is made at import
            raise InvalidPluginError(f"{provider}: {exc}") from exc
        except (Exception, SystemExit) as exc:
            reason = f"{type(exc).__name__}: {exc}"
            raise PluginLoadError(f"{provider}: importing {module} failed: {reason}") from exc
        return HostedPlugin(plugin, provider)

    def _entry(self, name: str) -> InstalledPlugin:
        named = [plugin for plugin in self.installed() if plugin.name == name]
        for plugin in named:
            if plugin.group == ENTRY_POINT_GROUP:
                if plugin.problem:
                    raise InvalidPluginError(plugin.problem)
                return plugin
        if named:
            raise UnknownComponentError(named[0].problem, reference=name)
        names = {*self._hosted, *(plugin.name for plugin in self.installed() if not plugin.problem)}
        matches = close_matches(name, names)
        raise UnknownComponentError(
            f"no plugin {name!r} is installed or registered{did_you_mean(matches)}",
            reference=name,
            close_matches=matches,
        )

    def _warn_once(self, subject: str, message: str) -> None:
        if subject not in self._warned:
            self._warned.add(subject)
            warnings.warn(message, PluginWarning, stacklevel=4)
