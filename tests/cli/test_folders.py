"""``maas sign-folder`` and ``maas verify-folder``, as a person at a terminal meets them."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import maas_sdk as maas
from maas_sdk.signing import PrivateKey, save_private_key, save_public_key


def maas_command(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "maas_sdk", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


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
def test_what_was_signed_is_accepted_and_what_was_changed_is_not(world, tmp_path, sign, trust, shown):
    signature = tmp_path / "digits.sig"
    done = maas_command("sign-folder", "digits", *sign, "-o", signature, cwd=world)
    assert done.returncode == 0, done.stderr
    done = maas_command("verify-folder", "digits", "--signature", signature, *trust, cwd=world)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
    (world / "digits" / "more").write_text("x")
    done = maas_command("verify-folder", "digits", "--signature", signature, *trust, cwd=world)
    (world / "digits" / "more").unlink()
    assert done.returncode == 1
    assert "'more': not signed" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_stranger_is_refused_with_status_1(world, tmp_path):
    signature = tmp_path / "digits.sig"
    maas_command("sign-folder", "digits", "--key", "p521.key", "-o", signature, cwd=world)
    for trust, words in (("--key", "0 of 1 trusted keys signed"), ("--root", "0 of 0 trusted keys signed")):
        file = "acme.contact.json" if trust == "--key" else "root.pem"
        done = maas_command("verify-folder", "digits", "--signature", signature, trust, file, cwd=world)
        assert done.returncode == 1
        assert words in done.stderr
    done = maas_command("verify-folder", "digits", "--signature", "root.pem", "--root", "root.pem", cwd=world)
    assert done.returncode == 1
    assert "InvalidArtifactError" in done.stderr


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
def test_what_cannot_be_done_is_said_in_one_line_with_status_2(world, arguments, words):
    done = maas_command(*arguments, cwd=world)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (world / "x.sig").exists()
