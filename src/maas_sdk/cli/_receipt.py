"""``maas receipt``: what a receiver signed that they have."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer

import maas_sdk as maas
from maas_sdk.cli._console import EXIT_REFUSED, AsJson, Listing, complain, say, show_json
from maas_sdk.errors import InvalidArtifactError, VerificationError

__all__ = ["receipt"]


def receipt(
    file: Annotated[Path, typer.Argument(help="The receipt, as maas import --receipt wrote it.")],
    *,
    contact: Annotated[Path, typer.Option(help="The receiver's contact file.")],
    as_json: AsJson = False,
) -> None:
    """Check a receipt, and show what its receiver has.

    Give it to maas export --have, and the next bundle brings only what they lack.

    Exit status: 0 it is theirs, 1 it is not, 2 it could not be checked.
    """
    from maas_sdk.artifact import Receipt

    receiver = maas.Contact.load(contact)
    try:
        loaded = Receipt.load(file)
        loaded.verify(receiver.public_key)
    except (VerificationError, InvalidArtifactError) as exc:
        complain(exc)
        raise typer.Exit(EXIT_REFUSED) from exc
    said = loaded.statement
    if as_json:
        show_json(_plain(said, receiver.name))
        return
    shown = Listing(f"Receipt of {receiver.name}", "", "")
    shown.row("imported", (f"{said.name}@{said.version}", "bold"))
    shown.row("identity", said.identity)
    shown.row("when", said.received)
    shown.row("signed by", f"{receiver.name} {said.receiver}")
    skipped = sorted(name for name, status in said.checks.items() if status == "skipped")
    shown.row("checks passed", str(len(said.checks) - len(skipped)))
    shown.row("not applicable", ", ".join(skipped) or "none")
    shown.row("has", list(said.has))
    if said.audit is not None:
        shown.row("their log", f"{said.audit.count} entries, head {said.audit.head}")
    shown.show()
    say(f"the next delta: maas export STORE {said.name} OUT --have {file}")


def _plain(said: Any, receiver: str) -> dict[str, object]:
    return {
        "receiver": {"name": receiver, "fingerprint": said.receiver},
        "name": said.name,
        "version": said.version,
        "identity": said.identity,
        "manifest": said.manifest,
        "sequence": said.sequence,
        "received": said.received,
        "has": list(said.has),
        "checks": dict(said.checks),
        "audit": None if said.audit is None else {"count": said.audit.count, "head": said.audit.head},
    }
