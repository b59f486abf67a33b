"""``maas predict``: a release at work on a file of rows."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

import maas_sdk as maas
from maas_sdk.cli._console import PassphraseFile, say
from maas_sdk.cli._options import IdentityOption, ReferenceArgument, StoreOption, TrustFolder, open_identity

__all__ = ["predict"]


def predict(
    reference: ReferenceArgument,
    store: StoreOption,
    trust: TrustFolder,
    data: Annotated[Path, typer.Option("--input", help="Rows to predict: .npy, .csv or .parquet.")],
    output: Annotated[Path, typer.Option(help="Where predictions go: .npy, .csv or .parquet.")],
    identity: IdentityOption = None,
    passphrase_file: PassphraseFile = None,
    probabilities: Annotated[bool, typer.Option(help="Probabilities instead of labels.")] = False,
) -> None:
    """Load a release, rerun its self-test, and predict.

    Exit status: 0 done, 1 the release is refused, 2 it could not be done.
    """
    from maas_sdk.cli._data import read_rows, write_predictions

    rows = read_rows(data)
    opened = open_identity(identity, passphrase_file)
    pipeline = maas.Pipeline.load(reference, store=store, trust=maas.Trust.open(trust), identity=opened)
    predicted = pipeline.predict_proba(rows) if probabilities else pipeline.predict(rows)
    write_predictions(output, predicted)
    report = getattr(pipeline, "selftest_", None)
    say(f"self-test: {report if report is not None else 'the release carries none'}")
    say(f"{len(predicted)} predictions of ", (reference, "bold"), " in ", (str(output), "bold"))
