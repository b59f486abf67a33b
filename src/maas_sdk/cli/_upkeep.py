"""``maas gc`` and ``maas fsck``: what a store needs no more, and whether what it needs is whole."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

import maas_sdk as maas
from maas_sdk.cli._console import EXIT_REFUSED, AsJson, byte_progress, say, show_json
from maas_sdk.cli._options import StoreArgument, parse_duration

__all__ = ["fsck", "gc"]


def gc(
    store: StoreArgument,
    *,
    delete: Annotated[bool, typer.Option("--delete", help="Remove it; otherwise it is only shown.")] = False,
    grace: Annotated[str, typer.Option(help="What was used so lately stays: 12h, 1d, 0s.")] = "1d",
    as_json: AsJson = False,
) -> None:
    """Show, or remove, what nothing in a store needs.

    Interrupted and refused work leaves such blobs behind; a release is never among them.
    """
    opened = maas.open_store(store, create=False)
    report = opened.gc(delete=delete, grace=parse_duration(grace, "--grace"))
    if as_json:
        show_json(report.to_dict())
        return
    typer.echo(str(report))
    if report.dry and report.orphans:
        say(f"to remove it: maas gc {store} --delete")


def fsck(
    store: StoreArgument,
    *,
    repair: Annotated[
        list[Path] | None, typer.Option(help="A bundle that may have what is damaged or lost; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a whole store, and repair it from bundles.

    Every blob is read; what is damaged or missing is named, with what needs it.

    Exit status: 0 whole (or whole again), 1 something is damaged or missing, 2 it could not be checked.
    """
    opened = maas.open_store(store, create=False)
    with byte_progress() as progress:
        report = opened.fsck(repair_from=repair or (), progress=progress)
    if as_json:
        show_json(report.to_dict())
    else:
        typer.echo(str(report))
    if not report.ok:
        raise typer.Exit(EXIT_REFUSED)
