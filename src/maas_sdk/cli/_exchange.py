"""``maas verify`` and ``maas import``: the receiver's side; the two commands that start fast."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

import maas_sdk as maas
from maas_sdk.cli._console import (
    EXIT_INCOMPLETE,
    EXIT_REFUSED,
    AsJson,
    PassphraseFile,
    byte_progress,
    complain,
    say,
    show_json,
    show_verdict,
)
from maas_sdk.cli._options import ContactOption, StoreOption, TrustFolder, open_contact, open_signers
from maas_sdk.errors import IncompleteError, InvalidOptionError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.artifact import Release

__all__ = ["import_bundles", "verify"]

FirstUse = Annotated[list[str] | None, typer.Option(help="Accept the first release ever seen of this name.")]


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle, a .maas file.")],
    *,
    trust: TrustFolder,
    first_use: FirstUse = None,
    contact: ContactOption = None,
    as_json: AsJson = False,
) -> None:
    """Check a bundle against your policy.

    No key to decrypt is needed, and nothing is kept but an entry in the log.

    Exit status: 0 every check passed, 1 refused, 2 it could not be checked.
    """
    opened = maas.Trust.open(trust)
    with byte_progress() as progress:
        verdict = maas.verify(
            bundle,
            trust=opened,
            first_use=first_use or (),
            recipient=open_contact(contact),
            progress=progress,
        )
    show_verdict(verdict, as_json=as_json)
    if not verdict.passed:
        raise typer.Exit(EXIT_REFUSED)


def import_bundles(
    bundle: Annotated[list[Path], typer.Argument(help="The bundle, a .maas file; or volumes, in any order.")],
    *,
    store: StoreOption,
    trust: TrustFolder,
    first_use: FirstUse = None,
    contact: ContactOption = None,
    receipt: Annotated[
        Path | None, typer.Option(help="Write a receipt for the sender: x.receipt.json; needs --identity.")
    ] = None,
    identity: Annotated[
        Path | None, typer.Option(help="Your identity file, or a private key in PEM: signs the receipt.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Verify bundles and keep their releases.

    Nothing of a refused one is kept. Volumes may come at once or one by one; what was verified is kept until
    the last one completes it. After an interruption the same command goes on where it stopped.

    Exit status: 0 imported, 1 refused, 2 it could not be done, 3 verified, but volumes are still missing.
    """
    if (receipt is None) != (identity is None):
        raise InvalidOptionError("--receipt and --identity belong together: the identity signs the receipt")
    signers = open_signers([identity] if identity else [], passphrase_file)
    opened, trusted = maas.open_store(store), maas.Trust.open(trust)
    recipient = open_contact(contact)

    def attempt(path: Path, progress: Any) -> Release:
        return opened.import_bundle(
            path,
            trust=trusted,
            first_use=first_use or (),
            recipient=recipient,
            progress=progress,
            receipt=receipt,
            signer=signers[0] if signers else None,
        )

    outcomes = [_outcome(path, attempt) for path in bundle]
    done = {outcome.identity for outcome in outcomes if outcome.status == "imported"}
    if as_json:
        show_json({"bundles": [outcome.plain for outcome in outcomes]})
    else:
        for outcome in outcomes:
            outcome.show(store, complete=outcome.identity in done)
    if any(outcome.status == "refused" for outcome in outcomes):
        raise typer.Exit(EXIT_REFUSED)
    if any(outcome.identity not in done for outcome in outcomes):
        raise typer.Exit(EXIT_INCOMPLETE)


class _Outcome:
    """How the import of one bundle ended: imported, refused or incomplete."""

    def __init__(self, path: Path, status: str, verdict: Any = None, release: Release | None = None) -> None:
        self.path = path
        self.status = status
        self.verdict = verdict
        self.release = release
        self.error: IncompleteError | None = None

    @property
    def identity(self) -> str | None:
        """Of the release, as far as it is known."""
        known = self.release or self.verdict
        return None if known is None else known.identity

    @property
    def plain(self) -> dict[str, object]:
        """For machines."""
        release, verdict = self.release, self.verdict
        return {
            "path": str(self.path),
            "status": self.status,
            "name": verdict.subject if release is None else release.name,
            "version": verdict.version if release is None else release.version,
            "identity": self.identity,
            "manifest": None if release is None else release.manifest_digest,
            "missing": [] if self.error is None else list(self.error.missing),
            "volumes": [] if self.error is None else list(self.error.volumes),
            "verdict": None if verdict is None else verdict.to_dict(),
        }

    def show(self, store: str, *, complete: bool) -> None:
        """For people; `complete` says whether the release became complete by the other bundles."""
        if self.release is not None:
            shown = f"{self.release.name}@{self.release.version}"
            say("imported ", (shown, "bold"), f", {self.release.identity}, into {store}")
        elif self.error is None:
            show_verdict(self.verdict)
        elif complete:
            say(
                (str(self.path), "bold"),
                f"  verified, a part of {self.verdict.subject}@{self.verdict.version}",
            )
        else:
            complain(self.error)


def _outcome(path: Path, attempt: Callable[..., Release]) -> _Outcome:
    try:
        with byte_progress() as progress:
            return _Outcome(path, "imported", release=attempt(path, progress))
    except RefusedError as exc:
        return _Outcome(path, "refused", exc.verdict)
    except IncompleteError as exc:
        outcome = _Outcome(path, "incomplete", exc.verdict)
        outcome.error = exc
        return outcome
