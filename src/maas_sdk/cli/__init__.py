"""The ``maas`` command, thin over the public API."""

from __future__ import annotations

import gc
import importlib.util
import sys

__all__ = ["main"]

_ALLOCATIONS = 50_000  # between two collections; Python's own 700 cost a tenth of the start


def main() -> None:
    """Run the command line."""
    missing = [name for name in ("typer", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"maas: the command line needs {' and '.join(missing)}: pip install 'maas-sdk[cli]'")
    gc.set_threshold(_ALLOCATIONS)
    from maas_sdk.cli._app import run

    run()
