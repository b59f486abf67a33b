"""``maas seal`` and ``maas unseal``, as a person at a terminal meets them."""

import contextlib
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from unittest import mock

import pyrage
import pytest
from typer.testing import CliRunner

import maas_sdk as maas
from maas_sdk import sealing
from maas_sdk.cli import _app, _seal, main

TEXT = b"some text\n" * 10_000


def maas_command(*arguments, cwd):
    """Run a command in this process; `test_cli.py` starts one of its own each time."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["maas", *map(str, arguments)]),
        pytest.raises(SystemExit) as exited,
    ):
        main()
    return subprocess.CompletedProcess(arguments, exited.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def alice():
    return sealing.generate_identity(post_quantum=False)


@pytest.fixture(scope="module")
def globex():
    return maas.Identity.generate("globex")


@pytest.fixture
def folder(tmp_path, alice, globex):
    """A folder with a file, an age identity, the SDK's identity and contact, passphrases."""
    (tmp_path / "plain").write_bytes(TEXT)
    (tmp_path / "alice.key").write_text(f"# created today\n{alice.to_text()}\n")
    (tmp_path / "recipients").write_text(f"# alice\n{alice.recipient}\n")
    (tmp_path / "passphrase").write_text("correct horse\n")
    (tmp_path / "wrong").write_text("battery staple\n")
    (tmp_path / "alice.key").chmod(0o600)
    globex.save(tmp_path / "globex.identity", passphrase="correct horse", work_factor=2)
    globex.public.save(tmp_path / "globex.contact.json")
    sealing.encrypt(TEXT, tmp_path / "for-alice.age", [alice.recipient])
    sealing.encrypt(TEXT, tmp_path / "for-globex.age", [globex.sealing.recipient])
    sealing.encrypt(
        TEXT, tmp_path / "passphrase.age", [sealing.Passphrase("correct horse", work_factor=2)], armor=True
    )
    return tmp_path


@pytest.mark.parametrize("armor", [[], ["--armor"]], ids=["binary", "armored"])
def test_a_file_sealed_for_several_opens_for_each_of_them(armor, folder, alice, globex):
    done = maas_command(
        "seal", "plain", "-r", alice.recipient, "-r", "globex.contact.json", "-r", "recipients",
        "-o", "sealed.age", *armor, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sealed.age" in done.stdout
    assert (folder / "sealed.age").read_bytes().startswith(b"-----BEGIN" if armor else b"age-encryption.org")
    for name, options in (
        ("one", ["-i", "alice.key"]),
        ("two", ["-i", "globex.identity", "--passphrase-file", "passphrase"]),
    ):
        opened = maas_command("unseal", "sealed.age", *options, "-o", name, cwd=folder)
        assert opened.returncode == 0, opened.stderr
        assert (folder / name).read_bytes() == TEXT
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_a_file_sealed_with_a_passphrase_opens_with_it_here_and_in_pyrage(folder):
    sealed = maas_command("seal", "plain", "--passphrase-file", "passphrase", "-o", "sealed.age", cwd=folder)
    assert sealed.returncode == 0, sealed.stderr
    assert pyrage.passphrase.decrypt((folder / "sealed.age").read_bytes(), "correct horse") == TEXT
    opened = maas_command(
        "unseal", "sealed.age", "--passphrase-file", "passphrase", "-o", "opened", cwd=folder
    )
    assert opened.returncode == 0, opened.stderr
    assert (folder / "opened").read_bytes() == TEXT


def test_a_passphrase_is_asked_for(folder):
    command = [sys.executable, "-m", "maas_sdk", "unseal", "passphrase.age", "-p", "-o", "opened"]
    opened = subprocess.run(command, cwd=folder, input=b"correct horse\n", capture_output=True, check=True)
    assert (folder / "opened").read_bytes() == TEXT
    assert b"correct horse" not in opened.stdout + opened.stderr


def test_pyrage_opens_what_is_sealed_here_and_the_other_way_round(folder, alice):
    theirs = pyrage.x25519.Identity.from_str(alice.to_text())
    assert maas_command("seal", "plain", "-r", alice.recipient, "-o", "sealed", cwd=folder).returncode == 0
    assert pyrage.decrypt((folder / "sealed").read_bytes(), [theirs]) == TEXT
    (folder / "theirs.age").write_bytes(pyrage.encrypt(TEXT, [theirs.to_public()]))
    assert maas_command("unseal", "theirs.age", "-i", "alice.key", "-o", "b", cwd=folder).returncode == 0
    assert (folder / "b").read_bytes() == TEXT


@pytest.mark.skipif(shutil.which("age") is None, reason="Debian's age is not installed")
def test_age_opens_what_is_sealed_here_and_the_other_way_round(folder, alice):
    assert maas_command("seal", "plain", "-r", "recipients", "-o", "sealed", cwd=folder).returncode == 0
    subprocess.run(["age", "-d", "-i", "alice.key", "-o", "a", "sealed"], cwd=folder, check=True)
    assert (folder / "a").read_bytes() == TEXT
    subprocess.run(["age", "-a", "-r", str(alice.recipient), "-o", "theirs", "plain"], cwd=folder, check=True)
    assert maas_command("unseal", "theirs", "-i", "alice.key", "-o", "b", cwd=folder).returncode == 0
    assert (folder / "b").read_bytes() == TEXT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["for-globex.age", "-i", "alice.key"], "NoMatchError"),
        (["passphrase.age", "-i", "alice.key"], "sealed with a passphrase"),
        (["passphrase.age", "--passphrase-file", "wrong"], "the passphrase is wrong"),
        (["plain", "-i", "alice.key"], "not an age file"),
        (["altered.age", "-i", "alice.key"], "PayloadError: chunk 1"),
        (["cut.age", "-i", "alice.key"], "PayloadError"),
    ],
)
def test_what_does_not_open_has_status_1_and_leaves_nothing(folder, arguments, words):
    sealed = (folder / "for-alice.age").read_bytes()
    (folder / "altered.age").write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    (folder / "cut.age").write_bytes(sealed[:-20_000])
    before = sorted(folder.iterdir())
    done = maas_command("unseal", *arguments, "-o", "opened", cwd=folder)
    assert done.returncode == 1, done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["seal", "missing", "-r", "recipients"], "missing"),
        (["seal", ".", "-r", "recipients"], "directory"),
        (["seal", "plain"], "-r RECIPIENT or --passphrase"),
        (["seal", "plain", "-r", "recipients", "-p"], "not both"),
        (["seal", "plain", "-r", "age1nobody"], "InvalidKeyError"),
        (["seal", "plain", "-r", "missing"], "missing"),
        (["seal", "plain", "-r", "plain"], "recipient file, line 1"),
        (["seal", "plain", "-r", "binary"], "not UTF-8"),
        (["seal", "plain", "-r", "half.json"], "half.json"),
        (["seal", "plain", "-r", "alice.key"], "line 2: this is an identity"),
        (["seal", "plain", "--passphrase-file", "missing"], "missing"),
        (["unseal", "for-alice.age"], "-i IDENTITY or --passphrase"),
        (["unseal", "for-alice.age", "-i", "alice.key", "-p"], "not both"),
        (["unseal", "for-alice.age", "-i", "recipients.key"], "this is a recipient"),
        (["unseal", "for-alice.age", "-i", "recipients"], "chmod 600"),
        (["unseal", "for-alice.age", "-i", "missing"], "missing"),
        (["unseal", "missing", "-i", "alice.key"], "missing"),
        (
            ["unseal", "for-alice.age", "-i", "alice.key", "--passphrase-file", "passphrase"],
            "no identity here",
        ),
        (["unseal", "for-globex.age", "-i", "globex.identity", "--passphrase-file", "wrong"], "WrongPassph"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_with_status_2(folder, alice, arguments, words):
    (folder / "binary").write_bytes(b"\xff\xfe")
    (folder / "half.json").write_text("{")
    shutil.copy(folder / "recipients", folder / "recipients.key")
    (folder / "recipients.key").chmod(0o600)
    before = sorted(folder.iterdir())
    done = maas_command(*arguments, "-o", "out", cwd=folder)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert alice.to_text() not in done.stderr
    assert sorted(folder.iterdir()) == before


def test_a_secret_key_among_the_recipients_is_refused_and_not_repeated(folder, alice):
    done = maas_command("seal", "plain", "-r", alice.to_text(), "-o", "out", cwd=folder)
    assert done.returncode == 2
    assert alice.to_text() not in done.stdout + done.stderr


def test_an_existing_file_is_replaced_only_by_force(folder):
    (folder / "out").write_bytes(b"old")
    for command in (["seal", "plain", "-r", "recipients"], ["unseal", "for-alice.age", "-i", "alice.key"]):
        done = maas_command(*command, "-o", "out", cwd=folder)
        assert done.returncode == 2
        assert "--force" in done.stderr
        assert (folder / "out").read_bytes() == b"old"
    done = maas_command("unseal", "for-alice.age", "-i", "alice.key", "-o", "out", "--force", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "out").read_bytes() == TEXT


def test_what_appears_meanwhile_is_not_replaced(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(_seal, "_check_files", lambda _file, output, force: output.write_bytes(b"theirs"))
    done = CliRunner().invoke(_app.app, ["unseal", "for-alice.age", "-i", "alice.key", "-o", "out"])
    assert "exists" in str(done.exception)
    assert (folder / "out").read_bytes() == b"theirs"


def test_a_large_file_has_a_bar_that_reaches_its_end(folder, alice, monkeypatch):
    seen = []

    @contextlib.contextmanager
    def recorded():
        yield lambda *facts: seen.append(facts)

    monkeypatch.chdir(folder)
    monkeypatch.setattr(_seal, "byte_progress", recorded)
    monkeypatch.setattr(_seal, "_LARGE", 1000)
    done = CliRunner().invoke(_app.app, ["seal", "plain", "-r", str(alice.recipient), "-o", "sealed"])
    assert done.exit_code == 0, done.output
    assert seen[-1] == ("seal", len(TEXT), len(TEXT))
    opened = CliRunner().invoke(_app.app, ["unseal", "sealed", "-i", "alice.key", "-o", "opened"])
    assert opened.exit_code == 0, opened.output
    assert (folder / "opened").read_bytes() == TEXT


def test_an_interruption_leaves_nothing_and_shows_no_traceback(folder):
    os.mkfifo(folder / "pipe")
    before = sorted(folder.iterdir())
    command = [sys.executable, "-m", "maas_sdk", "seal", "pipe", "-r", "recipients", "-o", "out"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE) as process:
        with (folder / "pipe").open("wb", buffering=0) as pipe:  # opens once the command reads
            pipe.write(bytes(1000))
            while sorted(folder.iterdir()) == before:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        assert b"Traceback" not in process.stderr.read()
    assert sorted(folder.iterdir()) == before
