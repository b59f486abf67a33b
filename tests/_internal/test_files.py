"""Files that are either whole or absent."""

import errno
import os
import stat

import pytest

from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk._internal.files import atomic_file
from maas_sdk.errors import AlreadyExistsError, NotFoundError, StorageError, StorageFullError


def test_a_file_appears_whole_with_the_mode_that_was_asked_for(tmp_path):
    path = tmp_path / "a"
    with atomic_file(path, mode=0o600) as file:
        file.write(b"secret")
        assert not path.exists()
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, interruption):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(interruption), atomic_file(path) as file:
        file.write(b"new")
        raise interruption
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, StorageFullError), (errno.EDQUOT, StorageFullError), (errno.EIO, StorageError)],
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_what_the_medium_says_reaches_the_caller_and_nothing_is_left(
    tmp_path, monkeypatch, number, error, call
):
    def fail(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(error, match=os.strerror(number)), atomic_file(tmp_path / "a") as file:
        file.write(b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.EIO, "connect it again"), (errno.EROFS, "make it writable")]
)
def test_a_medium_that_is_gone_for_good_is_told_with_what_to_do(tmp_path, monkeypatch, number, advice):
    def fail(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(os, "unlink", fail)  # removing the temporary file fails as well
    with pytest.raises(StorageError, match=advice), atomic_file(tmp_path / "a") as file:
        file.write(b"x")


def test_an_existing_file_is_kept_when_it_may_not_be_replaced(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(AlreadyExistsError), atomic_file(path, replace=False):
        pytest.fail("the block must not run")
    assert path.read_bytes() == b"old"


def test_of_two_writers_that_may_not_replace_one_wins_and_the_other_is_told(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(AlreadyExistsError), atomic_file(path, replace=False) as late:
        late.write(b"late")
        with atomic_file(path, replace=False) as early:
            early.write(b"early")
    assert path.read_bytes() == b"early"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere"), atomic_file(tmp_path / "nowhere" / "a"):
        pytest.fail("the block must not run")


def test_digests_have_the_notation_of_oci():
    digest = sha256(b"")
    assert digest == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert is_digest(digest)
    assert not is_digest(digest.upper())
    assert not is_digest(digest + "\n")
    assert not is_digest(None)
    assert hex_of(digest) == digest[7:]
