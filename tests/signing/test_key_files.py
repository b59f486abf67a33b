"""Key files: nobody but the owner, whole or not at all, never replaced."""

import errno
import os
import stat
from types import SimpleNamespace

import pytest

from maas_sdk.errors import (
    AlreadyExistsError,
    KeyFileError,
    LimitExceededError,
    StorageFullError,
    WrongPassphraseError,
)
from maas_sdk.signing import (
    PrivateKey,
    load_private_key,
    load_public_key,
    save_private_key,
    save_public_key,
)


@pytest.fixture
def key():
    return PrivateKey.generate()


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_saved_private_key_is_its_owners_alone_and_loads_again(tmp_path, key, passphrase):
    save_private_key(key, tmp_path / "acme.key", passphrase=passphrase)
    assert stat.S_IMODE((tmp_path / "acme.key").stat().st_mode) == 0o600
    assert load_private_key(tmp_path / "acme.key", passphrase).public_key == key.public_key
    assert [p.name for p in tmp_path.iterdir()] == ["acme.key"]


def test_a_private_key_is_private_whatever_the_umask(tmp_path, key):
    before = os.umask(0)
    try:
        save_private_key(key, tmp_path / "acme.key", passphrase=None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "acme.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_a_private_key_that_others_can_touch_is_refused_with_the_remedy(tmp_path, key, mode):
    path = tmp_path / "acme.key"
    save_private_key(key, path, passphrase=None)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"mode 0{mode:o}.*run: chmod 600 {path}"):
        load_private_key(path)
    path.chmod(0o400)
    assert load_private_key(path).public_key == key.public_key


def test_permissions_are_not_asked_where_the_system_has_none(tmp_path, key, monkeypatch):
    path = tmp_path / "acme.key"
    save_private_key(key, path, passphrase=None)
    path.chmod(0o644)
    monkeypatch.setattr("maas_sdk._internal.key_files.os", SimpleNamespace(name="nt", fstat=os.fstat))
    assert load_private_key(path).public_key == key.public_key


def test_a_wrong_passphrase_for_a_file_is_told(tmp_path, key):
    save_private_key(key, tmp_path / "acme.key", passphrase="correct horse")
    with pytest.raises(WrongPassphraseError):
        load_private_key(tmp_path / "acme.key", "battery staple")


def test_a_saved_public_key_loads_again(tmp_path, key):
    save_public_key(key.public_key, tmp_path / "acme.pub")
    assert (tmp_path / "acme.pub").read_text() == key.public_key.pem
    assert load_public_key(str(tmp_path / "acme.pub")) == key.public_key


@pytest.mark.parametrize("load", [load_private_key, load_public_key])
def test_a_missing_file_and_a_folder_are_refused(tmp_path, load):
    with pytest.raises(KeyFileError, match=r"cannot read .*absent.*No such file"):
        load(tmp_path / "absent")
    with pytest.raises(KeyFileError, match="cannot read"):
        load(tmp_path)


def test_an_oversized_file_is_not_read_whole(tmp_path):
    with (tmp_path / "huge.pem").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(LimitExceededError, match=r"Limits\.max_key_file_bytes"):
        load_public_key(tmp_path / "huge.pem")


def test_saving_never_replaces_a_file(tmp_path, key):
    path = tmp_path / "acme.key"
    path.write_text("precious")
    with pytest.raises(AlreadyExistsError):
        save_private_key(key, path, passphrase=None)
    with pytest.raises(AlreadyExistsError):
        save_public_key(key.public_key, path)
    assert path.read_text() == "precious"


def test_a_full_medium_leaves_nothing(tmp_path, key, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("maas_sdk._internal.files.os.fsync", full)
    with pytest.raises(StorageFullError):
        save_private_key(key, tmp_path / "acme.key", passphrase=None)
    assert list(tmp_path.iterdir()) == []
