"""``maas verify``, ``import``, ``list`` and ``predict``: the receiver's side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import maas_sdk as maas
from maas_sdk._internal.units import format_bytes
from maas_sdk.cli._console import (
    EXIT_REFUSED,
    PassphraseFile,
    byte_progress,
    console,
    passphrase,
    table,
    verdict_table,
)
from maas_sdk.errors import RefusedError

if TYPE_CHECKING:
    from maas_sdk.trust import Verdict

__all__ = ["import_bundle", "list_releases", "predict", "verify"]

Bundle = Annotated[Path, typer.Argument(help="The bundle, a .maas file.")]
TrustFolder = Annotated[Path, typer.Option(help="Your trust folder (maas trust init).")]
StoreOption = Annotated[str, typer.Option(help="Your store: a folder or a URL.")]
FirstUse = Annotated[list[str] | None, typer.Option(help="Accept the first release ever seen of this name.")]
ContactOption = Annotated[
    Path | None, typer.Option(help="Your own contact file: checks that the release is sealed for you.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")]


def verify(
    bundle: Bundle,
    trust: TrustFolder,
    first_use: FirstUse = None,
    contact: ContactOption = None,
    as_json: AsJson = False,
) -> None:
    """Check a bundle against your policy; needs no key to decrypt and changes nothing.

    Exit status: 0 every check passed, 1 refused, 2 it could not be checked.
    """
    verdict = maas.verify(
        bundle, trust=maas.Trust.open(trust), first_use=first_use or (), recipient=_recipient(contact)
    )
    _show(verdict, as_json=as_json)
    if not verdict.passed:
        raise typer.Exit(EXIT_REFUSED)


def import_bundle(
    bundle: Bundle,
    store: StoreOption,
    trust: TrustFolder,
    first_use: FirstUse = None,
    contact: ContactOption = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle and keep its release; nothing of a refused one is kept.

    Exit status: 0 imported, 1 refused, 2 it could not be checked.
    """
    try:
        with byte_progress() as progress:
            release = maas.open_store(store).import_bundle(
                bundle,
                trust=maas.Trust.open(trust),
                first_use=first_use or (),
                recipient=_recipient(contact),
                progress=progress,
            )
    except RefusedError as exc:
        _show(exc.verdict, as_json=as_json)
        raise typer.Exit(EXIT_REFUSED) from exc
    if as_json:
        typer.echo(json.dumps({"name": release.name, "version": str(release.version)}))
    else:
        console().print(
            f"imported [bold]{release.name}@{release.version}[/], {release.identity}, into {store}"
        )


def list_releases(store: Annotated[str, typer.Argument(help="The store: a folder or a URL.")]) -> None:
    """List what a store holds."""
    opened = maas.open_store(store, create=False)
    releases = table(f"Releases in {store}", "name", "version", "sealed", ">parts", ">size", "created")
    for name in opened.names():
        for version in opened.versions(name):
            release = opened.open(f"{name}@{version}")
            size = format_bytes(sum(part.size for part in release.parts))
            sealed = "yes" if release.sealed else "no"
            parts = str(len(release.parts))
            releases.add_row(name, str(version), sealed, parts, size, release.created)
    console().print(releases)


def predict(
    reference: Annotated[str, typer.Argument(help="Which release: name@1.0.0, name@^1.2, name@sha256:….")],
    store: StoreOption,
    trust: TrustFolder,
    data: Annotated[Path, typer.Option("--input", help="Rows to predict: .npy, .csv or .parquet.")],
    output: Annotated[Path, typer.Option(help="Where predictions go: .npy, .csv or .parquet.")],
    identity: Annotated[Path | None, typer.Option(help="Your identity file, for a sealed release.")] = None,
    passphrase_file: PassphraseFile = None,
    probabilities: Annotated[bool, typer.Option(help="Probabilities instead of labels.")] = False,
) -> None:
    """Load a release, rerun its self-test, and predict."""
    from maas_sdk.cli._data import read_rows, write_predictions

    rows = read_rows(data)
    opened = None
    if identity is not None:
        opened = maas.Identity.load(identity, passphrase=passphrase(passphrase_file))
    pipeline = maas.Pipeline.load(reference, store=store, trust=maas.Trust.open(trust), identity=opened)
    predicted = pipeline.predict_proba(rows) if probabilities else pipeline.predict(rows)
    write_predictions(output, predicted)
    out = console()
    report = getattr(pipeline, "selftest_", None)
    out.print(f"self-test: {report if report is not None else 'the release carries none'}")
    out.print(f"{len(predicted)} predictions of [bold]{reference}[/] in [bold]{output}[/]")


def _recipient(contact: Path | None) -> maas.Contact | None:
    return None if contact is None else maas.Contact.load(contact)


def _show(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(verdict.to_dict(), indent=2))
    else:
        console().print(verdict_table(verdict))
