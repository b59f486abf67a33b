"""``maas sign-folder`` and ``verify-folder``: OpenSSF Model Signing of any folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from maas_sdk.cli._console import EXIT_REFUSED, PassphraseFile, complain, console, passphrase, table
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, VerificationError
from maas_sdk.identity import load_signing_key, load_verifying_key
from maas_sdk.signing import Certificate, PublicKey, load_certificates, sign_folder, verify_folder

__all__ = ["sign", "verify"]

Folder = Annotated[Path, typer.Argument(help="The folder.")]


def sign(
    folder: Folder,
    key: Annotated[Path, typer.Option(help="The key that signs: an identity, or a private key in PEM.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The signature, a file that is not there yet.")
    ],
    certificate_chain: Annotated[
        Path | None,
        typer.Option(help="Certificates in PEM: the key's first, each issued by the next."),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign all files of a folder, in the form of OpenSSF Model Signing."""
    signer = load_signing_key(key, passphrase=lambda: passphrase(passphrase_file))
    chain = load_certificates(certificate_chain) if certificate_chain else ()
    sign_folder(folder, signer, output, certificate_chain=chain)
    console().print(
        f"[bold]{escape(str(output))}[/]  signed with {signer.public_key.fingerprint}", soft_wrap=True
    )


def verify(
    folder: Folder,
    signature: Annotated[Path, typer.Option(help="The signature.")],
    key: Annotated[
        list[Path] | None,
        typer.Option(help="Whose signature is accepted: a contact, or a public key in PEM."),
    ] = None,
    root: Annotated[
        list[Path] | None, typer.Option(help="Under which root certificates a signer is accepted, in PEM.")
    ] = None,
) -> None:
    """Check that a folder holds exactly the files that a trusted key signed.

    Exit status: 0 it does, 1 refused, 2 it could not be checked.
    """
    trusted: list[PublicKey | Certificate] = [load_verifying_key(path) for path in key or ()]
    for path in root or ():
        trusted += load_certificates(path)
    if not trusted:
        raise InvalidOptionError("nobody is trusted; give --key or --root")
    try:
        signed = verify_folder(folder, signature, trusted)
    except (InvalidArtifactError, VerificationError) as exc:
        complain(exc)
        raise typer.Exit(EXIT_REFUSED) from exc
    shown = table(f"{escape(str(folder))}: passed", "", "")
    shown.show_header = False
    shown.add_row("signed as", Text(repr(signed.name)))
    shown.add_row("files", str(len(signed.files)))
    shown.add_row("signing key", f"{signed.key.key_type}  {signed.key.fingerprint}")
    for certificate in signed.certificates:
        shown.add_row("certificate", Text(f"{certificate.subject!r}  {certificate.fingerprint}"))
    console().print(shown)
