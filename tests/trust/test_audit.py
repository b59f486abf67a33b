"""The hash-chained log."""

import contextlib
import errno
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk._internal.times import is_timestamp
from maas_sdk.errors import AuditError, InvalidOptionError, NotFoundError, StorageError, StorageFullError
from maas_sdk.trust import AUDIT_EVENTS, AUDIT_OUTCOMES, AuditEntry, AuditLog, AuditReport

NOTHING = "sha256:" + hashlib.sha256().hexdigest()
TIME = "2026-11-01T00:00:00Z"
MAX_LINE = 65536


def digest(line):
    return "sha256:" + hashlib.sha256(line).hexdigest()


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


@pytest.fixture
def long_log(log):
    for number in range(5):
        log.append("import", outcome="done", subject=f"acme/digits@1.{number}.0", time=TIME)
    return log


def lines(log):
    return log.path.read_bytes().splitlines(keepends=True)


def test_nothing_is_made_before_the_first_entry(log, tmp_path):
    assert log.head == (0, NOTHING)
    assert list(log.entries()) == []
    assert log.check() == AuditReport(count=0, head=NOTHING)
    assert log.check().ok
    assert log.check(head=log.head).ok
    assert list(tmp_path.iterdir()) == []
    assert repr(log) == f"AuditLog({str(tmp_path / 'audit.jsonl')!r})"


def test_an_entry_is_one_line_of_canonical_json_that_only_the_owner_reads(log, identity):
    entry = log.append(
        "import", outcome="refused", subject="é.maas", identity=identity(1), reasons=["a: b"], time=TIME
    )
    expected = {
        "event": "import",
        "identity": identity(1),
        "number": 1,
        "outcome": "refused",
        "previous": NOTHING,
        "reasons": ["a: b"],
        "subject": "é.maas",
        "time": TIME,
    }
    text = json.dumps(expected, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    assert log.path.read_bytes() == text
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert list(log.entries()) == [entry]
    assert log.head == (1, digest(text))


def test_each_line_holds_the_digest_of_the_line_before(long_log):
    written = lines(long_log)
    previous = [json.loads(line)["previous"] for line in written]
    assert previous == [NOTHING, *(digest(line) for line in written[:-1])]
    assert [json.loads(line)["number"] for line in written] == [1, 2, 3, 4, 5]
    assert long_log.head == (5, digest(written[-1]))
    report = long_log.check()
    assert report == AuditReport(count=5, head=digest(written[-1]))
    assert report.ok


def test_without_a_time_it_is_now(log):
    before = datetime.now(UTC).replace(microsecond=0)
    entry = log.append("gc", outcome="done", subject="store")
    assert before <= datetime.fromisoformat(entry.time) <= datetime.now(UTC)
    assert is_timestamp(entry.time)


@pytest.mark.parametrize("event", AUDIT_EVENTS)
@pytest.mark.parametrize("outcome", AUDIT_OUTCOMES)
def test_every_event_and_outcome_is_read_back(log, event, outcome):
    entry = log.append(event, outcome=outcome, subject="x", time=TIME)
    assert list(log.entries()) == [entry]
    assert log.check().ok


def test_entries_can_be_chosen(log):
    for event, outcome, subject in [
        ("import", "done", "a"),
        ("import", "refused", "b"),
        ("verify", "refused", "b"),
    ]:
        log.append(event, outcome=outcome, subject=subject, time=TIME)
    numbers = lambda **chosen: [entry.number for entry in log.entries(**chosen)]  # noqa: E731
    assert numbers() == [1, 2, 3]
    assert numbers(event="import") == [1, 2]
    assert numbers(outcome="refused") == [2, 3]
    assert numbers(subject="b", event="verify") == [3]
    assert numbers(subject="c") == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": "Import"}, "event is 'Import'; it must be one of publish"),
        ({"event": ["import"]}, "event"),
        ({"outcome": "ok"}, "outcome is 'ok'; it must be one of done"),
        ({"reasons": "because"}, "pass a list"),
        ({"identity": "sha256:1"}, "identity"),
        ({"time": "yesterday"}, "time"),
    ],
)
def test_an_argument_of_the_wrong_form_is_the_callers_mistake(log, tmp_path, change, reason):
    arguments = {"event": "import", "outcome": "done", "subject": "x", **change}
    with pytest.raises(InvalidOptionError, match=reason):
        log.append(arguments.pop("event"), **arguments)
    assert list(tmp_path.iterdir()) == []


def test_what_is_long_is_shortened_and_that_is_said(log):
    entry = log.append(
        "verify", outcome="refused", subject="s" * 513, reasons=["r" * 1000, *map(str, range(20))]
    )
    assert entry.subject == "s" * 512 + "… (1 more characters were left out)"
    assert entry.reasons[0] == "r" * 512 + "… (488 more characters were left out)"
    assert entry.reasons[1:] == (*map(str, range(14)), "6 more reasons were left out")
    entry = log.append("verify", outcome="refused", subject="s" * 512, reasons=list(map(str, range(16))))
    assert entry.reasons == tuple(map(str, range(16)))
    assert entry.subject == "s" * 512


def test_the_longest_entry_fits_a_line(log, identity):
    worst = "\x00" * 2000  # six bytes each in JSON
    for _ in range(3):
        log.append("publish", outcome="incomplete", subject=worst, identity=identity(1), reasons=[worst] * 99)
    assert MAX_LINE * 0.5 < max(map(len, lines(log))) < MAX_LINE
    assert log.check().ok
    assert log.head[0] == 3


def test_a_name_that_is_not_unicode_and_a_line_break_are_logged_as_text(log):
    name = os.fsdecode(b"a\xff\nb")
    entry = log.append("verify", outcome="failed", subject=name, reasons=[name], time=TIME)
    assert entry.subject == "a\\udcff\nb"
    assert len(lines(log)) == 1
    assert list(log.entries()) == [entry]


@given(st.lists(st.tuples(st.text(max_size=600), st.lists(st.text(max_size=40), max_size=20)), max_size=4))
@settings(deadline=None, max_examples=20)
def test_any_text_is_logged_and_the_chain_holds(tmp_path_factory, texts):
    log = AuditLog(tmp_path_factory.mktemp("log") / "audit.jsonl")
    written = [log.append("load", outcome="done", subject=one, reasons=many) for one, many in texts]
    assert list(log.entries()) == written
    assert log.check().ok


ALTERED = [
    (lambda found: [found[0].replace(b"done", b"gone"), *found[1:]], 2, "does not follow"),
    (lambda found: [*found[:2], found[2].replace(b"digits", b"digitz"), *found[3:]], 4, "does not follow"),
    (lambda found: [*found[:2], *found[3:]], 3, "has the number 4"),
    (lambda found: found[1:], 1, "has the number 2"),
    (lambda found: [found[1], found[0], *found[2:]], 1, "has the number 2"),
    (lambda found: [found[0], *found], 2, "has the number 1"),
    (lambda found: [b"\n", *found], 1, "not strict JSON"),
    (lambda found: [found[0], b"\xff\n", *found[1:]], 2, "not strict JSON"),
    (lambda found: [found[0], b"[]\n", *found[1:]], 2, "expected an object"),
    (lambda found: [found[0].replace(b'"time"', b'"times"'), *found[1:]], 1, "unknown key 'times'"),
    (lambda found: [found[0].replace(b'"number":1', b'"number":0'), *found[1:]], 1, "number is 0"),
    (lambda found: [found[0].replace(b'"import"', b'"Import"'), *found[1:]], 1, "event is 'Import'"),
    (lambda found: [found[0].replace(b'"done"', b"1"), *found[1:]], 1, "expected str"),
    (lambda found: [found[0], b"x" * (MAX_LINE + 1) + b"\n", *found[1:]], 2, "longer than"),
    (lambda found: [found[0], b"x" * MAX_LINE + b"\n", *found[1:]], 2, "longer than"),
    (lambda found: [found[0], b"x" * (5 * MAX_LINE) + b"\n", *found[1:]], 2, "longer than"),
    (lambda found: [found[0], b"[" * 100 + b"\n", *found[1:]], 2, "nested deeper"),
]


@pytest.mark.parametrize(("alter", "line", "fault"), ALTERED)
def test_the_first_line_that_is_wrong_is_named_and_the_rest_is_read(long_log, alter, line, fault):
    altered = alter(lines(long_log))
    long_log.path.write_bytes(b"".join(altered))
    report = long_log.check()
    assert not report.ok
    assert report.line == line
    assert fault in report.fault
    assert report.count == len(altered)
    assert report.head == digest(altered[-1])
    assert not report.torn
    shown = []
    with pytest.raises(AuditError, match=f"line {line}: .*maas audit check"):
        shown.extend(long_log.entries())
    assert len(shown) == line - 1


def test_a_log_that_was_cut_off_or_written_anew_shows_against_a_head_noted_elsewhere(long_log):
    noted = long_log.head
    written = lines(long_log)
    assert long_log.check(head=noted).contains is True
    assert long_log.check(head=digest(written[1])).ok
    long_log.append("gc", outcome="done", subject="store", time=TIME)
    assert long_log.check(head=noted).ok
    long_log.path.write_bytes(b"".join(written[:4]))
    assert long_log.check().ok
    assert long_log.check().contains is None
    report = long_log.check(head=noted)
    assert (report.ok, report.contains, report.fault) == (False, False, None)
    long_log.path.unlink()
    assert not long_log.check(head=noted).ok
    for _ in range(5):
        long_log.append("import", outcome="done", subject="something else", time=TIME)
    assert not long_log.check(head=noted[1]).ok


@pytest.mark.parametrize("head", ["", "sha256:1", 5, (5, "x"), (5,)])
def test_a_head_that_is_none_is_the_callers_mistake(long_log, head):
    with pytest.raises(InvalidOptionError, match="head"):
        long_log.check(head=head)


@pytest.mark.parametrize("cut", [1, 2, 50, -1])
def test_a_last_line_that_a_crash_cut_off_is_healed_by_the_next_entry(long_log, cut):
    whole = long_log.path.read_bytes()
    torn = lines(long_log)[-1][:-cut] if cut > 0 else b"\0" * MAX_LINE
    kept = b"".join(lines(long_log)[:4]) if cut > 0 else whole
    long_log.path.write_bytes(kept + torn)
    report = long_log.check()
    assert (report.ok, report.torn, report.count) == (True, True, kept.count(b"\n"))
    assert len(list(long_log.entries())) == report.count
    assert long_log.head == (report.count, report.head)
    assert long_log.path.read_bytes() == kept + torn
    entry = long_log.append("gc", outcome="done", subject="store", time=TIME)
    assert entry.number == report.count + 1
    assert long_log.path.read_bytes() == kept + entry.to_line()
    assert long_log.check() == AuditReport(count=entry.number, head=digest(entry.to_line()))


def test_a_first_line_that_a_crash_cut_off_is_healed_too(log):
    log.path.write_bytes(b'{"event":"imp')
    assert log.head == (0, NOTHING)
    assert log.check() == AuditReport(count=0, head=NOTHING, torn=True)
    assert log.append("gc", outcome="done", subject="store").number == 1
    assert log.check().ok


@pytest.mark.parametrize("whole", [b"", b"line\n"])
def test_what_no_crash_leaves_is_never_removed(log, whole):
    log.path.write_bytes(whole + b"x" * (MAX_LINE + 1))
    before = log.path.read_bytes()
    report = log.check()
    assert (report.ok, report.line) == (False, 1)
    with pytest.raises(AuditError, match="longer than"):
        log.append("gc", outcome="done", subject="store")
    with pytest.raises(AuditError, match="longer than"):
        _ = log.head
    assert log.path.read_bytes() == before
    log.path.write_bytes(b"x" * (9 * MAX_LINE))
    with pytest.raises(AuditError, match="longer than"):
        log.append("gc", outcome="done", subject="store")
    assert log.path.stat().st_size == 9 * MAX_LINE
    log.path.write_bytes(b"x" * (MAX_LINE + 1))
    report = log.check()
    assert (report.ok, report.torn, report.line, report.count) == (False, True, 1, 0)


@pytest.mark.parametrize(
    ("last", "reason"), [(b"\n", "JSON"), (b"{}\n", "missing"), (b"x" * MAX_LINE + b"\n", "longer than")]
)
def test_nothing_is_appended_to_a_damaged_last_line(long_log, last, reason):
    long_log.path.write_bytes(long_log.path.read_bytes() + last)
    before = long_log.path.read_bytes()
    with pytest.raises(AuditError, match=reason):
        long_log.append("gc", outcome="done", subject="store")
    with pytest.raises(AuditError, match=reason):
        _ = long_log.head
    assert long_log.path.read_bytes() == before


def test_only_the_end_of_a_long_log_is_read_to_append(long_log, monkeypatch):
    big = long_log.path.read_bytes() * 2000
    long_log.path.write_bytes(big)
    read = []
    real = os.read

    def count(descriptor, size):
        data = real(descriptor, size)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "read", count)
    assert long_log.append("gc", outcome="done", subject="store").number == 6
    assert sum(read) <= 2 * MAX_LINE + 1
    assert len(big) > 4 * MAX_LINE


def test_a_log_that_cannot_be_reached_is_a_storage_error(tmp_path):
    with pytest.raises(NotFoundError):
        AuditLog(tmp_path / "missing" / "audit.jsonl").append("gc", outcome="done", subject="store")
    log = AuditLog(tmp_path)
    for attempt in (
        lambda: log.append("gc", outcome="done", subject="store"),
        lambda: log.head,
        lambda: list(log.entries()),
        log.check,
    ):
        with pytest.raises(StorageError):
            attempt()


def test_an_entry_is_synced_and_before_the_first_one_the_folder_is(log, monkeypatch):
    synced = []
    real = os.fsync

    def note(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append(("folder" if folder else "file", log.path.stat().st_size))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    for _ in range(2):
        log.append("gc", outcome="done", subject="store", time=TIME)
    first, both = len(lines(log)[0]), log.path.stat().st_size
    assert synced == [("folder", 0), ("file", first), ("file", both)]


def test_short_writes_are_continued(log, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    entry = log.append("gc", outcome="done", subject="store")
    assert list(log.entries()) == [entry]


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("call", ["open", "lseek", "read", "ftruncate", "write", "fsync"])
@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, StorageFullError), (errno.EIO, StorageError), (None, KeyboardInterrupt)],
)
def test_what_goes_wrong_in_writing_leaves_the_log_as_it_was(log, monkeypatch, begun, call, number, error):
    if begun:
        log.append("gc", outcome="done", subject="store", time=TIME)
    before = log.path.read_bytes() if begun else b""
    real = {name: getattr(os, name) for name in ("open", "write")}
    reached = []

    def fail(*arguments, **_):
        reached.append(arguments)
        if call == "write" and len(reached) == 1:
            return real["write"](arguments[0], arguments[1][:20])  # and the medium is full
        if call == "open" and len(reached) == 1:
            return real["open"](*arguments)  # of the lock
        if number is None:
            raise KeyboardInterrupt
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(error):
            log.append("load", outcome="done", subject="x", time=TIME)
    assert reached
    assert (log.path.read_bytes() if log.path.exists() else b"") == before
    assert log.check().ok
    assert log.append("load", outcome="done", subject="x", time=TIME).number == 1 + begun
    assert log.check().ok


def test_a_medium_that_takes_nothing_back_leaves_a_torn_line_that_heals(long_log, monkeypatch):
    real = {name: getattr(os, name) for name in ("write", "ftruncate")}
    calls = []

    def write(descriptor, data):
        real["write"](descriptor, data[:20])
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def truncate(descriptor, size):
        calls.append(size)
        if len(calls) > 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real["ftruncate"](descriptor, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        patch.setattr(os, "ftruncate", truncate)
        with pytest.raises(StorageError):
            long_log.append("gc", outcome="done", subject="store")
    assert (long_log.check().count, long_log.check().torn) == (5, True)
    assert long_log.append("gc", outcome="done", subject="store").number == 6
    assert long_log.check() == AuditReport(count=6, head=long_log.head[1])


APPEND = """
import sys
from maas_sdk.trust import AuditLog
log = AuditLog(sys.argv[1])
for _ in range(int(sys.argv[2])):
    print(log.append("import", outcome="done", subject=sys.argv[3]).number, flush=True)
"""


def test_processes_that_append_at_once_make_one_chain(log):
    command = [sys.executable, "-c", APPEND, str(log.path), "25"]
    with contextlib.ExitStack() as stack:
        children = [
            stack.enter_context(subprocess.Popen([*command, f"child-{number}"], stdout=subprocess.PIPE))
            for number in range(4)
        ]
        said = [child.stdout.read().split() for child in children]
    assert [child.returncode for child in children] == [0] * 4
    assert sorted(int(number) for numbers in said for number in numbers) == list(range(1, 101))
    assert log.check().ok
    assert log.head[0] == 100
    for number in range(4):
        mine = [str(entry.number).encode() for entry in log.entries(subject=f"child-{number}")]
        assert mine == said[number]


def test_a_killed_writer_loses_nothing_that_it_reported(log):
    for turn in range(5):
        command = [sys.executable, "-c", APPEND, str(log.path), "1000000", "x" * 500]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            first = int(child.stdout.readline())
            time.sleep(0.003 * turn)
            child.send_signal(signal.SIGKILL)
            reported = [first, *map(int, child.stdout.read().split())]
        report = log.check()
        assert report.ok
        assert report.count >= reported[-1]


def test_an_entry_that_a_later_version_made_is_read(log, identity):
    entry = AuditEntry(
        number=1,
        time=TIME,
        event="teleport",
        outcome="done",
        subject="x",
        identity=identity(3),
        previous=NOTHING,
    )
    log.path.write_bytes(entry.to_line())
    assert list(log.entries()) == [entry]
    assert log.append("gc", outcome="done", subject="store").number == 2
