"""``maas sign-folder`` and ``maas verify-folder``, as a person at a terminal meets them."""

import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import maas_sdk as maas
from maas_sdk.cli import main
from maas_sdk.signing import PrivateKey, save_private_key, save_public_key


@pytest.fixture
def maas_command(monkeypatch, capsys):
    """Run a command in this process: a process of its own takes a second, and test_cli.py has many."""

    def command(*arguments, cwd):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["maas", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return SimpleNamespace(returncode=ended.value.code, **capsys.readouterr()._asdict())

    return command


def write_certificates(folder):
    """Write ``root.pem``, ``leaf.pem`` and ``leaf.key``."""
    now, keys = datetime.now(UTC), [ec.generate_private_key(ec.SECP384R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("root", "leaf")]
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
         "crl_sign", "encipher_only", "decipher_only"), False)  # fmt: skip
    extensions = [
        [x509.BasicConstraints(ca=True, path_length=None)],
        [
            x509.KeyUsage(digital_signature=True, **usage),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
        ],
    ]
    for name, key, more in zip(names, keys, extensions, strict=True):
        builder = x509.CertificateBuilder(names[0], name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        for extension in more:
            builder = builder.add_extension(extension, critical=True)
        text = name.rfc4514_string().removeprefix("CN=")
        made = builder.sign(keys[0], hashes.SHA384())
        (folder / f"{text}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    secret = keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "leaf.key").write_bytes(secret)
    (folder / "leaf.key").chmod(0o600)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Keys of every kind, and a folder."""
    world = tmp_path_factory.mktemp("acme")
    (world / "passphrase").write_text("correct horse\n")
    acme = maas.Identity.generate("acme")
    acme.save(world / "acme.identity", passphrase="correct horse", work_factor=2)
    acme.public.save(world / "acme.contact.json")
    key = PrivateKey.generate("ecdsa-p521")
    save_private_key(key, world / "p521.key", passphrase=None)
    save_public_key(key.public_key, world / "p521.pub")
    save_private_key(PrivateKey.generate("ed25519"), world / "ed25519.key", passphrase=None)
    write_certificates(world)
    (world / "digits").mkdir()
    (world / "digits" / "model.json").write_text("{}")
    return world


@pytest.mark.parametrize(
    ("sign", "trust", "shown"),
    [
        (
            ["--key", "acme.identity", "--passphrase-file", "passphrase"],
            ["--key", "acme.contact.json"],
            "p256",
        ),
        (["--key", "p521.key"], ["--key", "p521.pub"], "p521"),
        (["--key", "p521.key"], ["--key", "acme.contact.json", "--key", "p521.pub"], "p521"),
        (["--key", "leaf.key", "--certificate-chain", "leaf.pem"], ["--root", "root.pem"], "CN=root"),
    ],
    ids=["identity", "PEM", "two keys", "certificates"],
)
def test_what_was_signed_is_accepted_and_what_was_changed_is_not(
    maas_command, world, tmp_path, sign, trust, shown
):
    signature = tmp_path / "digits.sig"
    done = maas_command("sign-folder", "digits", *sign, "-o", signature, cwd=world)
    assert done.returncode == 0, done.err
    done = maas_command("verify-folder", "digits", "--signature", signature, *trust, cwd=world)
    assert done.returncode == 0, done.err
    assert shown in done.out
    (world / "digits" / "more").write_text("x")
    done = maas_command("verify-folder", "digits", "--signature", signature, *trust, cwd=world)
    (world / "digits" / "more").unlink()
    assert done.returncode == 1
    assert "'more': not signed" in done.err
    assert done.err.count("\n") == 1


def test_a_stranger_is_refused_with_status_1(maas_command, world, tmp_path):
    signature = tmp_path / "digits.sig"
    maas_command("sign-folder", "digits", "--key", "p521.key", "-o", signature, cwd=world)
    for trust, words in (("--key", "0 of 1 trusted keys signed"), ("--root", "no key is trusted")):
        file = "acme.contact.json" if trust == "--key" else "root.pem"
        done = maas_command("verify-folder", "digits", "--signature", signature, trust, file, cwd=world)
        assert done.returncode == 1
        assert words in done.err
    done = maas_command("verify-folder", "digits", "--signature", "root.pem", "--root", "root.pem", cwd=world)
    assert done.returncode == 1
    assert "InvalidArtifactError" in done.err


SIGN, VERIFY = ["sign-folder", "digits"], ["verify-folder", "digits"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*SIGN, "--key", "absent", "-o", "x.sig"], "absent"),
        ([*SIGN, "--key", "ed25519.key", "-o", "x.sig"], "ECDSA keys only"),
        ([*SIGN, "--key", "p521.key", "-o", "root.pem"], "root.pem"),
        (
            [*SIGN, "--key", "p521.key", "--certificate-chain", "leaf.pem", "-o", "x.sig"],
            "not the certificate",
        ),
        ([*SIGN, "--key", "p521.key", "--certificate-chain", "p521.pub", "-o", "x.sig"], "not a certificate"),
        (["sign-folder", "nowhere", "--key", "p521.key", "-o", "x.sig"], "nowhere"),
        ([*VERIFY, "--signature", "x.sig"], "--key or --root"),
        ([*VERIFY, "--signature", "absent.sig", "--key", "p521.pub"], "absent.sig"),
        ([*VERIFY, "--signature", "x.sig", "--key", "root.pem"], "not a public key"),
    ],
    ids=range(9),
)
def test_what_cannot_be_done_is_said_in_one_line_with_status_2(maas_command, world, arguments, words):
    done = maas_command(*arguments, cwd=world)
    assert done.returncode == 2
    assert words in done.err
    assert done.err.count("\n") == 1
    assert not (world / "x.sig").exists()


def test_what_names_say_is_shown_and_not_obeyed(maas_command, world, tmp_path):
    folder = tmp_path / "[bold]digits\x1b[2J"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    signature = tmp_path / "[red].sig"
    done = maas_command("sign-folder", folder, "--key", "p521.key", "-o", signature, cwd=world)
    assert "[red].sig" in done.out
    done = maas_command("verify-folder", folder, "--signature", signature, "--key", "p521.pub", cwd=world)
    assert done.returncode == 0
    assert r"'[bold]digits\x1b[2J'" in done.out
