"""``maas keys``: new, show, fingerprint, change-passphrase, as a person at a terminal meets them."""

import subprocess
import sys

import pytest

import maas_sdk as maas


def keys(*arguments, cwd, stdin=""):
    done = subprocess.run(
        [sys.executable, "-m", "maas_sdk", "keys", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("acme")
    (folder / "passphrase").write_text("correct horse\n")
    (folder / "new").write_text("battery staple\n")
    done = keys("new", "acme", "--pq", "--passphrase-file", "passphrase", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_post_quantum_identity_has_both_kinds_of_keys(folder):
    contact = maas.Contact.load(folder / "acme.contact.json")
    assert contact.public_key.key_type == "ecdsa-p256+ml-dsa-65"
    assert contact.recipient.post_quantum
    identity = maas.Identity.load(folder / "acme.identity", passphrase="correct horse")
    assert identity.public == contact


def test_a_contact_is_shown_without_pages_of_recipient(folder):
    shown = keys("show", "acme.contact.json", cwd=folder)
    assert shown.returncode == 0
    assert "ecdsa-p256+ml-dsa-65" in shown.stdout
    assert "age1pq1" in shown.stdout
    assert len(shown.stdout) < 1500


def test_a_fingerprint_is_printed_alone(folder):
    contact = maas.Contact.load(folder / "acme.contact.json")
    printed = keys("fingerprint", "acme.contact.json", cwd=folder)
    assert printed.stdout == contact.fingerprint_text + "\n"
    refused = keys("fingerprint", "passphrase", cwd=folder)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


def test_a_passphrase_is_changed(tmp_path):
    for name, words in (("old", "correct horse"), ("new", "battery staple")):
        (tmp_path / name).write_text(f"{words}\n")
    assert keys("new", "globex", "--passphrase-file", "old", cwd=tmp_path).returncode == 0
    change = (
        "change-passphrase",
        "globex.identity",
        "--passphrase-file",
        "old",
        "--new-passphrase-file",
        "new",
    )
    done = keys(*change, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "globex.identity").stat().st_mode & 0o777 == 0o600
    assert maas.Identity.load(tmp_path / "globex.identity", passphrase="battery staple").name == "globex"
    again = keys(*change, cwd=tmp_path)
    assert again.returncode == 2
    assert "WrongPassphraseError" in again.stderr
    assert again.stderr.count("\n") == 1


def test_the_new_passphrase_is_asked_for_twice_and_a_slip_changes_nothing(folder):
    before = (folder / "acme.identity").read_bytes()
    change = ("change-passphrase", "acme.identity", "--passphrase-file", "passphrase")
    done = keys(*change, stdin="one\ntwo\n", cwd=folder)
    assert done.returncode != 0
    assert "New passphrase" in done.stdout + done.stderr
    assert (folder / "acme.identity").read_bytes() == before


@pytest.mark.parametrize("file", ["absent", "passphrase", "acme.contact.json"])
def test_what_is_no_identity_cannot_have_its_passphrase_changed(folder, file):
    done = keys(
        "change-passphrase",
        file,
        "--passphrase-file",
        "passphrase",
        "--new-passphrase-file",
        "new",
        cwd=folder,
    )
    assert done.returncode == 2
    assert "KeyFileError" in done.stderr
    assert file in done.stderr
    assert done.stderr.count("\n") == 1
