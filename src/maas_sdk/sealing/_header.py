"""The textual header of an age file: version line, recipient stanzas, MAC; it knows no kind of recipient.

Source: https://c2sp.org/age, section "Header".
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from attrs import frozen

from maas_sdk.errors import HeaderError, HeaderMacError, InvalidOptionError
from maas_sdk.sealing import _base64
from maas_sdk.sealing._wrap import hkdf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.limits import Limits
    from maas_sdk.sealing._streams import SourceReader

__all__ = ["MAGIC", "Header", "Stanza", "read_header", "write_header"]

MAGIC = b"age-encryption.org/"
_VERSION_LINE = MAGIC + b"v1\n"
_COLUMNS = 64
_ARGUMENT = re.compile(r"[!-~]+")
_ARGUMENTS = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)\n")
_END = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")
_LONG_ENOUGH = 100  # characters of a version line that a message shows


@frozen
class Stanza:
    """The file key, wrapped for one recipient.

    Parameters
    ----------
    type : str
        The kind of recipient: ``"X25519"``.
    args : tuple of str
        Further arguments, printable ASCII without spaces.
    body : bytes
        What the kind of recipient keeps here.

    Raises
    ------
    InvalidOptionError
        When type or arguments cannot be written.
    """

    type: str
    args: tuple[str, ...]
    body: bytes

    def __attrs_post_init__(self) -> None:
        if not all(_ARGUMENT.fullmatch(argument) for argument in (self.type, *self.args)):
            raise InvalidOptionError("type and arguments of a stanza are printable ASCII without spaces")

    def encode(self) -> bytes:
        """Give the text of the stanza."""
        body = _base64.encode(self.body)
        lines = [body[at : at + _COLUMNS] for at in range(0, len(body) + 1, _COLUMNS)]
        return b"\n".join([" ".join(["->", self.type, *self.args]).encode("ascii"), *lines, b""])


@frozen
class Header:
    """A header as it was read.

    Parameters
    ----------
    stanzas : tuple of Stanza
        At least one.
    mac : bytes
        32 bytes.
    text : bytes
        What the MAC is over.
    """

    stanzas: tuple[Stanza, ...]
    mac: bytes
    text: bytes

    def check_mac(self, file_key: bytes) -> None:
        """Raise `HeaderMacError` unless the header is the one that was written with `file_key`."""
        if not hmac.compare_digest(self.mac, _mac(self.text, file_key)):
            raise HeaderMacError("the header was altered after the file was sealed; get the file again")


def write_header(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """Give the text of a header."""
    text = _VERSION_LINE + b"".join(stanza.encode() for stanza in stanzas) + b"---"
    return text + b" " + _base64.encode(_mac(text, file_key)) + b"\n"


def read_header(source: SourceReader, *, limits: Limits) -> Header:
    """Take the header from `source`, which then stands at the payload's nonce.

    Raises
    ------
    HeaderError
        When it breaks the format, or `Limits.max_header_bytes` or `Limits.max_stanzas`.
    """
    lines = _Lines(source, limits.max_header_bytes)
    _check_version(lines.next(len(_VERSION_LINE) + _LONG_ENOUGH))
    stanzas: list[Stanza] = []
    while (line := lines.next()).startswith(b"->"):
        if len(stanzas) == limits.max_stanzas:
            raise HeaderError(f"the header has more stanzas than Limits.max_stanzas ({limits.max_stanzas})")
        stanzas.append(_read_stanza(line, lines))
    end = _END.fullmatch(line)
    mac = _base64.decode(end[1]) if end else None
    if mac is None:
        raise HeaderError(f"header line {lines.number} is neither a stanza nor a MAC")
    if not stanzas:
        raise HeaderError("the header has no recipient stanza")
    return Header(tuple(stanzas), mac, bytes(lines.text[: -len(line)]) + b"---")


class _Lines:
    """Header lines, counted and bounded together."""

    def __init__(self, source: SourceReader, limit: int) -> None:
        self._source = source
        self._limit = limit
        self.text = bytearray()
        self.number = 0

    def next(self, limit: int | None = None) -> bytes:
        room = self._limit - len(self.text)
        line = self._source.line(room if limit is None else min(room, limit))
        self.text += line
        self.number += 1
        if not line.endswith(b"\n") and len(self.text) >= self._limit:
            raise HeaderError(f"the header is longer than Limits.max_header_bytes ({self._limit})")
        return line


def _check_version(line: bytes) -> None:
    if line == _VERSION_LINE:
        return
    if line.startswith(MAGIC):
        version = line[len(MAGIC) :].strip()[:_LONG_ENOUGH].decode("ascii", "replace")
        raise HeaderError(f"the file is of age version {version!r}; this release reads 'v1' only")
    raise HeaderError("not an age file: it does not start with 'age-encryption.org/v1'")


def _read_stanza(line: bytes, lines: _Lines) -> Stanza:
    arguments = _ARGUMENTS.fullmatch(line)
    if arguments is None:
        raise HeaderError(f"header line {lines.number} is not a well-formed stanza")
    body = bytearray()
    while True:
        line = lines.next()
        body += line[:-1]
        if not line.endswith(b"\n") or len(line) > _COLUMNS + 1:
            raise HeaderError(f"header line {lines.number} is cut off or longer than {_COLUMNS} columns")
        if len(line) <= _COLUMNS:
            break
    data = _base64.decode(bytes(body))
    if data is None:
        raise HeaderError(f"the stanza that ends in header line {lines.number} is not canonical base64")
    kind, *args = arguments[1].decode("ascii").split(" ")
    return Stanza(kind, tuple(args), data)


def _mac(text: bytes, file_key: bytes) -> bytes:
    return hmac.digest(hkdf(file_key, salt=b"", info=b"header"), text, "sha256")
