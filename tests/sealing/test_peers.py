"""Files of other implementations, and theirs of ours."""

from __future__ import annotations

import io
import os
import shutil
import subprocess

import pytest

from maas_sdk import sealing
from maas_sdk.errors import HeaderError, PayloadError
from maas_sdk.limits import Limits

pyrage = pytest.importorskip("pyrage")

SIZES = [0, 1, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1]


@pytest.fixture(scope="module")
def theirs(alice):
    return pyrage.x25519.Identity.from_str(alice.to_text())


def test_pyrage_derives_the_same_recipient(alice, theirs):
    assert str(theirs.to_public()) == str(alice.recipient)


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_what_we_seal(size, seal, theirs):
    data = os.urandom(size)
    assert pyrage.decrypt(seal(data), [theirs]) == data


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_pyrage_seals(size, alice, theirs, unseal):
    data = os.urandom(size)
    sealed = pyrage.encrypt(data, [theirs.to_public()])
    assert unseal(sealed) == data
    with sealing.open_sealed(sealed, [alice]) as reader:
        assert reader.read() == data


def test_pyrage_opens_our_armor_and_we_theirs(seal, theirs, unseal):
    assert pyrage.decrypt(seal(b"text", armor=True), [theirs]) == b"text"
    assert unseal(pyrage.encrypt(b"text", [theirs.to_public()], armored=True)) == b"text"


def test_pyrage_opens_our_passphrase(seal, passphrase):
    assert pyrage.passphrase.decrypt(seal(b"text", recipients=[passphrase]), "correct horse") == b"text"


def test_we_open_pyrages_passphrase_when_the_limits_allow_its_work():
    sealed = pyrage.passphrase.encrypt(b"text", "correct horse")  # with as much work as takes about a second
    work = int(sealed.split(b"\n", 2)[1].split(b" ")[3])
    sink = io.BytesIO()
    keys = [sealing.Passphrase("correct horse")]
    sealing.decrypt(sealed, sink, keys, limits=Limits(max_scrypt_work_factor=max(work, 20)))
    assert sink.getvalue() == b"text"
    with pytest.raises(HeaderError, match="max_scrypt_work_factor"):
        sealing.decrypt(sealed, sink, keys, limits=Limits(max_scrypt_work_factor=work - 1))


needs_age = pytest.mark.skipif(shutil.which("age") is None, reason="Debian's age is not installed")


@needs_age
@pytest.mark.parametrize("size", SIZES[::3])
@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
def test_age_opens_what_we_seal(size, armor, alice, seal, tmp_path):
    data = os.urandom(size)
    (tmp_path / "key").write_text(alice.to_text() + "\n", encoding="ascii")
    done = subprocess.run(
        ["age", "--decrypt", "-i", tmp_path / "key"],
        input=seal(data, armor=armor),
        capture_output=True,
        check=True,
    )
    assert done.stdout == data


@needs_age
@pytest.mark.parametrize("size", SIZES[::3])
@pytest.mark.parametrize("options", [[], ["--armor"]], ids=["binary", "armored"])
def test_we_open_what_age_seals(size, options, alice, unseal):
    data = os.urandom(size)
    done = subprocess.run(
        ["age", "--encrypt", *options, "-r", str(alice.recipient)],
        input=data,
        capture_output=True,
        check=True,
    )
    assert unseal(done.stdout) == data


@needs_age
def test_age_refuses_what_we_refuse_of_a_file_that_was_altered(alice, seal, unseal, tmp_path):
    (tmp_path / "key").write_text(alice.to_text() + "\n", encoding="ascii")
    sealed = bytearray(seal(b"text"))
    sealed[-1] ^= 1
    with pytest.raises(PayloadError):
        unseal(bytes(sealed))
    done = subprocess.run(
        ["age", "--decrypt", "-i", tmp_path / "key"], input=sealed, capture_output=True, check=False
    )
    assert done.returncode == 1
