"""``maas alias``, ``yank`` and ``note``: what is said of a release after it was published, and signed."""

from __future__ import annotations

from typing import Annotated

import typer

import maas_sdk as maas
from maas_sdk.cli._console import PassphraseFile, say
from maas_sdk.cli._options import ReferenceArgument, Signers, StoreArgument, open_signers
from maas_sdk.errors import InvalidOptionError

__all__ = ["alias", "note", "yank"]


def alias(
    store: StoreArgument,
    reference: ReferenceArgument,
    alias: Annotated[str, typer.Argument(help="The alias: a word such as stable.")],
    *,
    identity: Signers,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Let name@ALIAS mean this release from now on.

    The move is signed, numbered, and travels with the release; receivers follow it when their policy lets its
    signers move that alias.
    """
    opened = maas.open_store(store, create=False)
    moved = opened.set_alias(alias, reference, signers=open_signers(identity, passphrase_file))
    say(
        (f"{moved.name}@{moved.alias}", "bold"),
        f" is {moved.name}@{moved.version} now, generation {moved.generation}",
    )


def yank(
    store: StoreArgument,
    reference: ReferenceArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why, for people.")],
    identity: Signers,
    undo: Annotated[bool, typer.Option("--undo", help="It may be used again.")] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Say that a release should not be used any more.

    Ranges and bare names pass it over; whoever names its version still gets it. To forbid it to every
    receiver, see maas revoke.
    """
    opened = maas.open_store(store, create=False)
    notice = opened.yank(reference, signers=open_signers(identity, passphrase_file), reason=reason, undo=undo)
    now = "yanked" if notice.yanked else "not yanked any more"
    say((f"{notice.name}@{notice.version}", "bold"), f" is {now}: {notice.reason}")


def note(
    store: StoreArgument,
    reference: ReferenceArgument,
    *,
    identity: Signers,
    text: Annotated[str | None, typer.Option(help="One line; replaces the note. '' removes it.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag to search by; these replace all tags. Repeatable.")
    ] = None,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Remove all tags.")] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write a note and tags to a release; they stay here."""
    if tag and no_tags:
        raise InvalidOptionError("give --tag or --no-tags, not both")
    if text is None and not tag and not no_tags:
        raise InvalidOptionError("nothing to write; give --text, --tag or --no-tags")
    opened = maas.open_store(store, create=False)
    written = opened.annotate(
        reference,
        signers=open_signers(identity, passphrase_file),
        note=text,
        tags=tag or ([] if no_tags else None),
    )
    shown = ", ".join(written.tags) or "none"
    say((f"{written.name}@{written.version}", "bold"), f"  tags: {shown}  note: {written.text or 'none'}")
