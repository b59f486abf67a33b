"""Statements beside releases: what they say, in which bytes, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maas_sdk.artifact._documents.notices import (
    AliasNotice,
    Note,
    Revocation,
    RevokedKey,
    RevokedRelease,
    Rotation,
    YankNotice,
    check_publisher,
)
from maas_sdk.errors import (
    InvalidArtifactError,
    InvalidOptionError,
    InvalidReferenceError,
    LimitExceededError,
)
from maas_sdk.trust import TrustedKey

WHEN = "2026-06-01T12:00:00Z"
IDENTITY = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32


def release(**more):
    return {"name": "acme/digits", "version": "1.0.0", "identity": IDENTITY, "created": WHEN, **more}


@pytest.fixture
def keys(organisations):
    found = [organisations.key(each) for each in (organisations.acme, organisations.globex)]
    return tuple(sorted(found, key=lambda key: key.fingerprint))


@pytest.fixture
def notices(keys):
    return [
        AliasNotice(alias="stable", generation=1, **release()),
        AliasNotice(alias="stable", generation=2, previous=OTHER, **release()),
        YankNotice(generation=1, yanked=True, reason="it drifts", **release()),
        Note(generation=1, text="for the trial", tags=("trial", "x-ray"), **release()),
        Rotation(publisher="acme", epoch=2, keys=keys, threshold=2, created=WHEN),
        Revocation(
            publisher="acme",
            number=3,
            keys=(RevokedKey(IDENTITY, "stolen"),),
            releases=(RevokedRelease(OTHER, "wrong labels"),),
            created=WHEN,
        ),
    ]


def test_what_is_written_is_read_back_and_is_an_in_toto_statement(notices):
    for notice in notices:
        payload = notice.to_payload()
        assert type(notice).from_payload(payload) == notice
        document = json.loads(payload)
        assert document["_type"] == "https://in-toto.io/Statement/v1"
        assert document["subject"]


def test_a_payload_in_other_bytes_is_refused(notices):
    for notice in notices:
        document = json.loads(notice.to_payload())
        with pytest.raises(InvalidArtifactError, match="canonical"):
            type(notice).from_payload(json.dumps(document, sort_keys=True, indent=1).encode())
        document["subject"][0]["digest"]["sha256"] = "0" * 64
        with pytest.raises(InvalidArtifactError, match="canonical"):
            type(notice).from_payload(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def test_one_kind_is_not_read_as_another(notices):
    with pytest.raises(InvalidArtifactError, match="predicate type"):
        YankNotice.from_payload(notices[0].to_payload())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: AliasNotice(alias="v1", generation=1, **release()), InvalidReferenceError, "alias"),
        (lambda: AliasNotice(alias="stable", generation=0, **release()), InvalidOptionError, "generation"),
        (lambda: AliasNotice(alias="stable", generation=True, **release()), InvalidOptionError, "generation"),
        (
            lambda: YankNotice(generation=1, yanked=True, reason=" ", **release()),
            InvalidOptionError,
            "reason",
        ),
        (
            lambda: YankNotice(generation=1, yanked=True, reason="a\nb", **release()),
            InvalidOptionError,
            "line",
        ),
        (lambda: Note(generation=1, tags=("b", "a"), **release()), InvalidOptionError, "sorted"),
        (lambda: Note(generation=1, tags=("No",), **release()), InvalidOptionError, "malformed"),
        (lambda: Note(generation=1, text="x" * 2001, **release()), InvalidOptionError, "2000"),
        (lambda: check_publisher("acme/digits"), InvalidOptionError, "publisher"),
        (lambda: check_publisher(3), InvalidOptionError, "publisher"),
        (
            lambda: Revocation(publisher="acme", number=1, created=WHEN),
            InvalidOptionError,
            "nothing is revoked",
        ),
        (
            lambda: Revocation(
                publisher="acme",
                number=1,
                keys=(RevokedKey(OTHER, "a"), RevokedKey(IDENTITY, "a")),
                created=WHEN,
            ),
            InvalidOptionError,
            "sorted",
        ),
        (
            lambda: Revocation(
                publisher="acme",
                number=1,
                keys=tuple(RevokedKey(f"sha256:{n:064x}", "a") for n in range(4097)),
                created=WHEN,
            ),
            LimitExceededError,
            "4096",
        ),
    ],
)
def test_what_makes_no_sense_is_not_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_rotation_names_distinct_keys_and_a_threshold_that_they_can_meet(keys):
    for threshold in (0, 3, True):
        with pytest.raises(InvalidOptionError, match="threshold"):
            Rotation(publisher="acme", epoch=2, keys=keys, threshold=threshold, created=WHEN)
    for wrong in ((), keys[::-1], (keys[0], keys[0])):
        with pytest.raises(InvalidOptionError, match="keys"):
            Rotation(publisher="acme", epoch=2, keys=wrong, threshold=1, created=WHEN)


def test_a_rotation_with_a_malformed_key_is_refused_when_it_is_read(keys):
    rotation = Rotation(publisher="acme", epoch=2, keys=keys, threshold=1, created=WHEN)
    document = json.loads(rotation.to_payload())
    document["predicate"]["keys"][0]["pem"] = "no key"
    with pytest.raises(InvalidArtifactError, match="pem"):
        Rotation.from_payload(json.dumps(document).encode())
    assert all(isinstance(key, TrustedKey) for key in Rotation.from_payload(rotation.to_payload()).keys)


@given(st.text(max_size=60), st.lists(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True), max_size=5))
def test_every_note_that_can_be_made_comes_back(text, tags):
    try:
        note = Note(generation=1, text=text, tags=tuple(sorted(set(tags))), **release())
    except InvalidOptionError:
        assert not text.isprintable() or not text.strip()
        return
    assert Note.from_payload(note.to_payload()) == note
