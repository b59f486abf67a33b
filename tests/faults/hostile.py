"""Hostile archives: what somebody may write into a tar, or hand over instead of one.

Each way of writing takes the entries of an honest bundle (name, content) and gives the bytes of the archive.
"""

import gzip
import io
import zipfile

from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk.artifact._bundles import ustar

BLOBS = "blobs/sha256/"


def entries(path):
    """Give name and content of each entry of a bundle."""
    with path.open("rb") as file:
        return [
            (entry.name, (file.seek(entry.offset), file.read(entry.size))[1])
            for entry in ustar.scan(file, path.stat().st_size)
        ]


def blob(data):
    """Give an entry for a blob."""
    return BLOBS + hex_of(sha256(data)), data


def entry(name, data):
    return ustar.header(name, len(data)) + data + ustar.padding(len(data))


def archive(items, *, end=ustar.END):
    """Write a tar as bundles are."""
    return b"".join(entry(name, data) for name, data in items) + end


def pack(path, items):
    path.write_bytes(archive(items))
    return path


def header(name="x", size=0, *, kind=b"0", fields=()):
    """Write a header that need not be one of ours; `fields` are (offset, bytes); its checksum holds."""
    block = bytearray(ustar.header("x", 0))
    raw = name if isinstance(name, bytes) else name.encode()
    written = size if isinstance(size, bytes) else b"%011o\0" % size
    changes = [(0, raw.ljust(100, b"\0")[:100]), (156, kind), (124, written), *fields]
    for at, data in changes:
        block[at : at + len(data)] = data
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def with_entry(block, data=b"", *, before=None):
    """Put an entry of any kind behind the documents, or where `before` says."""

    def write(items):
        at = len(items) - 1 if before is None else before
        extra = block + data + ustar.padding(len(data))
        return archive(items[:at], end=b"") + extra + archive(items[at:])

    return write


def instead_of_last(make):
    """Write the last layer's header in another way: `make(name, data)` gives header and content."""

    def write(items):
        name, data = items[-1]
        return archive(items[:-1], end=b"") + make(name, data) + ustar.END

    return write


def plain(name, data, **how):
    return header(name, len(data), **how) + data + ustar.padding(len(data))


def _pax(records):
    body = b"".join(b"%d %s=%s\n" % (len(key) + len(value) + 5, key, value) for key, value in records)
    return header("pax", len(body), kind=b"x") + body + ustar.padding(len(body))


def _long_name(name):
    body = name.encode() + b"\0"
    return header("././@LongLink", len(body), kind=b"L") + body + ustar.padding(len(body))


def _upper(items):
    name, data = items[-1]
    twin = BLOBS + name.removeprefix(BLOBS).upper()
    return archive([*items, (twin, data)])


def _flipped(position, bit=1):
    def write(items):
        data = bytearray(archive(items))
        data[position] ^= bit
        return bytes(data)

    return write


def _damaged_padding(items):
    data = bytearray(archive(items))
    # The first entry is oci-layout, shorter than a block.
    data[2 * 512 - 1] = 1
    return bytes(data)


def _zip(items):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in items:
            file.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _bare(items, name):
    return archive([item for item in items if item[0] != name])


LINK = [(157, b"/etc/passwd")]
ARCHIVES = {
    "a hard link": with_entry(header("x", kind=b"1", fields=LINK)),
    "a symbolic link": with_entry(header("x", kind=b"2", fields=LINK)),
    "a symbolic link in the place of a layer": instead_of_last(
        lambda n, d: header(n, kind=b"2", fields=LINK)
    ),
    "a hard link in the place of a layer": instead_of_last(lambda n, d: header(n, kind=b"1", fields=LINK)),
    "a character device": with_entry(
        header("x", kind=b"3", fields=[(329, b"0000001\0"), (337, b"0000005\0")])
    ),
    "a block device": with_entry(header("x", kind=b"4", fields=[(329, b"0000010\0"), (337, b"0000000\0")])),
    "a folder": with_entry(header("blobs/", kind=b"5")),
    "a FIFO": with_entry(header("x", kind=b"6")),
    "a contiguous file": with_entry(header("x", 4, kind=b"7"), b"evil"),
    "a GNU sparse file": instead_of_last(
        lambda n, d: plain(n, d, kind=b"S", fields=[(386, b"00000000000\0")])
    ),
    "a GNU multi-volume continuation": with_entry(header("x", kind=b"M")),
    "a GNU volume label": with_entry(header("x", kind=b"V"), before=0),
    "a GNU folder listing": with_entry(header("x", kind=b"D")),
    "a GNU long name that leads elsewhere": instead_of_last(
        lambda n, d: _long_name("../../evil") + plain(n, d)
    ),
    "a GNU long link name": with_entry(header("././@LongLink", 5, kind=b"K"), b"/etc\0"),
    "a pax header that renames": instead_of_last(lambda n, d: _pax([(b"path", b"../evil")]) + plain(n, d)),
    "a pax header that resizes": instead_of_last(lambda n, d: _pax([(b"size", b"99")]) + plain(n, d)),
    "a pax sparse map": instead_of_last(lambda n, d: _pax([(b"GNU.sparse.major", b"1")]) + plain(n, d)),
    "a global pax header": with_entry(header("pax", 11, kind=b"g"), b"11 path=..\n", before=0),
    "an entry of an unknown type": with_entry(header("x", kind=b"Z")),
    "an absolute path": with_entry(header("/tmp/evil", 4), b"evil"),
    "a path with ..": with_entry(header("blobs/sha256/../../../evil", 4), b"evil"),
    "a path that begins with ./": with_entry(header("./oci-layout", 4), b"evil"),
    "a path with backslashes": with_entry(header("..\\..\\evil", 4), b"evil"),
    "a path on a drive": with_entry(header("C:evil", 4), b"evil"),
    "a path with a line break": with_entry(header("x\nevil", 4), b"evil"),
    "a path that is not ASCII": with_entry(header("blobs/sha256/é", 4), b"evil"),
    "a path that goes on behind its end": with_entry(header(b"x\0/../evil", 4), b"evil"),
    "an empty path": with_entry(header("", 4), b"evil"),
    "a path in two fields": with_entry(header("evil", 4, fields=[(345, b"/tmp")]), b"evil"),
    "an entry twice": lambda items: archive([*items, items[-1]]),
    "an entry twice, the first time with other bytes": lambda items: archive(
        [*items[:-1], (items[-1][0], b"evil"), items[-1]]
    ),
    "index.json twice": lambda items: archive([*items[:2], items[1], *items[2:]]),
    "two names that differ in case": _upper,
    "a file that nothing names": lambda items: archive([*items, blob(b"evil")]),
    "a stranger beside the blobs": lambda items: archive([*items, ("README", b"evil")]),
    "layers before documents": lambda items: archive([*items[:2], items[-1], *items[2:-1]]),
    "index.json after the blobs": lambda items: archive([items[0], *items[2:], items[1]]),
    "no index.json": lambda items: _bare(items, "index.json"),
    "no oci-layout": lambda items: _bare(items, "oci-layout"),
    "a missing layer": lambda items: archive(items[:-1]),
    "a missing document": lambda items: archive([*items[:3], *items[4:]]),
    "another layout": lambda items: archive([("oci-layout", b'{"imageLayoutVersion":"9"}'), *items[1:]]),
    "a layer longer than signed": lambda items: archive(
        [*items[:-1], (items[-1][0], items[-1][1] + b"evil")]
    ),
    "a layer shorter than signed": lambda items: archive([*items[:-1], (items[-1][0], items[-1][1][:-1])]),
    "a layer with other bytes": lambda items: archive([*items[:-1], (items[-1][0], items[-1][1][::-1])]),
    "a document with other bytes": lambda items: archive(
        [*items[:2], (items[2][0], items[2][1][::-1]), *items[3:]]
    ),
    "a size larger than the archive": instead_of_last(lambda n, d: header(n, len(d) + 4096) + d),
    "a size of 64 GiB": with_entry(header(BLOBS + "0" * 64, b"7" * 12)),
    "a size in base 256": instead_of_last(
        lambda n, d: header(n, b"\x80" + len(d).to_bytes(11, "big")) + d + ustar.padding(len(d))
    ),
    "a negative size in base 256": with_entry(header("x", b"\xff" * 12)),
    "a negative size": with_entry(header("x", b"-0000000512\0")),
    "a size in hexadecimal": with_entry(header("x", b"0x000000010\0")),
    "a size that is spaces": with_entry(header("x", b" " * 12)),
    "a size that is nothing": with_entry(header("x", bytes(12))),
    "more entries than allowed": lambda items: archive(
        [*items, *(blob(b"%d" % number) for number in range(1025 - len(items)))]
    ),
    "a checksum that does not hold": _flipped(5),
    "no magic": instead_of_last(lambda n, d: plain(n, d, fields=[(257, bytes(8))])),
    "the magic of old GNU tar": instead_of_last(lambda n, d: plain(n, d, fields=[(257, b"ustar  \0")])),
    "something in the padding": _damaged_padding,
    "one block of zeros as the end": lambda items: archive(items, end=bytes(512)),
    "no end": lambda items: archive(items, end=b""),
    "a second archive behind the end": lambda items: archive(items) + archive([("evil", b"evil")]),
    "bytes behind the end": lambda items: archive(items) + b"evil",
    "zeros behind the end": lambda items: archive(items) + bytes(8192),
    "an end in the middle": lambda items: archive(items[:3]) + archive(items[3:]),
    "nothing at all": lambda items: b"",
    "zeros only": lambda items: bytes(10240),
    "a gzip of a bundle": lambda items: gzip.compress(archive(items), mtime=0),
    "a zip": _zip,
    "a JSON document of brackets": lambda items: archive(
        [items[0], ("index.json", b"[" * 1_000_000), *items[2:]]
    ),
    "a JSON document larger than allowed": lambda items: archive(
        [items[0], ("index.json", b" " * (4 << 20) + items[1][1]), *items[2:]]
    ),
    "a JSON document with a key twice": lambda items: archive(
        [items[0], ("index.json", b'{"manifests":[],' + items[1][1][1:]), *items[2:]]
    ),
    "a JSON document with another spacing": lambda items: archive(
        [items[0], ("index.json", items[1][1] + b" "), *items[2:]]
    ),
}
"""How an archive is written, by what is wrong with it."""


def truncations(items):
    """Give the archive cut off at every block, and within blocks here and there."""
    whole = archive(items)
    for end in sorted({*range(0, len(whole), 512), *range(1, len(whole), 1021), len(whole) - 1}):
        yield end, whole[:end]
