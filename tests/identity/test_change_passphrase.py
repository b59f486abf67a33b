"""Another passphrase for an identity file: the old file, or the new one, and nothing in between."""

import errno
import os
import stat

import pytest

from maas_sdk.errors import (
    InvalidOptionError,
    KeyFileError,
    StorageFullError,
    WrongPassphraseError,
)
from maas_sdk.identity import Identity

QUICK = 2  # scrypt work factor: these passphrases protect nothing
OLD, NEW = "correct horse", "battery staple"


@pytest.fixture
def acme():
    return Identity.generate("acme")


@pytest.fixture
def saved(acme, tmp_path):
    acme.save(tmp_path / "acme.identity", passphrase=OLD, work_factor=QUICK)
    return tmp_path / "acme.identity"


def change(path, old=OLD, new=NEW):
    return Identity.change_passphrase(path, old=old, new=new, work_factor=QUICK)


def test_the_new_passphrase_opens_the_same_identity_and_the_old_one_does_not(acme, saved):
    assert change(saved).public == acme.public
    assert Identity.load(saved, passphrase=NEW).public == acme.public
    with pytest.raises(WrongPassphraseError):
        Identity.load(saved, passphrase=OLD)


def test_the_new_file_is_its_owners_alone_whatever_the_umask(saved):
    before = os.umask(0)
    try:
        change(saved)
    finally:
        os.umask(before)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [path.name for path in saved.parent.iterdir()] == ["acme.identity"]


def test_the_usual_work_is_asked_of_whoever_guesses(saved):
    Identity.change_passphrase(saved, old=OLD, new=NEW)
    assert saved.read_bytes().split(b"\n")[1].split(b" ")[3] == b"18"


def test_nobody_is_asked_for_a_new_passphrase_in_vain(saved):
    with pytest.raises(WrongPassphraseError):
        change(saved, old="wrong", new=pytest.fail)
    with pytest.raises(KeyFileError, match="cannot read"):
        change(saved.with_name("absent"), old=pytest.fail, new=pytest.fail)


def test_an_empty_new_passphrase_changes_nothing(saved):
    before = saved.read_bytes()
    with pytest.raises(InvalidOptionError, match="passphrase"):
        change(saved, new="")
    assert saved.read_bytes() == before


@pytest.mark.parametrize("call", ["fsync", "fdopen"])
def test_a_full_medium_leaves_the_old_file_as_it_was(saved, monkeypatch, call):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(f"maas_sdk._internal.files.os.{call}", full)
    with pytest.raises(StorageFullError):
        change(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["acme.identity"]


def test_the_old_file_is_there_until_the_new_one_is_durable(saved, monkeypatch):
    before, synced = saved.read_bytes(), []
    sync = os.fsync

    def watch(descriptor):
        if not synced:
            assert saved.read_bytes() == before
        synced.append(descriptor)
        sync(descriptor)

    monkeypatch.setattr("maas_sdk._internal.files.os.fsync", watch)
    change(saved)
    assert len(synced) == 2  # the new file, then its folder
    assert saved.read_bytes() != before


def test_of_a_link_the_file_behind_it_changes(saved, tmp_path):
    (tmp_path / "link").symlink_to(saved)
    change(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert Identity.load(saved, passphrase=NEW).name == "acme"


def test_a_file_that_others_can_read_is_refused(saved):
    saved.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        change(saved)
