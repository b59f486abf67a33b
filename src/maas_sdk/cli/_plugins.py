"""``maas plugins``: what there is to build pipelines from."""

from __future__ import annotations

from typing import Annotated

import typer

from maas_sdk.cli._console import console, table
from maas_sdk.plugin import PluginRegistry

__all__ = ["app"]

app = typer.Typer(help="List components.", no_args_is_help=True)


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
