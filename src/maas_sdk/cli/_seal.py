"""``maas seal`` and ``maas unseal``: any file, as an age file."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TypeVar, cast

import typer

from maas_sdk._internal.files import atomic_file, storage_errors
from maas_sdk._internal.key_files import read_key_file
from maas_sdk.cli._console import EXIT_REFUSED, PassphraseFile, byte_progress, complain, passphrase, say
from maas_sdk.errors import (
    AlreadyExistsError,
    ArmorError,
    HeaderError,
    HeaderMacError,
    InvalidKeyError,
    InvalidOptionError,
    NoMatchError,
    PayloadError,
)
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maas_sdk import sealing

__all__ = ["seal", "unseal"]

_SEALED_MODE = 0o644
_PLAIN_MODE = 0o600  # what was secret stays with its owner
_LARGE = 64 << 20  # bytes from which a bar is worth it

_Keys = TypeVar("_Keys")

Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]


def seal(
    file: Annotated[Path, typer.Argument(help="The file to seal.")],
    output: Output,
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", "-r", help="age1…, a contact file, or a file of recipients; repeatable."),
    ] = None,
    armor: Annotated[bool, typer.Option("--armor", "-a", help="Write ASCII text.")] = False,
    with_passphrase: Annotated[
        bool, typer.Option("--passphrase", "-p", help="Seal with a passphrase, asked for.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
) -> None:
    """Seal a file for recipients or with a passphrase.

    Any age tool opens it.
    """
    from maas_sdk.sealing import Passphrase, encrypt

    _check_choice(recipient, "-r RECIPIENT", with_passphrase=with_passphrase, file=passphrase_file)
    _check_files(file, output, force=force)
    everyone: list[sealing.Recipient | sealing.Passphrase]
    if recipient:
        everyone = [each for text in recipient for each in _recipients(text)]
    else:
        everyone = [Passphrase(passphrase(passphrase_file, confirm=True))]
    with _source(file, "seal") as source, atomic_file(output, mode=_SEALED_MODE, replace=force) as sink:
        encrypt(source, sink, everyone, armor=armor)
    say("sealed ", (str(output), "bold"))


def unseal(
    file: Annotated[Path, typer.Argument(help="The sealed file, armored or not.")],
    output: Output,
    identity: Annotated[
        list[Path] | None,
        typer.Option("--identity", "-i", help="An identity file, age's or of maas keys new; repeatable."),
    ] = None,
    with_passphrase: Annotated[
        bool, typer.Option("--passphrase", "-p", help="It was sealed with a passphrase, asked for.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
) -> None:
    """Open a sealed file.

    A passphrase is that of the identity of maas keys new, or without -i that of the sealed file.

    Exit status: 0 opened, 1 not sealed for you, altered or no sealed file, 2 it could not be done.
    """
    from maas_sdk.sealing import Passphrase, decrypt

    if identity and with_passphrase:
        raise InvalidOptionError("give -i IDENTITY or --passphrase, not both")
    if not identity:
        _check_choice(None, "-i IDENTITY", with_passphrase=with_passphrase, file=passphrase_file)
    _check_files(file, output, force=force)
    everyone: list[sealing.Identity | sealing.Passphrase]
    if identity:
        everyone = [each for path in identity for each in _identities(path, passphrase_file)]
        if passphrase_file is not None and not any(map(_needs_passphrase, identity)):
            raise InvalidOptionError("--passphrase-file is given, and no identity here has a passphrase")
    else:
        everyone = [Passphrase(passphrase(passphrase_file))]
    try:
        with _source(file, "unseal") as source, atomic_file(output, mode=_PLAIN_MODE, replace=force) as sink:
            decrypt(source, sink, everyone)
    except (NoMatchError, HeaderError, HeaderMacError, PayloadError, ArmorError) as exc:
        complain(exc)
        raise typer.Exit(EXIT_REFUSED) from exc
    say("opened ", (str(output), "bold"))


def _check_choice(keys: list[str] | None, what: str, *, with_passphrase: bool, file: Path | None) -> None:
    if bool(keys) == (with_passphrase or file is not None):
        both = "not both" if keys else "one of them is needed"
        raise InvalidOptionError(f"give {what} or --passphrase, {both}")


def _check_files(file: Path, output: Path, *, force: bool) -> None:
    """Refuse before a passphrase is asked for; `atomic_file` refuses what appears meanwhile."""
    with storage_errors(f"reading {file}"):
        file.stat()
    if not force and os.path.lexists(output):
        raise AlreadyExistsError(f"{output} exists; give another name, or --force to replace it")


def _recipients(text: str) -> tuple[sealing.Recipient, ...]:
    from maas_sdk.identity import Contact
    from maas_sdk.sealing import parse_recipient, parse_recipient_file

    if text.lower().startswith(("age1", "age-secret-key-")):
        return (parse_recipient(text),)
    path = Path(text)
    data = read_key_file(path, limits=DEFAULT_LIMITS, secret=False)
    if data.startswith(b"{"):
        return (Contact.load(path).recipient,)
    return _parse_file(path, data, parse_recipient_file)


def _needs_passphrase(path: Path) -> bool:
    data = read_key_file(path, limits=DEFAULT_LIMITS, secret=True)
    return data.startswith(b"age-encryption.org/")


def _identities(path: Path, passphrase_file: Path | None) -> tuple[sealing.Identity, ...]:
    from maas_sdk.identity import Identity
    from maas_sdk.sealing import parse_identity_file

    if _needs_passphrase(path):
        return (Identity.load(path, passphrase=lambda: passphrase(passphrase_file)).sealing,)
    data = read_key_file(path, limits=DEFAULT_LIMITS, secret=True)
    return _parse_file(path, data, parse_identity_file)


def _parse_file(path: Path, data: bytes, parse: Callable[[str], _Keys]) -> _Keys:
    try:
        return parse(data.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise InvalidKeyError(f"{path} is not a file of keys: it is not UTF-8 text") from exc
    except InvalidKeyError as exc:
        raise InvalidKeyError(f"{path}: {exc}") from exc


class _Counted(io.RawIOBase):
    """Reads a file, and tells how far it is."""

    def __init__(self, file: BinaryIO, report: Callable[[int], None]) -> None:
        super().__init__()
        self._file = cast("io.FileIO", file)
        self._report = report
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # narrower: our own caller
        count = self._file.readinto(buffer)
        self._done += count
        self._report(self._done)
        return count


@contextlib.contextmanager
def _source(path: Path, stage: str) -> Iterator[BinaryIO]:
    """Open what is read, with a bar if it is large."""
    with contextlib.ExitStack() as stack:
        with storage_errors(f"reading {path}"):
            file = stack.enter_context(path.open("rb", buffering=0))
            size = os.fstat(file.fileno()).st_size
        if size < _LARGE:
            yield cast("BinaryIO", file)
            return
        progress = stack.enter_context(byte_progress())
        counted = _Counted(cast("BinaryIO", file), lambda done: progress(stage, done, size))
        yield cast("BinaryIO", counted)
