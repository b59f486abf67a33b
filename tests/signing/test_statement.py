"""in-toto statements: canonical writing, strict reading."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, LimitExceededError
from maas_sdk.limits import Limits
from maas_sdk.signing import STATEMENT_TYPE, Statement, Subject

A, B = "a" * 64, "0123456789abcdef" * 4
KIND = "https://maas-sdk.example/release/v1"
quick = settings(max_examples=60, deadline=None)

text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)
subjects = st.builds(Subject, name=text, sha256=st.binary(min_size=32, max_size=32).map(bytes.hex))
statements = st.builds(
    Statement,
    subjects=st.lists(subjects, min_size=1, max_size=5, unique_by=lambda subject: subject.name),
    predicate_type=text,
    predicate=st.dictionaries(text, json_values, max_size=4),
)


def read(**changes):
    """Read a good statement with some fields replaced (or left out, for None)."""
    good = json.loads(Statement([Subject("model.json", A)], KIND, {"sequence": 1}).to_bytes()) | changes
    return Statement.from_bytes(json.dumps({k: v for k, v in good.items() if v is not None}).encode())


def subject(**changes):
    return {"name": "model.json", "digest": {"sha256": A}} | changes


@quick
@given(statements)
def test_every_statement_survives_its_bytes(statement):
    assert Statement.from_bytes(statement.to_bytes()) == statement


@quick
@given(statements)
def test_the_order_of_a_dict_does_not_change_the_bytes(statement):
    turned = dict(reversed(list(statement.predicate.items())))
    again = Statement(statement.subjects, statement.predicate_type, turned)
    assert again.to_bytes() == statement.to_bytes()


def test_a_fixed_statement_keeps_its_bytes(vectors):
    raw = (vectors / "statement.json").read_bytes()
    statement = Statement.from_bytes(raw)
    assert statement.subjects[1].name == "tensors/000.safetensors"
    assert statement.predicate_type == KIND
    assert statement.predicate == {"name": "acme/digits", "sequence": 7}
    assert statement.to_bytes() == raw


def test_a_statement_does_not_change_with_the_callers_dict():
    predicate = {"parts": [1]}
    statement = Statement([Subject("model.json", A)], KIND, predicate)
    predicate["parts"].append(2)
    assert statement.predicate == {"parts": [1]}


def test_an_absent_predicate_is_an_empty_one():
    assert read(predicate=None).predicate == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_type": None}, STATEMENT_TYPE),
        ({"_type": "https://in-toto.io/Statement/v0.1"}, STATEMENT_TYPE),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"subject": None}, "subject: .*expected an array"),
        ({"subject": {}}, "subject: .*expected an array"),
        ({"subject": []}, "one subject at least"),
        ({"subject": [7]}, r"subject\[0\].*expected an object"),
        ({"subject": [subject(), {"name": "x"}]}, r"subject\[1\].*'digest' is missing"),
        ({"subject": [subject(uri="https://x")]}, "unknown key 'uri'"),
        ({"subject": [subject(digest={"md5": "0"})]}, "'sha256' is missing"),
        ({"subject": [subject(digest={"sha256": A, "md5": "0"})]}, "unknown key 'md5'"),
        ({"subject": [subject(digest={"sha256": A.upper()})]}, "64 lower-case"),
        ({"subject": [subject(digest={"sha256": A[1:]})]}, "64 lower-case"),
        ({"subject": [subject(digest={"sha256": A + "\n"})]}, "64 lower-case"),
        ({"subject": [subject(name="")]}, "not empty"),
        ({"subject": [subject(name=7)]}, "expected str"),
        ({"subject": [subject(), subject(digest={"sha256": B})]}, "two subjects have the name 'model.json'"),
        ({"predicateType": None}, "predicate_type"),
        ({"predicateType": 7}, "predicate_type"),
        ({"predicate": []}, "predicate: .*expected an object"),
    ],
)
def test_a_malformed_statement_is_refused_with_the_place(changes, message):
    with pytest.raises(InvalidArtifactError, match=message):
        read(**changes)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"", b"{}", b'{"_type":"x","_type":"x"}'])
def test_what_is_no_statement_is_refused(raw):
    with pytest.raises(InvalidArtifactError):
        Statement.from_bytes(raw)


def test_the_limits_on_json_hold():
    raw = Statement([Subject("model.json", A)], KIND, {"a": {"b": {"c": 1}}}).to_bytes()
    with pytest.raises(LimitExceededError, match="max_json_depth"):
        Statement.from_bytes(raw, limits=Limits(max_json_depth=3))
    with pytest.raises(LimitExceededError, match="max_json_bytes"):
        Statement.from_bytes(raw, limits=Limits(max_json_bytes=100))


def deep():
    value = {}
    for _ in range(100_000):
        value = {"deeper": value}
    return value


@pytest.mark.parametrize("predicate", [{"x": float("nan")}, {"x": object()}, {"x": "\ud800"}, [1], deep()])
def test_a_predicate_that_json_cannot_carry_is_refused(predicate):
    with pytest.raises(InvalidOptionError, match="cannot be written as JSON"):
        Statement([Subject("model.json", A)], KIND, predicate)


def test_a_statement_that_breaks_its_rules_cannot_be_made():
    with pytest.raises(InvalidOptionError, match="expected a Subject"):
        Statement(["model.json"], KIND, {})
    with pytest.raises(InvalidOptionError, match="UTF-8"):
        Subject("caf\udce9.json", A)
    with pytest.raises(InvalidOptionError, match="64 lower-case"):
        Subject("model.json", b"\0" * 32)
