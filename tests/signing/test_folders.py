"""Signed folders: exactly the signed files, no links."""

import errno
import os
import shutil

import pytest

from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    NotFoundError,
    StorageFullError,
    VerificationError,
)
from maas_sdk.limits import Limits
from maas_sdk.signing import PrivateKey, load_public_key, sign_folder, verify_folder

ACME = PrivateKey.generate()


@pytest.fixture
def folder(tmp_path):
    """The very files of the vector that the stock tool signed."""
    folder = tmp_path / "digits"
    (folder / "tensors").mkdir(parents=True)
    (folder / "model.json").write_bytes(b'{"model":"digits"}')
    (folder / "tensors" / "000.safetensors").write_bytes(b"weights")
    (folder / "tensors.md").write_bytes(b"card")
    return folder


@pytest.fixture
def signed(folder):
    sign_folder(folder, ACME, folder / "model.sig")
    return folder


def verify(folder, bundle=None):
    return verify_folder(folder, bundle or folder / "model.sig", [ACME.public_key])


def test_a_signed_folder_verifies(signed):
    result = verify(signed)
    assert result.name == "digits"
    assert [file.name for file in result.files] == ["model.json", "tensors.md", "tensors/000.safetensors"]
    assert result.key == ACME.public_key


def test_the_bundle_may_lie_elsewhere(folder, tmp_path):
    sign_folder(str(folder), ACME, tmp_path / "digits.sig")
    assert verify(folder, tmp_path / "digits.sig").name == "digits"


def test_the_folder_may_be_renamed_copied_and_named_relatively(signed, tmp_path, monkeypatch):
    shutil.copytree(signed, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert verify_folder(".", "model.sig", [ACME.public_key]).name == "digits"


def test_a_folder_that_the_stock_tool_signed_verifies(folder, vectors):
    shutil.copy(vectors / "stock-1.1.1.model.sig", folder / "model.sig")
    trusted = load_public_key(vectors / "ecdsa-p256.pem")
    assert verify_folder(folder, folder / "model.sig", [trusted]).name == "digits"


def test_a_changed_file_is_noticed(signed):
    (signed / "tensors.md").write_bytes(b"Card")
    with pytest.raises(VerificationError, match=r"'tensors\.md': not what was signed"):
        verify(signed)


def test_a_missing_file_is_noticed(signed):
    (signed / "tensors.md").unlink()
    with pytest.raises(VerificationError, match=r"'tensors\.md': missing"):
        verify(signed)


@pytest.mark.parametrize(
    "extra", ["extra", "tensors/001.safetensors", ".git/config", ".gitignore", "tensors/model.sig"]
)
def test_a_file_that_nobody_signed_is_refused_wherever_it_lies(signed, extra):
    (signed / extra).parent.mkdir(exist_ok=True)
    (signed / extra).write_text("x")
    with pytest.raises(VerificationError, match=f"'{extra}': not signed"):
        verify(signed)


def test_many_faults_are_counted(signed):
    for name in "abc":
        (signed / name).write_text("x")
    with pytest.raises(VerificationError, match="'a' and 2 more: not signed"):
        verify(signed)


def test_ignored_paths_of_a_bundle_give_no_licence(folder, vectors):
    shutil.copy(vectors / "stock-1.1.1.model.sig", folder / "model.sig")
    (folder / ".github").mkdir()
    (folder / ".github" / "workflow").write_text("x")
    with pytest.raises(VerificationError, match="not signed"):
        verify_folder(folder, folder / "model.sig", [load_public_key(vectors / "ecdsa-p256.pem")])


@pytest.mark.parametrize("target", ["model.json", "tensors", "/etc/passwd", "nowhere"])
def test_links_are_refused_on_both_sides(signed, target):
    (signed / "link").symlink_to(target)
    with pytest.raises(InvalidArtifactError, match="'link' is neither a file nor a folder"):
        verify(signed)
    with pytest.raises(InvalidArtifactError, match="'link' is neither a file nor a folder"):
        sign_folder(signed, ACME, signed / "other.sig")


def test_a_bundle_that_is_a_link_inside_the_folder_is_refused(signed, tmp_path):
    (signed / "model.sig").rename(tmp_path / "real.sig")
    (signed / "model.sig").symlink_to(tmp_path / "real.sig")
    with pytest.raises(InvalidArtifactError, match="neither a file nor a folder"):
        verify(signed)


def test_a_pipe_is_refused(signed):
    os.mkfifo(signed / "pipe")
    with pytest.raises(InvalidArtifactError, match="'pipe' is neither"):
        verify(signed)


def test_empty_folders_do_not_matter(signed):
    (signed / "empty").mkdir()
    assert verify(signed)


def test_an_empty_folder_cannot_be_signed(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidOptionError, match="no file to sign"):
        sign_folder(tmp_path / "empty", ACME, tmp_path / "model.sig")
    assert not (tmp_path / "model.sig").exists()


def test_a_name_that_is_not_utf_8_cannot_be_signed(folder):
    (folder / os.fsdecode(b"caf\xe9")).write_text("x")
    with pytest.raises(InvalidOptionError, match="UTF-8"):
        sign_folder(folder, ACME, folder / "model.sig")


def test_signing_never_replaces_a_file(signed):
    before = (signed / "model.sig").read_bytes()
    with pytest.raises(AlreadyExistsError):
        sign_folder(signed, ACME, signed / "model.sig")
    assert (signed / "model.sig").read_bytes() == before


def test_a_full_medium_leaves_nothing(folder, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("maas_sdk._internal.files.os.fsync", full)
    with pytest.raises(StorageFullError):
        sign_folder(folder, ACME, folder / "model.sig")
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "tensors", "tensors.md"]


def test_what_is_missing_is_told(signed, tmp_path):
    with pytest.raises(NotFoundError, match="absent"):
        verify(signed, tmp_path / "absent")
    with pytest.raises(NotFoundError, match="absent"):
        verify(tmp_path / "absent", signed / "model.sig")
    with pytest.raises(NotFoundError, match="absent"):
        sign_folder(tmp_path / "absent", ACME, tmp_path / "model.sig")


def test_an_oversized_bundle_is_not_read_whole(signed):
    with (signed / "model.sig").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(LimitExceededError, match="max_json_bytes"):
        verify_folder(signed, signed / "model.sig", [ACME.public_key], limits=Limits(max_json_bytes=1000))
