"""Keys: types, fingerprints, PEM, and what each refuses."""

import copy
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from maas_sdk.errors import (
    InvalidOptionError,
    KeyFileError,
    SigningError,
    VerificationError,
    WrongPassphraseError,
)
from maas_sdk.interfaces import Signer
from maas_sdk.signing import KEY_TYPES, PrivateKey, PublicKey

FINGERPRINTS = {
    "ecdsa-p256": "sha256:19a9538779630a899225c65585a60b344358d7cbfa973f6370a516947bfb4a64",
    "ecdsa-p384": "sha256:b842bf38ba1a16c2b42cc84a8458e4d20d64ef1c07f51aac4b1a1d514219ac63",
    "ed25519": "sha256:129e99849160be49324af8a069d3ee4f422b9dab683a3bb1a92335e81dc3d718",
    "ecdsa-p521": "sha256:76baddeea80a8a7af53756681cca434a3a24a25dea0f23e2eecc3e750f2e22bf",
    "ecdsa-p256+ml-dsa-65": "sha256:50feec71ce8137c7f6cc4ecc2eb83af767d21429702710180daa7f670cabe159",
}


ALL_TYPES = [*KEY_TYPES, *(f"{key_type}+ml-dsa-65" for key_type in KEY_TYPES)]


def generate(key_type):
    classic, _, beside = key_type.partition("+")
    return PrivateKey.generate(classic, post_quantum=bool(beside))


@pytest.fixture(params=ALL_TYPES)
def key(request):
    return generate(request.param)


def test_a_fresh_key_is_a_signer_whose_signature_holds(key):
    assert isinstance(key, Signer)
    key.public_key.verify(key.sign(b"message"), b"message")
    assert PublicKey.from_pem(key.public_key_pem()) == key.public_key


def test_the_default_key_type_is_p256():
    assert PrivateKey.generate().public_key.key_type == "ecdsa-p256"


def test_an_unknown_key_type_is_refused_with_the_known_ones():
    with pytest.raises(InvalidOptionError, match=r"'rsa'.*ecdsa-p256, ecdsa-p384, ecdsa-p521, ed25519"):
        PrivateKey.generate("rsa")


@pytest.mark.parametrize("key_type", FINGERPRINTS)
def test_fingerprints_of_fixed_keys_never_change(key_type, vectors):
    public_key = PublicKey.from_pem((vectors / f"{key_type}.pem").read_bytes())
    assert public_key.key_type == key_type
    assert public_key.fingerprint == public_key.keyid == FINGERPRINTS[key_type]
    assert public_key.pem == (vectors / f"{key_type}.pem").read_text()


def test_the_fingerprint_covers_the_type_and_the_key(vectors):
    assert len(set(FINGERPRINTS.values())) == len(FINGERPRINTS)
    assert PrivateKey.generate().public_key.fingerprint != PrivateKey.generate().public_key.fingerprint


def test_a_key_read_from_unusual_pem_is_the_same_key(vectors):
    pem = (vectors / "ecdsa-p256.pem").read_text()
    lines = pem.splitlines()
    body = "".join(lines[1:-1])
    unusual = "\r\n".join([lines[0], *[body[i : i + 40] for i in range(0, len(body), 40)], lines[-1], ""])
    assert PublicKey.from_pem(unusual) == PublicKey.from_pem(pem)


def test_a_compressed_point_is_the_same_key():
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    usual = PublicKey.from_pem(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    again = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    assert PublicKey(again) == usual
    assert PublicKey(again).fingerprint == usual.fingerprint


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\x30\x06\x02\x01\x00\x02\x01\x00", b"\xff" * 200])
def test_malformed_signatures_do_not_hold(key, signature):
    with pytest.raises(VerificationError, match=key.public_key.fingerprint):
        key.public_key.verify(signature, b"message")


def test_a_signature_holds_for_its_message_alone(key):
    with pytest.raises(VerificationError):
        key.public_key.verify(key.sign(b"message"), b"Message")


def test_trailing_bytes_after_a_signature_are_refused(key):
    with pytest.raises(VerificationError):
        key.public_key.verify(key.sign(b"message") + b"\0", b"message")


@pytest.mark.parametrize("signing", ALL_TYPES)
@pytest.mark.parametrize("verifying", ALL_TYPES)
def test_no_key_accepts_the_signature_of_another_key_or_type(signing, verifying):
    signature = generate(signing).sign(b"message")
    with pytest.raises(VerificationError):
        generate(verifying).public_key.verify(signature, b"message")


def test_public_keys_can_be_compared_pickled_and_copied(key):
    public_key = key.public_key
    assert pickle.loads(pickle.dumps(public_key)) == public_key == copy.deepcopy(public_key)
    assert len({public_key, copy.copy(public_key)}) == 1
    assert public_key != generate(public_key.key_type).public_key


def test_private_keys_show_no_secret_and_cannot_be_pickled(key):
    secret = key.to_pem(None).splitlines()[1]
    assert secret not in repr(key)
    assert key.public_key.fingerprint in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_closed_key_signs_no_more_but_keeps_its_public_half(key):
    key.close()
    key.close()
    with pytest.raises(SigningError, match="was closed"):
        key.sign(b"message")
    with pytest.raises(SigningError, match="was closed"):
        key.to_pem(None)
    assert key.public_key_pem().startswith("-----BEGIN PUBLIC KEY-----")


@pytest.mark.parametrize("passphrase", [None, "correct horse", b"\x00\xff bytes", "ä"])
def test_a_private_key_survives_pem(key, passphrase):
    pem = key.to_pem(passphrase)
    assert ("ENCRYPTED" in pem) == (passphrase is not None)
    again = PrivateKey.from_pem(pem, passphrase)
    again.public_key.verify(again.sign(b"message"), b"message")
    assert again.public_key == key.public_key


def test_the_passphrase_must_be_right_present_when_needed_and_absent_when_not(key):
    encrypted = key.to_pem("correct horse")
    with pytest.raises(WrongPassphraseError, match="wrong"):
        PrivateKey.from_pem(encrypted, "battery staple")
    with pytest.raises(KeyFileError, match="give its passphrase"):
        PrivateKey.from_pem(encrypted)
    with pytest.raises(KeyFileError, match="not encrypted"):
        PrivateKey.from_pem(key.to_pem(None), "correct horse")


@pytest.mark.parametrize("passphrase", ["", b"", "x" * 1024])
def test_a_passphrase_that_no_tool_takes_is_refused(key, passphrase):
    with pytest.raises(InvalidOptionError, match="1 to 1023 bytes"):
        key.to_pem(passphrase)
    with pytest.raises(InvalidOptionError, match="1 to 1023 bytes"):
        PrivateKey.from_pem(key.to_pem("x"), passphrase)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        b"\xff\xfe",
        "-----BEGIN PUBLIC KEY-----\nä\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
    ids=range(5),
)
def test_text_that_is_not_a_key_is_refused(text):
    with pytest.raises(KeyFileError):
        PublicKey.from_pem(text)
    with pytest.raises(KeyFileError):
        PrivateKey.from_pem(text)


def test_a_private_key_is_no_public_key_and_the_reverse(key):
    with pytest.raises(KeyFileError, match="not a public key"):
        PublicKey.from_pem(key.to_pem(None))
    with pytest.raises(KeyFileError, match="not a private key"):
        PrivateKey.from_pem(key.public_key_pem())


def test_two_keys_of_a_kind_in_one_text_are_refused():
    first, second = PrivateKey.generate(), PrivateKey.generate()
    with pytest.raises(KeyFileError, match="found 2 blocks"):
        PublicKey.from_pem(first.public_key_pem() + second.public_key_pem())
    with pytest.raises(KeyFileError, match="2 private keys"):
        PrivateKey.from_pem(first.to_pem(None) + second.to_pem(None))


def test_a_key_after_openssls_parameters_is_read():
    key = ec.generate_private_key(ec.SECP256R1())
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert PrivateKey.from_pem(parameters + pem).public_key == PublicKey(key.public_key())


# ---- ML-DSA-65 beside the classic key

PQ_BYTES = 3309
BEGIN = "-----BEGIN"


@pytest.fixture(params=KEY_TYPES)
def both(request):
    return PrivateKey.generate(request.param, post_quantum=True)


def halves(pem):
    first, second = pem.split(BEGIN)[1:]
    return BEGIN + first, BEGIN + second


def test_a_key_with_ml_dsa_says_so(both):
    assert both.public_key.post_quantum
    assert both.public_key.key_type.endswith("+ml-dsa-65")
    assert not PrivateKey.generate().public_key.post_quantum


def test_neither_half_of_a_signature_holds_alone(both):
    signature = both.sign(b"message")
    classic, post_quantum = signature[:-PQ_BYTES], signature[-PQ_BYTES:]
    half = PublicKey.from_pem(halves(both.public_key_pem())[0])
    half.verify(classic, b"message")
    other = both.sign(b"another message")
    for wrong in (
        classic, post_quantum, post_quantum + classic, classic * 2, post_quantum * 2,
        classic + other[-PQ_BYTES:], other[:-PQ_BYTES] + post_quantum,
        classic + bytes(PQ_BYTES), bytes(len(classic)) + post_quantum, signature[1:], signature[:-1],
    ):  # fmt: skip
        with pytest.raises(VerificationError, match=both.public_key.fingerprint):
            both.public_key.verify(wrong, b"message")


def test_the_halves_of_two_keys_do_not_make_a_third_without_both_signing(both):
    stranger = PrivateKey.generate(both.public_key.key_type.partition("+")[0], post_quantum=True)
    ours, theirs = both.sign(b"message"), stranger.sign(b"message")
    for mixed in (ours[:-PQ_BYTES] + theirs[-PQ_BYTES:], theirs[:-PQ_BYTES] + ours[-PQ_BYTES:]):
        for key in (both, stranger):
            with pytest.raises(VerificationError):
                key.public_key.verify(mixed, b"message")


def test_the_classic_half_alone_is_another_key_and_accepts_no_signature_of_both(both):
    half = PublicKey.from_pem(halves(both.public_key_pem())[0])
    assert half != both.public_key
    assert half.fingerprint != both.public_key.fingerprint
    assert half.components < both.public_key.components
    with pytest.raises(VerificationError):
        half.verify(both.sign(b"message"), b"message")


def test_the_halves_are_read_in_their_order_alone(both):
    classic, post_quantum = halves(both.public_key_pem())
    assert PublicKey.from_pem(classic + post_quantum) == both.public_key
    for wrong in (post_quantum + classic, post_quantum * 2, classic + post_quantum * 2, classic * 2):
        with pytest.raises(KeyFileError, match=r"found [23] blocks"):
            PublicKey.from_pem(wrong)
    with pytest.raises(KeyFileError, match="not supported"):
        PublicKey.from_pem(post_quantum)
    secret, secret_post_quantum = halves(both.to_pem(None))
    for wrong in (secret_post_quantum + secret, secret + secret_post_quantum * 2):
        with pytest.raises(KeyFileError, match=r"[23] private keys"):
            PrivateKey.from_pem(wrong)


def test_one_half_in_the_clear_and_one_encrypted_is_refused(both):
    clear, encrypted = halves(both.to_pem(None)), halves(both.to_pem("correct horse"))
    for mixed in (clear[0] + encrypted[1], encrypted[0] + clear[1]):
        with pytest.raises(KeyFileError, match="not encrypted"):
            PrivateKey.from_pem(mixed, "correct horse")
        with pytest.raises(KeyFileError, match="give its passphrase"):
            PrivateKey.from_pem(mixed)


def test_a_fixed_private_key_with_ml_dsa_stays_readable(vectors):
    key = PrivateKey.from_pem((vectors / "ecdsa-p256+ml-dsa-65.key").read_text())
    assert key.public_key.fingerprint == FINGERPRINTS["ecdsa-p256+ml-dsa-65"]
    assert key.to_pem(None) == (vectors / "ecdsa-p256+ml-dsa-65.key").read_text()


@pytest.mark.parametrize(
    "generate",
    [
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: rsa.generate_private_key(65537, 2048),
        ed448.Ed448PrivateKey.generate,
        mldsa.MLDSA65PrivateKey.generate,
    ],
    ids=["secp256k1", "RSA", "Ed448", "ML-DSA-65 alone"],
)
def test_keys_of_other_types_are_refused_with_the_supported_ones(generate):
    foreign = generate()
    private = foreign.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = foreign.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyFileError, match="not supported; use one of ecdsa-p256"):
        PrivateKey.from_pem(private)
    with pytest.raises(KeyFileError, match="not supported; use one of ecdsa-p256"):
        PublicKey.from_pem(public)
