"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maas_sdk.cli._console import passphrase
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.identity import Contact, Identity
    from maas_sdk.signing import PrivateKey

__all__ = [
    "ContactOption",
    "IdentityOption",
    "ReferenceArgument",
    "Signers",
    "StoreArgument",
    "StoreOption",
    "TrustFolder",
    "open_contact",
    "open_identity",
    "open_signers",
    "parse_duration",
    "parse_size",
]

StoreArgument = Annotated[str, typer.Argument(help="The store: a folder or a URL.")]
StoreOption = Annotated[str, typer.Option(help="Your store: a folder or a URL.")]
ReferenceArgument = Annotated[
    str, typer.Argument(help="Which release: name@1.0.0, name@^1.2, name@stable, name@sha256:…, or name.")
]
TrustFolder = Annotated[Path, typer.Option(help="Your trust folder (maas trust init).")]
ContactOption = Annotated[
    Path | None, typer.Option(help="Your own contact file: checks that the release is sealed for you.")
]
IdentityOption = Annotated[Path | None, typer.Option(help="Your identity file, for a sealed release.")]
Signers = Annotated[
    list[Path],
    typer.Option("--identity", help="Who signs: an identity file, or a private key in PEM; repeatable."),
]

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?) ?(|B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)", re.ASCII)
_BYTES = {
    "": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}  # fmt: skip
_DURATION = re.compile(r"(\d{1,7})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_size(text: str, option: str) -> int:
    """Read a size in bytes: ``"4GB"``, ``"700MiB"``, ``"1024"``.

    Raises
    ------
    InvalidOptionError
        When it is none, or nothing.
    """
    found = _SIZE.fullmatch(text)
    size = int(float(found[1]) * _BYTES[found[2]]) if found else 0
    if not size:
        raise InvalidOptionError(f"{option} {text!r} is no size; write 4GB, 700MiB or a number of bytes")
    return size


def parse_duration(text: str, option: str) -> timedelta:
    """Read a duration: ``"12h"``, ``"30d"``, ``"2w"``; nothing is ``"0s"``.

    Raises
    ------
    InvalidOptionError
        When it is none.
    """
    found = _DURATION.fullmatch(text)
    if not found:
        raise InvalidOptionError(f"{option} {text!r} is no duration; write 90s, 30m, 12h, 30d or 2w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def open_contact(path: Path | None) -> Contact | None:
    """Read a contact file, if one is given."""
    if path is None:
        return None
    from maas_sdk.identity import Contact

    return Contact.load(path)


def open_identity(path: Path | None, passphrase_file: Path | None) -> Identity | None:
    """Read an identity file, if one is given; its passphrase is asked for."""
    if path is None:
        return None
    from maas_sdk.identity import Identity

    return Identity.load(path, passphrase=lambda: passphrase(passphrase_file))


def open_signers(paths: Sequence[Path], passphrase_file: Path | None) -> list[PrivateKey]:
    """Read the keys that sign; of each file that needs one the passphrase is asked for."""
    if not paths:
        return []
    from maas_sdk.identity import load_signing_key

    def load(path: Path) -> PrivateKey:
        return load_signing_key(
            path, passphrase=lambda: passphrase(passphrase_file, prompt=f"Passphrase of {path}")
        )

    return [load(path) for path in paths]
