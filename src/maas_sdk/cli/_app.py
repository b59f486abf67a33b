"""The ``maas`` command itself, and how an error reaches the person at the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import maas_sdk
from maas_sdk.cli._commands import Commands
from maas_sdk.cli._console import EXIT_INTERRUPTED, EXIT_REFUSED, EXIT_UNUSABLE, complain, show_verdict
from maas_sdk.errors import MaasError, RefusedError

__all__ = ["app", "demo", "run"]

app = typer.Typer(
    name="maas",
    cls=Commands,
    help="Hand a model to somebody else safely: encrypted, signed, versioned, offline.",
    epilog="Exit status: 0 done, 1 refused, 2 it could not be done, 3 volumes are missing, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
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


def demo(
    folder: Annotated[
        str, typer.Option(help="Where to work; a number is added to a name that is taken.")
    ] = "maas-demo",
) -> None:
    """Run the whole chain on real data: both sides, and refusals."""
    from maas_sdk.cli._demo import run_demo

    run_demo(folder)


def run() -> None:
    """Run a command; an error of the SDK is a message and an exit status, never a traceback."""
    try:
        app()
    except RefusedError as exc:
        show_verdict(exc.verdict)
        sys.exit(EXIT_REFUSED)
    except (MaasError, OSError) as exc:
        complain(exc)
        sys.exit(EXIT_UNUSABLE)
    except SystemExit as exc:
        if exc.code == EXIT_INTERRUPTED:
            complain("interrupted; nothing was half-written")
        raise
