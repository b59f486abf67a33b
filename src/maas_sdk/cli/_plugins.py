"""``maas plugins``: what there is to build pipelines from."""

from __future__ import annotations

from typing import Annotated

import typer

from maas_sdk.cli import _plugin_vendor
from maas_sdk.cli._console import Listing, say
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
    listing = Listing("Components", "kind", "reference", "distribution", "summary")
    for info in PluginRegistry(allow=set(allow or ())).describe():
        if kind not in (None, info.kind) or (info.reference.startswith("sklearn.") and not everything):
            continue
        made_by = f"{info.distribution} {info.version}" if info.distribution else "-"
        listing.row(info.kind, info.reference, made_by, info.spec.summary)
    listing.show()


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
    say(f"{info.kind} {info}")
    if info.spec.summary:
        say(info.spec.summary)
    options = registry.options(info.kind, info.reference)
    if not options:
        say("It takes no options.")
        return
    listing = Listing("Options", "option", "type", "default", "meaning")
    for option in options:
        default = "required" if option.required else repr(option.default)
        listing.row(option.name, option.type or "-", default, option.summary)
    listing.show()
