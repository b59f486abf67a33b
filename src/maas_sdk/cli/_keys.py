"""``maas keys``: identities that a person keeps, contacts that they hand out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maas_sdk.cli._console import PassphraseFile, console, passphrase, table
from maas_sdk.identity import Contact, Identity

__all__ = ["app"]

app = typer.Typer(help="Make and show identities and contacts.", no_args_is_help=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Who it is: the publisher's part of your models' names.")],
    folder: Annotated[Path, typer.Option(help="Where the two files go.")] = Path(),
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an identity (keep it) and its contact (hand it out)."""
    secret = passphrase(passphrase_file, confirm=True)
    identity = Identity.generate(name)
    folder.mkdir(parents=True, exist_ok=True)
    kept, handed_out = folder / f"{name}.identity", folder / f"{name}.contact.json"
    identity.save(kept, passphrase=secret)
    identity.public.save(handed_out)
    out = console()
    out.print(f"[bold]{kept}[/]  keep it: it signs and opens, sealed with the passphrase")
    out.print(f"[bold]{handed_out}[/]  hand it out")
    _show(identity.public)


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A contact file.")]) -> None:
    """Show a contact, and its fingerprint to compare by phone."""
    _show(Contact.load(file))


def _show(contact: Contact) -> None:
    shown = table(f"Contact {contact.name}", "", "")
    shown.show_header = False
    shown.add_row("signing key", f"{contact.public_key.key_type}  {contact.public_key.fingerprint}")
    shown.add_row("recipient", str(contact.recipient))
    shown.add_row("fingerprint", contact.fingerprint_text)
    console().print(shown)
