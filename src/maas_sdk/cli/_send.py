"""``maas export``, ``unpack`` and ``reseal``: what leaves a store."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

import maas_sdk as maas
from maas_sdk._internal.units import format_bytes
from maas_sdk.cli._console import (
    AsJson,
    PassphraseFile,
    byte_progress,
    passphrase,
    say,
    show_json,
)
from maas_sdk.cli._options import (
    IdentityOption,
    ReferenceArgument,
    StoreArgument,
    open_contact,
    open_identity,
    parse_size,
)
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from maas_sdk.artifact import Release, Store
    from maas_sdk.identity import Identity

__all__ = ["export", "reseal", "unpack"]


def export(
    store: StoreArgument,
    reference: ReferenceArgument,
    output: Annotated[Path, typer.Argument(help="The bundle to write, a .maas file; replaces an older one.")],
    *,
    have: Annotated[
        list[str] | None,
        typer.Option(
            help="What the receiver has: their receipt; or name@1.0.0, or a manifest, sha256:…; repeatable."
        ),
    ] = None,
    receiver: Annotated[
        Path | None,
        typer.Option("--for", help="For whom: their contact; chooses among several envelopes."),
    ] = None,
    max_volume_size: Annotated[
        str | None, typer.Option(help="Split into volumes, each no larger than this: 4GB, 700MiB.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a release into a bundle: one file, or volumes.

    With --have it brings only what the receiver lacks.
    """
    opened = maas.open_store(store, create=False)
    release = opened.open(reference, recipient=open_contact(receiver))
    presumed = _have(opened, have or ())
    with byte_progress() as progress:
        if max_volume_size is None:
            files: tuple[Path, ...] = (release.export(output, have=presumed, progress=progress),)
        else:
            size = parse_size(max_volume_size, "--max-volume-size")
            files = release.export_volumes(output, max_bytes=size, have=presumed, progress=progress)
    if as_json:
        show_json(
            {
                "name": release.name,
                "version": release.version,
                "identity": release.identity,
                "manifest": release.manifest_digest,
                "files": [{"path": str(file), "size": file.stat().st_size} for file in files],
            }
        )
        return
    for file in files:
        size_shown = format_bytes(file.stat().st_size)
        say((str(file), "bold"), f"  {release.name}@{release.version}, {size_shown}")


def unpack(
    store: StoreArgument,
    reference: ReferenceArgument,
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    *,
    identity: IdentityOption = None,
    trust: Annotated[
        Path | None, typer.Option(help="Your trust folder: the release is verified once more before.")
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write the files of a release into a new folder.

    They are opened and checked; the folder appears whole or not at all.

    Exit status: 0 done, 1 the release is refused, 2 it could not be done.
    """
    opened = maas.open_store(store, create=False)
    me = open_identity(identity, passphrase_file)
    release = _mine(opened, reference, me)
    judge = None if trust is None else maas.Trust.open(trust)
    with byte_progress() as progress:
        place = release.unpack(folder, identity=me, trust=judge, progress=progress)
    say((str(place), "bold"), f"  {len(release.parts)} files of {release.name}@{release.version}")


def reseal(
    store: StoreArgument,
    reference: ReferenceArgument,
    *,
    receiver: Annotated[
        list[Path], typer.Option("--for", help="For whom: a contact file, and nobody else's; repeatable.")
    ],
    identity: Annotated[
        Path, typer.Option(help="Your identity file: it opens the release, and signs for whom it is sealed.")
    ],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Seal a release for others too, in another envelope.

    It stays the same release. Those who have it already are not concerned, and the receivers learn nothing
    of each other.
    """
    opened = maas.open_store(store, create=False)
    contacts = [maas.Contact.load(path) for path in receiver]
    me = maas.Identity.load(identity, passphrase=lambda: passphrase(passphrase_file))
    with byte_progress() as progress:
        release = opened.reseal(
            reference, recipients=contacts, identity=me, signers=[me.signer], progress=progress
        )
    if as_json:
        show_json(
            {
                "name": release.name,
                "version": release.version,
                "identity": release.identity,
                "manifest": release.manifest_digest,
                "recipients": list(release.recipients),
            }
        )
        return
    names = ", ".join(contact.name for contact in contacts)
    shown = f"{release.name}@{release.version}"
    say((shown, "bold"), f" is sealed for {names}, manifest {release.manifest_digest}")
    say(f"to hand it out: maas export {store} {shown} OUT --for {receiver[0]}")


def _have(store: Store, texts: list[str] | tuple[()]) -> Any:
    """Read what the receiver has: a receipt alone, or manifests and releases."""
    from maas_sdk.artifact import Receipt

    receipts = [text for text in texts if not text.startswith("sha256:") and "@" not in text]
    if receipts and len(texts) > 1:
        raise InvalidOptionError("give --have one receipt alone, or releases and digests of manifests")
    if receipts:
        return Receipt.load(receipts[0])
    return [text if text.startswith("sha256:") else store.open(text) for text in texts] or None


def _mine(store: Store, reference: str, me: Identity | None) -> Release:
    """Open a release, of several envelopes the one that can be opened."""
    release = store.open(reference)
    if me is None or not release.sealed or me.public.recipient.fingerprint in release.recipients:
        return release
    return store.open(reference, recipient=me)
