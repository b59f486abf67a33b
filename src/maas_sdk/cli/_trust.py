"""``maas trust``: a receiver's policy and memory, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maas_sdk.cli._console import console, table
from maas_sdk.identity import Contact
from maas_sdk.trust import Policy, Trust, TrustedKey

__all__ = ["app"]

app = typer.Typer(help="Say whose models are accepted.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="The trust folder.")]


@app.command()
def init(folder: Folder) -> None:
    """Make a trust folder that accepts nobody yet."""
    Trust.create(folder, policy=Policy())
    console().print(f"[bold]{folder}[/] accepts nobody yet: maas trust add {folder} CONTACT --names 'acme/*'")


@app.command()
def add(
    folder: Folder,
    contact: Annotated[Path, typer.Argument(help="The publisher's contact file.")],
    names: Annotated[str, typer.Option(help="Whose models: a name, or a pattern such as 'acme/*'.")],
) -> None:
    """Accept models of these names when this publisher signed them."""
    trust = Trust.open(folder)
    publisher = Contact.load(contact)
    key = TrustedKey(
        name=publisher.name,
        fingerprint=publisher.public_key.fingerprint,
        pem=publisher.public_key.pem,
    )
    trust.save_policy(trust.policy.with_key(names, key))
    console().print(
        f"{names} is accepted when signed by [bold]{publisher.name}[/], {key.fingerprint}\n"
        f"Compare by phone: {publisher.fingerprint_text}"
    )


@app.command("list")
def list_rules(folder: Folder) -> None:
    """Show the rules of the policy."""
    rules = table(f"Policy of {folder}", "names", "signed by", ">threshold", "sealed", "self-test", "max age")
    for rule in Trust.open(folder).policy.rules:
        rules.add_row(
            rule.names,
            "\n".join(f"{key.name} {key.fingerprint}" for key in rule.keys),
            str(rule.threshold),
            "required" if rule.require_sealed else "optional",
            "required" if rule.require_selftest else "optional",
            "any" if rule.max_age_days is None else f"{rule.max_age_days} days",
        )
    console().print(rules)
