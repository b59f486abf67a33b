"""Identities: sealed files, passphrases, permissions, damage."""

import errno
import io
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk import sealing
from maas_sdk._internal import strict_json
from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidOptionError,
    KeyFileError,
    LimitExceededError,
    SigningError,
    StorageFullError,
    VerificationError,
    WrongPassphraseError,
)
from maas_sdk.identity import Contact, Identity
from maas_sdk.interfaces import Signer
from maas_sdk.limits import Limits
from maas_sdk.signing import KEY_TYPES, PrivateKey, sign_envelope, verify_envelope

QUICK = 2  # scrypt work factor: these passphrases protect nothing
WORDS = "correct horse"


@pytest.fixture
def acme():
    return Identity.generate("acme")


@pytest.fixture
def saved(acme, tmp_path):
    acme.save(tmp_path / "acme.identity", passphrase=WORDS, work_factor=QUICK)
    return tmp_path / "acme.identity"


def seal(path, plain, words=WORDS):
    sink = io.BytesIO()
    sealing.encrypt(plain, sink, [sealing.Passphrase(words, work_factor=QUICK)])
    path.write_bytes(sink.getvalue())
    path.chmod(0o600)
    return path


def unseal(path):
    sink = io.BytesIO()
    sealing.decrypt(path.read_bytes(), sink, [sealing.Passphrase(WORDS)])
    return sink.getvalue()


@pytest.mark.parametrize("post_quantum", [False, True])
@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_loaded_identity_signs_and_unseals_as_before(tmp_path, key_type, post_quantum):
    before = Identity.generate("acme", key_type=key_type, post_quantum=post_quantum)
    before.save(tmp_path / "acme.identity", passphrase=WORDS, work_factor=QUICK)
    after = Identity.load(tmp_path / "acme.identity", passphrase=WORDS)
    assert after.name == "acme"
    assert after.public == before.public
    assert isinstance(after.signer, Signer)
    verify_envelope(sign_envelope(b"payload", [after.signer]), [before.public.public_key])
    sealed, plain = io.BytesIO(), io.BytesIO()
    sealing.encrypt(b"secret", sealed, [before.public.recipient])
    sealing.decrypt(sealed.getvalue(), plain, [after.sealing])
    assert plain.getvalue() == b"secret"


def test_a_fixed_identity_stays_readable(vectors, tmp_path):
    path = tmp_path / "acme.identity"
    path.write_bytes((vectors / "acme.identity").read_bytes())
    path.chmod(0o600)
    identity = Identity.load(path, passphrase="a throw-away passphrase")
    assert identity.public.to_json() == (vectors / "acme.contact.json").read_bytes()


def test_a_classic_key_is_the_default(acme):
    assert acme.public.public_key.key_type == "ecdsa-p256"
    assert acme.public.recipient.post_quantum is False


def test_a_post_quantum_identity_signs_and_unseals_with_both_kinds():
    identity = Identity.generate("acme", post_quantum=True)
    assert identity.public.public_key.key_type == "ecdsa-p256+ml-dsa-65"
    assert identity.public.public_key.post_quantum
    assert identity.public.recipient.post_quantum


def test_a_post_quantum_contact_accepts_no_signature_by_one_half():
    identity = Identity.generate("acme", post_quantum=True)
    half = PrivateKey.from_pem("-----BEGIN" + identity.signer.to_pem(None).split("-----BEGIN")[1])
    contact = Contact.from_json(identity.public.to_json())
    verify_envelope(sign_envelope(b"payload", [identity.signer]), [contact.public_key])
    with pytest.raises(VerificationError):
        verify_envelope(sign_envelope(b"payload", [half]), [contact.public_key])


def test_the_file_is_its_owners_alone_and_sealed_with_the_usual_work(acme, tmp_path):
    acme.save(tmp_path / "acme.identity", passphrase=WORDS)
    assert stat.S_IMODE((tmp_path / "acme.identity").stat().st_mode) == 0o600
    stanza = (tmp_path / "acme.identity").read_bytes().split(b"\n")[1].split(b" ")
    assert stanza[:2] == [b"->", b"scrypt"]
    assert stanza[3] == b"18"


def test_nothing_secret_is_shown_or_left_in_the_clear(acme, saved):
    plain = strict_json.loads(unseal(saved), what="plain", limits=Limits())
    secrets = [plain["sealing_key"], plain["signing_key"].splitlines()[1]]
    for secret in secrets:
        assert secret not in repr(acme) + str(acme) + repr(acme.signer) + repr(acme.sealing)
        assert secret.encode() not in saved.read_bytes()
        assert secret.encode() not in acme.public.to_json()
    assert "acme" in repr(acme)
    assert acme.public.fingerprint in repr(acme)


def test_a_callable_is_asked_once_for_the_passphrase(acme, tmp_path):
    asked = []

    def ask():
        asked.append(1)
        return WORDS

    acme.save(tmp_path / "acme.identity", passphrase=ask, work_factor=QUICK)
    assert Identity.load(tmp_path / "acme.identity", passphrase=ask).public == acme.public
    assert len(asked) == 2


def test_nobody_is_asked_for_a_passphrase_in_vain(tmp_path):
    with pytest.raises(KeyFileError, match="cannot read"):
        Identity.load(tmp_path / "absent", passphrase=pytest.fail)


@pytest.mark.parametrize("words", ["Correct horse", "correct horse ", "x"])
def test_a_wrong_passphrase_is_told_apart_from_damage(saved, words):
    with pytest.raises(WrongPassphraseError, match=r"does not open .*acme\.identity"):
        Identity.load(saved, passphrase=words)


def test_an_empty_passphrase_is_refused(acme, saved, tmp_path):
    with pytest.raises(InvalidOptionError, match="passphrase"):
        acme.save(tmp_path / "other.identity", passphrase="")
    with pytest.raises(InvalidOptionError, match="passphrase"):
        Identity.load(saved, passphrase="")
    assert not (tmp_path / "other.identity").exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_touch_is_refused_with_the_remedy(saved, mode):
    saved.chmod(mode)
    with pytest.raises(KeyFileError, match=f"run: chmod 600 {saved}"):
        Identity.load(saved, passphrase=WORDS)


def test_saving_never_replaces_a_file(saved):
    before = saved.read_bytes()
    with pytest.raises(AlreadyExistsError):
        Identity.generate("globex").save(saved, passphrase=WORDS, work_factor=QUICK)
    assert saved.read_bytes() == before


def test_a_full_medium_leaves_nothing(acme, tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("maas_sdk._internal.files.os.fsync", full)
    with pytest.raises(StorageFullError):
        acme.save(tmp_path / "acme.identity", passphrase=WORDS, work_factor=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_an_identity_whose_signer_was_closed_is_not_saved(acme, tmp_path):
    acme.signer.close()
    with pytest.raises(SigningError, match="was closed"):
        acme.save(tmp_path / "acme.identity", passphrase=WORDS, work_factor=QUICK)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_an_altered_or_truncated_file_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("altered") / "acme.identity"
    altered = bytearray(SEALED)
    if data.draw(st.booleans(), label="truncate"):
        del altered[data.draw(st.integers(0, len(altered) - 1)) :]
    else:
        altered[data.draw(st.integers(0, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(altered)
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        Identity.load(path, passphrase=WORDS, limits=Limits(max_scrypt_work_factor=QUICK + 4))


def make_sealed():
    sink = io.BytesIO()
    plain = strict_json.dumps({"format": "maas-identity/1", "padding": "x" * 400})
    sealing.encrypt(plain, sink, [sealing.Passphrase(WORDS, work_factor=QUICK)])
    return sink.getvalue()


SEALED = make_sealed()


def test_a_truncated_file_is_not_called_a_wrong_passphrase(saved):
    saved.write_bytes(saved.read_bytes()[:-1])
    with pytest.raises(KeyFileError, match="altered or truncated") as caught:
        Identity.load(saved, passphrase=WORDS)
    assert not isinstance(caught.value, WrongPassphraseError)


def test_a_file_that_asks_for_too_much_work_is_refused(saved):
    with pytest.raises(KeyFileError, match="work factor"):
        Identity.load(saved, passphrase=WORDS, limits=Limits(max_scrypt_work_factor=1))


def test_an_oversized_file_is_refused(saved):
    with pytest.raises(LimitExceededError, match="max_key_file_bytes"):
        Identity.load(saved, passphrase=WORDS, limits=Limits(max_key_file_bytes=100))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "maas-identity/2"}, "'maas-identity/2'.*reads 'maas-identity/1'"),
        ({"format": None}, "format None"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"name": "Acme"}, "'Acme' is not a name"),
        ({"signing_key": None}, "'signing_key' is missing"),
        ({"signing_key": "hello"}, "not a private key"),
        ({"sealing_key": "hello"}, "the identity: "),
    ],
)
def test_malformed_content_is_refused_with_the_reason(saved, changes, message):
    good = strict_json.loads(unseal(saved), what="plain", limits=Limits()) | changes
    seal(saved, strict_json.dumps({k: v for k, v in good.items() if v is not None}))
    with pytest.raises(KeyFileError, match=message):
        Identity.load(saved, passphrase=WORDS)


@pytest.mark.parametrize("plain", [b"", b"[]", b"null", b'{"format":1,"format":1}', b"\xff"])
def test_sealed_content_that_is_no_identity_is_refused(saved, plain):
    seal(saved, plain)
    with pytest.raises(KeyFileError, match="the identity"):
        Identity.load(saved, passphrase=WORDS)


@pytest.mark.parametrize("raw", [b"", b"{}", b"-----BEGIN PRIVATE KEY-----\n", b"\0" * 500])
def test_what_is_not_even_sealed_is_refused(saved, raw):
    saved.write_bytes(raw)
    with pytest.raises(KeyFileError, match="not an identity file"):
        Identity.load(saved, passphrase=WORDS)


@pytest.mark.parametrize("name", ["Acme", "", "a/b"])
def test_a_malformed_name_is_refused(name):
    with pytest.raises(InvalidOptionError, match="is not a name"):
        Identity.generate(name)


def test_an_unknown_key_type_is_refused():
    with pytest.raises(InvalidOptionError, match="key_type"):
        Identity.generate("acme", key_type="rsa")
