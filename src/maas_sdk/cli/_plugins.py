"""``maas plugins``: what there is to build pipelines from."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from maas_sdk.cli import _plugin_vendor
from maas_sdk.cli._console import console, table
from maas_sdk.errors import UnknownComponentError
from maas_sdk.plugin import KINDS, ComponentInfo, PluginRegistry

__all__ = ["app"]

app = typer.Typer(help="List components; write and check plugins.", no_args_is_help=True)
app.command("new")(_plugin_vendor.new)
app.command("check")(_plugin_vendor.check)


@app.command("list")
def list_components(
    allow: Annotated[
        list[str] | None, typer.Option(help="Load the declarations of this installed plugin, too.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only components of this kind.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also scikit-learn's two hundred estimators.")
    ] = False,
) -> None:
    """List components, without importing what implements them."""
    listing = table("Components", "kind", "reference", "distribution", "summary")
    for info in PluginRegistry(allow=set(allow or ())).describe():
        if kind not in (None, info.kind) or (info.reference.startswith("sklearn.") and not everything):
            continue
        made_by = f"{info.distribution} {info.version}" if info.distribution else "-"
        listing.add_row(info.kind, info.reference, made_by, info.spec.summary)
    console().print(listing)


@app.command("show")
def show_component(
    reference: Annotated[str, typer.Argument(help='Such as "mlp_classifier", "sklearn.PCA" or "acme.zstd".')],
    kind: Annotated[str | None, typer.Option(help="Where several kinds have the name.")] = None,
) -> None:
    """Show what a component is and which options it takes; imports what implements it."""
    registry = PluginRegistry()
    for info in _find(registry, reference, kind):
        _show(registry, info)


def _find(registry: PluginRegistry, reference: str, kind: str | None) -> list[ComponentInfo]:
    found: list[ComponentInfo] = []
    problems: list[UnknownComponentError] = []
    for each in KINDS if kind is None else (kind,):
        try:
            found.append(registry.resolve(each, reference))
        except UnknownComponentError as exc:
            problems.append(exc)
    if not found:
        # The kind with the closest match knows best what was meant.
        raise max(problems, key=lambda problem: len(problem.close_matches))
    return found


def _show(registry: PluginRegistry, info: ComponentInfo) -> None:
    out = console()
    out.print(Text(f"{info.kind} {info}"))
    if info.spec.summary:
        out.print(Text(info.spec.summary))
    listing = table("Options", "option", "type", "default", "meaning")
    for option in registry.options(info.kind, info.reference):
        default = "required" if option.required else repr(option.default)
        listing.add_row(*map(Text, (option.name, option.type or "-", default, option.summary)))
    out.print(listing if listing.row_count else "It takes no options.")
