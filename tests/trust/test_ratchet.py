"""The memory that only moves forward."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from maas_sdk.errors import InvalidOptionError, RefusedError, StorageError, StorageFullError, TrustStateError
from maas_sdk.trust import (
    MAX_EPOCH,
    MAX_SEQUENCE,
    MAX_SEQUENCE_JUMP,
    Equivocation,
    Policy,
    Revoked,
    Seen,
    Trust,
)

NAME = "acme/digits"
CREATED = "2026-11-01T00:00:00Z"
NOW = "2026-11-02T00:00:00Z"
NAMES = ["first use", "rollback", "fast-forward", "equivocation", "clock"]


@pytest.fixture
def ratchet(trust):
    return trust.ratchet


@pytest.fixture
def check(ratchet, identity):
    """Statuses by name of a check."""

    def run(sequence, number=None, *, name=NAME, created=CREATED, first_use=(), now=NOW, epoch=1):
        checks = ratchet.check(
            name, sequence, identity(number or sequence), created, first_use=first_use, now=now, epoch=epoch
        )
        assert [one.name for one in checks] == NAMES
        return {one.name: one.status.value for one in checks if one.status.value != "passed"}

    return run


def reason(ratchet, name, *arguments, **options):
    checks = ratchet.check(*arguments, **{"now": NOW, **options})
    return next(check.reason for check in checks if check.name == name)


def test_a_first_use_must_be_accepted_by_name(ratchet, check, identity):
    skipped = {"rollback": "skipped", "equivocation": "skipped"}
    assert check(1) == {"first use": "failed", **skipped}
    assert check(1, first_use=["acme/faces"]) == {"first use": "failed", **skipped}
    assert check(1, first_use=[NAME]) == skipped
    said = reason(ratchet, "first use", NAME, 1, identity(1), CREATED)
    assert 'first_use=["acme/digits"]' in said
    assert "--first-use acme/digits" in said


def test_checking_remembers_nothing(ratchet, check, folder):
    before = (folder / "state.json").read_bytes()
    check(1, first_use=[NAME])
    assert (folder / "state.json").read_bytes() == before
    assert ratchet.remembered(NAME) is None


def test_what_was_remembered_is_the_measure_of_what_comes(ratchet, check, identity):
    ratchet.advance(NAME, 5, identity(5), CREATED, version="1.4.0")
    assert check(6) == {}
    assert check(5) == {}
    assert check(4) == {"rollback": "failed", "equivocation": "skipped"}
    assert check(5, 99) == {"equivocation": "failed"}
    assert check(1, name="acme/faces")["first use"] == "failed"
    assert "sequence 5 (version 1.4.0)" in reason(ratchet, "rollback", NAME, 4, identity(4), CREATED)
    said = reason(ratchet, "equivocation", NAME, 5, identity(99), CREATED)
    assert identity(5) in said
    assert identity(99) in said
    assert ratchet.remembered(NAME) == Seen(5, identity(5), CREATED, "1.4.0")


def test_the_memory_is_shared_by_whoever_opens_the_folder(ratchet, folder, identity):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    assert Trust.open(folder).ratchet.remembered(NAME) == Seen(5, identity(5), CREATED)


def test_the_same_release_again_changes_nothing(ratchet, folder, identity):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    before = (folder / "state.json").stat()
    ratchet.advance(NAME, 5, identity(5), CREATED)
    after = (folder / "state.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(("sequence", "number", "what"), [(4, 4, "rollback"), (5, 6, "equivocation")])
def test_it_never_moves_back_whoever_was_checked_earlier(ratchet, check, identity, sequence, number, what):
    assert check(sequence, number, first_use=[NAME]).keys() <= {"rollback", "equivocation"}
    ratchet.advance(NAME, 5, identity(5), CREATED)
    with pytest.raises(RefusedError, match=what) as caught:
        ratchet.advance(NAME, sequence, identity(number), CREATED)
    assert [one.name for one in caught.value.verdict.failures] == [what]
    assert ratchet.remembered(NAME).identity == identity(5)


@pytest.mark.parametrize(
    ("sequence", "accepted"),
    [
        (-1, False),
        (0, False),
        (1, True),
        (MAX_SEQUENCE_JUMP, True),
        (MAX_SEQUENCE_JUMP + 1, False),
        (MAX_SEQUENCE, False),
        (MAX_SEQUENCE + 1, False),
    ],
)
def test_nobody_burns_the_numbers(ratchet, check, identity, sequence, accepted):
    failed = check(sequence, 1, first_use=[NAME])
    assert ("fast-forward" not in failed) is accepted
    if accepted:
        ratchet.advance(NAME, sequence, identity(1), CREATED)
        assert ratchet.remembered(NAME).sequence == sequence
    else:
        with pytest.raises(RefusedError, match="fast-forward"):
            ratchet.advance(NAME, sequence, identity(1), CREATED)


def test_a_jump_is_measured_from_what_is_remembered(ratchet, check, identity):
    ratchet.advance(NAME, 7, identity(7), CREATED)
    assert check(7 + MAX_SEQUENCE_JUMP) == {}
    assert check(8 + MAX_SEQUENCE_JUMP) == {"fast-forward": "failed"}


@pytest.mark.parametrize(
    ("created", "failed"),
    [("2026-11-02T00:10:00Z", {}), ("2026-11-02T00:10:01Z", {"clock": "failed"})],
)
def test_a_release_from_the_future_is_refused_beyond_the_tolerance(check, ratchet, identity, created, failed):
    ratchet.advance(NAME, 1, identity(1), CREATED)
    assert check(2, created=created) == failed


def test_a_clock_that_was_set_back_is_noticed_across_names(check, ratchet, identity):
    ratchet.advance("acme/faces", 1, identity(1), NOW)
    ratchet.advance(NAME, 1, identity(1), CREATED)
    assert check(2, now="2026-11-01T23:50:00Z") == {}
    assert check(2, now="2026-11-01T23:49:59Z") == {"clock": "failed"}
    said = reason(ratchet, "clock", NAME, 2, identity(2), CREATED, now="2026-11-01T12:00:00Z")
    assert NOW in said


def test_evidence_of_equivocation_is_kept_both_ways_and_once(ratchet, folder, identity):
    ratchet.advance(NAME, 5, identity(5), CREATED, version="1.0.0")
    for _ in range(2):
        ratchet.record_equivocation(NAME, 5, identity(6), NOW, version="1.0.0")
    expected = Equivocation(
        NAME, accepted=Seen(5, identity(5), CREATED, "1.0.0"), refused=Seen(5, identity(6), NOW, "1.0.0")
    )
    assert Trust.open(folder).ratchet.equivocations == (expected,)
    assert ratchet.remembered(NAME).identity == identity(5)
    ratchet.advance(NAME, 6, identity(7), CREATED)
    assert ratchet.equivocations == (expected,)


def test_evidence_has_a_bound(ratchet, identity, monkeypatch):
    monkeypatch.setattr("maas_sdk.trust._ratchet._MAX_EQUIVOCATIONS", 3)
    ratchet.advance(NAME, 5, identity(5), CREATED)
    for number in range(10, 20):
        ratchet.record_equivocation(NAME, 5, identity(number), CREATED)
    assert [one.refused.identity for one in ratchet.equivocations] == [
        identity(10),
        identity(11),
        identity(12),
    ]


@pytest.mark.parametrize(("sequence", "number"), [(5, 5), (4, 4), (6, 6)])
def test_what_is_no_equivocation_is_not_recorded(ratchet, identity, sequence, number):
    with pytest.raises(InvalidOptionError, match="does not contradict"):
        ratchet.record_equivocation(NAME, sequence, identity(number), CREATED)
    ratchet.advance(NAME, 5, identity(5), CREATED)
    with pytest.raises(InvalidOptionError, match="does not contradict"):
        ratchet.record_equivocation(NAME, sequence, identity(number), CREATED)
    assert ratchet.equivocations == ()


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": True},
        {"sequence": "1"},
        {"sequence": 1.0},
        {"epoch": True},
        {"epoch": "1"},
        {"identity": "x"},
        {"created": "yesterday"},
        {"now": "2026-11-02"},
        {"first_use": NAME},
    ],
)
def test_an_argument_of_the_wrong_form_is_the_callers_mistake(ratchet, identity, change):
    arguments = {"sequence": 1, "identity": identity(1), "created": CREATED, "now": NOW, **change}
    with pytest.raises(InvalidOptionError, match=next(iter(change))):
        ratchet.check(NAME, **arguments)
    if not change.keys() & {"now", "first_use"}:
        del arguments["now"]
        with pytest.raises(InvalidOptionError):
            ratchet.advance(NAME, **arguments)


def assert_unusable(ratchet, identity, match):
    before = {path.name: path.read_bytes() for path in ratchet._folder.glob("state.[jk]*")}
    for attempt in (
        lambda: ratchet.check(NAME, 9, identity(9), CREATED, now=NOW),
        lambda: ratchet.advance(NAME, 9, identity(9), CREATED),
        lambda: ratchet.equivocations,
    ):
        with pytest.raises(TrustStateError, match=match):
            attempt()
    assert {path.name: path.read_bytes() for path in ratchet._folder.glob("state.[jk]*")} == before


@pytest.mark.parametrize(
    "alter",
    [
        lambda data: data.replace(b'"sequence":5', b'"sequence":4'),
        lambda data: data.replace(b"256", b"255", 1),
        lambda data: data.partition(b"\n")[2],
        lambda data: data.partition(b"\n")[0],
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xff" + data,
        lambda data: b"",
        lambda data: b"{}\n{}\n",
    ],
)
def test_a_state_that_was_altered_is_refused_and_left_as_it_is(ratchet, folder, identity, alter):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    path = folder / "state.json"
    data = path.read_bytes()
    assert alter(data) != data
    path.write_bytes(alter(data))
    assert_unusable(ratchet, identity, "put back state.json and state.key")


def test_a_state_under_another_key_is_refused(ratchet, folder, tmp_path, identity):
    Trust.create(tmp_path / "other")
    (folder / "state.key").write_bytes((tmp_path / "other" / "state.key").read_bytes())
    assert_unusable(ratchet, identity, "does not match its key")


@pytest.mark.parametrize("text", ["", "00", "x" * 64, "0" * 63, "0" * 65, "é" * 64])
def test_a_damaged_key_is_refused(ratchet, folder, identity, text):
    (folder / "state.key").write_text(text, encoding="utf-8")
    assert_unusable(ratchet, identity, "64 hexadecimal digits")


def test_a_key_that_others_can_read_is_refused(ratchet, folder, identity):
    (folder / "state.key").chmod(0o640)
    assert_unusable(ratchet, identity, "chmod 600")


@pytest.mark.parametrize("name", ["state.json", "state.key"])
def test_half_a_state_is_refused(ratchet, folder, identity, name):
    (folder / name).unlink()
    assert_unusable(ratchet, identity, "put both back from one backup, or delete both")
    with pytest.raises(TrustStateError):
        Trust.open(folder).ratchet.check(NAME, 9, identity(9), CREATED, now=NOW)


def test_without_any_state_every_name_is_a_first_use_again(ratchet, folder, identity):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    for name in ("state.json", "state.key"):
        (folder / name).unlink()
    assert_unusable(ratchet, identity, "delete both")
    opened = Trust.open(folder).ratchet
    assert opened.check(NAME, 1, identity(1), CREATED, now=NOW)[0].status.value == "failed"
    opened.advance(NAME, 1, identity(1), CREATED)


def test_a_state_of_a_later_format_is_not_misread(ratchet, folder, identity):
    from maas_sdk.trust._state import TrustState

    key = bytes.fromhex((folder / "state.key").read_text())
    (folder / "state.json").write_bytes(TrustState(format="maas-trust-state/2").to_bytes(key))
    assert_unusable(ratchet, identity, "update maas-sdk")


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, StorageFullError), (errno.EIO, StorageError), (None, KeyboardInterrupt)],
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_what_goes_wrong_in_writing_leaves_what_was_remembered(
    ratchet, folder, identity, monkeypatch, call, number, error
):
    ratchet.advance(NAME, 5, identity(5), CREATED)

    def fail(*_):
        if number is None:
            raise KeyboardInterrupt
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(error):
            ratchet.advance(NAME, 6, identity(6), CREATED)
    assert ratchet.remembered(NAME).sequence == 5
    assert sorted(path.name for path in folder.iterdir()) == [
        "policy.toml",
        "state.json",
        "state.key",
        "trust.lock",
    ]
    ratchet.advance(NAME, 6, identity(6), CREATED)


def test_threads_that_advance_at_once_lose_nothing(folder, trust, identity):
    start = threading.Barrier(8)
    failures = []

    def work(number):
        ratchet = Trust.open(folder).ratchet
        start.wait()
        for sequence in range(1, 6):
            try:
                ratchet.advance(f"acme/model{number}", sequence, identity(sequence), CREATED)
            except Exception as exc:  # noqa: BLE001 - a thread's failure must reach the test
                failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [trust.ratchet.remembered(f"acme/model{number}").sequence for number in range(8)] == [5] * 8


def test_threads_that_advance_one_name_end_at_the_highest(trust, identity):
    def work(sequence):
        try:
            trust.ratchet.advance(NAME, sequence, identity(sequence), CREATED)
        except RefusedError as exc:
            refused.extend(check.name for check in exc.verdict.failures)

    refused = []
    threads = [threading.Thread(target=work, args=(sequence,)) for sequence in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trust.ratchet.remembered(NAME).sequence == 16
    assert set(refused) <= {"rollback"}


ADVANCE = """
import itertools, sys
from maas_sdk.trust import Trust
ratchet = Trust.open(sys.argv[1]).ratchet
first = (ratchet.remembered("acme/digits").sequence if ratchet.remembered("acme/digits") else 0) + 1
for sequence in itertools.count(first):
    ratchet.advance("acme/digits", sequence, f"sha256:{sequence:064x}", "2026-11-01T00:00:00Z")
    print(sequence, flush=True)
"""


def test_a_killed_writer_forgets_nothing_that_it_reported(trust, identity):
    for turn in range(5):
        command = [sys.executable, "-c", ADVANCE, str(trust.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            child.stdout.readline()
            time.sleep(0.004 * turn)
            child.send_signal(signal.SIGKILL)
            reported = child.stdout.read().split()
        seen = trust.ratchet.remembered(NAME)
        assert seen.sequence >= int(reported[-1] if reported else 1)
        assert seen.identity == identity(seen.sequence)


class RatchetMachine(RuleBasedStateMachine):
    """Whatever is offered in whatever order, the ratchet agrees with a model that remembers the highest."""

    make_folder = None
    names = st.sampled_from(["acme/a", "acme/b"])
    sequences = st.integers(0, 6) | st.integers(MAX_SEQUENCE_JUMP - 2, MAX_SEQUENCE_JUMP + 8)
    epochs = st.integers(1, 3) | st.sampled_from([0, MAX_EPOCH, MAX_EPOCH + 1])

    @initialize()
    def begin(self):
        self.folder = type(self).make_folder() / "trust"
        self.ratchet = Trust.create(self.folder, policy=Policy()).ratchet
        self.model = {}

    @rule(name=names, sequence=sequences, epoch=epochs, twin=st.integers(0, 1))
    def offer(self, name, sequence, epoch, twin):
        identity = f"sha256:{sequence * 2 + twin:064x}"
        latest, highest, accepted = self.model.get(name, (1, 0, None))
        fits = 1 <= sequence <= (highest if epoch == latest else 0) + MAX_SEQUENCE_JUMP
        later = (epoch, sequence) > (latest, highest)
        good = (
            1 <= epoch <= MAX_EPOCH
            and fits
            and (later or (latest, highest, accepted) == (epoch, sequence, identity))
        )
        checks = self.ratchet.check(name, sequence, identity, CREATED, first_use=[name], now=NOW, epoch=epoch)
        assert all(check.status.value != "failed" for check in checks) is good
        try:
            self.ratchet.advance(name, sequence, identity, CREATED, epoch=epoch)
        except RefusedError:
            assert not good
        else:
            assert good
            self.model[name] = (epoch, sequence, identity)

    @rule()
    def open_again(self):
        self.ratchet = Trust.open(self.folder).ratchet

    @invariant()
    def remembers_the_highest(self):
        for name, (epoch, sequence, identity) in getattr(self, "model", {}).items():
            assert self.ratchet.remembered(name) == Seen(sequence, identity, CREATED, epoch=epoch)


def test_no_order_of_events_makes_it_accept_a_lower_sequence(tmp_path_factory, monkeypatch):
    from hypothesis.stateful import run_state_machine_as_test

    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(RatchetMachine, "make_folder", lambda: tmp_path_factory.mktemp("machine"))
    run_state_machine_as_test(
        RatchetMachine, settings=settings(max_examples=20, stateful_step_count=15, deadline=None)
    )


def test_a_newer_key_epoch_begins_anew_and_an_older_one_never_comes_back(ratchet, check, identity):
    ratchet.advance(NAME, 900_000, identity(5), CREATED, version="1.4.0")
    assert check(1, epoch=2) == {}
    assert check(MAX_SEQUENCE_JUMP, epoch=2) == {}
    assert check(MAX_SEQUENCE_JUMP + 1, epoch=2) == {"fast-forward": "failed"}
    assert check(0, 1, epoch=2) == {"fast-forward": "failed"}
    ratchet.advance(NAME, 3, identity(3), CREATED, version="2.0.0", epoch=2)
    assert ratchet.remembered(NAME) == Seen(3, identity(3), CREATED, "2.0.0", 2)
    assert check(900_001) == {"rollback": "failed", "equivocation": "skipped"}
    assert check(3, 3) == {"rollback": "failed", "equivocation": "skipped"}
    assert check(2, epoch=2) == {"rollback": "failed", "equivocation": "skipped"}
    assert check(3, 3, epoch=2) == {}
    assert check(3, 4, epoch=2) == {"equivocation": "failed"}
    assert check(3, 4, epoch=5) == {}
    with pytest.raises(RefusedError, match="rollback"):
        ratchet.advance(NAME, 900_001, identity(6), CREATED)
    said = reason(ratchet, "rollback", NAME, 900_001, identity(6), CREATED)
    assert "sequence 900001 of key epoch 1 is older than sequence 3 of key epoch 2 (version 2.0.0)" in said


@pytest.mark.parametrize("epoch", [-1, 0, MAX_EPOCH + 1, 10**30])
def test_nobody_burns_the_epochs(ratchet, check, identity, epoch):
    assert check(1, epoch=epoch, first_use=[NAME])["fast-forward"] == "failed"
    with pytest.raises(RefusedError, match="fast-forward"):
        ratchet.advance(NAME, 1, identity(1), CREATED, epoch=epoch)
    assert ratchet.remembered(NAME) is None


def test_a_state_from_before_epochs_aliases_and_revocations_is_read(ratchet, folder, identity):
    import hashlib
    import hmac

    body = (
        b'{"clock":"2026-11-01T00:00:00Z","equivocations":[],"format":"maas-trust-state/1","names":{"acme/digits":'
        b'{"created":"2026-11-01T00:00:00Z","identity":"' + identity(5).encode() + b'","sequence":5}}}\n'
    )
    key = bytes.fromhex((folder / "state.key").read_text())
    mac = hmac.new(key, b"maas-trust-state\0" + body, hashlib.sha256).hexdigest()
    (folder / "state.json").write_bytes(b'{"hmac-sha256":"' + mac.encode() + b'"}\n' + body)
    assert ratchet.remembered(NAME) == Seen(5, identity(5), CREATED)
    assert ratchet.revoked("acme") is None
    ratchet.advance(NAME, 1, identity(1), CREATED, epoch=2)
    assert ratchet.remembered(NAME).epoch == 2


def test_an_alias_moves_forward_only(ratchet, folder):
    def status(generation, alias="stable", name=NAME):
        check = ratchet.check_alias(name, alias, generation)
        assert check.name == "alias"
        return check.status.value

    assert status(1) == status(5) == "passed"
    ratchet.advance_alias(NAME, "stable", 5)
    before = (folder / "state.json").stat()
    ratchet.advance_alias(NAME, "stable", 5)
    assert (folder / "state.json").stat().st_ino == before.st_ino
    assert [status(generation) for generation in (4, 5, 6)] == ["failed", "passed", "passed"]
    assert status(1, alias="canary") == status(1, name="acme/faces") == "passed"
    with pytest.raises(RefusedError, match="generation 4 of stable is older than 5"):
        ratchet.advance_alias(NAME, "stable", 4)
    ratchet.advance_alias(NAME, "stable", 6)
    assert status(5) == "failed"
    assert Trust.open(folder).ratchet.check_alias(NAME, "stable", 5).status.value == "failed"


@pytest.mark.parametrize("generation", [-1, 0, MAX_SEQUENCE_JUMP + 1, MAX_SEQUENCE + 1])
def test_nobody_burns_the_generations_of_an_alias(ratchet, generation):
    assert ratchet.check_alias(NAME, "stable", generation).status.value == "failed"
    with pytest.raises(RefusedError, match="is not between 1 and 1000000"):
        ratchet.advance_alias(NAME, "stable", generation)


@pytest.mark.parametrize(
    ("alias", "generation"), [("Stable", 1), (5, 1), ("a@b", 1), ("stable", "1"), ("stable", True)]
)
def test_a_malformed_alias_is_the_callers_mistake(ratchet, alias, generation):
    with pytest.raises(InvalidOptionError):
        ratchet.check_alias(NAME, alias, generation)
    with pytest.raises(InvalidOptionError):
        ratchet.advance_alias(NAME, alias, generation)


def test_a_revocation_is_never_taken_back(ratchet, folder, identity):
    assert ratchet.revoked("acme") is None
    assert ratchet.revoke("acme", Revoked(3, keys=(identity(1),))) is True
    assert ratchet.revoke("acme", Revoked(4, releases=[identity(9), identity(2), identity(2)])) is True
    expected = Revoked(4, keys=(identity(1),), releases=(identity(2), identity(9)))
    assert Trust.open(folder).ratchet.revoked("acme") == expected
    assert ratchet.revoked("globex") is None


def test_an_older_list_and_the_same_one_again_change_nothing(ratchet, folder, identity):
    ratchet.revoke("acme", Revoked(3, keys=(identity(1),)))
    ratchet.revoke("acme", Revoked(4, keys=(identity(2),)))
    before = (folder / "state.json").read_bytes()
    for same in (Revoked(4, keys=(identity(2),)), Revoked(4, keys=(identity(1), identity(2)))):
        assert ratchet.revoke("acme", same) is False
    assert ratchet.revoke("acme", Revoked(3, keys=(identity(7),))) is False
    assert (folder / "state.json").read_bytes() == before


def test_two_lists_of_one_number_are_refused(ratchet, identity):
    ratchet.revoke("acme", Revoked(3, keys=(identity(1),)))
    with pytest.raises(RefusedError, match="two lists of acme have the number 3") as caught:
        ratchet.revoke("acme", Revoked(3, keys=(identity(2),)))
    assert [check.name for check in caught.value.verdict.failures] == ["revocation"]
    assert ratchet.revoked("acme") == Revoked(3, keys=(identity(1),))


def test_nobody_burns_the_numbers_of_the_lists(ratchet, identity):
    with pytest.raises(RefusedError, match="between 1 and 1000000"):
        ratchet.revoke("acme", Revoked(MAX_SEQUENCE_JUMP + 1))
    assert ratchet.revoke("acme", Revoked(MAX_SEQUENCE_JUMP))
    assert ratchet.revoke("acme", Revoked(2 * MAX_SEQUENCE_JUMP))


def test_what_is_revoked_has_a_bound(ratchet, identity):
    many = tuple(map(identity, range(4095)))
    assert ratchet.revoke("acme", Revoked(1, keys=many, releases=(identity(1),)))
    with pytest.raises(TrustStateError, match="acme revokes more than 4096"):
        ratchet.revoke("acme", Revoked(2, releases=(identity(2),)))
    assert ratchet.revoked("acme").number == 1
    assert ratchet.revoke("acme", Revoked(2, releases=(identity(1),)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"number": 0},
        {"number": True},
        {"number": MAX_SEQUENCE + 1},
        {"number": "1"},
        {"keys": ["x"]},
        {"releases": [5]},
    ],
)
def test_a_malformed_list_is_the_callers_mistake(arguments):
    with pytest.raises(InvalidOptionError, match="of a revocation"):
        Revoked(**{"number": 1, **arguments})


@pytest.mark.parametrize("publisher", ["", "Acme", "acme/digits", 5])
def test_a_malformed_publisher_is_the_callers_mistake(ratchet, publisher):
    with pytest.raises(InvalidOptionError, match="publisher"):
        ratchet.revoke(publisher, Revoked(1))


def test_more_than_can_be_read_again_is_not_remembered(ratchet, identity, monkeypatch):
    from maas_sdk.limits import Limits

    ratchet.advance(NAME, 5, identity(5), CREATED)
    monkeypatch.setattr("maas_sdk.trust._memory.DEFAULT_LIMITS", Limits(max_json_bytes=600))
    with pytest.raises(TrustStateError, match="more than can be read again"):
        ratchet.revoke("acme", Revoked(1, keys=tuple(map(identity, range(9)))))
    assert ratchet.revoked("acme") is None


def contradict(ratchet, identity, number, evidence):
    ratchet.record_equivocation(NAME, 5, identity(number), CREATED, evidence=evidence)


def test_both_envelopes_of_an_equivocation_are_kept_under_their_digests(trust, ratchet, folder, identity):
    import hashlib
    import stat

    ratchet.advance(NAME, 5, identity(5), CREATED)
    assert trust.evidence() == ()
    contradict(ratchet, identity, 6, None)
    assert trust.evidence() == ()
    for _ in range(2):
        contradict(ratchet, identity, 6, (b"accepted", b"refused"))
    contradict(ratchet, identity, 7, (b"accepted", b"another"))
    found = {path.read_bytes(): path for path in Trust.open(folder).evidence()}
    assert sorted(found) == [b"accepted", b"another", b"refused"]
    for data, path in found.items():
        assert path == folder / "evidence" / f"{hashlib.sha256(data).hexdigest()}.dsse.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(trust.evidence()) == sorted(found.values())
    assert len(ratchet.equivocations) == 2


def test_envelopes_that_fill_the_disk_are_not_kept(trust, ratchet, folder, identity, monkeypatch):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    contradict(ratchet, identity, 6, (b"accepted", b"x" * ((1 << 20) + 1)))
    assert trust.evidence() == ()
    contradict(ratchet, identity, 6, (b"accepted", b"x" * (1 << 20)))
    assert len(trust.evidence()) == 2
    monkeypatch.setattr("maas_sdk.trust._evidence._MAX_FILES", 3)
    contradict(ratchet, identity, 7, (b"accepted", b"7"))
    contradict(ratchet, identity, 8, (b"accepted", b"8"))
    assert len(trust.evidence()) == 3
    monkeypatch.setattr("maas_sdk.trust._ratchet._MAX_EQUIVOCATIONS", 3)
    monkeypatch.setattr("maas_sdk.trust._evidence._MAX_FILES", 9)
    contradict(ratchet, identity, 9, (b"accepted", b"9"))
    assert len(trust.evidence()) == 3
    assert len(ratchet.equivocations) == 3


def test_what_contradicts_nothing_leaves_no_evidence(trust, ratchet, identity):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    with pytest.raises(InvalidOptionError, match="does not contradict"):
        contradict(ratchet, identity, 5, (b"accepted", b"refused"))
    with pytest.raises(InvalidOptionError, match="does not contradict"):
        ratchet.record_equivocation(
            NAME, 5, identity(6), CREATED, epoch=2, evidence=(b"accepted", b"refused")
        )
    assert trust.evidence() == ()


def test_an_evidence_folder_that_cannot_be_used_is_a_storage_error(trust, ratchet, folder, identity):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    (folder / "evidence").touch()
    with pytest.raises(StorageError):
        trust.evidence()
    with pytest.raises(StorageError):
        contradict(ratchet, identity, 6, (b"accepted", b"refused"))
    assert ratchet.equivocations == ()


CALLS = ["open", "fdopen", "mkdir", "fsync", "replace"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, StorageFullError), (errno.EIO, StorageError), (None, KeyboardInterrupt)],
)
def test_whichever_write_of_evidence_fails_the_state_is_old_or_new_and_evidence_comes_first(
    trust, ratchet, folder, identity, monkeypatch, call, number, error
):
    ratchet.advance(NAME, 5, identity(5), CREATED)
    real = getattr(os, call)
    reached = 0
    for countdown in range(20):
        calls = []

        def fail(*arguments, _calls=calls, _countdown=countdown, **options):
            _calls.append(arguments)
            if len(_calls) <= _countdown:
                return real(*arguments, **options)
            if number is None:
                raise KeyboardInterrupt
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            try:
                contradict(ratchet, identity, 6, (b"accepted", b"refused"))
            except error:
                reached += 1
                failed = True
            else:
                failed = False
        assert ratchet.remembered(NAME).sequence == 5
        kept = {path.read_bytes() for path in trust.evidence()}
        assert kept <= {b"accepted", b"refused"}
        if ratchet.equivocations or not failed:
            assert kept == {b"accepted", b"refused"}
        assert not list(folder.rglob("*.tmp"))
        if not failed:
            break
    assert reached >= 1
    assert len(ratchet.equivocations) == 1
