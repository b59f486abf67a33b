"""What the kit cannot know: tokens, PINs, and the way of a release that a token signed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris

import maas_sdk as maas
from maas_sdk.errors import (
    InvalidOptionError,
    KeyFileError,
    PluginError,
    SigningError,
    VerificationError,
    WrongPassphraseError,
)
from maas_sdk.plugin import PluginRegistry
from maas_sdk.signing import PublicKey, sign_envelope, verify_envelope

PIN = "sesame-4711"


_open: list[Any] = []


@pytest.fixture(autouse=True)
def closed_signers() -> Iterator[None]:
    """Each test begins logged out."""
    yield
    while _open:
        _open.pop().close()


def signer(options: dict[str, Any], **changes: Any) -> Any:
    given = {name: value for name, value in {**options, **changes}.items() if value is not None}
    made = PluginRegistry().create("signer", "pkcs11.token", given)
    _open.append(made)
    return made


def pin_file(folder: Path, *, mode: int = 0o600, text: bytes = b"sesame-4711\n") -> Path:
    path = folder / "pin"
    path.write_bytes(text)
    path.chmod(mode)
    return path


def test_a_release_signed_in_a_token_verifies_with_its_public_key(
    options: dict[str, Any], tmp_path: Path
) -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = maas.Pipeline(model="logistic_classifier").fit(X, y)
    token = signer(options)
    release = pipeline.publish("acme/iris", version="1.0.0", store=tmp_path / "store", signer=token)
    bundle = release.export(tmp_path / "iris.maas")

    key = PublicKey.from_pem(token.public_key_pem())
    trusted = maas.trust.TrustedKey("acme", key.fingerprint, key.pem)
    other = PublicKey.from_pem(signer(options, key_label="p384").public_key_pem())
    stranger = maas.trust.TrustedKey("acme", other.fingerprint, other.pem)

    def verdict(name: str, key: Any) -> Any:
        rule = maas.trust.Rule(names="acme/*", keys=(key,), require_sealed=False)
        trust = maas.trust.Trust.create(tmp_path / name, policy=maas.trust.Policy(rules=(rule,)))
        return maas.verify(bundle, trust=trust, first_use={"acme/iris"})

    assert verdict("trust", trusted).passed
    assert not verdict("distrust", stranger).passed


@pytest.mark.parametrize("key", ["p256", "p384", "ed25519"])
def test_envelopes_verify_and_altered_ones_do_not(options: dict[str, Any], key: str) -> None:
    token = signer(options, key_label=key)
    public = PublicKey.from_pem(token.public_key_pem())
    envelope = sign_envelope(b"payload", [token])
    assert verify_envelope(envelope, [public]).payload == b"payload"
    with pytest.raises(VerificationError):
        public.verify(token.sign(b"one message"), b"another message")


def test_a_key_is_found_by_its_id(options: dict[str, Any]) -> None:
    by_id = signer(options, key_label=None, key_id="01")
    assert by_id.public_key_pem() == signer(options).public_key_pem()


def test_label_and_id_tell_twins_apart(options: dict[str, Any]) -> None:
    with pytest.raises(SigningError, match="2 private keys are so named; give key_label and key_id"):
        signer(options, key_label="twin")
    first, second = (signer(options, key_label="twin", key_id=key_id) for key_id in ("05", "06"))
    assert first.public_key_pem() != second.public_key_pem()


def test_what_is_missing_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(SigningError, match="no token is labelled 'lost'; insert it"):
        signer(options, token_label="lost")
    with pytest.raises(SigningError, match="label 'lost': there is no such private key"):
        signer(options, key_label="lost")
    with pytest.raises(SigningError, match=r"PKCS#11 module /no/where\.so"):
        signer(options, module="/no/where.so")


def test_several_tokens_of_one_label_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SigningError, match="2 tokens are labelled 'double'"):
        signer(options, token_label="double")


def test_a_curve_that_receivers_do_not_know_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SigningError, match="none of P-256, P-384 and Ed25519"):
        signer(options, key_label="k1")


def test_a_wrong_pin_is_told_and_never_shown(options: dict[str, Any]) -> None:
    with pytest.raises(WrongPassphraseError, match="the PIN is wrong") as caught:
        signer(options, pin=lambda: "not-the-pin")
    error: BaseException | None = caught.value
    while error is not None:
        assert "not-the-pin" not in str(error)
        error = error.__cause__
    signer(options).close()  # the right one still opens it


def test_the_pin_itself_is_no_option_and_not_repeated(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError, match="function that returns the PIN") as caught:
        signer(options, pin=PIN)
    assert PIN not in str(caught.value)
    assert PIN not in repr(signer(options))


def test_one_source_of_the_pin_and_one_name_of_the_key(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="either pin_file"):
        signer(options, pin_file=pin_file(tmp_path))
    with pytest.raises(InvalidOptionError, match="either pin_file"):
        signer(options, pin=None)
    with pytest.raises(InvalidOptionError, match="which key"):
        signer(options, key_label=None)
    with pytest.raises(InvalidOptionError, match="hexadecimal"):
        signer(options, key_id="first")


@pytest.mark.parametrize("text", [b"", b"\n", b"\xff\n", b"one\ntwo\n", b"x" * 300])
def test_a_pin_file_holds_one_line(options: dict[str, Any], tmp_path: Path, text: bytes) -> None:
    with pytest.raises(KeyFileError, match="one line"):
        signer(options, pin=None, pin_file=pin_file(tmp_path, text=text))


def test_a_pin_file_is_the_owners_alone(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="chmod 600"):
        signer(options, pin=None, pin_file=pin_file(tmp_path, mode=0o640))
    with pytest.raises(KeyFileError, match="cannot be read"):
        signer(options, pin=None, pin_file=tmp_path / "none")


def test_closing_one_signer_leaves_the_others_logged_in(options: dict[str, Any]) -> None:
    first, second = signer(options), signer(options, key_label="p384")
    first.close()
    PublicKey.from_pem(second.public_key_pem()).verify(second.sign(b"still"), b"still")
    second.close()
    with pytest.raises(WrongPassphraseError):  # the last one logged out
        signer(options, pin=lambda: "not-the-pin")


PROGRAM = """
import json, shutil, sys
from pathlib import Path
from maas_sdk.errors import SigningError
from maas_sdk.plugin import PluginRegistry

registry = PluginRegistry()
registry.describe("pkcs11")
declared = "pkcs11" not in sys.modules
options = {"module": sys.argv[1], "token_label": "releases", "key_label": "p256", "pin": lambda: sys.argv[2]}
signer = registry.create("signer", "pkcs11.token", options)
signer.sign(b"before")
shutil.rmtree(Path(sys.argv[3]) / "tokens")
try:
    signer.sign(b"after")
    told = None
except SigningError as exc:
    told = str(exc)
signer.close()
print(json.dumps({"declared": declared, "told": told}))
"""


def test_a_removed_token_is_told_and_the_library_is_imported_late(
    tokens: Path, options: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copytree(tokens / "tokens", tmp_path / "tokens")
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tmp_path}/tokens\nobjectstore.backend = file\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(options["module"]), PIN, str(tmp_path)],
        env={**os.environ, "SOFTHSM2_CONF": str(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["declared"]
    assert "token 'releases', key with label 'p256'" in told["told"]


def test_what_is_no_plugin_option_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises((InvalidOptionError, PluginError), match="pin_fil"):
        signer(options, pin_fil="x")
