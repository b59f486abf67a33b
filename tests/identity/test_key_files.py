"""One key out of whatever file holds it."""

import io

import pytest

from maas_sdk import sealing
from maas_sdk.errors import KeyFileError, LimitExceededError, WrongPassphraseError
from maas_sdk.identity import Identity, load_signing_key, load_verifying_key
from maas_sdk.limits import Limits
from maas_sdk.signing import PrivateKey, save_private_key, save_public_key

QUICK = 2  # scrypt work factor: these passphrases protect nothing
WORDS = "correct horse"
ACME = Identity.generate("acme", post_quantum=True)


def aged(path, plain, *, armor=False):
    sink = io.BytesIO()
    sealing.encrypt(plain, sink, [sealing.Passphrase(WORDS, work_factor=QUICK)], armor=armor)
    path.write_bytes(sink.getvalue())
    path.chmod(0o600)
    return path


def test_an_identity_gives_its_key(tmp_path):
    ACME.save(tmp_path / "acme.identity", passphrase=WORDS, work_factor=QUICK)
    key = load_signing_key(tmp_path / "acme.identity", passphrase=lambda: WORDS)
    assert key.public_key == ACME.public.public_key


@pytest.mark.parametrize("armor", [False, True])
def test_an_age_file_around_pem_gives_its_key(tmp_path, armor):
    path = aged(tmp_path / "acme.key.age", ACME.signer.to_pem(None).encode(), armor=armor)
    assert load_signing_key(path, passphrase=WORDS).public_key == ACME.public.public_key


@pytest.mark.parametrize("passphrase", [None, WORDS])
def test_pem_gives_its_key_and_nobody_is_asked_in_vain(tmp_path, passphrase):
    save_private_key(ACME.signer, tmp_path / "acme.key", passphrase=passphrase)
    ask = pytest.fail if passphrase is None else lambda: passphrase
    assert load_signing_key(tmp_path / "acme.key", passphrase=ask).public_key == ACME.public.public_key


@pytest.mark.parametrize("kind", ["identity", "pem", "age"])
def test_a_wrong_passphrase_is_told_with_the_file(tmp_path, kind):
    path = tmp_path / "acme.secret"
    if kind == "identity":
        ACME.save(path, passphrase=WORDS, work_factor=QUICK)
    elif kind == "pem":
        save_private_key(ACME.signer, path, passphrase=WORDS)
    else:
        aged(path, ACME.signer.to_pem(None).encode())
    with pytest.raises(WrongPassphraseError, match=r"acme\.secret"):
        load_signing_key(path, passphrase="wrong")


@pytest.mark.parametrize("plain", [b"hello", b"{}", b""])
def test_an_age_file_around_something_else_is_refused(tmp_path, plain):
    with pytest.raises(KeyFileError):
        load_signing_key(aged(tmp_path / "x.age", plain), passphrase=WORDS)


def test_what_is_no_key_is_refused_with_the_file(tmp_path):
    path = tmp_path / "hello"
    path.write_text("hello")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="hello: this is not a private key"):
        load_signing_key(path, passphrase=pytest.fail)
    with pytest.raises(KeyFileError, match="hello: expected one public key"):
        load_verifying_key(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_signing_key(path, passphrase=pytest.fail)


def test_a_contact_or_pem_gives_the_key_that_verifies(tmp_path):
    ACME.public.save(tmp_path / "acme.contact.json")
    save_public_key(ACME.public.public_key, tmp_path / "acme.pub")
    for name in ("acme.contact.json", "acme.pub"):
        assert load_verifying_key(tmp_path / name) == ACME.public.public_key


def test_a_malformed_contact_is_refused_with_the_file(tmp_path):
    (tmp_path / "acme.contact.json").write_text("{}")
    with pytest.raises(KeyFileError, match=r"acme\.contact\.json: the contact"):
        load_verifying_key(tmp_path / "acme.contact.json")


def test_oversized_files_are_refused(tmp_path):
    save_private_key(PrivateKey.generate(), tmp_path / "acme.key", passphrase=None)
    tiny = Limits(max_key_file_bytes=10)
    with pytest.raises(LimitExceededError):
        load_signing_key(tmp_path / "acme.key", passphrase=pytest.fail, limits=tiny)
    with pytest.raises(LimitExceededError):
        load_verifying_key(tmp_path / "acme.key", limits=tiny)
