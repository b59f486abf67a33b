"""What was done is written down, however it ended."""

import errno
import os

import pytest

from maas_sdk.errors import AuditError, IncompleteError, RefusedError, StorageError
from maas_sdk.trust import AuditLog, Check, Verdict, audited

IDENTITY = "sha256:" + "0" * 64


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def last(log):
    entry = list(log.entries())[-1]
    return entry.event, entry.outcome, entry.subject, entry.identity, entry.reasons


def test_what_ended_well_is_written_with_what_was_learned_meanwhile(log):
    with audited(log, "import", "a.maas") as deed:
        deed.subject, deed.identity, deed.reasons = "acme/digits@1.0.0", IDENTITY, ["all of it"]
    assert last(log) == ("import", "done", "acme/digits@1.0.0", IDENTITY, ("all of it",))


def test_an_outcome_can_be_told_without_an_exception(log):
    with audited(log, "verify", "a.maas") as deed:
        deed.outcome = "refused"
    assert last(log)[1] == "refused"


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (
            RefusedError("no", verdict=Verdict("a", [Check.of("rollback", False, "older")])),
            "refused",
            "rollback: older",
        ),
        (RefusedError("no"), "refused", "RefusedError: no"),
        (IncompleteError("more"), "incomplete", "IncompleteError: more"),
        (StorageError("full"), "failed", "StorageError: full"),
        (KeyboardInterrupt(), "failed", "KeyboardInterrupt: "),
    ],
)
def test_what_failed_is_written_with_the_reason_and_raised(log, error, outcome, reason):
    with pytest.raises(type(error)), audited(log, "import", "a.maas"):
        raise error
    assert last(log) == ("import", outcome, "a.maas", None, (reason,))


def test_without_a_log_nothing_is_written():
    with audited(None, "import", "a.maas"):
        pass
    with pytest.raises(StorageError, match="full"), audited(None, "import", "a.maas"):
        raise StorageError("full")


def test_what_cannot_be_written_down_counts_as_failed_and_hides_no_other_error(log):
    log.path.write_bytes(b"no entry\n")
    with pytest.raises(AuditError), audited(log, "import", "a.maas"):
        pass
    with pytest.raises(StorageError, match="full"), audited(log, "import", "a.maas"):
        raise StorageError("full")


@pytest.mark.parametrize(
    ("event", "number", "passes"),
    [
        ("export", errno.EROFS, True),
        ("export", errno.EACCES, True),
        ("export", errno.EPERM, True),
        ("export", errno.ENOSPC, False),
        ("export", errno.EIO, False),
        ("import", errno.EROFS, False),
    ],
)
def test_who_may_not_write_can_export_and_do_nothing_else_unlogged(log, monkeypatch, event, number, passes):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fail)
    done = []

    def work():
        with audited(log, event, "a.maas"):
            done.append(event)

    if passes:
        work()
    else:
        with pytest.raises(StorageError, match="lock"):
            work()
    assert done == [event]


def test_an_export_into_a_damaged_log_counts_as_failed(log):
    log.path.write_bytes(b"no entry\n")
    with pytest.raises(AuditError), audited(log, "export", "a.maas"):
        pass
