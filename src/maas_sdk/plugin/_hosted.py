"""One plugin behind a plugin manager of its own, so that none can wrap, reorder or break another."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pluggy

from maas_sdk.errors import InvalidPluginError
from maas_sdk.plugin._component import ComponentInfo, ComponentSpec
from maas_sdk.plugin._hooks import HOOK_OF_KIND, PROJECT_NAME, HookSpecs
from maas_sdk.plugin._names import close_matches, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maas_sdk.plugin._component import Provider
    from maas_sdk.plugin._events import StepEvent

__all__ = ["OBSERVATION_HOOKS", "HostedPlugin"]

OBSERVATION_HOOKS = ("maas_sdk_before_step", "maas_sdk_after_step")
_HOOKS = (*HOOK_OF_KIND.values(), *OBSERVATION_HOOKS)
_ORDERING = ("wrapper", "hookwrapper", "tryfirst", "trylast")
_ABSENT = object()


class HostedPlugin:
    """A plugin whose hook implementations have been checked.

    Parameters
    ----------
    plugin : object
        Module or object with functions marked by `hookimpl`.
    provider : Provider
        Whose it is, for messages.

    Raises
    ------
    InvalidPluginError
        When its hook implementations break the rules.
    """

    def __init__(self, plugin: Any, provider: Provider) -> None:
        self.provider = provider
        self._manager = pluggy.PluginManager(PROJECT_NAME)
        self._manager.add_hookspecs(HookSpecs)
        try:
            self._manager.register(plugin, provider.plugin)
        except pluggy.PluginValidationError as exc:
            raise InvalidPluginError(f"{provider}: {exc}") from exc
        callers = self._manager.get_hookcallers(plugin) or []
        self._implemented = frozenset(caller.name for caller in callers)
        self._check_marks(plugin)
        self._check_names()
        for caller in callers:
            self._check_order(caller)
        self._listeners = {
            caller.name: _listener(implementation)
            for caller in callers
            if caller.name in OBSERVATION_HOOKS
            for implementation in caller.get_hookimpls()
        }

    def implements(self, hook: str) -> bool:
        """Whether the plugin implements `hook`."""
        return hook in self._implemented

    @property
    def observes(self) -> bool:
        """Whether the plugin implements an observation hook."""
        return bool(self._listeners)

    def listener(self, hook: str) -> Callable[[StepEvent], object] | None:
        """Give what to call with an event; directly, as a manager's way around costs a step 5 µs."""
        return self._listeners.get(hook)

    def components(self) -> Mapping[tuple[str, str], ComponentInfo]:
        """Call the registration hooks; components by kind and name, as they were declared.

        Raises
        ------
        InvalidPluginError
            When a hook raises, gives something else than `ComponentSpec` or declares a name twice.
        """
        found: dict[tuple[str, str], ComponentInfo] = {}
        for kind, hook in HOOK_OF_KIND.items():
            for spec in self._declared(hook):
                info = ComponentInfo(kind=kind, spec=spec, provider=self.provider)
                if found.setdefault((kind, spec.name), info) is not info:
                    raise InvalidPluginError(f"{self.provider} declares the {kind} {spec.name!r} twice")
        return found

    def _declared(self, hook: str) -> Iterator[ComponentSpec]:
        try:
            specs = [spec for result in getattr(self._manager.hook, hook)() for spec in result]
        except (Exception, SystemExit) as exc:
            raise InvalidPluginError(f"{self.provider}: {hook}: {type(exc).__name__}: {exc}") from exc
        for spec in specs:
            if not isinstance(spec, ComponentSpec):
                raise InvalidPluginError(
                    f"{self.provider}: {hook} gives {spec!r}, which is not a ComponentSpec"
                )
            yield spec

    def _check_names(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as exc:
            unknown = sorted(self._implemented.difference(_HOOKS))
            hints = ", ".join(f"{name!r}{did_you_mean(close_matches(name, _HOOKS))}" for name in unknown)
            raise InvalidPluginError(
                f"{self.provider} implements a hook that does not exist: {hints}"
            ) from exc
        if not self._implemented:
            raise InvalidPluginError(
                f"{self.provider} implements no hook; mark its functions with maas_sdk.plugin.hookimpl"
            )

    def _check_marks(self, plugin: object) -> None:
        for hook in _HOOKS:
            if inspect.getattr_static(plugin, hook, _ABSENT) is not _ABSENT and not self.implements(hook):
                raise InvalidPluginError(
                    f"{self.provider}: {hook} is not marked with maas_sdk.plugin.hookimpl"
                )

    def _check_order(self, caller: pluggy.HookCaller) -> None:
        # A wrapper could swallow what another plugin raises, and so turn a refusal into a pass.
        for implementation in caller.get_hookimpls():
            for option in _ORDERING:
                if getattr(implementation, option):
                    raise InvalidPluginError(
                        f"{self.provider}: {caller.name} must not be marked {option}=True"
                    )


def _listener(implementation: pluggy.HookImpl) -> Callable[[StepEvent], object]:
    function = implementation.function
    # pluggy lets an implementation leave out arguments that it does not need.
    return function if implementation.argnames else lambda _event: function()
