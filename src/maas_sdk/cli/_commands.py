"""Which module has which command; nothing of a command is loaded before it is asked for."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COMMANDS", "Commands"]


class _Place(NamedTuple):
    module: str
    name: str
    panel: str


_START = "First steps"
_EXCHANGE = "Exchange: what goes out and what comes in"
_STORE = "Store: what is kept"
_TRUST = "Trust: whom to believe"
_KEYS = "Keys and files"
_PLUGINS = "Plugins"

COMMANDS = {
    "demo": _Place("_app", "demo", _START),
    "export": _Place("_send", "export", _EXCHANGE),
    "verify": _Place("_exchange", "verify", _EXCHANGE),
    "import": _Place("_exchange", "import_bundles", _EXCHANGE),
    "predict": _Place("_predict", "predict", _EXCHANGE),
    "unpack": _Place("_send", "unpack", _EXCHANGE),
    "reseal": _Place("_send", "reseal", _EXCHANGE),
    "receipt": _Place("_receipt", "receipt", _EXCHANGE),
    "pack": _Place("_layouts", "pack", _EXCHANGE),
    "list": _Place("_stores", "list_releases", _STORE),
    "show": _Place("_stores", "show", _STORE),
    "scan": _Place("_scan", "scan", _STORE),
    "alias": _Place("_marks", "alias", _STORE),
    "yank": _Place("_marks", "yank", _STORE),
    "note": _Place("_marks", "note", _STORE),
    "gc": _Place("_upkeep", "gc", _STORE),
    "fsck": _Place("_upkeep", "fsck", _STORE),
    "index": _Place("_layouts", "index", _STORE),
    "trust": _Place("_trust", "app", _TRUST),
    "audit": _Place("_audit", "app", _TRUST),
    "keys": _Place("_keys", "app", _KEYS),
    "revoke": _Place("_rotation", "revoke", _KEYS),
    "seal": _Place("_seal", "seal", _KEYS),
    "unseal": _Place("_seal", "unseal", _KEYS),
    "sign-folder": _Place("_folders", "sign", _KEYS),
    "verify-folder": _Place("_folders", "verify", _KEYS),
    "plugins": _Place("_plugins", "app", _PLUGINS),
}


class Commands(TyperGroup):
    """The commands of `COMMANDS`; help and completion list all of them, and load all of them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """Give the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a command; of an unknown one, load all: typer looks for similar names among them."""
        for name in (cmd_name,) if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = _load(name, ctx)
        return super().get_command(ctx, cmd_name)

    def get_params(self, ctx: Any) -> Any:
        """Give the parameters of ``maas`` itself."""
        return _as_typed(super().get_params(ctx))


def _load(name: str, ctx: Any) -> Any:
    place = COMMANDS[name]
    found = getattr(importlib.import_module(f"maas_sdk.cli.{place.module}"), place.name)
    holder = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, rich_help_panel=place.panel)
        group: Any = typer.main.get_command(holder)
        loaded: Any = group.commands[name]
    else:
        holder.command(name, rich_help_panel=place.panel)(found)
        loaded = typer.main.get_command(holder)
    for command in (loaded, *getattr(loaded, "commands", {}).values()):
        _as_typed(command.get_params(ctx))
    return loaded


# What is not in this table, and whatever is wrong, is typer's business.
_KINDS: dict[object, Callable[[str], object]] = {str: str, Path: Path, list[str]: str, list[Path]: Path}


def _as_typed(parameters: list[Any]) -> list[Any]:
    """Take texts and paths as they are typed; typer may load pydantic to do so, and takes 60 ms for it."""
    for parameter in parameters:
        kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
        if kind is not None and "process_value" not in vars(parameter):
            parameter.process_value = functools.partial(
                _process, parameter, parameter.process_value, _KINDS.get(kind)
            )
    return parameters


def _process(parameter: Any, usual: Any, make: Any, ctx: Any, value: Any) -> Any:
    several = parameter.multiple or parameter.nargs != 1
    if value is None and not parameter.required:
        given: Any = () if several else None
    elif make is None:
        return usual(ctx, value)
    elif several and isinstance(value, list | tuple) and value:
        given = [make(each) for each in value]
    elif not several and isinstance(value, str):
        given = make(value)
    else:
        return usual(ctx, value)
    return given if parameter.callback is None else parameter.callback(ctx, parameter, given)
