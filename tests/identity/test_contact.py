"""Contacts: what they hold, what they refuse."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import AlreadyExistsError, InvalidOptionError, KeyFileError, LimitExceededError
from maas_sdk.identity import Contact, Identity
from maas_sdk.limits import Limits
from maas_sdk.signing import KEY_TYPES

ACME = Identity.generate("acme").public
GLOBEX = Identity.generate("globex", key_type="ed25519", post_quantum=True).public


def read(**changes):
    """Read a good contact with some fields replaced (or left out, for None)."""
    good = json.loads(ACME.to_json()) | changes
    return Contact.from_json(json.dumps({k: v for k, v in good.items() if v is not None}).encode())


@pytest.mark.parametrize("post_quantum", [False, True])
@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_contact_survives_a_file(tmp_path, key_type, post_quantum):
    contact = Identity.generate("acme", key_type=key_type, post_quantum=post_quantum).public
    contact.save(tmp_path / "acme.contact.json")
    again = Contact.load(tmp_path / "acme.contact.json")
    assert again == contact
    assert again.public_key.key_type == key_type + ("+ml-dsa-65" if post_quantum else "")
    assert again.public_key.post_quantum is post_quantum
    assert again.recipient.post_quantum is post_quantum
    assert again.fingerprint == contact.fingerprint


def test_a_fixed_contact_stays_readable_and_keeps_its_fingerprint(vectors):
    contact = Contact.load(vectors / "acme.contact.json")
    assert contact.name == "acme"
    assert contact.fingerprint == "sha256:77116a92d18e4d86aca580d0df30c17618a3dafa96ce084639dedb179ae30a84"
    assert contact.fingerprint_text == (
        "7711 6a92 d18e 4d86 aca5 80d0 df30 c176 18a3 dafa 96ce 0846 39de db17 9ae3 0a84"
    )
    assert contact.to_json() == (vectors / "acme.contact.json").read_bytes()


def test_the_fingerprint_covers_both_keys_and_not_the_name():
    assert Contact("acme", ACME.public_key, GLOBEX.recipient).fingerprint != ACME.fingerprint
    assert Contact("acme", GLOBEX.public_key, ACME.recipient).fingerprint != ACME.fingerprint
    assert Contact("other", ACME.public_key, ACME.recipient).fingerprint == ACME.fingerprint


def test_saving_never_replaces_a_file(tmp_path):
    path = tmp_path / "acme.contact.json"
    ACME.save(path)
    with pytest.raises(AlreadyExistsError):
        GLOBEX.save(path)
    assert Contact.load(path) == ACME


@pytest.mark.parametrize("name", ["a", "0", "acme", "acme-labs.eu_2", "a" * 64])
def test_a_publishers_name_is_accepted(name):
    assert Contact(name, ACME.public_key, ACME.recipient).name == name


@pytest.mark.parametrize(
    "name", ["", "Acme", "-acme", ".acme", "_acme", "a/b", "a b", "ä", "acme\n", "a" * 65, "a\0", 7, None]
)
def test_any_other_name_is_refused(name):
    with pytest.raises(InvalidOptionError, match="1 to 64 lower-case letters"):
        Contact(name, ACME.public_key, ACME.recipient)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": None}, "has the format None; .*'maas-contact/1'"),
        ({"format": "maas-contact/2"}, "'maas-contact/2'"),
        ({"format": "maas-identity/1"}, "'maas-identity/1'"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"name": None}, "'name' is missing"),
        ({"name": "Acme"}, "'Acme' is not a name"),
        ({"name": 7}, "expected str, not int"),
        ({"public_key": "hello"}, "expected one public key"),
        ({"public_key": GLOBEX.public_key.pem}, "altered or damaged"),
        ({"recipient": "age1hello"}, "the contact: "),
        ({"recipient": str(GLOBEX.recipient)}, "altered or damaged"),
        ({"fingerprint": None}, "'fingerprint' is missing"),
        pytest.param(
            {"fingerprint": GLOBEX.fingerprint},
            f"have the fingerprint {ACME.fingerprint}",
            id="other fingerprint",
        ),
    ],
)
def test_a_malformed_contact_is_refused_with_the_reason(changes, message):
    with pytest.raises(KeyFileError, match=message):
        read(**changes)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{}", b'{"format":"x","format":"x"}', b"\xff"])
def test_what_is_no_contact_is_refused(raw):
    with pytest.raises(KeyFileError, match="the contact"):
        Contact.from_json(raw)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_byte_is_noticed_or_changes_the_name_alone(data):
    raw = bytearray(ACME.to_json())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        contact = Contact.from_json(raw)
    except KeyFileError:
        return
    assert (contact.public_key, contact.recipient) == (ACME.public_key, ACME.recipient)


def test_an_oversized_file_is_refused(tmp_path):
    ACME.save(tmp_path / "acme.contact.json")
    with pytest.raises(LimitExceededError, match="max_key_file_bytes"):
        Contact.load(tmp_path / "acme.contact.json", limits=Limits(max_key_file_bytes=100))


def test_a_malformed_file_is_told_with_its_name(tmp_path):
    (tmp_path / "acme.contact.json").write_text("{}")
    with pytest.raises(KeyFileError, match=r"acme\.contact\.json: the contact has the format None"):
        Contact.load(tmp_path / "acme.contact.json")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(KeyFileError, match=r"cannot read .*absent"):
        Contact.load(tmp_path / "absent")
