"""What is asked of sealers: round trips, fresh randomness, and refusal of whatever was altered."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen

from maas_sdk.errors import MaasError
from maas_sdk.sealing import generate_identity
from maas_sdk.testing._any_kind import CHECKS as ANY_KIND_CHECKS
from maas_sdk.testing._check import expect
from maas_sdk.testing._faults import FailingSink, FailingSource, expect_fault, faults
from maas_sdk.testing._threads import at_once

if TYPE_CHECKING:
    from maas_sdk.testing._check import Subject

__all__ = ["CHECKS"]

_SIZES = (0, 1, 65_535, 65_536, 65_537, 200_000)
_SHORT = b"attack at dawn"
_LARGE = 150_000
_THREADS = 8
_MANY = 100  # positions at which a long file is altered or cut


@frozen
class _Work:
    sealer: Any
    recipient: Any
    identity: Any

    def encrypt(self, source: BinaryIO, sink: BinaryIO) -> None:
        self.sealer.encrypt(source, sink, [self.recipient])

    def decrypt(self, source: BinaryIO, sink: BinaryIO) -> None:
        self.sealer.decrypt(source, sink, [self.identity])

    def seal(self, plaintext: bytes) -> bytes:
        sink = io.BytesIO()
        self.encrypt(io.BytesIO(plaintext), sink)
        return sink.getvalue()

    def open(self, sealed: bytes, sink: io.BytesIO | None = None) -> bytes:
        sink = io.BytesIO() if sink is None else sink
        self.decrypt(io.BytesIO(sealed), sink)
        return sink.getvalue()

    def expect_refusal(self, sealed: bytes, plaintext: bytes, what: str) -> None:
        """Expect a `MaasError`, and nothing in the sink but authenticated plaintext."""
        sink = io.BytesIO()
        try:
            self.open(sealed, sink)
        except MaasError:
            expect(
                plaintext.startswith(sink.getvalue()), f"{what}: something else than plaintext was released"
            )
            return
        raise AssertionError(f"{what} was accepted")


def _prepare(subject: Subject) -> _Work:
    return _Work(subject.make(), *_pair(subject))


def _pair(subject: Subject) -> tuple[Any, Any]:
    recipient, identity = subject.example(_own_pair)
    return recipient, identity


def _own_pair() -> tuple[Any, Any]:
    identity = generate_identity(post_quantum=False)
    return identity.recipient, identity


def _positions(length: int) -> list[int]:
    """Every position of a short file; of a long one some all over it, its last bytes among them."""
    step = max(1, length // _MANY)
    return sorted({*range(0, length, step), *range(max(0, length - 20), length)})


def opens_what_it_seals(subject: Subject) -> None:
    """Empty, small, and around the sizes of chunks."""
    work = _prepare(subject)
    for size in _SIZES:
        plaintext = bytes(index % 251 for index in range(size))
        expect(work.open(work.seal(plaintext)) == plaintext, f"{size} bytes came back differently")


def seals_for_several(subject: Subject) -> None:
    """Each recipient opens it alone."""
    sealer, pairs = subject.make(), [_pair(subject) for _ in range(3)]
    sink = io.BytesIO()
    sealer.encrypt(io.BytesIO(_SHORT), sink, [recipient for recipient, _ in pairs])
    for index, (recipient, identity) in enumerate(pairs):
        opened = _Work(sealer, recipient, identity).open(sink.getvalue())
        expect(opened == _SHORT, f"recipient {index} got something else")


def hides_the_plaintext(subject: Subject) -> None:
    """It does not stand in the sealed bytes."""
    expect(_SHORT not in _prepare(subject).seal(_SHORT), "the plaintext stands in the sealed bytes")


def is_fresh_each_time(subject: Subject) -> None:
    """The same plaintext for the same recipient never gives the same bytes."""
    work = _prepare(subject)
    expect(work.seal(_SHORT) != work.seal(_SHORT), "sealing twice gave the same bytes")


def refuses_any_flipped_bit(subject: Subject) -> None:
    """At every byte of a short file and all over a long one, and releases nothing that was altered."""
    work = _prepare(subject)
    for plaintext in (_SHORT, bytes(_LARGE)):
        sealed = work.seal(plaintext)
        for position in _positions(len(sealed)):
            altered = bytearray(sealed)
            altered[position] ^= 1
            work.expect_refusal(bytes(altered), plaintext, f"byte {position} of {len(sealed)} altered: it")


def refuses_any_truncation(subject: Subject) -> None:
    """And what is longer than it was."""
    work = _prepare(subject)
    for plaintext in (_SHORT, bytes(_LARGE)):
        sealed = work.seal(plaintext)
        for position in _positions(len(sealed)):
            work.expect_refusal(sealed[:position], plaintext, f"{position} bytes of {len(sealed)}: it")
        work.expect_refusal(sealed + b"\0", plaintext, "a byte more at the end: it")


def refuses_a_stranger(subject: Subject) -> None:
    """Another identity does not open it."""
    work = _prepare(subject)
    _, stranger = _pair(subject)
    _Work(work.sealer, work.recipient, stranger).expect_refusal(
        work.seal(_SHORT), b"", "a stranger's identity"
    )


def refuses_to_seal_for_nobody(subject: Subject) -> None:
    """No recipients is a mistake, not a file that all or none can read."""
    try:
        subject.make().encrypt(io.BytesIO(_SHORT), io.BytesIO(), [])
    except MaasError:
        return
    raise AssertionError("an empty list of recipients was accepted")


def names_its_suffix(subject: Subject) -> None:
    """A dot and some letters."""
    suffix = subject.make().suffix
    expect(
        isinstance(suffix, str) and suffix.startswith(".") and suffix[1:].isalnum(),
        f"the suffix is {suffix!r}; it reads like '.age'",
    )


def passes_faults_on(subject: Subject) -> None:
    """A source or a sink that raises in the middle: the error reaches the caller, or a `MaasError` does."""
    work = _prepare(subject)
    plaintext = bytes(_LARGE)
    sealed = work.seal(plaintext)
    for fault in faults():
        for function, source in ((work.encrypt, plaintext), (work.decrypt, sealed)):
            with expect_fault(fault, f"a source that failed in {function.__name__}"):
                function(FailingSource(source[: _LARGE // 2], fault), io.BytesIO())
            with expect_fault(fault, f"a sink that failed in {function.__name__}"):
                function(io.BytesIO(source), FailingSink(_LARGE // 2, fault))


def an_interrupted_file_does_not_open(subject: Subject) -> None:
    """What stands in the sink when the source failed is no file that opens as if it were whole."""
    work = _prepare(subject)
    plaintext = bytes(_LARGE)
    for fault in faults():
        sink = io.BytesIO()
        with contextlib.suppress(BaseException):
            work.encrypt(FailingSource(plaintext, fault), sink)
        work.expect_refusal(sink.getvalue(), plaintext, "what was sealed until the source failed: it")


def releases_nothing_unauthenticated_after_a_fault(subject: Subject) -> None:
    """When the sealed file breaks off with an error, no more than authenticated plaintext is in the sink."""
    work = _prepare(subject)
    plaintext = bytes(index % 251 for index in range(_LARGE))
    sealed = work.seal(plaintext)
    for fault in faults():
        sink = io.BytesIO()
        with contextlib.suppress(BaseException):
            work.decrypt(FailingSource(sealed[: _LARGE // 2], fault), sink)
        expect(plaintext.startswith(sink.getvalue()), "something else than plaintext was released")


def works_in_several_threads(subject: Subject) -> None:
    """One object seals and opens in many threads."""
    work = _prepare(subject)
    plaintexts = [index.to_bytes(2) * 50_000 for index in range(_THREADS)]
    opened = at_once(lambda index: work.open(work.seal(plaintexts[index])), _THREADS)
    expect(opened == plaintexts, "what one thread sealed came back differently")


CHECKS = (
    *ANY_KIND_CHECKS,
    opens_what_it_seals,
    seals_for_several,
    hides_the_plaintext,
    is_fresh_each_time,
    refuses_any_flipped_bit,
    refuses_any_truncation,
    passes_faults_on,
    an_interrupted_file_does_not_open,
    releases_nothing_unauthenticated_after_a_fault,
    works_in_several_threads,
    refuses_a_stranger,
    refuses_to_seal_for_nobody,
    names_its_suffix,
)
