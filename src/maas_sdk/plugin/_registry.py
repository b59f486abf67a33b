"""The registry: which plugins an application lets in, and the components that they give."""

from __future__ import annotations

import importlib
import threading
import types
from typing import TYPE_CHECKING, Any, Self

from maas_sdk.errors import (
    InvalidOptionError,
    InvalidPluginError,
    PluginNotAllowedError,
    UnknownComponentError,
)
from maas_sdk.plugin import _names
from maas_sdk.plugin._builtins import BUILTIN_MODULES, RESERVED_NAMES
from maas_sdk.plugin._component import Provider
from maas_sdk.plugin._construction import construct, declared_options
from maas_sdk.plugin._events import StepEvent
from maas_sdk.plugin._hosted import OBSERVATION_HOOKS, HostedPlugin
from maas_sdk.plugin._loading import PluginLoader
from maas_sdk.plugin._observers import SILENT_STEP, ObservedStep, Step, tell

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from maas_sdk.plugin._component import ComponentInfo
    from maas_sdk.plugin._discovery import InstalledPlugin
    from maas_sdk.plugin._options import Option

__all__ = ["PluginRegistry"]


class PluginRegistry:
    """Finds and constructs components, for one application; nothing in it is global.

    Constructing a registry reads nothing. *Scanning* reads the entry points of the installed distributions,
    when a plugin that is not built in is first asked for; *loading* imports one plugin's declarations, when
    it is first referenced; *constructing* a component imports its target.

    Installed is not active. A plugin is loaded when the application names it: in `allow`, or in a reference
    in its own call to :meth:`create`, :meth:`resolve` or :meth:`describe`. A reference that comes out of an
    artifact goes to :meth:`create_untrusted` or :meth:`resolve_untrusted`, for which only built-ins, plugins
    in `allow` and plugins that the application registered itself exist.

    Parameters
    ----------
    allow : collection of str
        Names of plugins that may be used whoever references them; those that observe, observe.
    aliases : Mapping of str to str, optional
        Short names for component references, ``{"zstd": "acme.zstd"}``; never those of built-ins, and never
        for untrusted references.
    blocked : collection of str
        Names of plugins that are never loaded.

    Raises
    ------
    InvalidOptionError
        When a name is malformed, both allowed and blocked, or an alias is a built-in's name.

    Examples
    --------
    >>> registry = PluginRegistry()
    >>> registry.resolve("optimizer", "adam").reference
    'adam'
    """

    def __init__(
        self,
        *,
        allow: Collection[str] = (),
        aliases: Mapping[str, str] | None = None,
        blocked: Collection[str] = (),
    ) -> None:
        self._allow = _names.check_plugin_names("allow", allow)
        self._blocked = _names.check_plugin_names("blocked", blocked)
        if both := sorted(self._allow & self._blocked):
            raise InvalidOptionError(f"plugin {both[0]!r} is both allowed and blocked")
        self._start({})
        self._aliases = dict(aliases or {})
        for alias, reference in self._aliases.items():
            self._check_alias(alias, reference)

    def _start(self, registered: dict[str, Any]) -> None:
        self._lock = threading.RLock()
        self._loader = PluginLoader(self._blocked)
        for name, plugin in registered.items():
            self._loader.add(HostedPlugin(plugin, Provider(name)))
        self._registered = registered
        self._extra_observers: list[HostedPlugin] = []
        self._observers: tuple[HostedPlugin, ...] | None = None

    def register(self, plugin: Any, name: str) -> None:
        """Take in a plugin of the application's own; it counts as allowed.

        Parameters
        ----------
        plugin : module or object
            With functions marked by `hookimpl`.
        name : str
            Its namespace.

        Raises
        ------
        InvalidOptionError
            When the name is malformed.
        InvalidPluginError
            When the name is taken or reserved, or the hook implementations break the rules; nothing is kept.
        PluginNotAllowedError
            When the name is blocked.
        """
        _names.check_plugin_name(name)
        if name in RESERVED_NAMES:
            raise InvalidPluginError(f"the plugin name {name!r} is reserved for the built-ins")
        if name in self._blocked:
            raise PluginNotAllowedError(f"plugin {name!r} is blocked by this registry")
        hosted = HostedPlugin(plugin, Provider(name))
        with self._lock:
            self._loader.add(hosted)
            self._registered[name] = plugin
            self._observers = None

    def installed(self) -> tuple[InstalledPlugin, ...]:
        """List the entry points of any API version, with what is known against each; imports nothing."""
        with self._lock:
            return self._loader.installed()

    def describe(self, *plugins: str) -> list[ComponentInfo]:
        """List components without importing their targets.

        Parameters
        ----------
        *plugins : str
            Names of plugins, which are loaded; without any, the built-ins (``"maas_sdk"``, ``"sklearn"``) and
            whatever is registered, allowed or loaded already.

        Returns
        -------
        list of ComponentInfo
            By plugin, in the order of their declarations.

        Raises
        ------
        PluginError
            When a named plugin cannot be used. Without names such a plugin is left out, with one
            `PluginWarning`.
        """
        with self._lock:
            if plugins:
                return [info for name in plugins for info in self._loader.components(name).values()]
            hosted = [plugin.provider.plugin for plugin in self._loader.plugins()]
            names = [*BUILTIN_MODULES, *hosted, *sorted(self._allow)]
            usable = [name for name in dict.fromkeys(names) if self._loader.is_usable(name)]
            self._observers = None
            return [info for name in usable for info in self._loader.components(name).values()]

    def resolve(self, kind: str, reference: str) -> ComponentInfo:
        """Find a component by a reference of the application's own; loads its plugin, not its target.

        Parameters
        ----------
        kind : str
            One of the kinds, such as ``"compressor"``.
        reference : str
            A built-in's bare name, ``"plugin.component"`` or an alias.

        Raises
        ------
        InvalidOptionError
            When the kind or the reference is malformed.
        UnknownComponentError
            When there is no such component; close matches are named.
        PluginNotAllowedError
            When the plugin is blocked.
        PluginLoadError, InvalidPluginError
            When the plugin cannot be used.
        """
        _names.check_kind(kind)
        return self._find(kind, self._aliases.get(reference, reference))

    def resolve_untrusted(self, kind: str, reference: str) -> ComponentInfo:
        """Find a component by a reference that others wrote, such as one in an artifact; see :meth:`resolve`.

        Check the artifact's signature first. Nothing is scanned or loaded for a plugin that is neither built
        in, nor in `allow`, nor registered by the application.

        Raises
        ------
        PluginNotAllowedError
            When the application did not allow the plugin, whether it is installed or not.
        """
        _names.check_kind(kind)
        plugin, _ = _names.split_reference(reference)
        if plugin not in BUILTIN_MODULES and plugin not in self._allow and plugin not in self._registered:
            raise PluginNotAllowedError(
                f"{reference!r} comes from an artifact, and plugin {plugin!r} is not allowed here; "
                f"if it shall: PluginRegistry(allow={{{plugin!r}}})"
            )
        return self._find(kind, reference)

    def create(self, kind: str, reference: str, options: Mapping[str, Any] | None = None) -> Any:
        """Construct a component by a reference of the application's own.

        Parameters
        ----------
        kind, reference : str
            See :meth:`resolve`.
        options : Mapping of str to object, optional
            Keyword arguments; names and types are checked against the target's signature and annotations
            before anything is constructed, see :meth:`options`.

        Raises
        ------
        InvalidOptionError
            When an option is unknown (near matches are named) or of the wrong type, or a necessary one is
            missing.
        ComponentError
            When the constructor raises.
        PluginError
            For everything else that :meth:`resolve` raises, and for a target that cannot be imported or
            constructs something that is not of its kind.
        """
        return construct(self.resolve(kind, reference), options or {})

    def options(self, kind: str, reference: str) -> tuple[Option, ...]:
        """Tell which options a component takes; imports its target, constructs nothing.

        Parameters
        ----------
        kind, reference : str
            See :meth:`resolve`.

        Returns
        -------
        tuple of Option
            In the order of the signature; types are the annotations', or else the docstring's.

        Raises
        ------
        PluginError
            As from :meth:`create`.
        """
        return declared_options(self.resolve(kind, reference))

    def create_untrusted(self, kind: str, reference: str, options: Mapping[str, Any] | None = None) -> Any:
        """Construct a component by a reference that others wrote; see :meth:`resolve_untrusted`.

        `options` are checked as in :meth:`create`, against names and types. Where they come out of
        the artifact, too, their values are as untrusted as the reference: a path among them is a file that
        gets read.
        """
        return construct(self.resolve_untrusted(kind, reference), options or {})

    def add_observer(self, observer: Any) -> None:
        """Have an object told about steps.

        Parameters
        ----------
        observer : object
            With `maas_sdk_before_step(event)`, `maas_sdk_after_step(event)` or both, marked by `hookimpl`.
            Called in the thread that works; what it raises is logged to ``maas_sdk.plugin``. Copies of the
            registry made by pickling do not have it.

        Raises
        ------
        InvalidPluginError
            When it observes nothing, or breaks the rules for hook implementations.
        """
        hosted = HostedPlugin(observer, Provider(f"observer {type(observer).__name__}"))
        if not hosted.observes:
            raise InvalidPluginError(
                f"{hosted.provider} implements neither {' nor '.join(OBSERVATION_HOOKS)}; use register()"
            )
        with self._lock:
            self._extra_observers.append(hosted)
            self._observers = None

    def step(self, step: str, **fields: Any) -> Step:
        """Make a context manager around one step, which tells the observers before and after it.

        Parameters
        ----------
        step : str
            See :class:`StepEvent`.
        **fields
            Other fields of :class:`StepEvent`: `component`, `index`, `total`, `metrics`, `sizes`.

        Returns
        -------
        Step
            Its `record(metrics=…, sizes=…)` adds to what is told at the end.
        """
        observers = self._observers
        if observers is None:
            observers = self._activate()
        return ObservedStep(observers, StepEvent(step, **fields)) if observers else SILENT_STEP

    def notify(self, event: StepEvent) -> None:
        """Tell the observers about a step that has ended, such as an epoch."""
        observers = self._observers
        tell(self._activate() if observers is None else observers, "maas_sdk_after_step", event)

    def _find(self, kind: str, reference: str) -> ComponentInfo:
        plugin, component = _names.split_reference(reference)
        with self._lock:
            self._observers = None  # the plugin may observe, too
            components = self._loader.components(plugin)
        try:
            return components[kind, component]
        except KeyError:
            raise self._unknown(kind, reference, component, components) from None

    def _unknown(
        self, kind: str, reference: str, component: str, components: Mapping[tuple[str, str], ComponentInfo]
    ) -> UnknownComponentError:
        others = sorted(other for other, name in components if name == component)
        if others:
            return UnknownComponentError(
                f"{reference!r} is of kind {' and '.join(others)}, not {kind}", reference=reference
            )
        with self._lock:
            known = [info.reference for info in self._loader.declared() if info.kind == kind]
        matches = _names.close_matches(reference, [*known, *self._aliases])
        return UnknownComponentError(
            f"there is no {kind} {reference!r}{_names.did_you_mean(matches)}",
            reference=reference,
            close_matches=matches,
        )

    def _activate(self) -> tuple[HostedPlugin, ...]:
        """Load the plugins that are allowed, and find out who observes."""
        with self._lock:
            for name in sorted(self._allow):
                self._loader.is_usable(name)
            hosted = [*self._loader.plugins(), *self._extra_observers]
            self._observers = tuple(plugin for plugin in hosted if plugin.observes)
            return self._observers

    def _check_alias(self, alias: str, reference: str) -> None:
        if not _names.is_component_name(alias):
            raise InvalidOptionError(f"alias {alias!r} is not a bare name")
        _names.split_reference(reference)
        if any(name == alias for _, name in self._loader.components(_names.BARE)):
            raise InvalidOptionError(f"alias {alias!r} is the name of a built-in, which nobody can shadow")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(allow={sorted(self._allow)}, blocked={sorted(self._blocked)})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Give the registry itself: `sklearn.base.clone` copies parameters, and a registry is shared."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Modules do not pickle; their names do.
        registered = {
            name: (True, plugin.__name__) if isinstance(plugin, types.ModuleType) else (False, plugin)
            for name, plugin in self._registered.items()
        }
        return {
            "allow": self._allow,
            "aliases": self._aliases,
            "blocked": self._blocked,
            "registered": registered,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._allow, self._blocked, self._aliases = state["allow"], state["blocked"], state["aliases"]
        self._start(
            {
                name: importlib.import_module(plugin) if is_module else plugin
                for name, (is_module, plugin) in state["registered"].items()
            }
        )
