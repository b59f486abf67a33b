"""Names of plugins and components: their grammar, and what a misspelt one may have meant."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from maas_sdk.errors import InvalidOptionError
from maas_sdk.plugin._hooks import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "BARE",
    "check_kind",
    "check_plugin_name",
    "check_plugin_names",
    "close_matches",
    "did_you_mean",
    "is_component_name",
    "is_plugin_name",
    "join_reference",
    "split_reference",
]

BARE = "maas_sdk"
"""The plugin whose components have bare names: the built-ins."""

_MAX_LENGTH = 64
_PLUGIN = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_COMPONENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


def is_plugin_name(name: object) -> bool:
    """Whether `name` is lower-case ASCII letters, digits and underscores, a letter first."""
    return isinstance(name, str) and len(name) <= _MAX_LENGTH and _PLUGIN.fullmatch(name) is not None


def is_component_name(name: object) -> bool:
    """Whether `name` is ASCII letters, digits and underscores, a letter first."""
    return isinstance(name, str) and len(name) <= _MAX_LENGTH and _COMPONENT.fullmatch(name) is not None


def check_plugin_name(name: object) -> str:
    """Give the name back, or raise `InvalidOptionError`."""
    if not is_plugin_name(name):
        raise InvalidOptionError(
            f"{name!r} is not a plugin name: lower-case letters, digits and underscores, a letter first"
        )
    return str(name)


def check_plugin_names(option: str, names: Collection[str]) -> frozenset[str]:
    """Give the names as a set, or raise `InvalidOptionError`; a single string is a likely mistake."""
    if isinstance(names, str):
        raise InvalidOptionError(f"{option} takes a collection of plugin names: {{{names!r}}}, not {names!r}")
    return frozenset(map(check_plugin_name, names))


def check_kind(kind: object) -> None:
    """Raise `InvalidOptionError` unless `kind` is a kind of component."""
    if kind not in KINDS:
        hint = did_you_mean(close_matches(str(kind), KINDS))
        raise InvalidOptionError(f"{kind!r} is not a kind of component{hint}; there are {', '.join(KINDS)}")


def split_reference(reference: object) -> tuple[str, str]:
    """Split ``"plugin.component"``; the plugin of a bare name is `BARE`."""
    if isinstance(reference, str):
        plugin, dot, component = reference.rpartition(".")
        if is_component_name(component) and (is_plugin_name(plugin) if dot else True):
            return plugin or BARE, component
    raise InvalidOptionError(
        f'{reference!r} is not a component reference: a built-in\'s bare name, or "plugin.component"'
    )


def join_reference(plugin: str, component: str) -> str:
    """Undo :func:`split_reference`."""
    return component if plugin == BARE else f"{plugin}.{component}"


def close_matches(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Give up to three candidates that look like `word`, upper and lower case alike, the closest first."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    return tuple(by_folded[match] for match in difflib.get_close_matches(word.casefold(), by_folded))


def did_you_mean(matches: Iterable[str]) -> str:
    """Word a hint to append to a message; empty when nothing is close."""
    names = " or ".join(repr(match) for match in matches)
    return f" (did you mean {names}?)" if names else ""
