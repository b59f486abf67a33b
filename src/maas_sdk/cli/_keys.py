"""``maas keys``: identities that a person keeps, contacts that they hand out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maas_sdk.cli import _rotation
from maas_sdk.cli._console import Listing, PassphraseFile, passphrase, say
from maas_sdk.identity import Contact, Identity

__all__ = ["app"]

app = typer.Typer(help="Make and show identities and contacts; change keys.", no_args_is_help=True)
app.command("rotation")(_rotation.rotation)

_LONG = 100  # characters

ContactFile = Annotated[Path, typer.Argument(help="A contact file.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Who it is: the publisher's part of your models' names.")],
    folder: Annotated[Path, typer.Option(help="Where the two files go.")] = Path(),
    pq: Annotated[
        bool, typer.Option("--pq", help="Withstand quantum computers: ML-DSA-65 and ML-KEM-768 beside.")
    ] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an identity (keep it) and its contact (hand it out)."""
    secret = passphrase(passphrase_file, confirm=True)
    identity = Identity.generate(name, post_quantum=pq)
    folder.mkdir(parents=True, exist_ok=True)
    kept, handed_out = folder / f"{name}.identity", folder / f"{name}.contact.json"
    identity.save(kept, passphrase=secret)
    identity.public.save(handed_out)
    say((str(kept), "bold"), "  keep it: it signs and opens, sealed with the passphrase")
    say((str(handed_out), "bold"), "  hand it out")
    _show(identity.public)


@app.command()
def show(file: ContactFile) -> None:
    """Show a contact, and its fingerprint to compare by phone."""
    _show(Contact.load(file))


@app.command()
def fingerprint(file: ContactFile) -> None:
    """Print the fingerprint of a contact alone, in groups to be read aloud."""
    typer.echo(Contact.load(file).fingerprint_text)


@app.command("change-passphrase")
def change_passphrase(
    file: Annotated[Path, typer.Argument(help="An identity file.")],
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option(help="A file whose first line is the new passphrase; asked for otherwise."),
    ] = None,
) -> None:
    """Seal an identity with another passphrase; the old file stays until the new one is safe on the disk."""
    identity = Identity.change_passphrase(
        file,
        old=lambda: passphrase(passphrase_file),
        new=lambda: passphrase(new_passphrase_file, confirm=True, prompt="New passphrase"),
    )
    say((str(file), "bold"), f"  {identity.name} has a new passphrase; copies keep the old one")


def _show(contact: Contact) -> None:
    shown = Listing(f"Contact {contact.name}", "", "")
    shown.row("signing key", f"{contact.public_key.key_type}  {contact.public_key.fingerprint}")
    shown.row("recipient", _short(str(contact.recipient)))
    shown.row("fingerprint", contact.fingerprint_text)
    shown.show()


def _short(recipient: str) -> str:
    """Leave out the middle of a post-quantum recipient, which has two thousand characters."""
    return recipient if len(recipient) <= _LONG else f"{recipient[:40]}…{recipient[-20:]}"
