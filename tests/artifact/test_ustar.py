"""Tar archives, strictly."""

import io
import shutil
import subprocess
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.artifact._bundles import ustar
from maas_sdk.errors import BundleError, LimitExceededError

NAME = "blobs/sha256/" + "0a" * 32


def archive(*items):
    return b"".join(ustar.header(n, len(d)) + d + ustar.padding(len(d)) for n, d in items) + ustar.END


def scan(data):
    return list(ustar.scan(io.BytesIO(data), len(data)))


def patched(block, at, new):
    """Change a header and make its checksum hold again."""
    changed = bytearray(block)
    changed[at : at + len(new)] = new
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=1200), max_size=4))
def test_what_is_written_is_found_again_by_us_and_by_tarfile(contents):
    data = archive(*((f"f{number}", content) for number, content in enumerate(contents)))
    found = scan(data)
    assert [data[e.offset : e.offset + e.size] for e in found] == contents
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        assert [tar.extractfile(member).read() for member in tar] == contents
        assert all(m.isreg() and m.mode == 0o644 and m.mtime == m.uid == m.gid == 0 for m in tar)


@pytest.mark.parametrize("size", [8**11 - 1, 8**11, 8**12 - 1])
def test_a_size_of_gigabytes_is_written_so_that_gnu_tar_and_tarfile_read_it(tmp_path, size):
    path = tmp_path / "big.tar"
    with path.open("wb") as file:
        file.write(ustar.header("big", size))
        file.seek(size + len(ustar.padding(size)), io.SEEK_CUR)
        file.write(ustar.END)
    with path.open("rb") as file:
        assert [entry.size for entry in ustar.scan(file, path.stat().st_size)] == [size]
    with tarfile.open(path) as tar:
        assert tar.next().size == size
    if shutil.which("tar"):
        listing = subprocess.run(["tar", "tvf", path], capture_output=True, text=True, check=True)
        assert str(size) in listing.stdout
        assert not listing.stderr


def test_a_size_beyond_the_format_is_refused():
    with pytest.raises(LimitExceededError, match="at most"):
        ustar.header("big", 8**12)


@pytest.mark.parametrize(
    ("at", "new", "reason"),
    [
        (156, b"1", "hard link"),
        (156, b"2", "symbolic link"),
        (156, b"3", "character device"),
        (156, b"4", "block device"),
        (156, b"5", "folder"),
        (156, b"6", "FIFO"),
        (156, b"L", "GNU long name"),
        (156, b"S", "GNU sparse"),
        (156, b"x", "pax header"),
        (156, b"g", "global pax"),
        (156, b"Z", "unknown type"),
        (257, b"ustar  \0", "magic"),
        (257, bytes(8), "magic"),
        (157, b"/etc/passwd", "fields that a bundle leaves empty"),
        (345, b"prefix", "fields that a bundle leaves empty"),
        (400, b"sparse", "fields that a bundle leaves empty"),
        (124, b"\x80" + bytes(10) + b"\5", "malformed size"),
        (124, b"-0000000005\0", "malformed size"),
        (124, b"0x000000005\0", "malformed size"),
        (124, b"          5\0", "malformed size"),
        (124, bytes(12), "malformed size"),
        (0, bytes(100), "malformed name"),
        (0, b"a\0b", "malformed name"),
        (0, b"a b", "malformed name"),
        (0, b"\xc3\xa9", "malformed name"),
        (0, b"a\n", "malformed name"),
    ],
)
def test_anything_but_a_plain_regular_file_is_refused_with_the_reason(at, new, reason):
    head = patched(ustar.header("a", 5), at, new)
    with pytest.raises(BundleError, match=reason):
        scan(head + b"hello" + ustar.padding(5) + ustar.END)


def test_the_old_type_of_a_regular_file_is_one_too():
    head = patched(ustar.header("a", 5), 156, b"\0")
    assert [e.name for e in scan(head + b"hello" + ustar.padding(5) + ustar.END)] == ["a"]


@pytest.mark.parametrize("size", [b"00000000005 ", b"000000000005"])
def test_other_ways_to_end_the_size_are_read(size):
    head = patched(ustar.header("a", 5), 124, size)
    assert [e.size for e in scan(head + b"hello" + ustar.padding(5) + ustar.END)] == [5]


def test_a_header_whose_checksum_does_not_hold_is_refused():
    head = bytearray(ustar.header("a", 0))
    head[0] ^= 1
    with pytest.raises(BundleError, match="checksum"):
        scan(bytes(head) + ustar.END)
    with pytest.raises(BundleError, match="checksum"):
        scan(b"\1" * 512 + ustar.END)


@pytest.mark.parametrize("cut", range(0, 512 * 5 + 1024, 128))
def test_an_archive_that_ends_early_is_refused_wherever_it_ends(cut):
    data = archive((NAME, b"x" * 700), ("b", b"y"))
    assert cut < len(data)
    with pytest.raises(BundleError, match="truncated"):
        scan(data[:cut])


def test_an_archive_that_goes_on_after_its_end_is_refused():
    data = archive(("a", b"x"))
    with pytest.raises(BundleError, match="7 bytes follow"):
        scan(data + b"trailer")
    with pytest.raises(BundleError, match="512 bytes follow"):
        scan(data + bytes(512))


def test_one_block_of_zeros_does_not_end_an_archive():
    with pytest.raises(BundleError, match="one block of zeros"):
        scan(bytes(512) + archive(("a", b"")))


def test_padding_hides_nothing():
    data = bytearray(archive(("a", b"x")))
    data[512 + 300] = 7
    with pytest.raises(BundleError, match="padding"):
        scan(bytes(data))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2559), st.integers(1, 255))
def test_a_changed_byte_is_noticed_unless_it_is_content(position, mask):
    data = bytearray(archive(("a", b"x" * 512), ("b", b"")))
    data[position] ^= mask
    try:
        assert [e.name for e in scan(bytes(data))] == ["a", "b"]
    except BundleError:
        assert not 512 <= position < 1024
    else:
        # Two ways to write the checksum's end and nothing else.
        assert 512 <= position < 1024 or position % 1024 in range(148, 156)


def test_headers_are_scanned_without_reading_what_is_between_them():
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size=-1, /):
            self.taken += size
            return super().read(size)

    data = archive(*((f"f{number}", bytes(1_000_000 + number)) for number in range(20)))
    file = Counting(data)
    assert len(list(ustar.scan(file, len(data)))) == 20
    assert file.taken <= 20 * 1024 + 1024


@given(st.integers(0, 10_000))
def test_the_size_of_an_entry_is_that_of_what_is_written(size):
    assert len(archive(("f", bytes(size)))) == ustar.entry_size(size) + len(ustar.END)
