"""The trust folder."""

import errno
import os
import stat
import subprocess
import sys
import threading

import pytest

from maas_sdk.errors import AlreadyExistsError, NotFoundError, PolicyError, StorageError, StorageFullError
from maas_sdk.trust import Policy, RotatedKeys, Rule, Trust


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_trusts_nobody_and_remembers_nothing(folder):
    trust = Trust.create(folder)
    assert trust.policy == Policy()
    assert trust.folder == folder
    assert trust.ratchet.remembered("acme/digits") is None
    assert repr(trust) == f"Trust({str(folder)!r})"
    assert repr(trust.ratchet) == f"Ratchet({str(folder)!r})"
    assert Trust(folder).policy == Policy()


def test_only_the_owner_can_read_the_key_and_enter_the_folder(trust):
    assert stat.S_IMODE((trust.folder / "state.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((trust.folder / "state.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(trust.folder.stat().st_mode) == 0o700


def test_an_empty_folder_is_taken_and_one_with_something_in_it_is_not(folder):
    folder.mkdir(parents=True)
    Trust.create(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(AlreadyExistsError, match="not an empty folder"):
        Trust.create(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    file = folder.with_name("file")
    file.touch()
    with pytest.raises(AlreadyExistsError):
        Trust.create(file)


def test_parents_are_made(tmp_path):
    assert Trust.create(tmp_path / "a" / "b").folder == tmp_path / "a" / "b"


@pytest.mark.parametrize("call", ["fsync", "replace", "rename", "link"])
@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, StorageFullError), (errno.EIO, StorageError), (None, KeyboardInterrupt)],
)
def test_what_goes_wrong_in_making_one_leaves_nothing(folder, tmp_path, monkeypatch, call, number, error):
    def fail(*_):
        if number is None:
            raise KeyboardInterrupt
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(error):
            Trust.create(folder)
    assert list(tmp_path.iterdir()) == []
    Trust.create(folder)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_what_is_no_trust_folder_is_refused_and_stays_as_it_is(folder, make):
    make(folder)
    with pytest.raises(NotFoundError, match="maas trust init"):
        Trust.open(folder)
    assert not folder.exists() or names(folder) == []


@pytest.mark.parametrize(
    ("data", "reason"), [(b"\xff", "UTF-8"), (b"rules = 1", "array"), (b"#" * ((1 << 20) + 1), "larger")]
)
def test_a_damaged_policy_is_refused_with_its_path(trust, data, reason):
    (trust.folder / "policy.toml").write_bytes(data)
    with pytest.raises(PolicyError, match=reason) as caught:
        Trust.open(trust.folder)
    assert str(trust.folder) in str(caught.value)


def test_a_saved_policy_is_there_for_everybody(trust, key):
    policy = trust.policy.with_key("globex/*", key(7))
    trust.save_policy(policy)
    assert trust.policy == policy
    assert Trust.open(trust.folder).policy == policy
    trust.save_policy(policy.without_key(key(7).fingerprint))
    assert len(Trust.open(trust.folder).policy.rules) == 1


def test_a_change_of_somebody_else_is_not_lost(trust, key):
    other = Trust.open(trust.folder)
    other.save_policy(other.policy.with_key("globex/*", key(7)))
    with pytest.raises(PolicyError, match="open it again"):
        trust.save_policy(trust.policy.with_key("initech/*", key(8)))
    assert Trust.open(trust.folder).policy == other.policy


def test_a_policy_that_cannot_be_written_leaves_the_old_one(trust, key, monkeypatch):
    old = trust.policy

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(StorageFullError):
            trust.save_policy(old.with_key("globex/*", key(7)))
    assert trust.policy == old
    assert Trust.open(trust.folder).policy == old


def test_a_policy_that_could_not_be_read_again_is_not_written(trust, key, tmp_path):
    huge = Policy((Rule("acme/*", (key(1),), components=["a." + "b" * 100] * 12_000),))
    old = (trust.folder / "policy.toml").read_bytes()
    with pytest.raises(PolicyError, match="can be read again"):
        trust.save_policy(huge)
    assert (trust.folder / "policy.toml").read_bytes() == old
    with pytest.raises(PolicyError, match="can be read again"):
        Trust.create(tmp_path / "other", policy=huge)
    assert [path.name for path in tmp_path.iterdir()] == ["trust"]


def test_a_rotation_is_there_for_everybody(trust, key):
    rotated = RotatedKeys("acme", 2, 1, (key(2),))
    trust.apply_rotation("acme/*", rotated)
    (rule,) = Trust.open(trust.folder).policy.rules
    assert (rule.keys, rule.epoch) == ((key(2),), 2)
    assert trust.policy == Trust.open(trust.folder).policy
    with pytest.raises(PolicyError, match="in their order"):
        trust.apply_rotation("acme/*", rotated)


def test_a_rotation_does_not_undo_what_somebody_else_changed(trust, key):
    other = Trust.open(trust.folder)
    other.save_policy(other.policy.without_key(key(1).fingerprint))
    with pytest.raises(PolicyError, match="open it again"):
        trust.apply_rotation("acme/*", RotatedKeys("acme", 2, 1, (key(2),)))
    assert Trust.open(trust.folder).policy == Policy()


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, StorageFullError), (errno.EIO, StorageError), (None, KeyboardInterrupt)],
)
@pytest.mark.parametrize("call", ["open", "fdopen", "fsync", "replace"])
def test_what_goes_wrong_in_a_rotation_leaves_the_old_keys_or_the_new_ones(
    trust, key, monkeypatch, call, number, error
):
    real = getattr(os, call)
    before = (trust.folder / "policy.toml").read_bytes()
    for countdown in range(9):
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
                trust.apply_rotation("acme/*", RotatedKeys("acme", 2, 1, (key(2),)))
            except error:
                failed = True
            else:
                failed = False
        opened = Trust.open(trust.folder)
        assert opened.policy.rules[0].epoch in ((1, 2) if failed else (2,))
        assert names(trust.folder) == ["policy.toml", "state.json", "state.key", "trust.lock"]
        if not failed:
            break
        (trust.folder / "policy.toml").write_bytes(before)
        trust = opened if opened.policy.rules[0].epoch == 1 else Trust.open(trust.folder)
    assert countdown >= 1
    assert not failed


def test_the_audit_log_begins_with_its_first_entry(trust):
    assert trust.audit.head[0] == 0
    assert names(trust.folder) == ["policy.toml", "state.json", "state.key", "trust.lock"]
    trust.audit.append("import", outcome="done", subject="acme/digits@1.0.0")
    assert trust.audit.path == trust.folder / "audit.jsonl"
    assert [entry.subject for entry in Trust.open(trust.folder).audit.entries()] == ["acme/digits@1.0.0"]


def test_threads_that_open_a_folder_that_lost_its_memory_begin_one_memory(trust, identity):
    for name in ("state.json", "state.key"):
        (trust.folder / name).unlink()
    start = threading.Barrier(8)
    failures = []

    def work(number):
        start.wait()
        try:
            Trust.open(trust.folder).ratchet.advance(
                f"acme/model{number}", 1, identity(1), "2026-11-01T00:00:00Z"
            )
        except Exception as exc:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(trust.ratchet.remembered(f"acme/model{number}") for number in range(8))


@pytest.mark.parametrize("room", ["trust", "storage"])
def test_the_room_loads_nothing_heavy(room):
    script = (
        f"import maas_sdk.{room}, sys;"
        "print([name for name in ('numpy', 'sklearn', 'cryptography', 'pluggy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
