"""The commands and their groups, and how an error reaches the person at the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import maas_sdk
from maas_sdk.cli import _exchange, _folders, _keys, _plugins, _seal, _trust
from maas_sdk.cli._console import EXIT_INTERRUPTED, EXIT_UNUSABLE, complain
from maas_sdk.errors import MaasError

__all__ = ["app", "run"]

app = typer.Typer(
    name="maas",
    help="Hand a model to somebody else safely: encrypted, signed, versioned, offline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"maas-sdk {maas_sdk.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hand a model to somebody else safely: encrypted, signed, versioned, offline."""


@app.command()
def demo(
    folder: Annotated[
        str, typer.Option(help="Where to work; a number is added to a name that is taken.")
    ] = "maas-demo",
) -> None:
    """Run the whole chain on scikit-learn's handwritten digits: both sides, and three refusals."""
    from maas_sdk.cli._demo import run_demo

    run_demo(folder)


app.command("verify")(_exchange.verify)
app.command("import")(_exchange.import_bundle)
app.command("list")(_exchange.list_releases)
app.command("predict")(_exchange.predict)
app.command("sign-folder")(_folders.sign)
app.command("verify-folder")(_folders.verify)
app.command("seal")(_seal.seal)
app.command("unseal")(_seal.unseal)
app.add_typer(_keys.app, name="keys")
app.add_typer(_trust.app, name="trust")
app.add_typer(_plugins.app, name="plugins")


def run() -> None:
    """Run a command; an error of the SDK is a message and an exit status, never a traceback."""
    try:
        app()
    except (MaasError, OSError) as exc:
        complain(exc)
        sys.exit(EXIT_UNUSABLE)
    except SystemExit as exc:
        if exc.code == EXIT_INTERRUPTED:
            complain("interrupted; nothing was half-written")
        raise
