"""Other people's tools accept what we sign, and we what they sign; a table says which, in which direction.

Each peer is skipped where it is not installed: ``tox -e peers-signing`` brings them all but OpenSSL.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from maas_sdk.errors import VerificationError
from maas_sdk.signing import (
    KEY_TYPES,
    MODEL_SIGNING_KEY_TYPES,
    Envelope,
    PrivateKey,
    Statement,
    Subject,
    load_certificates,
    load_private_key,
    load_public_key,
    save_private_key,
    save_public_key,
    sign_envelope,
    sign_folder,
    verify_envelope,
    verify_folder,
)

BESIDE_PYTHON = Path(sys.executable).parent
STOCK = shutil.which("model_signing") or shutil.which("model_signing", path=BESIDE_PYTHON)
OPENSSL = shutil.which("openssl")
DIRECTIONS = ("they verify ours", "we verify theirs")
CURVES = {"ecdsa-p256": ec.SECP256R1(), "ecdsa-p384": ec.SECP384R1(), "ecdsa-p521": ec.SECP521R1()}
DIGESTS = {"ecdsa-p256": "sha256", "ecdsa-p384": "sha384", "ecdsa-p521": "sha512"}
SECURESYSTEMSLIB = ("ecdsa-p256", "ecdsa-p384", "ed25519")
stock_only = pytest.mark.skipif(STOCK is None, reason="the stock tool model-signing is not installed")
openssl_only = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def table(request):
    """Collect what held, and show it at the end."""
    held = {}
    yield held
    columns = dict.fromkeys(key_type for _, _, key_type in held)
    lines = ["", f"{'peer':<36}{'direction':<18}" + "".join(f"{column:<12}" for column in columns)]
    for peer, direction in dict.fromkeys((peer, direction) for peer, direction, _ in held):
        cells = "".join(f"{held.get((peer, direction, column), '-'):<12}" for column in columns)
        lines.append(f"{peer:<36}{direction:<18}{cells}")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        sys.stdout.write("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "digits"
    (folder / "tensors").mkdir(parents=True)
    (folder / "model.json").write_bytes(b'{"model":"digits"}')
    (folder / "tensors" / "000.safetensors").write_bytes(b"weights")
    (folder / "tensors.md").write_bytes(b"card")
    return folder


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def stock(verb, method, folder, signature, *options):
    return run(STOCK, verb, method, folder, "--signature", signature, *options)


def root_digest(signature):
    envelope = Envelope.from_dict(json.loads(signature.read_bytes())["dsseEnvelope"])
    return json.loads(envelope.payload)["subject"][0]["digest"]["sha256"]


@stock_only
@pytest.mark.parametrize("key_type", MODEL_SIGNING_KEY_TYPES)
def test_model_signing_with_keys(folder, tmp_path, table, key_type):
    key = PrivateKey.generate(key_type)
    secret, public, ours, theirs = (tmp_path / name for name in ("key", "pub", "ours.sig", "theirs.sig"))
    save_private_key(key, secret, passphrase=None)
    save_public_key(key.public_key, public)
    peer = "model-signing 1.1.1, key"

    sign_folder(folder, key, ours)
    done = stock("verify", "key", folder, ours, "--public_key", public)
    assert done.returncode == 0, done.stderr
    table[peer, DIRECTIONS[0], key_type] = "yes"

    done = stock("sign", "key", folder, theirs, "--private_key", secret)
    assert done.returncode == 0, done.stderr
    assert verify_folder(folder, theirs, [load_public_key(public)]).name == "digits"
    table[peer, DIRECTIONS[1], key_type] = "yes"
    # They sort by path component, we by code point; here the two differ, and so the root digests must.
    assert {file.name: file.sha256 for file in verify_folder(folder, ours, [key.public_key]).files} == {
        file.name: file.sha256 for file in verify_folder(folder, theirs, [key.public_key]).files
    }

    (folder / "tensors.md").write_bytes(b"Card")
    assert stock("verify", "key", folder, ours, "--public_key", public).returncode != 0
    with pytest.raises(VerificationError, match="not what was signed"):
        verify_folder(folder, theirs, [key.public_key])


@stock_only
def test_root_digests_are_identical_where_the_orders_agree(folder, tmp_path):
    (folder / "tensors.md").unlink()
    key = PrivateKey.generate()
    save_private_key(key, tmp_path / "key", passphrase=None)
    sign_folder(folder, key, tmp_path / "ours.sig")
    stock("sign", "key", folder, tmp_path / "theirs.sig", "--private_key", tmp_path / "key")
    assert root_digest(tmp_path / "ours.sig") == root_digest(tmp_path / "theirs.sig")


@stock_only
@pytest.mark.parametrize("key_type", MODEL_SIGNING_KEY_TYPES)
def test_model_signing_with_certificates(folder, tmp_path, table, root, key_type):
    middle = root.authority()
    leaf = middle.signer(key=ec.generate_private_key(CURVES[key_type]))
    paths = [tmp_path / name for name in ("root.pem", "middle.pem", "leaf.pem")]
    for path, holder in zip(paths, (root, middle, leaf), strict=True):
        path.write_text(holder.certificate.pem)
    secret, ours, theirs = tmp_path / "key", tmp_path / "ours.sig", tmp_path / "theirs.sig"
    key = PrivateKey(leaf.key)
    save_private_key(key, secret, passphrase=None)
    trusted = load_certificates(paths[0])
    peer = "model-signing 1.1.1, certificate"

    chain = [leaf.certificate, middle.certificate, root.certificate]
    sign_folder(folder, key, ours, certificate_chain=chain)
    done = stock("verify", "certificate", folder, ours, "--certificate_chain", paths[0])
    assert done.returncode == 0, done.stderr
    table[peer, DIRECTIONS[0], key_type] = "yes"

    done = stock(
        "sign", "certificate", folder, theirs, "--private_key", secret, "--signing_certificate", paths[2],
        "--certificate_chain", paths[1], "--certificate_chain", paths[0],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert verify_folder(folder, theirs, trusted).certificates == tuple(chain)
    table[peer, DIRECTIONS[1], key_type] = "yes"

    (folder / "tensors.md").write_bytes(b"Card")
    assert stock("verify", "certificate", folder, ours, "--certificate_chain", paths[0]).returncode != 0
    with pytest.raises(VerificationError, match="not what was signed"):
        verify_folder(folder, theirs, trusted)


@pytest.mark.parametrize("key_type", SECURESYSTEMSLIB)
def test_securesystemslib_envelopes(tmp_path, table, key_type):
    dsse = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    key = PrivateKey.generate(key_type)
    public = signer.SSlibKey.from_crypto(load_pem_public_key(key.public_key_pem().encode()), "acme")
    peer = "securesystemslib, DSSE"
    statement = Statement([Subject("model.json", "a" * 64)], "https://acme.example/v1", {"a": 1}).to_bytes()

    ours = json.loads(sign_envelope(statement, [key]).to_json())
    for signature in ours["signatures"]:
        signature["keyid"] = "acme"  # theirs looks keys up by it
    assert dsse.Envelope.from_dict(ours).verify([public], 1)
    table[peer, DIRECTIONS[0], key_type] = "yes"

    private = load_pem_private_key(key.to_pem(None).encode(), None)
    theirs = dsse.Envelope(statement, "application/vnd.in-toto+json", {})
    theirs.sign(signer.CryptoSigner(private, public))
    envelope = Envelope.from_json(json.dumps(theirs.to_dict()).encode())
    assert Statement.from_bytes(verify_envelope(envelope, [key.public_key]).payload).predicate == {"a": 1}
    table[peer, DIRECTIONS[1], key_type] = "yes"


@openssl_only
@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_openssl_keys_and_signatures(tmp_path, table, key_type):
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(b"message")
    options = ["-rawin"] if key_type == "ed25519" else ["-rawin", "-digest", DIGESTS[key_type]]
    peer = "openssl, PKCS#8 PEM and signatures"

    ours = PrivateKey.generate(key_type)
    save_public_key(ours.public_key, tmp_path / "ours.pub")
    save_private_key(ours, tmp_path / "ours.key", passphrase="correct horse")
    signature.write_bytes(ours.sign(b"message"))
    read = run(OPENSSL, "pkey", "-in", tmp_path / "ours.key", "-passin", "pass:correct horse", "-pubout")
    assert read.stdout == ours.public_key.pem
    verify = ["pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "ours.pub", "-sigfile", signature]
    done = run(OPENSSL, *verify, *options, "-in", message)
    assert done.returncode == 0, done.stderr
    table[peer, DIRECTIONS[0], key_type] = "yes"

    curve = {"ecdsa-p256": "P-256", "ecdsa-p384": "P-384", "ecdsa-p521": "P-521"}.get(key_type)
    kind = ["ED25519"] if curve is None else ["EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"]
    theirs = tmp_path / "theirs.key"
    secret = ["-aes-256-cbc", "-pass", "pass:correct horse"]
    assert run(OPENSSL, "genpkey", "-algorithm", *kind, *secret, "-out", theirs).returncode == 0
    theirs.chmod(0o600)
    key = load_private_key(theirs, "correct horse")
    assert key.public_key.key_type == key_type
    sign = ["pkeyutl", "-sign", "-inkey", theirs, "-passin", "pass:correct horse", "-out", signature]
    assert run(OPENSSL, *sign, *options, "-in", message).returncode == 0
    key.public_key.verify(signature.read_bytes(), b"message")
    table[peer, DIRECTIONS[1], key_type] = "yes"
