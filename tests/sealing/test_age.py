"""Sealing and opening whole files."""

from __future__ import annotations

import io
import os
import resource
import signal
import stat
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maas_sdk import interfaces, sealing
from maas_sdk.errors import (
    HeaderError,
    InvalidOptionError,
    MaasError,
    NoMatchError,
    NotFoundError,
    PayloadError,
    StorageError,
    StorageFullError,
)
from maas_sdk.limits import Limits

CHUNK = 65536
SEALED = CHUNK + 16
SIZES = [
    0,
    1,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    16 * CHUNK,
    16 * CHUNK + 1,
    32 * CHUNK,
    32 * CHUNK + 1,
    65 * CHUNK + 5,
]

quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Pieces(io.RawIOBase):
    """A raw file that reads or writes as many bytes as the next of `steps` says, over and over."""

    def __init__(self, steps, data=b""):
        self._steps = steps
        self._turn = 0
        self._data = data
        self._at = 0
        self.written = bytearray()

    def _step(self):
        self._turn += 1
        return self._steps[self._turn % len(self._steps)]

    def readable(self):
        return True

    def writable(self):
        return True

    def readinto(self, buffer):
        piece = self._data[self._at : self._at + min(self._step(), len(buffer))]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def write(self, data):
        count = min(self._step(), len(data))
        self.written += data[:count]
        return count


class ReadOnly:
    """A source with `read` alone."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size):
        return self._file.read(size)


@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_comes_back(size, armor, seal, unseal):
    data = os.urandom(size)
    assert unseal(seal(data, armor=armor)) == data


def test_every_kind_of_recipient_opens_the_file(alice, carol, passphrase, seal, unseal):
    for key, recipient in ((alice, alice.recipient), (carol, carol.recipient), (passphrase, passphrase)):
        assert unseal(seal(b"text", recipients=[recipient]), identities=[key]) == b"text"


def test_each_of_several_recipients_opens_the_file(alice, seal, unseal):
    others = [sealing.generate_identity(post_quantum=False) for _ in range(3)]
    sealed = seal(b"text", recipients=[key.recipient for key in [*others, alice]])
    for key in [alice, *others]:
        assert unseal(sealed, identities=[key]) == b"text"


def test_sealing_twice_gives_nothing_in_common(seal):
    one, two = seal(bytes(100)), seal(bytes(100))
    assert not {one[at : at + 12] for at in range(190, len(one))} & {
        two[at : at + 12] for at in range(190, len(two))
    }


def test_armored_text_is_lines_of_64_columns(seal):
    lines = seal(bytes(1000), armor=True).decode("ascii").split("\n")
    assert lines[0] == "-----BEGIN AGE ENCRYPTED FILE-----"
    assert lines[-2:] == ["-----END AGE ENCRYPTED FILE-----", ""]
    assert {len(line) for line in lines[1:-3]} == {64}
    assert 0 < len(lines[-3]) <= 64


def splits(sizes, smallest, largest):
    steps = st.lists(st.integers(smallest, largest), min_size=1, max_size=5)
    return st.tuples(st.sampled_from(sizes), steps, steps)


@given(
    split=splits([0, 1, 47, 48, 300, 2000], 1, 100)
    | splits([CHUNK, CHUNK + 1, 32 * CHUNK + 1], 20_000, 200_000),
    armor=st.booleans(),
)
@quick
def test_any_split_of_reads_and_writes_gives_the_same_bytes(split, armor, alice, unseal):
    size, reads, writes = split
    data = bytes(range(251)) * (size // 251 + 1)
    sealed = Pieces(writes)
    sealing.encrypt(Pieces(reads, data[:size]), sealed, [alice.recipient], armor=armor)
    assert unseal(bytes(sealed.written)) == data[:size]
    opened = Pieces(writes)
    sealing.decrypt(Pieces(reads, bytes(sealed.written)), opened, [alice])
    assert opened.written == data[:size]


def test_every_kind_of_source_and_sink_is_taken(alice, tmp_path):
    plain, sealed, opened = tmp_path / "plain", tmp_path / "sealed.age", tmp_path / "opened"
    plain.write_bytes(b"text" * 1000)
    for source in (
        plain,
        str(plain),
        plain.read_bytes(),
        bytearray(b"text" * 1000),
        ReadOnly(b"text" * 1000),
    ):
        sealing.encrypt(source, sealed, [alice.recipient])
        sealing.decrypt(memoryview(sealed.read_bytes()), str(opened), [alice])
        assert opened.read_bytes() == plain.read_bytes()
    with plain.open("rb") as source, sealed.open("wb") as sink:
        source.seek(3999)
        sink.write(b"before")
        sealing.encrypt(source, sink, [alice.recipient])
    with sealed.open("rb") as source, opened.open("wb", buffering=0) as sink:
        source.seek(6)
        sealing.decrypt(source, sink, [alice])
    assert opened.read_bytes() == b"t"


def test_wide_items_are_read_as_bytes(seal, unseal):
    assert unseal(seal(memoryview(b"12345678").cast("I"))) == b"12345678"


def test_opened_files_are_their_owners_alone(alice, seal, tmp_path):
    sealing.decrypt(seal(b"text"), tmp_path / "opened", [alice])
    assert stat.S_IMODE((tmp_path / "opened").stat().st_mode) == 0o600


def test_a_file_can_be_sealed_in_its_own_place(alice, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"text")
    sealing.encrypt(path, path, [alice.recipient])
    sealing.decrypt(path, path, [alice])
    assert path.read_bytes() == b"text"


def test_any_byte_that_is_changed_is_noticed(seal, alice):
    for armor in (False, True):
        sealed = seal(b"some text", armor=armor)
        for place in range(len(sealed)):
            wrong = bytearray(sealed)
            wrong[place] ^= 1 if wrong[place] != ord("\n") else 0x40
            sink = io.BytesIO()
            with pytest.raises(MaasError):
                sealing.decrypt(bytes(wrong), sink, [alice])
            assert sink.getvalue() == b""


def test_any_byte_that_is_dropped_or_added_is_noticed(seal, unseal):
    sealed = seal(b"some text")
    for place in range(len(sealed)):
        with pytest.raises(MaasError):
            unseal(sealed[:place] + sealed[place + 1 :])
        with pytest.raises(MaasError):
            unseal(sealed[:place] + b"A" + sealed[place:])
    with pytest.raises(PayloadError):
        unseal(sealed + b"A")


def test_any_cut_is_noticed(seal, unseal):
    sealed = seal(b"some text")
    for place in range(len(sealed)):
        with pytest.raises((HeaderError, PayloadError)):
            unseal(sealed[:place])


@pytest.mark.parametrize("remainder", [1, 46, 47, 48])
def test_an_armor_may_end_at_the_borders_of_batches(remainder, alice, seal, unseal):
    overhead = len(seal(b""))
    for lines in (1023, 1024, 2048):
        data = bytes((lines - 1) * 48 + remainder - overhead)
        sealed = seal(data, armor=True)
        assert unseal(sealed) == data
        with sealing.open_sealed(sealed, [alice]) as reader:
            assert reader.read() == data


@given(order=st.lists(st.integers(0, 3), max_size=6))
@quick
def test_chunks_in_any_other_order_are_noticed(order, seal, alice):
    data = b"".join(bytes([index]) * CHUNK for index in range(3)) + b"end"
    sealed = seal(data)
    start = len(sealed) - 3 * SEALED - 19
    chunks = [sealed[start + at * SEALED : start + (at + 1) * SEALED] for at in range(4)]
    sink = io.BytesIO()
    moved = sealed[:start] + b"".join(chunks[index] for index in order)
    if order == [0, 1, 2, 3]:
        sealing.decrypt(moved, sink, [alice])
        assert sink.getvalue() == data
    else:
        with pytest.raises(PayloadError):
            sealing.decrypt(moved, sink, [alice])
        assert data.startswith(sink.getvalue())
        assert len(sink.getvalue()) < len(data)


def test_a_sink_gets_the_chunks_before_a_fault_and_nothing_else(seal, alice):
    data = os.urandom(20 * CHUNK)
    sealed = bytearray(seal(data))
    sealed[-SEALED - 100] ^= 1
    sink = io.BytesIO()
    with pytest.raises(PayloadError, match="chunk 18"):
        sealing.decrypt(sealed, sink, [alice])
    assert sink.getvalue() == data[: 18 * CHUNK]


def test_a_fault_leaves_no_file_and_an_old_one_as_it_was(seal, alice, tmp_path):
    sealed = seal(bytes(3 * CHUNK))[:-1]
    old = tmp_path / "old"
    old.write_bytes(b"old")
    for path in (old, tmp_path / "new"):
        with pytest.raises(PayloadError):
            sealing.decrypt(sealed, path, [alice])
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"old")]


class Broken(io.RawIOBase):
    """A source that raises after its first mebibyte."""

    def __init__(self, error):
        self._error = error
        self._left = 1 << 20

    def readinto(self, buffer):
        count = min(len(buffer), self._left)
        if not count:
            raise self._error
        self._left -= count
        return count


def test_an_interruption_leaves_nothing(alice, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        sealing.encrypt(Broken(KeyboardInterrupt()), tmp_path / "file", [alice.recipient])
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_fails_is_a_storage_error(alice, tmp_path):
    with pytest.raises(StorageError, match="reading the source"):
        sealing.encrypt(Broken(OSError(5, "Input/output error")), tmp_path / "file", [alice.recipient])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(alice, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(StorageFullError, match="nothing was half-written"):
            sealing.encrypt(bytes(1 << 20), tmp_path / "file", [alice.recipient])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_a_full_sink_is_a_storage_error_that_says_what_is_left(alice):
    full = pytest.raises(StorageFullError, match="it holds a part only")
    with open("/dev/full", "wb", buffering=0) as sink, full:  # noqa: PTH123 - a device
        sealing.encrypt(b"text", sink, [alice.recipient])


def test_a_missing_source_is_not_found(alice, tmp_path):
    with pytest.raises(NotFoundError):
        sealing.encrypt(tmp_path / "nothing", tmp_path / "file", [alice.recipient])


class NotReady(io.RawIOBase):
    """A file that would block."""

    def readinto(self, buffer):
        return None

    def write(self, data):
        return None


class NotReadyToRead:
    def read(self, size):
        return None


def test_files_that_would_block_are_storage_errors(alice):
    for source in (NotReady(), NotReadyToRead()):
        with pytest.raises(StorageError, match="blocking"):
            sealing.encrypt(source, io.BytesIO(), [alice.recipient])
    with pytest.raises(StorageError, match="blocking"):
        sealing.encrypt(b"text", NotReady(), [alice.recipient])


@pytest.mark.parametrize(
    ("source", "sink"),
    [(io.StringIO("x"), io.BytesIO()), (b"x", io.StringIO()), (17, io.BytesIO()), (b"x", None)],
)
def test_what_is_no_binary_file_is_refused(source, sink, alice):
    with pytest.raises(InvalidOptionError):
        sealing.encrypt(source, sink, [alice.recipient])


def test_recipients_that_must_not_stand_together_are_refused(alice, carol, passphrase):
    for recipients in (
        [],
        [alice.recipient, carol.recipient],
        [passphrase, passphrase],
        [passphrase, alice.recipient],
        [str(alice.recipient)],
        str(alice.recipient),
        alice.recipient,
        [alice],
        None,
    ):
        sink = io.BytesIO()
        with pytest.raises(InvalidOptionError):
            sealing.encrypt(b"text", sink, recipients)
        assert sink.getvalue() == b""


def test_more_recipients_than_readers_accept_are_refused(alice, monkeypatch):
    from maas_sdk.sealing import _age

    for limits in (Limits(max_stanzas=2), Limits(max_header_bytes=200)):
        monkeypatch.setattr(_age, "DEFAULT_LIMITS", limits)
        with pytest.raises(InvalidOptionError, match="3 recipients"):
            sealing.encrypt(b"text", io.BytesIO(), [alice.recipient] * 3)


def test_what_is_no_identity_is_refused(alice, seal, unseal):
    for identities in ([alice.recipient], [alice.to_text()], alice):
        with pytest.raises(InvalidOptionError):
            sealing.decrypt(seal(b"text"), io.BytesIO(), identities)


def test_no_match_says_why(alice, carol, passphrase, seal):
    other = sealing.generate_identity(post_quantum=False)
    for sealed, identities, reason in (
        (seal(b"text"), [], "none of 0 identities"),
        (seal(b"text"), [other, carol, passphrase], "1 recipient.s. of type X25519"),
        (seal(b"text", recipients=[passphrase]), [alice], "sealed with a passphrase"),
        (seal(b"text", recipients=[passphrase]), [sealing.Passphrase("wrong")], "the passphrase is wrong"),
    ):
        with pytest.raises(NoMatchError, match=reason):
            sealing.decrypt(sealed, io.BytesIO(), identities)


@pytest.mark.parametrize(("size", "armor"), [(48 << 20, False), (17 << 20, True)])
def test_memory_stays_small_when_sealing(size, armor, alice):
    class Zeros(io.RawIOBase):
        left = size

        def readinto(self, buffer):
            count = min(len(buffer), self.left)
            self.left -= count
            return count

    class Through(io.RawIOBase):
        """Keeps nothing."""

        def write(self, data):
            return len(data)

    tracemalloc.start()
    try:
        sealing.encrypt(Zeros(), Through(), [alice.recipient], armor=armor)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_memory_stays_small_when_opening(alice, tmp_path):
    sealing.encrypt(bytes(48 << 20), tmp_path / "file.age", [alice.recipient])
    with open(os.devnull, "wb") as sink:  # noqa: PTH123 - a device
        tracemalloc.start()
        try:
            sealing.decrypt(tmp_path / "file.age", sink, [alice])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 16 << 20


def test_a_stanza_that_cannot_be_written_is_refused():
    for words in (("", ()), ("a b", ()), ("a", ("",)), ("a", ("b\n",)), ("é", ())):
        with pytest.raises(InvalidOptionError):
            sealing.Stanza(*words, b"")


class Silent:
    """A sink whose `write` does not say how much it took."""

    def __init__(self):
        self.written = bytearray()

    def write(self, data):
        self.written += data


def test_a_sink_may_say_nothing_of_what_it_took(alice, unseal):
    sink = Silent()
    sealing.encrypt(bytes(100_000), sink, [alice.recipient])
    assert unseal(sink.written) == bytes(100_000)


def test_the_sealer_fulfils_its_contract(alice):
    sealer = sealing.AgeSealer(limits=Limits(max_stanzas=1))
    assert isinstance(sealer, interfaces.Sealer)
    assert sealer.suffix == ".age"
    sealed, opened = io.BytesIO(), io.BytesIO()
    sealer.encrypt(io.BytesIO(b"text"), sealed, [alice.recipient])
    sealer.decrypt(io.BytesIO(sealed.getvalue()), opened, [alice])
    assert opened.getvalue() == b"text"
    sealed = io.BytesIO()
    sealer.encrypt(io.BytesIO(b"text"), sealed, [alice.recipient] * 2)
    with pytest.raises(HeaderError, match="max_stanzas"):
        sealer.decrypt(io.BytesIO(sealed.getvalue()), io.BytesIO(), [alice])


def test_a_recipient_kind_of_ones_own_can_take_part():
    class Echo(sealing.Recipient, sealing.Identity):
        """Hides nothing: for the test of the seam only."""

        type = "example.com/echo"
        post_quantum = False

        def __str__(self):
            return "echo"

        def public_bytes(self):
            return b""

        def wrap(self, file_key):
            return sealing.Stanza(self.type, ("a", "b"), file_key * 3)

        @property
        def recipient(self):
            return self

        def to_text(self):
            return "echo"

        def unwrap(self, stanzas, *, limits=None):
            (stanza,) = stanzas
            assert stanza.args == ("a", "b")
            return stanza.body[:16]

    sealed, opened = io.BytesIO(), io.BytesIO()
    sealing.encrypt(b"text", sealed, [Echo()])
    sealing.decrypt(sealed.getvalue(), opened, [Echo()])
    assert opened.getvalue() == b"text"


def test_a_sealer_takes_limits_and_nothing_else():
    with pytest.raises(InvalidOptionError, match="Limits"):
        sealing.AgeSealer(limits=10)


@pytest.mark.parametrize("armor", [False, True])
def test_the_kinds_of_recipients_are_told_to_whoever_asks(armor, alice, passphrase, tmp_path):
    for recipient, kind in ((alice.recipient, "X25519"), (passphrase, "scrypt")):
        path = tmp_path / f"{kind}.age"
        sealing.encrypt(b"text", path, [recipient], armor=armor)
        assert sealing.stanza_types(path) == {kind}
    with pytest.raises(HeaderError):
        sealing.stanza_types(b"no age file")
