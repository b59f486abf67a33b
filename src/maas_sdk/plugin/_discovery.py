"""Which plugins are installed, read from entry points alone: nothing of them is imported."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from maas_sdk.plugin._builtins import RESERVED_NAMES
from maas_sdk.plugin._component import Provider
from maas_sdk.plugin._hooks import ENTRY_POINT_GROUP
from maas_sdk.plugin._names import is_plugin_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution

__all__ = ["InstalledPlugin", "scan"]

_log = logging.getLogger("maas_sdk.plugin")
_FAMILY: Final = "maas_sdk.v"
_GROUP: Final = re.compile(re.escape(_FAMILY) + "[0-9]+", re.ASCII)
_MODULE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)


@frozen(kw_only=True)
class InstalledPlugin:
    """One entry point of an installed distribution.

    Attributes
    ----------
    provider : Provider
        Its name, distribution and version.
    module : str
        The module that it names.
    group : str
        The entry-point group, whose end is the API's major version.
    problem : str
        Why it cannot be used; empty when nothing is known against it.
    """

    provider: Provider
    module: str
    group: str = ENTRY_POINT_GROUP
    problem: str = ""

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.provider.plugin

    @property
    def is_spoof(self) -> bool:
        """Whether it claims a name that is the built-ins'."""
        return self.name in RESERVED_NAMES


def scan() -> tuple[InstalledPlugin, ...]:
    """Read the entry points of every distribution on `sys.path`, of this API version and of others.

    A distribution whose metadata cannot be read is left out and logged: it must not take the others with it.
    Of one distribution that is found twice on the path, the first counts, as it does for `import`.
    """
    from importlib.metadata import distributions  # noqa: PLC0415 - costs 15 ms, and most registries never scan

    found: dict[str, tuple[InstalledPlugin, ...]] = {}
    for distribution in distributions():
        try:
            plugins = tuple(_read(distribution))
        except Exception:  # noqa: BLE001 - whatever broken metadata makes the parser raise
            _log.debug("left out a distribution with unreadable metadata: %r", distribution, exc_info=True)
            continue
        if plugins:
            found.setdefault(_normalized(str(plugins[0].provider.distribution)), plugins)
    return tuple(_judged([plugin for plugins in found.values() for plugin in plugins]))


def _read(distribution: Distribution) -> Iterator[InstalledPlugin]:
    if _FAMILY not in (distribution.read_text("entry_points.txt") or ""):
        return  # spares parsing the metadata of everything that is no plugin
    for entry in distribution.entry_points:
        if _GROUP.fullmatch(entry.group):
            provider = Provider(entry.name, distribution.metadata["Name"], distribution.version)
            yield InstalledPlugin(provider=provider, module=entry.value, group=entry.group)


def _normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _judged(plugins: Iterable[InstalledPlugin]) -> Iterator[InstalledPlugin]:
    """Add what is known against each."""
    ours: dict[str, list[InstalledPlugin]] = {}
    for plugin in plugins:
        if plugin.group == ENTRY_POINT_GROUP:
            ours.setdefault(plugin.name, []).append(plugin)
        else:
            yield evolve(
                plugin,
                problem=f"{plugin.provider} speaks {plugin.group}, this SDK speaks {ENTRY_POINT_GROUP}: "
                "install a version of either that fits the other",
            )
    for claims in ours.values():
        yield from (evolve(plugin, problem=_problem(plugin, claims)) for plugin in claims)


def _problem(plugin: InstalledPlugin, claims: list[InstalledPlugin]) -> str:
    if plugin.is_spoof:
        return f"{plugin.provider} claims a name that is reserved for the built-ins"
    if not is_plugin_name(plugin.name):
        return (
            f"{plugin.provider} has a malformed name: lower-case letters, digits and underscores are allowed"
        )
    if len(claims) > 1:
        origins = " and ".join(claim.provider.origin for claim in claims)
        return f"plugin {plugin.name!r} is claimed by {origins}: neither is loaded, uninstall one"
    if not _MODULE.fullmatch(plugin.module):
        return f"{plugin.provider}: its entry point {plugin.module!r} does not name a module"
    return ""
