"""One reading of every document and every signature: what parsers disagree about is refused."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from maas_sdk.errors import InvalidArtifactError, LimitExceededError, VerificationError
from maas_sdk.limits import Limits
from maas_sdk.signing import (
    MODEL_SIGNING_KEY_TYPES,
    Envelope,
    PrivateKey,
    Statement,
    Subject,
    sign_envelope,
    sign_files,
    verify_files,
)

ACME = PrivateKey.generate()
STATEMENT = Statement([Subject("model.json", "a" * 64)], "https://acme.example/v1", {"x": 1}).to_bytes()
DOCUMENTS = {
    "envelope": (sign_envelope(STATEMENT, [ACME]).to_json(), Envelope.from_json),
    "statement": (STATEMENT, Statement.from_bytes),
    "bundle": (
        sign_files({"model.json": "a" * 64}, ACME, name="digits"),
        lambda data, **options: verify_files(data, [ACME.public_key], **options),
    ),
}
TRAPS = {
    "a key twice": ('"trap":1,"trap":1,', "appears twice"),
    "a key twice, once escaped": ('"trap":1,"tr\\u0061p":1,', "appears twice"),
    "a key twice, deep inside": ('"trap":[{"a":{"b":1,"b":1}}],', "appears twice"),
    "NaN": ('"trap":NaN,', "NaN"),
    "Infinity": ('"trap":-Infinity,', "Infinity"),
    "a number out of range": ('"trap":1e999,', "range"),
    "a long integer": (f'"trap":{"9" * 5000},', "5000 digits"),
    "a lone surrogate": ('"trap":"\\ud800",', "surrogate"),
    "a lone surrogate in a key": ('"\\udc00":1,', "surrogate"),
    "a control character": ('"trap":"\x01",', "control"),
    "a comment": ("/* trap */", "not strict JSON"),
    "deep nesting": (f'"trap":{"[" * 500}{"]" * 500},', "max_json_depth"),
    "very deep nesting": (f'"trap":{"[" * 100_000}{"]" * 100_000},', "max_json_depth"),
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_json_that_means_two_things_is_refused(kind, trap):
    document, read = DOCUMENTS[kind]
    inserted, words = TRAPS[trap]
    with pytest.raises(InvalidArtifactError, match=words):
        read(b"{" + inserted.encode() + document[1:])


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_bytes_around_a_document_are_refused(kind):
    document, read = DOCUMENTS[kind]
    for altered in (b"\xef\xbb\xbf" + document, document + b"{}", document + b"\0", document * 2):
        with pytest.raises(InvalidArtifactError):
            read(altered)
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        with pytest.raises(InvalidArtifactError):
            read(document.decode().encode(encoding))


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("limit", ["max_json_bytes", "max_json_values", "max_json_depth"])
def test_every_document_is_bounded(kind, limit):
    document, read = DOCUMENTS[kind]
    with pytest.raises(LimitExceededError, match=limit):
        read(document, limits=Limits(**{limit: 1}))


@pytest.mark.parametrize("kind", ["statement", "bundle"])
def test_an_unknown_field_is_refused_where_the_standard_does_not_demand_otherwise(kind):
    document, read = DOCUMENTS[kind]
    with pytest.raises(InvalidArtifactError):
        read(json.dumps(json.loads(document) | {"unknown": 1}).encode())


# ---- signatures of one form


def integer(value, *, pad=b""):
    body = pad + value.to_bytes((value.bit_length() + 8) // 8, "big")
    return b"\x02" + length(body) + body


def length(body):
    return bytes([len(body)]) if len(body) < 128 else b"\x81" + bytes([len(body)])


def sequence(*parts):
    body = b"".join(parts)
    return b"\x30" + length(body) + body


@pytest.mark.parametrize("key_type", MODEL_SIGNING_KEY_TYPES)
def test_ecdsa_signatures_have_one_encoding(key_type):
    key = PrivateKey.generate(key_type)
    signature = key.sign(b"message")
    r, s = decode_dss_signature(signature)
    good = sequence(integer(r), integer(s))
    assert good == signature
    order = {
        "ecdsa-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "ecdsa-p384": int("f" * 48 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
        "ecdsa-p521": int(
            "1" + "f" * 65 + "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16
        ),
    }[key_type]
    body = good[good.index(b"\x02") :]
    for wrong in (
        sequence(integer(r, pad=b"\0"), integer(s)),  # not the shortest
        sequence(integer(r), integer(s, pad=b"\0")),
        sequence(integer(r), integer(s), b"\x05\0"),  # something after
        sequence(integer(r)),
        b"\x30\x80" + body + b"\0\0",  # BER, of indefinite length
        b"\x30\x82\0" + bytes([len(body)]) + body,  # BER, a longer length
        b"\x31" + good[1:],  # a set
        sequence(integer(r + order), integer(s)),  # out of range
        sequence(integer(r), integer(s + order)),
        sequence(integer(0), integer(s)),
        sequence(integer(r), integer(0)),
        good + b"\0",
    ):
        with pytest.raises(VerificationError):
            key.public_key.verify(wrong, b"message")


def test_ed25519_signatures_have_one_encoding():
    key = PrivateKey.generate("ed25519")
    signature = key.sign(b"message")
    group = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little")
    with pytest.raises(VerificationError):  # RFC 8032, section 5.1.7: S below the group's order
        key.public_key.verify(signature[:32] + (s + group).to_bytes(32, "little"), b"message")
