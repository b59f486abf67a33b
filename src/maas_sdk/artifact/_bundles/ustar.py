"""A strict ustar archive, written and indexed as a stream: regular files only, nothing that tar can hide.

Format: POSIX.1-1988 ``ustar``, 512-byte headers and blocks. The size has 11 octal digits and a NUL, and from
8 GiB on 12 digits, which GNU tar, bsdtar and Python read too. The archive ends with two blocks of zeros and
nothing after them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final

from attrs import frozen

from maas_sdk.errors import BundleError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BLOCK", "END", "MAX_SIZE", "TarEntry", "entry_size", "header", "padding", "scan"]

BLOCK: Final = 512
"""Bytes of a header, and the unit that contents are padded to."""

END: Final = bytes(2 * BLOCK)
"""What ends an archive."""

MAX_SIZE: Final = 8**12 - 1
"""The largest entry, in bytes."""

_MAX_PADDED_SIZE: Final = 8**11 - 1
_NAME: Final = slice(0, 100)
_SIZE: Final = slice(124, 136)
_CHECKSUM: Final = slice(148, 156)
_TYPE: Final = slice(156, 157)
_LINK: Final = slice(157, 257)
_MAGIC: Final = slice(257, 265)
_PREFIX: Final = slice(345, 512)  # the prefix of the name, and the padding that GNU uses for sparse files
_USTAR: Final = b"ustar\x0000"
_OCTAL: Final = re.compile(rb"[0-7]{11}[\0 ]|[0-7]{12}")
_OCTAL_CHECKSUM: Final = re.compile(rb"[0-7]{6}(?:\0 | \0)")
_TYPES: Final = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"5": "a folder",
    b"6": "a FIFO",
    b"7": "a contiguous file",
    b"D": "a GNU folder listing",
    b"K": "a GNU long link name",
    b"L": "a GNU long name",
    b"M": "a GNU multi-volume continuation",
    b"S": "a GNU sparse file",
    b"V": "a GNU volume label",
    b"g": "a global pax header",
    b"x": "a pax header",
}


@frozen
class TarEntry:
    """Where an archive keeps a file.

    Attributes
    ----------
    name : str
        Its path in the archive; ASCII.
    offset : int
        Of its first byte in the archive.
    size : int
        In bytes.
    """

    name: str
    offset: int
    size: int


def header(name: str, size: int) -> bytes:
    """Write the header of a regular file: owner 0, mode 0644, the epoch; `name` is ASCII, 100 bytes at most.

    Raises
    ------
    LimitExceededError
        When the format cannot say the size.
    """
    if size > MAX_SIZE:
        raise LimitExceededError(f"{name} is {size} bytes; an entry of a bundle has {MAX_SIZE} at most")
    digits = b"%011o\0" % size if size <= _MAX_PADDED_SIZE else b"%012o" % size
    block = bytearray(BLOCK)
    block[_NAME] = name.encode("ascii").ljust(100, b"\0")
    block[100:124] = b"0000644\0" + b"0000000\0" * 2
    block[_SIZE] = digits
    block[136:148] = b"%011o\0" % 0
    block[_TYPE] = b"0"
    block[_MAGIC] = _USTAR
    block[329:345] = b"0000000\0" * 2
    block[_CHECKSUM] = b"%06o\0 " % _checksum(block)
    return bytes(block)


def padding(size: int) -> bytes:
    """Give the zeros that fill the last block of `size` bytes."""
    return bytes(-size % BLOCK)


def entry_size(size: int) -> int:
    """Give the bytes that a file of `size` bytes takes in an archive, header and padding included."""
    return BLOCK + size + -size % BLOCK


def scan(file: BinaryIO, total: int) -> Iterator[TarEntry]:
    """Read the headers of an archive, one by one, and step over the contents.

    Parameters
    ----------
    file : binary file
        Seekable; positioned anywhere.
    total : int
        Its size in bytes.

    Raises
    ------
    BundleError
        At the first thing that is not strict ustar, and when the archive is truncated or goes on after its
        end; the message says what and at which byte.
    """
    position = 0
    while True:
        block = _read(file, position, BLOCK, "a header")
        if not any(block):
            break
        entry = _parse(block, position)
        position = entry.offset + entry.size + len(padding(entry.size))
        if position > total:
            raise BundleError(
                f"truncated in {entry.name}: its {entry.size} bytes begin at byte {entry.offset}, "
                f"the file ends at byte {total}"
            )
        if any(_read(file, entry.offset + entry.size, len(padding(entry.size)), "padding")):
            raise BundleError(f"the padding after {entry.name} is not zeros")
        yield entry
    if any(_read(file, position, len(END), "the end of the archive")):
        raise BundleError(f"one block of zeros instead of two at byte {position}")
    if total != position + len(END):
        raise BundleError(f"{total - position - len(END)} bytes follow the end of the archive")


def _read(file: BinaryIO, position: int, size: int, what: str) -> bytes:
    file.seek(position)
    data = file.read(size)
    if len(data) != size:
        raise BundleError(f"truncated: the file ends in {what} at byte {position + len(data)}")
    return data


def _parse(block: bytes, position: int) -> TarEntry:
    where = f"the header at byte {position}"
    if not _OCTAL_CHECKSUM.fullmatch(block[_CHECKSUM]) or int(block[_CHECKSUM][:6], 8) != _checksum(block):
        raise BundleError(f"{where} is damaged or not a tar header: its checksum does not hold")
    if block[_MAGIC] != _USTAR:
        raise BundleError(f"{where} is not ustar: its magic is {block[_MAGIC]!r}")
    raw_name, _, rest = block[_NAME].partition(b"\0")
    if not raw_name or any(rest) or not all(0x21 <= byte < 0x7F for byte in raw_name):  # noqa: PLR2004 - ASCII
        raise BundleError(f"{where} has the malformed name {block[_NAME].rstrip(bytes(1))!r}")
    name = raw_name.decode("ascii")
    if block[_TYPE] not in (b"0", b"\0"):
        kind = _TYPES.get(block[_TYPE], f"of the unknown type {block[_TYPE]!r}")
        raise BundleError(f"{name} at byte {position} is {kind}; a bundle holds regular files only")
    if any(block[_LINK]) or any(block[_PREFIX]):
        raise BundleError(f"{where} ({name}) uses fields that a bundle leaves empty")
    if not _OCTAL.fullmatch(block[_SIZE]):
        raise BundleError(f"{where} ({name}) has the malformed size {block[_SIZE]!r}")
    return TarEntry(name, position + BLOCK, int(block[_SIZE].rstrip(b"\0 "), 8))


def _checksum(block: bytes | bytearray) -> int:
    """Sum the bytes, the checksum's own eight counted as spaces."""
    return sum(block) - sum(block[_CHECKSUM]) + 8 * 0x20
