"""A log that grows line by line, each holding the digest of the one before; nothing acts upon it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from attrs import evolve, frozen

from maas_sdk._internal.digests import is_digest, sha256
from maas_sdk._internal.files import storage_errors, sync_folder
from maas_sdk._internal.locks import locked
from maas_sdk.errors import AuditError, InvalidOptionError
from maas_sdk.trust._audit_entry import (
    AUDIT_EVENTS,
    AUDIT_OUTCOMES,
    MAX_LINE,
    NOTHING,
    AuditEntry,
    shortened,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["AuditLog", "AuditReport"]

_FLAGS: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_TAIL: Final = 2 * MAX_LINE + 1  # of two lines of the greatest length, and something that shows a longer one
_SEE: Final = "see AuditLog.check, on the command line maas audit check"


@frozen(kw_only=True)
class AuditReport:
    """What a check of a log found.

    Attributes
    ----------
    count : int
        How many whole lines there are.
    head : str
        Digest of the last whole line; note it elsewhere.
    line : int or None
        The first line at which something is wrong.
    fault : str or None
        What is wrong there.
    torn : bool
        Whether a crash cut off a line at the end; the next entry takes its place.
    contains : bool or None
        Whether the noted head is among the lines; None when none was given.
    """

    count: int
    head: str
    line: int | None = None
    fault: str | None = None
    torn: bool = False
    contains: bool | None = None

    @property
    def ok(self) -> bool:
        """Whether every line follows from the one before, and a noted head is among them."""
        return self.fault is None and self.contains is not False


@frozen
class _Line:
    """A line as it stands in the file; not whole when a crash has cut it off."""

    number: int
    digest: str
    whole: bool
    entry: AuditEntry | None
    fault: str | None


class AuditLog:
    """An append-only log in which each line holds the digest of the line before.

    A line that was changed, removed, inserted or moved breaks the chain, and `check` says where. What a chain
    cannot show by itself: whoever may write to the file can cut off its end, or write all of it anew. Both
    show as soon as a later `head` is known elsewhere, on paper or with somebody else: receipts carry one.

    Nothing is made before the first entry.

    Parameters
    ----------
    path : path-like
        The file; its folder must exist. Beside it lies a lock, ``….lock``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).absolute()

    def __repr__(self) -> str:
        return f"AuditLog({str(self._path)!r})"

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def append(
        self,
        event: str,
        *,
        outcome: str,
        subject: str,
        identity: str | None = None,
        reasons: Collection[str] = (),
        time: str | None = None,
    ) -> AuditEntry:
        """Write one entry; it is on the medium when this returns.

        Processes that append at once wait for each other. A last line that a crash has cut off is removed.

        Parameters
        ----------
        event, outcome : str
            One of `AUDIT_EVENTS` and one of `AUDIT_OUTCOMES`.
        subject : str
            Of what: a release's name and version, or a file.
        identity : str or None
            The release's identity, when it is known.
        reasons : collection of str
            Why. At most 16, each of at most 512 characters; what is left out is said.
        time : str or None
            When; by default, now.

        Raises
        ------
        InvalidOptionError
            When an argument has the wrong form.
        AuditError
            When the last line is damaged; the file stays as it is.
        StorageError
            When it cannot be written; then the log is as it was.
        """
        for what, value, known in (("event", event, AUDIT_EVENTS), ("outcome", outcome, AUDIT_OUTCOMES)):
            if value not in known:
                raise InvalidOptionError(f"{what} is {value!r}; it must be one of {', '.join(known)}")
        if isinstance(reasons, str):
            raise InvalidOptionError(f'reasons is a text; pass a list of them: ["{reasons[:80]}"]')
        subject, reasons = shortened(subject, reasons)
        entry = AuditEntry(
            number=1,
            time=_now() if time is None else time,
            event=event,
            outcome=outcome,
            subject=subject,
            identity=identity,
            reasons=reasons,
            previous=NOTHING,
        )
        with locked(self._path.with_name(f"{self._path.name}.lock")), storage_errors(f"writing {self._path}"):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
            try:
                end, last, digest = self._read_end(descriptor)
                if last is None:
                    sync_folder(self._path.parent)  # the file is new: its name must last as long as its lines
                entry = evolve(entry, number=1 if last is None else last.number + 1, previous=digest)
                _write_at(descriptor, end, entry.to_line())
            finally:
                os.close(descriptor)
        return entry

    @property
    def head(self) -> tuple[int, str]:
        """How many entries there are, and the digest of the last line.

        Noted elsewhere, the digest shows later that nothing was taken away; see `check`.

        Raises
        ------
        AuditError
            When the last line is damaged.
        StorageError
            When the log cannot be read.
        """
        with storage_errors(f"reading {self._path}"):
            try:
                descriptor = os.open(self._path, os.O_RDONLY | _FLAGS)
            except FileNotFoundError:
                return 0, NOTHING
            try:
                _, last, digest = self._read_end(descriptor)
            finally:
                os.close(descriptor)
        return 0 if last is None else last.number, digest

    def entries(
        self, *, event: str | None = None, outcome: str | None = None, subject: str | None = None
    ) -> Iterator[AuditEntry]:
        """Give the entries, the oldest first, as they are read.

        Parameters
        ----------
        event, outcome, subject : str or None
            Only entries that have just these; None for any.

        Raises
        ------
        AuditError
            At the first line that is damaged or does not follow from the one before.
        StorageError
            When the log cannot be read.
        """
        for line in self._lines():
            if line.fault is not None:
                raise AuditError(f"{self._path}, line {line.number}: {line.fault}; {_SEE}")
            entry = line.entry
            if (
                entry is not None
                and event in (None, entry.event)
                and outcome in (None, entry.outcome)
                and subject in (None, entry.subject)
            ):
                yield entry

    def check(self, head: str | tuple[int, str] | None = None) -> AuditReport:
        """Read the whole log and say whether the chain holds; a damaged line does not stop it.

        Parameters
        ----------
        head : str or tuple, optional
            A `head`, or the digest in it, that was noted earlier. A log that does not contain it was cut off
            or written anew since.

        Raises
        ------
        InvalidOptionError
            When `head` is neither.
        StorageError
            When the log cannot be read.
        """
        noted = head[-1] if isinstance(head, tuple) else head
        if noted is not None and not is_digest(noted):
            raise InvalidOptionError(f"head is {head!r}; give what AuditLog.head gave, or the digest in it")
        report = AuditReport(count=0, head=NOTHING, contains=None if noted is None else noted == NOTHING)
        for line in self._lines():
            if report.fault is None and line.fault is not None:
                report = evolve(report, line=line.number, fault=line.fault)
            if not line.whole:
                return evolve(report, torn=True)
            found = None if noted is None else report.contains or line.digest == noted
            report = evolve(report, count=line.number, head=line.digest, contains=found)
        return report

    def _lines(self) -> Iterator[_Line]:
        """Read every line, bounded, and hold each against the one before."""
        with storage_errors(f"reading {self._path}"), contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(self._path.open("rb"))
            except FileNotFoundError:
                return
            previous = NOTHING
            for number, (text, digest, whole) in enumerate(_split(file), start=1):
                entry, fault = _judge(text, number, previous, whole=whole)
                yield _Line(number, digest, whole, entry, fault)
                previous = digest

    def _read_end(self, descriptor: int) -> tuple[int, AuditEntry | None, str]:
        """Give the place behind the last whole line, what it says, and its digest."""
        size = os.fstat(descriptor).st_size
        start = max(0, size - _TAIL)
        tail = _read_at(descriptor, start)
        end = tail.rfind(b"\n") + 1
        line = tail[tail.rfind(b"\n", 0, max(0, end - 1)) + 1 : end]
        if max(len(line), len(tail) - end) > MAX_LINE:
            raise AuditError(
                f"{self._path} is damaged, its last line is longer than {MAX_LINE} bytes; {_SEE}, and move "
                "the file away to begin a new one"
            )
        if not line:
            return 0, None, NOTHING
        try:
            return start + end, AuditEntry.from_line(line), sha256(line)
        except AuditError as exc:
            raise AuditError(
                f"{self._path} is damaged in its last line: {exc}; {_SEE}, and move the file away to begin a "
                "new one"
            ) from exc


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_at(descriptor: int, place: int) -> bytes:
    os.lseek(descriptor, place, os.SEEK_SET)
    data = bytearray()
    while len(data) < _TAIL and (piece := os.read(descriptor, _TAIL - len(data))):
        data += piece
    return bytes(data)


def _write_at(descriptor: int, place: int, line: bytes) -> None:
    """Write a line behind the last whole one, instead of whatever a crash has left there."""
    os.ftruncate(descriptor, place)
    os.lseek(descriptor, place, os.SEEK_SET)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, place)
        raise


def _split(file: BinaryIO) -> Iterator[tuple[bytes | None, str, bool]]:
    """Give each line, None when it is too long, its digest, and whether it is whole."""
    while piece := file.readline(MAX_LINE + 1):
        text: bytes | None = piece
        hasher = hashlib.sha256(piece)
        while not piece.endswith(b"\n") and (piece := file.readline(MAX_LINE + 1)):
            hasher.update(piece)
            text = None
        yield text, f"sha256:{hasher.hexdigest()}", piece.endswith(b"\n")


def _judge(
    text: bytes | None, number: int, previous: str, *, whole: bool
) -> tuple[AuditEntry | None, str | None]:
    """Give the entry of a line, and what is wrong with it."""
    if text is None or len(text) > MAX_LINE:
        return None, f"it is longer than {MAX_LINE} bytes"
    if not whole:
        return None, None
    try:
        entry = AuditEntry.from_line(text)
    except AuditError as exc:
        return None, str(exc)
    if entry.number != number:
        return entry, f"it has the number {entry.number}: a line was removed, inserted or moved"
    if entry.previous != previous:
        return entry, "it does not follow from the line before, which was changed, removed or inserted"
    return entry, None
