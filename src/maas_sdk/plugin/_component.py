"""What a component is declared as (`ComponentSpec`) and known as (`ComponentInfo`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from maas_sdk.errors import InvalidPluginError
from maas_sdk.plugin._names import is_component_name, join_reference

if TYPE_CHECKING:
    from attrs import Attribute

__all__ = ["ComponentInfo", "ComponentSpec", "Provider"]

_IDENTIFIER: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED: Final = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
_TARGET: Final = re.compile(rf"{_DOTTED}:{_DOTTED}", re.ASCII)


def _check_name(_spec: ComponentSpec, _field: Attribute[str], name: object) -> None:
    if not is_component_name(name):
        raise InvalidPluginError(
            f"{name!r} is not a component name: ASCII letters, digits and underscores, a letter first"
        )


def _check_target(spec: ComponentSpec, _field: Attribute[str], target: object) -> None:
    if not (isinstance(target, str) and _TARGET.fullmatch(target)):
        raise InvalidPluginError(
            f'component {spec.name!r}: the target {target!r} does not read "module:Class"'
        )


def _check_summary(spec: ComponentSpec, _field: Attribute[str], summary: object) -> None:
    if not (isinstance(summary, str) and summary.isprintable()):
        raise InvalidPluginError(f"component {spec.name!r}: the summary is not one line of text")


@frozen
class ComponentSpec:
    """Declares one component, without importing it.

    Parameters
    ----------
    name : str
        ASCII letters, digits and underscores; unique among the components of its kind in the plugin.
    target : str
        What constructs the component, ``"module:Class"`` as in an entry point: a class, or anything that is
        called with the component's options as keyword arguments.
    summary : str
        One line for lists.

    Raises
    ------
    InvalidPluginError
        When one of them is malformed.

    Examples
    --------
    >>> ComponentSpec("zstd", "maas_sdk_acme.zstd:ZstdCompressor", summary="Zstandard, levels 1 to 19").name
    'zstd'
    """

    name: str = field(validator=_check_name)
    target: str = field(validator=_check_target)
    summary: str = field(default="", kw_only=True, validator=_check_summary)


@frozen
class Provider:
    """Whose plugin it is.

    Attributes
    ----------
    plugin : str
        The plugin's name.
    distribution, version : str or None
        What pip installed; None for a plugin that the application registered itself.
    """

    plugin: str
    distribution: str | None = None
    version: str | None = None

    @property
    def origin(self) -> str:
        """Where it comes from: ``"maas-sdk-acme 1.2"``."""
        if self.distribution is None:
            return "registered by the application"
        return f"{self.distribution} {self.version}"

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.origin})"


@frozen(kw_only=True)
class ComponentInfo:
    """A component that a registry knows; its target need not have been imported.

    Attributes
    ----------
    kind : str
        One of the kinds, such as ``"compressor"``.
    spec : ComponentSpec
        Its declaration.
    provider : Provider
        The plugin that declares it.
    """

    kind: str
    spec: ComponentSpec
    provider: Provider

    @property
    def reference(self) -> str:
        """What it is asked for by: ``"acme.zstd"``, or the bare name of a built-in."""
        return join_reference(self.provider.plugin, self.spec.name)

    @property
    def plugin(self) -> str:
        """Name of its plugin."""
        return self.provider.plugin

    @property
    def distribution(self) -> str | None:
        """Name of the distribution; None for a plugin that the application registered itself."""
        return self.provider.distribution

    @property
    def version(self) -> str | None:
        """Version of the distribution; None for a plugin that the application registered itself."""
        return self.provider.version

    def __str__(self) -> str:
        return f"{self.reference} ({self.provider.origin})"
