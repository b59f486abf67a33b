"""What a publisher signs: strict records, every rule checked."""

import json

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import sha256
from maas_sdk.artifact import Disclosure, Disclosures, PartInfo
from maas_sdk.artifact._documents.parts import media_type_of
from maas_sdk.artifact._documents.statements import Dataset, Layer, ReleaseStatement, SealingStatement
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, LimitExceededError, MaasError
from maas_sdk.limits import Limits

ONE, TWO = "sha256:" + "11" * 32, "sha256:" + "22" * 32


def part(path, size=3):
    return PartInfo(path, media_type_of(path), size, "ab" * 32)


RELEASE = ReleaseStatement(
    name="acme/digits",
    version="1.0.0",
    sequence=2,
    previous=TWO,
    created="2026-06-01T12:00:00Z",
    expires=None,
    keys=(ONE,),
    parts=(part("card.md"), part("model.json"), part("tensors/000.safetensors")),
)
SEALING = SealingStatement(
    manifest=ONE,
    identity=TWO,
    recipients=(ONE, TWO),
    suffix=".age",
    layers=(Layer("a", ONE, 5), Layer("b", TWO, 6)),
)


def altered(statement, change):
    document = json.loads(statement.to_payload())
    change(document)
    return strict_json.dumps(document)


def test_a_release_statement_comes_back_and_its_digest_is_the_identity():
    payload = RELEASE.to_payload()
    assert ReleaseStatement.from_payload(payload) == RELEASE
    assert RELEASE.identity == sha256(payload)
    assert RELEASE.subject == "acme/digits@1.0.0"


def test_a_release_statement_is_an_in_toto_statement_about_the_plaintext_parts():
    document = json.loads(RELEASE.to_payload())
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "https://maas-sdk.org/release/v1"
    assert document["subject"][0] == {"name": "card.md", "digest": {"sha256": "ab" * 32}}
    assert document["predicate"]["parts"][1] == {
        "path": "model.json",
        "media_type": "application/vnd.cncf.model.weight.config.v1.raw",
        "size": 3,
    }


def test_an_envelope_statement_comes_back_and_is_about_the_manifest():
    assert SealingStatement.from_payload(SEALING.to_payload()) == SEALING
    document = json.loads(SEALING.to_payload())
    assert document["predicateType"] == "https://maas-sdk.org/sealing/v1"
    assert document["subject"] == [{"name": "manifest", "digest": {"sha256": "11" * 32}}]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "acme"},
        {"version": "1.0"},
        {"sequence": 0},
        {"sequence": 2**53},
        {"previous": "abc"},
        {"created": "2026-06-01"},
        {"created": "2026-02-30T00:00:00Z"},
        {"expires": "never"},
        {"keys": ()},
        {"keys": (ONE, ONE)},
        {"keys": (TWO, ONE)},
        {"keys": ("me",)},
        {"parts": ()},
        {"parts": (part("b"), part("a"))},
        {"parts": (part("a"), part("a"))},
        {"parts": (part("A"), part("a"))},
        {"parts": (part("a"), part("a/b"))},
        {"parts": (part("A"), part("a/b"))},
        {"parts": (part("X/y"), part("x/Y"))},
    ],
)
def test_a_release_statement_that_breaks_a_rule_cannot_be_made(change):
    with pytest.raises((InvalidOptionError, ValueError)) as caught:
        evolve(RELEASE, **change)
    assert isinstance(caught.value, MaasError)


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", "..", "../a", "a/../b", ".", "./a", ".hidden", "a/.b", "a.", "a\\b", "a b", "é",
     "a\n", "c:x", "a" * 201, "-a", "nul", "x/COM1.txt", "aux.json"],
)  # fmt: skip
def test_an_unsafe_path_is_not_a_part(path):
    with pytest.raises(InvalidOptionError, match="path of a part"):
        part(path)


@pytest.mark.parametrize("path", ["a", "a/b/c.json", "_x", "a-b+c.d", "nullable", "console.md", "0"])
def test_a_safe_path_is_a_part(path):
    assert part(path).path == path


@pytest.mark.parametrize(
    "fields", [("m", -1, "ab" * 32), ("m", 1, "AB" * 32), ("m", 1, "ab" * 31), ("x/y", 1, "ab" * 32)]
)
def test_a_part_has_a_known_type_a_size_and_a_digest(fields):
    kind, size, digest = fields
    kind = media_type_of("model.json") if kind == "m" else kind
    with pytest.raises(InvalidOptionError):
        PartInfo("a", kind, size, digest)


@pytest.mark.parametrize(
    "change",
    [
        {"manifest": "x"},
        {"identity": "x"},
        {"recipients": ()},
        {"recipients": (TWO, ONE)},
        {"suffix": "age"},
        {"suffix": "."},
        {"suffix": "./x"},
        {"suffix": ".aaaaaaaaaaaaaaaaaaa"},
        {"layers": (Layer("a", ONE, 5), Layer("a", TWO, 5))},
        {"layers": (Layer("a", ONE, 5), Layer("b", ONE, 5))},
    ],
)
def test_an_envelope_statement_that_breaks_a_rule_cannot_be_made(change):
    with pytest.raises(InvalidOptionError):
        evolve(SEALING, **change)


def test_a_layer_has_a_size():
    with pytest.raises(InvalidOptionError, match="size -1"):
        Layer("a", ONE, -1)


def _set(*path, value):
    def change(document):
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set("predicateType", value="https://maas-sdk.org/release/v2"), "predicate type"),
        (_set("predicate", "more", value=1), "unknown key 'more'"),
        (_set("predicate", "sequence", value="2"), "expected int"),
        (_set("predicate", "sequence", value=True), "expected int"),
        (_set("predicate", "parts", value=[]), "not as many"),
        (_set("predicate", "parts", value={}), "not as many"),
        (_set("predicate", "parts", value=[1, 2, 3]), "PartInfo|object"),
        (_set("predicate", "parts", 0, "sha256", value="cd" * 32), "canonical"),
        (_set("predicate", "parts", 0, "path", value="card2.md"), "canonical"),
        (_set("predicate", "parts", 0, "path", value="../card.md"), "path of a part"),
        (_set("subject", 0, "name", value="card2.md"), "canonical"),
        (_set("predicate", "keys", value={ONE: 1}), "array"),
        (lambda document: document["predicate"].pop("previous"), "canonical"),
        (lambda document: document["predicate"].pop("name"), "'name' is missing"),
    ],
)
def test_a_payload_that_says_it_differently_is_refused(change, reason):
    with pytest.raises(InvalidArtifactError, match=reason):
        ReleaseStatement.from_payload(altered(RELEASE, change))


def test_the_same_statement_with_white_space_is_refused():
    payload = json.dumps(json.loads(RELEASE.to_payload())).encode()
    with pytest.raises(InvalidArtifactError, match="canonical"):
        ReleaseStatement.from_payload(payload)


@pytest.mark.parametrize(
    "change",
    [
        _set("subject", 0, "name", value="other"),
        _set("predicate", "manifest", value=ONE),
        _set("predicate", "recipients", value=ONE),
        _set("predicate", "layers", 0, "size", value=-1),
    ],
)
def test_an_envelope_payload_that_says_it_differently_is_refused(change):
    with pytest.raises(InvalidArtifactError):
        SealingStatement.from_payload(altered(SEALING, change))


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        (Limits(max_parts=2), "max_parts"),
        (Limits(max_part_bytes=2), "max_part_bytes"),
        (Limits(max_release_bytes=8), "max_release_bytes"),
        (Limits(max_json_bytes=100), "max_json_bytes"),
    ],
)
def test_limits_hold_for_what_a_statement_declares(limits, field):
    with pytest.raises(LimitExceededError, match=field):
        ReleaseStatement.from_payload(RELEASE.to_payload(), limits=limits)


def test_the_number_of_recipients_is_limited():
    with pytest.raises(LimitExceededError, match="max_recipients"):
        SealingStatement.from_payload(SEALING.to_payload(), limits=Limits(max_recipients=1))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(RELEASE.to_payload()) - 1), st.integers(1, 255))
def test_no_other_byte_gives_the_same_statement(position, mask):
    payload = bytearray(RELEASE.to_payload())
    payload[position] ^= mask
    try:
        found = ReleaseStatement.from_payload(bytes(payload))
    except InvalidArtifactError:
        return
    assert found != RELEASE
    assert found.to_payload() == payload


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metrics": {"accuracy": float("nan")}}, "finite"),
        ({"metrics": {"accuracy": 1}}, "finite"),
        ({"metrics": {"": 1.0}}, "malformed name"),
        ({"metrics": {"a\nb": 1.0}}, "malformed name"),
        ({"metrics": {f"m{n}": 1.0 for n in range(257)}}, "256"),
        ({"datasets": [Dataset("train", ONE), Dataset("train", TWO)]}, "same name"),
        ({"datasets": [Dataset(f"d{n}", ONE) for n in range(257)]}, "256"),
        ({"parents": (TWO, ONE)}, "sorted"),
        ({"parents": tuple(f"sha256:{n:064x}" for n in range(257))}, "256"),
        ({"epoch": 0}, "epoch"),
    ],
)
def test_lineage_and_metrics_have_rules_too(change, message):
    with pytest.raises(InvalidOptionError, match=message):
        evolve(RELEASE, **change)


ACCEPTED = Disclosure("verbatim-rows:model._fit_X", "high", "60 rows")


def test_what_is_disclosed_is_signed_and_comes_back():
    said = Disclosures(highest="high", accepted=[ACCEPTED, Disclosure("labels:model.classes_", "low", "3")])
    assert [each.name for each in said.accepted] == ["labels:model.classes_", "verbatim-rows:model._fit_X"]
    release = evolve(RELEASE, disclosures=said)
    assert ReleaseStatement.from_payload(release.to_payload()) == release
    assert json.loads(release.to_payload())["predicate"]["disclosures"]["accepted"][1] == {
        "name": "verbatim-rows:model._fit_X",
        "severity": "high",
        "evidence": "60 rows",
    }


def test_a_statement_that_says_nothing_of_it_is_the_one_that_it_was_before():
    assert b"disclosures" not in RELEASE.to_payload()
    with pytest.raises(InvalidArtifactError, match="canonical"):
        ReleaseStatement.from_payload(altered(RELEASE, _set("predicate", "disclosures", value=None)))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"highest": "grave"}, "highest is 'grave'"),
        ({"highest": "low", "accepted": [ACCEPTED]}, "highest found is low"),
        ({"highest": "high", "accepted": [ACCEPTED, ACCEPTED]}, "accepted twice"),
        ({"highest": "high", "accepted": [evolve(ACCEPTED, name=f"n{n}") for n in range(257)]}, "256"),
    ],
)
def test_what_is_disclosed_has_rules_too(said, reason):
    with pytest.raises(InvalidOptionError, match=reason):
        Disclosures(**said)
    with pytest.raises(InvalidOptionError, match="control character"):
        evolve(ACCEPTED, evidence="a\x1b[2J")


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("highest",), "grave", "one of none"),
        (("highest",), "low", "highest found is low"),
        (("more",), 1, "unknown key"),
        (("accepted", 0, "severity"), "grave", "one of none"),
        (("accepted", 0, "name"), "", "name must be a text"),
    ],
)
def test_a_payload_that_says_it_wrongly_is_refused(path, value, reason):
    release = evolve(RELEASE, disclosures=Disclosures(highest="high", accepted=[ACCEPTED]))
    payload = altered(release, _set("predicate", "disclosures", *path, value=value))
    with pytest.raises(InvalidArtifactError, match=reason):
        ReleaseStatement.from_payload(payload)


def test_lineage_and_metrics_are_signed_and_come_back():
    release = evolve(
        RELEASE,
        epoch=3,
        parents=(ONE, TWO),
        datasets=[Dataset("b", ONE), Dataset("a", TWO)],
        metrics={"loss": 0.1, "accuracy": 1.0},
    )
    assert [dataset.name for dataset in release.datasets] == ["a", "b"]
    assert ReleaseStatement.from_payload(release.to_payload()) == release
    assert release.identity != RELEASE.identity
