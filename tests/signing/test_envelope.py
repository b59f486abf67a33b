"""DSSE envelopes: the specification's example, thresholds, key confusion, strict reading, tampering."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import (
    InvalidArtifactError,
    InvalidOptionError,
    KeyFileError,
    LimitExceededError,
    SigningError,
    VerificationError,
)
from maas_sdk.limits import Limits
from maas_sdk.signing import (
    IN_TOTO_PAYLOAD_TYPE,
    Envelope,
    PrivateKey,
    PublicKey,
    Signature,
    load_public_key,
    pae,
    sign_envelope,
    verify_envelope,
)

THREE_TYPES = ("ecdsa-p256", "ecdsa-p384", "ed25519")
ACME, GLOBEX, INITECH = (PrivateKey.generate(key_type) for key_type in THREE_TYPES)
ALL = [ACME, GLOBEX, INITECH]
quick = settings(max_examples=60, deadline=None)


def public(*keys):
    return [key.public_key for key in keys]


def document(envelope):
    return json.loads(envelope.to_json())


def read(**changes):
    """Read a good envelope with some fields replaced (or left out, for None)."""
    good = document(sign_envelope(b"payload", [ACME])) | changes
    return Envelope.from_json(json.dumps({k: v for k, v in good.items() if v is not None}).encode())


# ---- vectors


def test_the_pre_authentication_encoding_is_the_specifications():
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_the_encoding_counts_bytes_not_characters():
    assert pae("ä", "ö€".encode()) == b"DSSEv1 2 \xc3\xa4 5 \xc3\xb6\xe2\x82\xac"


def test_the_specifications_example_verifies_once_its_signature_is_in_der():
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    key = PublicKey(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
    raw = base64.b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    kind = "http://example.com/HelloWorld"
    envelope = Envelope(b"hello world", kind, (Signature("", der),))
    assert verify_envelope(envelope, [key], payload_type=kind).payload == b"hello world"
    with pytest.raises(VerificationError):  # r and s without DER are not ECDSA-Sig-Value
        verify_envelope(Envelope(b"hello world", kind, (Signature("", raw),)), [key], payload_type=kind)


def test_a_fixed_envelope_of_all_key_types_stays_valid(vectors):
    envelope = Envelope.from_json((vectors / "statement.dsse.json").read_bytes())
    keys = [load_public_key(vectors / f"{key_type}.pem") for key_type in THREE_TYPES]
    verified = verify_envelope(envelope, keys, threshold=3)
    assert verified.keys == tuple(keys)
    assert verified.payload == (vectors / "statement.json").read_bytes()
    assert envelope.to_json() == (vectors / "statement.dsse.json").read_bytes()


def test_a_fixed_envelope_with_ml_dsa_beside_ecdsa_stays_valid(vectors):
    envelope = Envelope.from_json((vectors / "statement.pq.dsse.json").read_bytes())
    keys = [load_public_key(vectors / f"{name}.pem") for name in ("ecdsa-p256+ml-dsa-65", "ecdsa-p521")]
    assert verify_envelope(envelope, keys, threshold=2).keys == tuple(keys)


def test_a_fixed_key_and_payload_give_the_same_envelope_for_ever(vectors):
    key = PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    envelope = sign_envelope((vectors / "statement.json").read_bytes(), [key])
    assert envelope.to_json() == (vectors / "statement.ed25519.dsse.json").read_bytes()


# ---- signing


def test_what_was_signed_is_what_is_returned():
    envelope = sign_envelope(b'{"a":1}', ALL)
    assert envelope.payload_type == IN_TOTO_PAYLOAD_TYPE
    assert [s.keyid for s in envelope.signatures] == [k.fingerprint for k in public(*ALL)]
    verified = verify_envelope(envelope, public(*ALL), threshold=3)
    assert verified.payload is envelope.payload
    assert verified.keys == tuple(public(*ALL))


def test_signing_needs_signers_with_distinct_keys():
    with pytest.raises(InvalidOptionError, match="one signer at least"):
        sign_envelope(b"payload", [])
    with pytest.raises(InvalidOptionError, match="same key"):
        sign_envelope(b"payload", [ACME, ACME])


class Token:
    """A vendor's signer."""

    def __init__(self, sign, pem=ACME.public_key_pem):
        self.sign = sign
        self.public_key_pem = pem

    def close(self):
        pass


def test_any_object_with_the_three_methods_signs():
    envelope = sign_envelope(b"payload", [Token(ACME.sign)])
    assert verify_envelope(envelope, public(ACME)).keys == (ACME.public_key,)


@pytest.mark.parametrize(
    "sign",
    [GLOBEX.sign, lambda message: ACME.sign(message[::-1]), lambda _: b"", lambda _: None],
    ids=["another key", "another message", "nothing", "None"],
)
def test_a_signer_whose_signature_does_not_hold_is_noticed_by_the_sender(sign):
    with pytest.raises(SigningError, match=r"Token gave a signature that does not hold") as caught:
        sign_envelope(b"payload", [Token(sign)])
    assert not isinstance(caught.value, VerificationError)


def test_a_foreign_error_of_a_signer_is_wrapped():
    def sign(_message):
        raise RuntimeError("the token was pulled out")

    with pytest.raises(SigningError, match="Token failed: the token was pulled out") as caught:
        sign_envelope(b"payload", [Token(sign)])
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_our_own_errors_of_a_signer_pass_as_they_are():
    closed = PrivateKey.generate()
    closed.close()
    with pytest.raises(SigningError, match="was closed"):
        sign_envelope(b"payload", [closed])
    with pytest.raises(KeyFileError, match="not a public key"):
        sign_envelope(b"payload", [Token(ACME.sign, lambda: ACME.to_pem(None))])


# ---- verifying


@pytest.mark.parametrize("threshold", [1, 2, 3])
@pytest.mark.parametrize("signers", [1, 2, 3])
def test_as_many_distinct_trusted_keys_as_the_threshold_must_sign(signers, threshold):
    envelope = sign_envelope(b"payload", ALL[:signers])
    if signers >= threshold:
        verified = verify_envelope(envelope, public(*ALL), threshold=threshold)
        assert verified.keys == tuple(public(*ALL[:signers]))
    else:
        with pytest.raises(
            VerificationError, match=f"{signers} of 3 trusted keys signed, {threshold} needed"
        ):
            verify_envelope(envelope, public(*ALL), threshold=threshold)


def test_a_key_counts_once_however_often_it_signed_or_is_trusted():
    twice = [Signature(keyid, ACME.sign(pae(IN_TOTO_PAYLOAD_TYPE, b"payload"))) for keyid in ("one", "two")]
    envelope = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, twice)
    assert verify_envelope(envelope, public(ACME, ACME)).keys == (ACME.public_key,)
    with pytest.raises(VerificationError, match="1 of 2 trusted keys signed, 2 needed"):
        verify_envelope(envelope, public(ACME, ACME, GLOBEX), threshold=2)


def test_one_signature_of_both_algorithms_counts_once_and_half_of_it_never():
    both = PrivateKey.generate(post_quantum=True)
    envelope = sign_envelope(b"payload", [both, GLOBEX])
    keys = public(both, GLOBEX)
    assert verify_envelope(envelope, keys, threshold=2).keys == tuple(keys)
    whole = envelope.signatures[0].sig
    for half in (whole[:-3309], whole[-3309:]):
        split = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, [Signature(both.public_key.keyid, half)])
        with pytest.raises(VerificationError, match="0 of 1"):
            verify_envelope(split, public(both))
    apart = [Signature("", whole[:-3309]), Signature("", whole[-3309:])]
    with pytest.raises(VerificationError, match="0 of 1"):
        verify_envelope(Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, apart), public(both))


def test_keys_that_share_a_half_are_one_hand_and_count_once():
    both = PrivateKey.generate(post_quantum=True)
    alone = PrivateKey.from_pem(both.to_pem(None).partition("-----END PRIVATE KEY-----\n")[0] + END)
    envelope = sign_envelope(b"payload", [alone, both])
    assert len(verify_envelope(envelope, public(both, alone)).keys) == 1
    for keys in (public(both, alone), public(alone, both)):
        with pytest.raises(VerificationError, match="1 of 2 trusted keys signed, 2 needed"):
            verify_envelope(envelope, keys, threshold=2)


END = "-----END PRIVATE KEY-----\n"


def test_nobody_trusted_means_nothing_verified():
    with pytest.raises(VerificationError, match="0 of 0"):
        verify_envelope(sign_envelope(b"payload", [ACME]), [])


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_threshold_below_one_is_refused(threshold):
    with pytest.raises(InvalidOptionError, match="threshold"):
        verify_envelope(sign_envelope(b"payload", [ACME]), public(ACME), threshold=threshold)


def test_the_key_id_decides_nothing():
    good = sign_envelope(b"payload", [ACME]).signatures[0]
    for keyid in ("", "nonsense", GLOBEX.public_key.keyid):
        envelope = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, [Signature(keyid, good.sig)])
        assert verify_envelope(envelope, public(GLOBEX, ACME)).keys == (ACME.public_key,)
    forged = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, [Signature(GLOBEX.public_key.keyid, good.sig)])
    with pytest.raises(VerificationError, match=f"claim the keys '{GLOBEX.public_key.keyid}'"):
        verify_envelope(forged, public(GLOBEX))


def test_signatures_that_do_not_hold_are_passed_over():
    good = sign_envelope(b"payload", [ACME]).signatures[0]
    noise = [Signature("", b"noise"), Signature(ACME.public_key.keyid, b""), good]
    envelope = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, noise)
    assert verify_envelope(envelope, public(ACME)).keys == (ACME.public_key,)


@pytest.mark.parametrize("signing", ALL, ids=THREE_TYPES)
@pytest.mark.parametrize("trusted", ALL, ids=THREE_TYPES)
def test_the_trusted_key_chooses_the_algorithm(signing, trusted):
    good = sign_envelope(b"payload", [signing]).signatures[0]
    claimed = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, [Signature(trusted.public_key.keyid, good.sig)])
    if signing is trusted:
        verify_envelope(claimed, public(trusted))
    else:
        with pytest.raises(VerificationError):
            verify_envelope(claimed, public(trusted))


def test_a_payload_of_another_type_is_refused_even_when_signed():
    envelope = sign_envelope(b"payload", [ACME], payload_type="text/plain")
    with pytest.raises(VerificationError, match="'text/plain', not 'application/"):
        verify_envelope(envelope, public(ACME))
    relabelled = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, envelope.signatures)
    with pytest.raises(VerificationError, match="0 of 1"):
        verify_envelope(relabelled, public(ACME))


# ---- reading and writing

signatures = st.builds(Signature, keyid=st.text(st.characters(codec="utf-8")), sig=st.binary(max_size=80))
envelopes = st.builds(
    Envelope,
    payload=st.binary(max_size=200),
    payload_type=st.text(st.characters(codec="utf-8")),
    signatures=st.lists(signatures, min_size=1, max_size=4),
)


@quick
@given(envelopes)
def test_every_envelope_survives_json(envelope):
    assert Envelope.from_json(envelope.to_json()) == envelope


@quick
@given(envelopes)
def test_url_safe_base64_reads_the_same(envelope):
    other = document(envelope)
    other["payload"] = other["payload"].translate(str.maketrans("+/", "-_"))
    for signature in other["signatures"]:
        signature["sig"] = signature["sig"].translate(str.maketrans("+/", "-_"))
    assert Envelope.from_json(json.dumps(other).encode()) == envelope


@quick
@given(st.data())
def test_no_changed_byte_of_an_envelope_changes_what_is_verified(data):
    raw = bytearray(SIGNED)
    index = data.draw(st.integers(0, len(raw) - 1))
    raw[index] ^= data.draw(st.integers(1, 255))
    try:
        verified = verify_envelope(Envelope.from_json(raw), public(ACME))
    except (InvalidArtifactError, VerificationError):
        return
    assert verified.payload == b'{"name":"acme/digits"}'  # a key id may change: it is a hint


SIGNED = sign_envelope(b'{"name":"acme/digits"}', [ACME]).to_json()


@quick
@given(st.integers(0, len(SIGNED) - 1))
def test_a_truncated_envelope_is_refused(length):
    with pytest.raises(InvalidArtifactError):
        Envelope.from_json(SIGNED[:length])


@quick
@given(st.binary(max_size=300))
def test_noise_is_refused(data):
    with pytest.raises(InvalidArtifactError):
        Envelope.from_json(data)


def test_fields_that_the_specification_does_not_name_are_ignored():
    signed = document(sign_envelope(b"payload", [ACME]))
    signed["signatures"][0]["cert"] = {"anything": None}
    envelope = read(extra=[1], signatures=signed["signatures"])
    assert verify_envelope(envelope, public(ACME)).payload == b"payload"
    assert b"cert" not in envelope.to_json()


@pytest.mark.parametrize("unset", [{}, {"keyid": None}, {"keyid": ""}])
def test_an_unset_key_id_is_an_empty_one(unset):
    assert read(signatures=[{"sig": "AAAA"} | unset]).signatures == (Signature("", b"\0\0\0"),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"payload": None}, "payload: .*expected a string"),
        ({"payload": 7}, "payload: .*expected a string"),
        ({"payloadType": None}, "payloadType: .*expected a string"),
        ({"signatures": None}, "signatures: .*one signature at least"),
        ({"signatures": []}, "signatures: .*one signature at least"),
        ({"signatures": {}}, "signatures: .*one signature at least"),
        ({"signatures": [7]}, r"signatures\[0\]: .*expected an object"),
        ({"signatures": [{}]}, r"signatures\[0\]\.sig: .*expected a string"),
        ({"signatures": [{"sig": "AAAA"}, {"sig": 1}]}, r"signatures\[1\]\.sig: .*expected a string"),
        ({"signatures": [{"sig": "AAAA", "keyid": 7}]}, r"signatures\[0\]\.keyid: .*expected a string"),
        ({"signatures": [{"sig": "A"}]}, r"signatures\[0\]\.sig: .*malformed base64"),
        ({"payload": "AA"}, "malformed base64"),
        ({"payload": "AA=="[:3]}, "malformed base64"),
        ({"payload": "AAAA\n"}, "malformed base64"),
        ({"payload": "A AA"}, "malformed base64"),
        ({"payload": "AAAä"}, "malformed base64"),
        ({"payload": "AB=="}, "not canonical"),
        ({"payload": "-_+/"}, "mixes"),
    ],
)
def test_a_malformed_envelope_is_refused_with_the_place(changes, message):
    with pytest.raises(InvalidArtifactError, match=message):
        read(**changes)


@pytest.mark.parametrize("text", ["[]", '"envelope"', "null", "7"])
def test_json_that_is_no_object_is_refused(text):
    with pytest.raises(InvalidArtifactError, match="expected an object"):
        Envelope.from_json(text.encode())


def test_a_duplicate_key_is_refused():
    twice = SIGNED.replace(b'{"payload"', b'{"payload":"AAAA","payload"', 1)
    with pytest.raises(InvalidArtifactError, match="'payload' appears twice"):
        Envelope.from_json(twice)


def test_more_signatures_than_the_limit_are_refused():
    many = Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, [Signature("", b"x")] * 3).to_json()
    assert len(Envelope.from_json(many, limits=Limits(max_signatures=3)).signatures) == 3
    with pytest.raises(LimitExceededError, match=r"3 signatures; Limits\.max_signatures allows 2"):
        Envelope.from_json(many, limits=Limits(max_signatures=2))


def test_an_envelope_without_signatures_cannot_be_made():
    with pytest.raises(InvalidOptionError, match="one signature"):
        Envelope(b"payload", IN_TOTO_PAYLOAD_TYPE, ())


def test_an_envelope_holds_bytes_that_nobody_can_change():
    with pytest.raises(TypeError):
        Envelope(bytearray(b"payload"), IN_TOTO_PAYLOAD_TYPE, [Signature("", b"x")])
