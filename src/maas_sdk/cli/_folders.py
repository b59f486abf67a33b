"""``maas sign-folder`` and ``verify-folder``: OpenSSF Model Signing of any folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maas_sdk.cli._console import EXIT_REFUSED, Listing, PassphraseFile, complain, passphrase, say
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
    """Sign a folder, in the form of OpenSSF Model Signing."""
    signer = load_signing_key(key, passphrase=lambda: passphrase(passphrase_file))
    chain = load_certificates(certificate_chain) if certificate_chain else ()
    sign_folder(folder, signer, output, certificate_chain=chain)
    say((str(output), "bold"), f"  signed with {signer.public_key.fingerprint}")


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
    """Check that a folder is what a trusted key signed.

    It must hold exactly these files.

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
    shown = Listing(f"{folder}: passed", "", "")
    shown.row("signed as", repr(signed.name))
    shown.row("files", str(len(signed.files)))
    shown.row("signing key", f"{signed.key.key_type}  {signed.key.fingerprint}")
    for certificate in signed.certificates:
        shown.row("certificate", f"{certificate.subject!r}  {certificate.fingerprint}")
    shown.show()
