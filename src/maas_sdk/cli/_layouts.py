"""``maas pack`` and ``index``: between stores and bundles, and the tools of OCI registries."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from maas_sdk.artifact import pack_layout, write_index
from maas_sdk.cli._console import byte_progress, say

__all__ = ["index", "pack"]


def pack(
    layout: Annotated[Path, typer.Argument(help="An OCI layout: a folder that skopeo, oras or umoci wrote.")],
    output: Annotated[Path, typer.Argument(help="The bundle to write, a .maas file; replaces an older one.")],
    reference: Annotated[
        str | None,
        typer.Option(help="Which release, where there are several: name@1.0.0, or a manifest, sha256:…."),
    ] = None,
) -> None:
    """Make a bundle of what came through a registry.

    The bundle is checked like every other one by verify and import.
    """
    with byte_progress() as progress:
        path = pack_layout(layout, output, reference=reference, progress=progress)
    say(f"{path}  of {layout}; nothing of it is trusted yet: maas verify {path} --trust FOLDER")


def index(store: Annotated[Path, typer.Argument(help="The store: a folder.")]) -> None:
    """Write index.json into a store, for tools of OCI.

    The store never reads it: write it anew before each use.
    """
    say(f"{write_index(store)}")
