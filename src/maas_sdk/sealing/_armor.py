"""ASCII armor: strict PEM around an age file, written and read as a stream.

Source: https://c2sp.org/age, section "ASCII armor", and RFC 7468, section 3 (figure 3). Only white space may
stand around the armor, at most 1024 bytes on either side; lines end in LF or CRLF, all of them alike.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from maas_sdk.errors import ArmorError
from maas_sdk.sealing import _base64
from maas_sdk.sealing._header import MAGIC

if TYPE_CHECKING:
    from maas_sdk.sealing._streams import BytesLike, SourceReader, Write

__all__ = [
    "COLUMNS",
    "END",
    "LINE_BYTES",
    "MAX_WHITE_SPACE",
    "ArmorReader",
    "ArmorWriter",
    "check_after",
    "decode_lines",
    "is_armored",
    "read_begin",
]

_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"
COLUMNS = 64
LINE_BYTES = 48  # that one line carries
MAX_WHITE_SPACE = 1024  # bytes before, and after
_WHITE_SPACE = b" \t\r\n\v\f"
_BATCH = 1024  # lines read or written at a time


def is_armored(source: SourceReader) -> bool:
    """Tell whether a file is armored, without taking anything from it.

    Raises
    ------
    ArmorError
        When there is an armor, but not at the start.
    """
    start = source.peek(MAX_WHITE_SPACE + len(_BEGIN))
    if start.startswith(MAGIC):
        return False
    if start.lstrip(_WHITE_SPACE).startswith(b"-----"):
        return True
    if b"-----BEGIN" in start:
        raise ArmorError("there is text before the armor; remove it")
    return False


def read_begin(source: SourceReader) -> bytes:
    """Take white space and the begin line from `source`, and give what all lines end in."""
    start = source.peek(MAX_WHITE_SPACE)
    source.take(len(start) - len(start.lstrip(_WHITE_SPACE)))
    line = source.line(len(_BEGIN) + 2)
    for end in (b"\n", b"\r\n"):
        if line == _BEGIN + end:
            return end
    raise ArmorError(f"the armor does not begin with the line {_BEGIN.decode()}")


def check_after(text: bytes) -> None:
    """Check what follows the last line of base64 up to the end of the file."""
    if not text.startswith(END):
        raise ArmorError(f"the armor does not end with the line {END.decode()}; the file may be cut off")
    if text[len(END) :].strip(_WHITE_SPACE):
        raise ArmorError("there is text after the armor; remove it")
    if len(text) > len(END) + MAX_WHITE_SPACE:
        raise ArmorError(f"more than {MAX_WHITE_SPACE} bytes of white space follow the armor")


def decode_lines(text: bytes, line_end: bytes, *, final: bool) -> bytes:
    """Decode whole lines of base64: all of them full, but the last one if `final`.

    Raises
    ------
    ArmorError
        Unless it is the one canonical way to write the bytes.
    """
    width = COLUMNS + len(line_end)
    full, rest = divmod(len(text), width)
    regular = all(
        text[COLUMNS + place : full * width : width] == line_end[place : place + 1] * full
        for place in range(len(line_end))
    )
    joined = text.replace(line_end, b"")
    if rest:
        rest -= len(line_end)
        regular = regular and final and rest > 0 and text.endswith(line_end)
    padded = joined.endswith(b"=") and not final
    data = None if padded or len(joined) != full * COLUMNS + rest else _base64.decode_padded(joined)
    if not regular or data is None:
        raise ArmorError(f"the armor is not canonical base64 in lines of {COLUMNS} columns")
    return data


class ArmorReader:
    """Reads the bytes out of an armor.

    Parameters
    ----------
    source : SourceReader
        Stands at the start of the file.
    """

    __slots__ = ("_data", "_line_end", "_more", "_source")

    def __init__(self, source: SourceReader) -> None:
        self._source = source
        self._line_end = read_begin(source)
        self._data = b""
        self._more = True

    def read_into(self, buffer: memoryview) -> int:
        """Read some bytes, at least one; none at the end."""
        while not self._data and self._more:
            self._data = self._decode()
        piece = self._data[: len(buffer)]
        self._data = self._data[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def _decode(self) -> bytes:
        text = self._source.take(_BATCH * (COLUMNS + len(self._line_end)))
        lines, dash, after = text.partition(b"-")  # no character of base64
        if not dash and self._source.peek(1) not in (b"-", b""):
            return decode_lines(text, self._line_end, final=False)
        self._more = False
        check_after(dash + after + self._source.take(len(END) + MAX_WHITE_SPACE + 1))
        return decode_lines(lines, self._line_end, final=True)


class ArmorWriter:
    """Writes an armor around bytes; `finish` ends it."""

    __slots__ = ("_rest", "_write")

    def __init__(self, write: Write) -> None:
        self._write = write
        self._rest = b""
        write(_BEGIN + b"\n")

    def write(self, data: BytesLike) -> None:
        """Write bytes; those that fill no line wait."""
        with memoryview(data) as view:
            for at in range(0, len(view), _BATCH * LINE_BYTES):
                piece = self._rest + bytes(view[at : at + _BATCH * LINE_BYTES])
                whole = len(piece) - len(piece) % LINE_BYTES
                self._rest = piece[whole:]
                self._write(_encode_lines(piece[:whole]))

    def finish(self) -> None:
        """Write the last line and the end."""
        self._write(_encode_lines(self._rest) + END + b"\n")


def _encode_lines(data: bytes) -> bytes:
    text = binascii.b2a_base64(data, newline=False)
    return b"".join(text[at : at + COLUMNS] + b"\n" for at in range(0, len(text), COLUMNS))
