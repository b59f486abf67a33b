"""Recipients and identities as text."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk import sealing
from maas_sdk.errors import HeaderError, InvalidKeyError, InvalidOptionError, SealingError
from maas_sdk.limits import Limits
from maas_sdk.sealing import _bech32, _hybrid

# The examples of https://c2sp.org/age.
X25519_IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
X25519_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
HYBRID_IDENTITY = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"
HYBRID_RECIPIENT_SHA256 = "a091dd7e0ee9d62b75173dcc98441a0424baa941e66a8776e570a4ae60ff61ea"


@pytest.fixture(params=[False, True], ids=["classic", "post-quantum"])
def identity(request):
    return sealing.generate_identity(post_quantum=request.param)


def test_the_specifications_x25519_example_derives_exactly():
    assert str(sealing.parse_identity(X25519_IDENTITY).recipient) == X25519_RECIPIENT


def test_the_specifications_hybrid_example_derives_exactly():
    text = str(sealing.parse_identity(HYBRID_IDENTITY).recipient)
    assert text.startswith("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdx")
    assert text.endswith("9efhxpfqdkmhh6gjtqmwze9pyyzk3tlhl53k2ykx3qheyty7saeq0d3fzv49zc0k")
    assert hashlib.sha256(text.encode()).hexdigest() == HYBRID_RECIPIENT_SHA256


def test_the_specifications_x25519_stanza_opens():
    stanza = sealing.Stanza(
        "X25519",
        ("O6DLx/wDIawpUC978NSPjYvrfDtJVnZApXKp4FMPHCY",),
        bytes.fromhex("dda2a3a33b7d6a087b8c69af38abd1e226b1e355a5e338fde4c28ae17f49b967"),
    )
    file_key = sealing.parse_identity(X25519_IDENTITY).unwrap([stanza])
    assert file_key == bytes.fromhex("6505da236915145fea6f7f0e451b0b92")


def test_texts_round_trip(identity):
    assert sealing.parse_identity(identity.to_text()) == identity
    assert sealing.parse_recipient(str(identity.recipient)) == identity.recipient


def test_texts_in_the_other_case_are_the_same_key(identity):
    assert sealing.parse_identity(identity.to_text().lower()) == identity
    assert sealing.parse_recipient(str(identity.recipient).upper()) == identity.recipient


def test_post_quantum_is_the_default_and_can_be_told():
    assert isinstance(sealing.generate_identity(), sealing.HybridIdentity)
    assert sealing.generate_identity().recipient.post_quantum
    assert not sealing.generate_identity(post_quantum=False).recipient.post_quantum


def test_every_identity_is_another():
    assert len({sealing.generate_identity(post_quantum=False).to_text() for _ in range(8)}) == 8


def test_no_secret_shows_in_a_representation(identity):
    secret = identity.to_text()
    for shown in (repr(identity), str(identity), f"{identity}", repr([identity])):
        assert secret not in shown
        assert "SECRET" not in shown
    assert "horse" not in repr(sealing.Passphrase("horse"))


def test_keys_can_be_copied_pickled_and_hashed(identity):
    assert copy.deepcopy(identity) == identity
    assert pickle.loads(pickle.dumps(identity.recipient)) == identity.recipient
    assert len({identity.recipient, sealing.parse_recipient(str(identity.recipient))}) == 1
    assert str(identity.recipient) in repr(identity.recipient) or identity.recipient.post_quantum


def test_a_fingerprint_is_over_type_and_key(identity):
    recipient = identity.recipient
    kind = b"mlkem768x25519" if recipient.post_quantum else b"X25519"
    assert (
        recipient.fingerprint
        == "sha256:" + hashlib.sha256(kind + b"\0" + recipient.public_bytes()).hexdigest()
    )
    assert recipient.fingerprint in repr(identity)


@given(prefix=st.sampled_from(["age", "age1pq", "a", "age-secret-key-", "1"]), data=st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_bech32_round_trips_at_any_length(prefix, data):
    text = _bech32.encode(prefix, data)
    assert _bech32.decode(text) == _bech32.decode(text.upper()) == (prefix, data)


@given(place=st.integers(0, 61), char=st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l1bB!"))
@settings(max_examples=100, deadline=None)
def test_a_mistyped_recipient_is_refused(place, char):
    wrong = X25519_RECIPIENT[:place] + char + X25519_RECIPIENT[place + 1 :]
    if wrong != X25519_RECIPIENT:
        with pytest.raises(InvalidKeyError):
            sealing.parse_recipient(wrong)


def with_checksum(prefix, words):
    """Give a bech32 text with a checksum that holds over any five-bit words."""
    state = _bech32._checksum([*_bech32._expand(prefix), *words, *[0] * 6]) ^ 1
    words = [*words, *((state >> 5 * (5 - place)) & 31 for place in range(6))]
    return prefix + "1" + "".join(_bech32._ALPHABET[word] for word in words)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "age",
        "age1",
        "age1qqqqq",
        "1qqqqqqq",
        X25519_RECIPIENT[1:],
        X25519_RECIPIENT[:-1],
        X25519_RECIPIENT + " ",
        " " + X25519_RECIPIENT,
        X25519_RECIPIENT + "\n",
        X25519_RECIPIENT[:20] + X25519_RECIPIENT[20:].upper(),
        "Age" + X25519_RECIPIENT[3:],
        X25519_RECIPIENT.upper().replace("K", "\u212a", 1),
        "\u00e4" + X25519_RECIPIENT,
        "a\x7fe" + X25519_RECIPIENT[3:],
        with_checksum("age", []),
        with_checksum("age", [0] * 51),
        with_checksum("age", [0] * 53),
        with_checksum("age", [1] * 52),
        _bech32.encode("age", bytes([9] * 31)),
        _bech32.encode("age", bytes([9] * 33)),
        _bech32.encode("age", bytes(32)),
        _bech32.encode("age1pq", bytes(1215)),
        _bech32.encode("age1pq", b"\xff" * 1216),
        _bech32.encode("age1pq", bytes(1216)),
        _bech32.encode("age1yubikey", bytes(33)),
        _bech32.encode("bc", bytes(32)),
        X25519_IDENTITY,
        "ssh-ed25519 AAAA",
        b"age1",
        None,
    ],
)
def test_the_text_of_no_recipient_is_refused(text):
    with pytest.raises(InvalidKeyError):
        sealing.parse_recipient(text)


@pytest.mark.parametrize(
    "text",
    [
        X25519_RECIPIENT,
        X25519_IDENTITY[:-1],
        X25519_IDENTITY[:-1] + "Y",
        X25519_IDENTITY[:30] + X25519_IDENTITY[30:].lower(),
        _bech32.encode("age-secret-key-", bytes(31)),
        _bech32.encode("age-secret-key-", bytes(33)),
        _bech32.encode("age-secret-key-pq-", bytes(31)),
        _bech32.encode("age-plugin-yubikey-", bytes(32)),
    ],
)
def test_the_text_of_no_identity_is_refused_and_not_repeated(text):
    with pytest.raises(InvalidKeyError) as caught:
        sealing.parse_identity(text)
    assert text[5:25] not in str(caught.value)


def test_an_identity_that_is_no_text_is_refused():
    with pytest.raises(InvalidKeyError, match="must be a str"):
        sealing.parse_identity(b"AGE-SECRET-KEY-1")


def test_an_identity_file_has_comments_empty_lines_and_several_identities(alice, carol):
    lines = ["# created: today", "", alice.to_text(), "  ", f"#{alice.to_text()}", carol.to_text()]
    for end in ("\n", "\r\n"):
        assert sealing.parse_identity_file(end.join(lines)) == (alice, carol)
        assert sealing.parse_identity_file(end.join(lines) + end) == (alice, carol)


def test_an_identity_file_names_the_line_that_is_wrong(alice):
    with pytest.raises(InvalidKeyError, match="line 2"):
        sealing.parse_identity_file(f"{alice.to_text()}\n{alice.to_text()[:-1]}\n")


def test_a_recipient_file_has_comments_empty_lines_and_several_recipients(alice, carol):
    lines = ["# ours", "", str(alice.recipient), str(carol.recipient)]
    for end in ("\n", "\r\n"):
        assert sealing.parse_recipient_file(end.join(lines)) == (alice.recipient, carol.recipient)
    with pytest.raises(InvalidKeyError, match="line 1: this is an identity"):
        sealing.parse_recipient_file(alice.to_text())
    for text in ("", "# nothing\n", None):
        with pytest.raises(InvalidKeyError):
            sealing.parse_recipient_file(text)


@pytest.mark.parametrize("text", ["", "# nothing\n", None])
def test_an_identity_file_without_identities_is_refused(text):
    with pytest.raises(InvalidKeyError):
        sealing.parse_identity_file(text)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", {}),
        (b"bytes", {}),
        ("half \ud800", {}),
        ("good", {"work_factor": 0}),
        ("good", {"work_factor": 31}),
        ("good", {"work_factor": True}),
        ("good", {"work_factor": "18"}),
    ],
)
def test_a_passphrase_that_cannot_be_used_is_refused(text, options):
    with pytest.raises(InvalidOptionError):
        sealing.Passphrase(text, **options)


def test_a_passphrase_may_be_any_text(seal, unseal):
    odd = sealing.Passphrase("pässwört 🔑 \x00", work_factor=1)
    assert unseal(seal(b"text", recipients=[odd]), identities=[odd]) == b"text"


def test_a_work_factor_over_the_limit_is_refused_before_the_work():
    stanza = sealing.Passphrase("p", work_factor=2).wrap(bytes(16))
    with pytest.raises(HeaderError, match="max_scrypt_work_factor"):
        sealing.Passphrase("p").unwrap([stanza], limits=Limits(max_scrypt_work_factor=1))
    assert sealing.Passphrase("p").unwrap([stanza], limits=Limits(max_scrypt_work_factor=2)) == bytes(16)


def test_too_little_memory_for_a_passphrase_is_told(monkeypatch):
    from maas_sdk.sealing import _passphrase

    class Greedy:
        def __init__(self, **_):
            pass

        def derive(self, _):
            raise MemoryError

    monkeypatch.setattr(_passphrase, "Scrypt", Greedy)
    with pytest.raises(SealingError, match="256 MiB"):
        sealing.Passphrase("p").wrap(bytes(16))


def test_a_key_of_the_wrong_length_is_refused():
    for kind, size in (
        (sealing.X25519Recipient, 31),
        (sealing.X25519Identity, 33),
        (sealing.HybridRecipient, 1184),
        (sealing.HybridIdentity, 64),
    ):
        with pytest.raises(InvalidKeyError):
            kind(bytes(size))


class Missing:
    """ML-KEM-768 in a build of cryptography that has none."""

    @staticmethod
    def from_seed_bytes(_data):
        raise UnsupportedAlgorithm("ML-KEM-768 is not supported")

    from_public_bytes = from_seed_bytes


def test_a_build_without_ml_kem_is_told(carol, seal, unseal, monkeypatch):
    sealed = seal(b"text", recipients=[carol.recipient])
    monkeypatch.setattr(_hybrid, "MLKEM768PrivateKey", Missing)
    monkeypatch.setattr(_hybrid, "MLKEM768PublicKey", Missing)
    for action in (
        sealing.generate_identity,
        lambda: sealing.parse_recipient(str(carol.recipient)),
        lambda: sealing.parse_identity(carol.to_text()),
        lambda: seal(b"text", recipients=[carol.recipient]),
        lambda: unseal(sealed, identities=[carol]),
    ):
        with pytest.raises(SealingError, match="post_quantum=False"):
            action()
