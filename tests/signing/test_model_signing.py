"""Model Signing bundles: what is written, and what a strict reader refuses even when it is signed."""

import base64
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import (
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    SigningError,
    VerificationError,
)
from maas_sdk.limits import Limits
from maas_sdk.signing import (
    MODEL_SIGNING_KEY_TYPES,
    Envelope,
    PrivateKey,
    Subject,
    load_public_key,
    sign_envelope,
    sign_files,
    verify_files,
)

ACME = PrivateKey.generate()
GLOBEX = PrivateKey.generate("ecdsa-p384")
A, B = (hashlib.sha256(name).hexdigest() for name in (b"a", b"b"))
FILES = {"model.json": A, "tensors/000.safetensors": B}
PREDICATE = "https://model_signing/signature/v1.0"


def hint(key):
    return hashlib.sha256(key.public_key_pem().encode()).hexdigest()


def root(*digests):
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def resource(name, digest=A, **changes):
    return {"name": name, "algorithm": "sha256", "digest": digest} | changes


def forge(*, resources=None, serialization=None, predicate=None, statement=None, material=None, outer=None):
    """Sign a bundle with some fields replaced (or left out, for None inside a mapping) at some layer."""

    def merge(good, changes):
        return {key: value for key, value in (good | (changes or {})).items() if value is not None}

    resources = [resource(n, d) for n, d in FILES.items()] if resources is None else resources
    good = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
    inner = {"serialization": merge(good, serialization), "resources": resources}
    digests = [r["digest"] for r in resources if isinstance(r, dict) and len(r.get("digest", "")) == 64]
    payload = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "digits", "digest": {"sha256": root(*digests)}}],
        "predicateType": PREDICATE,
        "predicate": merge(inner, predicate),
    }
    envelope = sign_envelope(json.dumps(merge(payload, statement)).encode(), [ACME])
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": merge({"publicKey": {"hint": hint(ACME)}}, material),
        "dsseEnvelope": envelope.to_dict(),
    }
    return json.dumps(merge(bundle, outer)).encode()


def verify(bundle):
    return verify_files(bundle, [ACME.public_key])


@pytest.mark.parametrize("key_type", MODEL_SIGNING_KEY_TYPES)
def test_what_was_signed_verifies(key_type):
    key = PrivateKey.generate(key_type)
    signed = verify_files(sign_files(FILES, key, name="digits"), [ACME.public_key, key.public_key])
    assert signed.name == "digits"
    assert signed.files == tuple(Subject(name, digest) for name, digest in FILES.items())
    assert signed.key == key.public_key


def test_the_layout_is_the_specifications():
    bundle = json.loads(sign_files(FILES, ACME, name="digits", ignore_paths=["model.sig"]))
    envelope = bundle.pop("dsseEnvelope")
    assert bundle == {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hint(ACME)}, "tlogEntries": []},
    }
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert [signature["keyid"] for signature in envelope["signatures"]] == [""]
    assert json.loads(base64.b64decode(envelope["payload"])) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "digits", "digest": {"sha256": root(A, B)}}],
        "predicateType": PREDICATE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": ["model.sig"],
            },
            "resources": [resource("model.json", A), resource("tensors/000.safetensors", B)],
        },
    }


def test_files_are_written_in_code_point_order_and_read_in_component_order_too():
    names = ["a/b", "a.b", "Z", "ä", "a"]
    signed = verify(sign_files(dict.fromkeys(names, A), ACME, name="digits"))
    assert [file.name for file in signed.files] == ["Z", "a", "a.b", "a/b", "ä"]
    by_component = ["Z", "a/b", "a.b"]
    assert [
        f.name for f in verify(forge(resources=[resource(n) for n in by_component])).files
    ] == by_component


def test_a_bundle_of_the_stock_tool_verifies(vectors):
    bundle = (vectors / "stock-1.1.1.model.sig").read_bytes()
    trusted = [GLOBEX.public_key, load_public_key(vectors / "ecdsa-p256.pem")]
    signed = verify_files(bundle, trusted)
    assert signed.key == trusted[1]
    assert [file.name for file in signed.files] == ["model.json", "tensors/000.safetensors", "tensors.md"]
    with pytest.raises(VerificationError):
        verify_files(bundle, [ACME.public_key])


@pytest.mark.parametrize(("key_type", "post_quantum"), [("ed25519", False), ("ecdsa-p256", True)])
def test_a_key_that_the_format_does_not_know_cannot_sign(key_type, post_quantum):
    key = PrivateKey.generate(key_type, post_quantum=post_quantum)
    with pytest.raises(InvalidOptionError, match="knows ECDSA keys only"):
        sign_files(FILES, key, name="digits")


def test_a_bundle_by_one_half_of_a_trusted_key_is_refused():
    both = PrivateKey.generate(post_quantum=True)
    half = PrivateKey.from_pem("-----BEGIN" + both.to_pem(None).split("-----BEGIN")[1])
    bundle = sign_files(FILES, half, name="digits")
    assert verify_files(bundle, [half.public_key])
    with pytest.raises(VerificationError, match="0 of 1"):
        verify_files(bundle, [both.public_key])


def test_a_closed_signer_is_told():
    closed = PrivateKey.generate()
    closed.close()
    with pytest.raises(SigningError, match="was closed"):
        sign_files(FILES, closed, name="digits")


BAD_PATHS = ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "./a", "a\\b", "a\0b", "a/" * 2048 + "a"]


@pytest.mark.parametrize("path", BAD_PATHS, ids=range(len(BAD_PATHS)))
def test_a_path_that_is_not_canonical_is_neither_signed_nor_accepted(path):
    with pytest.raises(InvalidOptionError):
        sign_files({path: A}, ACME, name="digits")
    with pytest.raises(InvalidOptionError, match="path"):
        sign_files(FILES, ACME, name="digits", ignore_paths=[path])
    with pytest.raises(InvalidArtifactError, match="path"):
        verify(forge(resources=[resource(path)]))
    with pytest.raises(InvalidArtifactError, match="path"):
        verify(forge(serialization={"ignore_paths": [path]}))


@pytest.mark.parametrize("path", [".git/config", ".gitignore", ".gitattributes", ".github/workflows/ci.yml"])
def test_what_stock_verifiers_pass_over_is_not_signed_as_if_it_were_protected(path):
    with pytest.raises(InvalidOptionError, match="would not be protected"):
        sign_files(FILES | {path: A}, ACME, name="digits")
    assert sign_files({f"sub/{path}": A}, ACME, name="digits")


@pytest.mark.parametrize("files", [{}, {"a": "beef"}, {"a": A.upper()}])
def test_nothing_and_malformed_digests_are_not_signed(files):
    with pytest.raises(InvalidOptionError):
        sign_files(files, ACME, name="digits")


@pytest.mark.parametrize("ignored", ["tensors", "model.json", "*", "a?", "[a]"])
def test_ignoring_what_is_signed_is_refused(ignored):
    with pytest.raises(InvalidOptionError, match="ignores too much"):
        sign_files(FILES, ACME, name="digits", ignore_paths=[ignored])
    with pytest.raises(InvalidArtifactError, match="ignores too much"):
        verify(forge(serialization={"ignore_paths": [ignored]}))


@pytest.mark.parametrize("ignored", ["model.sig", ".git", "tensor", "tensors/0"])
def test_ignoring_something_else_is_accepted(ignored):
    assert verify(forge(serialization={"ignore_paths": [ignored]})).name == "digits"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resources": []}, "lists no file"),
        ({"resources": [resource("b"), resource("a")]}, "does not sort"),
        ({"resources": [resource("a"), resource("a")]}, "twice"),
        ({"resources": [resource("a", algorithm="blake2b")]}, "not SHA-256"),
        ({"resources": [resource("a", digest="beef")]}, "64 lower-case"),
        ({"resources": [resource("a", uri="https://x")]}, "unknown key 'uri'"),
        ({"resources": [{"name": "a"}]}, "is missing"),
        ({"resources": ["a"]}, "expected an object"),
        ({"predicate": {"resources": "a"}}, "expected an array"),
        ({"predicate": {"resources": None}}, "'resources' is missing"),
        ({"predicate": {"extra": 1}}, "unknown key 'extra'"),
        ({"serialization": {"method": "shards", "shard_size": 8}}, "shard_size"),
        ({"serialization": {"method": "shards"}}, "only 'files' with 'sha256'"),
        ({"serialization": {"hash_type": "blake3"}}, "only 'files' with 'sha256'"),
        ({"serialization": {"allow_symlinks": True}}, "allows symbolic links"),
        ({"serialization": {"allow_symlinks": None}}, "'allow_symlinks' is missing"),
        ({"serialization": {"ignore_paths": "."}}, "expected an array"),
        ({"statement": {"predicateType": "https://model_signing/Digests/v0.1"}}, "Digests/v0.1"),
        ({"statement": {"subject": [{"name": "digits", "digest": {"sha256": A}}]}}, "not the root digest"),
        (
            {"statement": {"subject": [{"name": n, "digest": {"sha256": A}} for n in "ab"]}},
            "not the root digest",
        ),
        ({"statement": {"extra": 1}}, "unknown field"),
        ({"material": {"publicKey": None, "certificate": {}}}, "short-lived certificate"),
        ({"material": {"x509CertificateChain": {"certificates": []}}}, "verificationMaterial must be"),
        ({"material": {"publicKey": {"hint": 7}}}, "hint must be a string"),
        ({"material": {"publicKey": {"hint": hint(ACME), "keyDetails": "x"}}}, "publicKey must be"),
        ({"material": {"publicKey": None}}, "verificationMaterial must be"),
        ({"material": {"timestampVerificationData": {}}}, "verificationMaterial must be"),
        ({"material": {"tlogEntries": [{}]}}, "tlogEntries"),
        ({"material": {"publicKey": {"rawBytes": "AAAA"}}}, "publicKey must be"),
        ({"material": {"publicKey": "x"}}, "publicKey must be"),
        ({"outer": {"verificationMaterial": []}}, "verificationMaterial must be"),
        ({"outer": {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"}}, "mediaType"),
        ({"outer": {"dsseEnvelope": None}}, "the bundle must be"),
        ({"outer": {"extra": 1}}, "the bundle must be"),
        ({"outer": {"dsseEnvelope": {}}}, "the envelope"),
        (
            {"outer": {"dsseEnvelope": sign_envelope(b"{}", [ACME, GLOBEX]).to_dict()}},
            "2 signatures, not one",
        ),
        ({"outer": {"dsseEnvelope": sign_envelope(b"{}", [ACME]).to_dict()}}, "_type"),
    ],
)
def test_a_signed_bundle_that_breaks_a_rule_is_refused_with_the_reason(changes, message):
    with pytest.raises(InvalidArtifactError, match=message):
        verify(forge(**changes))


def test_the_forger_makes_good_bundles_when_nothing_is_replaced():
    assert verify(forge()).files == tuple(Subject(name, digest) for name, digest in FILES.items())
    assert verify(forge(material={"tlogEntries": []}))


def test_a_hint_at_another_key_is_refused():
    with pytest.raises(VerificationError, match="hint names another"):
        verify_files(
            forge(material={"publicKey": {"hint": hint(GLOBEX)}}), [ACME.public_key, GLOBEX.public_key]
        )


def test_nobody_but_the_trusted_signs():
    with pytest.raises(VerificationError, match="0 of 1"):
        verify_files(forge(), [GLOBEX.public_key])


def test_an_envelope_of_another_payload_type_is_refused():
    envelope = sign_envelope(
        Envelope.from_dict(json.loads(forge())["dsseEnvelope"]).payload, [ACME], payload_type="x"
    )
    with pytest.raises(VerificationError, match="payload type"):
        verify(forge(outer={"dsseEnvelope": envelope.to_dict()}))


def test_duplicate_keys_are_refused_in_the_bundle_and_in_the_statement():
    with pytest.raises(InvalidArtifactError, match="appears twice"):
        verify(forge().replace(b'{"mediaType"', b'{"mediaType":1,"mediaType"', 1))
    payload = Envelope.from_dict(json.loads(forge())["dsseEnvelope"]).payload
    twice = sign_envelope(payload.replace(b'"resources":', b'"resources":[],"resources":', 1), [ACME])
    with pytest.raises(InvalidArtifactError, match="'resources' appears twice"):
        verify(forge(outer={"dsseEnvelope": twice.to_dict()}))


def test_the_limits_on_json_hold():
    with pytest.raises(LimitExceededError, match="max_json_bytes"):
        verify_files(forge(), [ACME.public_key], limits=Limits(max_json_bytes=100))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_changed_byte_changes_what_is_vouched_for(data):
    raw = bytearray(SIGNED)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        signed = verify(raw)
    except (InvalidArtifactError, VerificationError):
        return
    assert signed == verify(SIGNED)


SIGNED = sign_files(FILES, ACME, name="digits")


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.lists(
            st.text("aZ0._-é ", min_size=1).filter(lambda part: part.strip(".")), min_size=1, max_size=3
        ).map("/".join),
        st.binary(min_size=32, max_size=32).map(bytes.hex),
        min_size=1,
        max_size=6,
    )
)
def test_any_set_of_files_survives(files):
    assert {file.name: file.sha256 for file in verify(sign_files(files, ACME, name="digits")).files} == files
