"""``maas scan``: what of the training data leaves with a release."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

import maas_sdk as maas
from maas_sdk.cli._console import EXIT_REFUSED, AsJson, Listing, PassphraseFile, say, show_json
from maas_sdk.cli._options import IdentityOption, ReferenceArgument, StoreArgument, open_identity

__all__ = ["scan"]


def scan(
    store: StoreArgument,
    reference: ReferenceArgument,
    *,
    identity: IdentityOption = None,
    trust: Annotated[
        Path | None, typer.Option(help="Your trust folder: the release is verified before it is rebuilt.")
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            help="What it was trained on, to compare with: .npy, .csv or .parquet; the publisher's."
        ),
    ] = None,
    max_disclosure: Annotated[
        str, typer.Option(help="What is graver gives the exit status 1: none, low, medium, high.")
    ] = "high",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Look through a release for training data that leaves with it.

    The model is rebuilt without running code from it; sample inputs and texts are looked at, too.

    Exit status: 0 done, 1 something graver than allowed, or the release is refused, 2 it could not be done.
    """
    from maas_sdk.privacy import check_level

    check_level(max_disclosure, "--max-disclosure")
    me = open_identity(identity, passphrase_file)
    release = maas.open_store(store, create=False).open(reference)
    judge = None if trust is None else maas.Trust.open(trust)
    X_train = None
    if rows is not None:
        from maas_sdk.cli._data import read_rows

        X_train = read_rows(rows)
    report = maas.disclosure_scan(release, X_train, identity=me, trust=judge)
    if as_json:
        show_json(report.to_dict())
    else:
        columns = ("severity", "name", "what", "evidence", "remedy")
        listing = Listing(f"{release.name}@{release.version}", *columns, empty="nothing was found")
        for found in report.findings:
            listing.row(found.severity, found.name, found.what, found.evidence, found.remedy)
        listing.show()
        for text in report.not_examined:
            say("not examined: ", text)
    if report.above(max_disclosure):
        raise typer.Exit(EXIT_REFUSED)
