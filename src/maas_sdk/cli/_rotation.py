"""``maas keys rotation`` and ``maas revoke``: what a publisher says of their own keys and releases."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

import maas_sdk as maas
from maas_sdk._internal.files import atomic_file
from maas_sdk.cli._console import Listing, PassphraseFile, say
from maas_sdk.cli._options import Signers, StoreArgument, open_signers
from maas_sdk.errors import AlreadyExistsError, InvalidOptionError

__all__ = ["revoke", "rotation"]

Publisher = Annotated[str, typer.Option(help="What stands before the slash of the names.")]


def rotation(
    output: Annotated[Path, typer.Argument(help="The file to write, for those who get no bundle.")],
    *,
    store: Annotated[str, typer.Option(help="The store that your releases are published in.")],
    publisher: Publisher,
    old: Annotated[
        list[Path],
        typer.Option(help="A key that signs today, identity or PEM; as many as receivers ask."),
    ],
    new: Annotated[list[Path], typer.Option(help="A key that signs from now on; repeatable.")],
    threshold: Annotated[int, typer.Option(min=1, help="How many of the new keys must sign a release.")] = 1,
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: Annotated[
        Path | None, typer.Option(help="The same, for the new keys; asked for otherwise.")
    ] = None,
) -> None:
    """Begin a new epoch of keys: the old ones hand over to the new ones.

    It travels with every release exported from now on; the file is for maas trust rotate.
    """
    if os.path.lexists(output):
        raise AlreadyExistsError(f"{output} exists; give another name")
    names = [path.name.partition(".")[0] for path in new]
    if len(set(names)) < len(names):
        raise InvalidOptionError("two new keys have files of the same name, which names the key; rename one")
    opened = maas.open_store(store, create=False)
    signers = open_signers(old, passphrase_file)
    keys = dict(zip(names, open_signers(new, new_passphrase_file), strict=True))
    made, envelope = opened.rotate(publisher, signers=signers, keys=keys, threshold=threshold)
    with atomic_file(output, replace=False) as file:
        file.write(envelope)
    shown = Listing(f"{publisher}: epoch {made.epoch}", "", "")
    shown.row("threshold", str(made.threshold))
    for key in made.keys:
        shown.row("new key", f"{key.name} {key.fingerprint}")
    shown.row("file", str(output))
    shown.show()


def revoke(
    store: StoreArgument,
    *,
    publisher: Publisher,
    reason: Annotated[str, typer.Option(help="Why, for people.")],
    identity: Signers,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A key: its fingerprint, or a contact file; repeatable."),
    ] = None,
    release: Annotated[
        list[str] | None, typer.Option(help="A release: name@1.0.0, or its identity, sha256:…; repeatable.")
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Revoke keys and releases, for good.

    The list travels with every release that is exported from now on; receivers refuse what is on it.
    """
    opened = maas.open_store(store, create=False)
    keys = {_fingerprint(text): reason for text in key or ()}
    releases = {
        text if text.startswith("sha256:") else opened.open(text).identity: reason for text in release or ()
    }
    made = opened.revoke(
        publisher, signers=open_signers(identity, passphrase_file), keys=keys, releases=releases
    )
    listing = Listing(f"Revoked by {publisher}, list {made.number}", "what", "digest", "reason")
    for revoked_key in made.keys:
        listing.row("key", revoked_key.fingerprint, revoked_key.reason)
    for revoked in made.releases:
        listing.row("release", revoked.identity, revoked.reason)
    listing.show()
    say("It travels with every release that is exported from now on.")


def _fingerprint(text: str) -> str:
    return text if text.startswith("sha256:") else maas.Contact.load(text).public_key.fingerprint
