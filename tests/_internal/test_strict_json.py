"""JSON that means one thing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk._internal import strict_json
from maas_sdk.errors import InvalidArtifactError, LimitExceededError, PolicyError
from maas_sdk.limits import Limits

LIMITS = Limits(max_json_bytes=10_000, max_json_depth=8, max_json_values=1_000)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def loads(data, **options):
    return strict_json.loads(data, what="the test", limits=LIMITS, **options)


@given(PLAIN)
@settings(deadline=None, max_examples=100)
def test_what_is_written_reads_back_and_equal_values_give_equal_bytes(value):
    limits = Limits()
    data = strict_json.dumps(value)
    again = strict_json.loads(data, what="the test", limits=limits)
    assert again == value
    assert strict_json.dumps(again) == data


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=200)
def test_garbage_is_refused_or_means_what_the_standard_parser_says(data):
    try:
        value = loads(data)
    except InvalidArtifactError:
        return
    assert value == json.loads(data)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"a":1,"b":2,"a":3}', "'a' appears twice"),
        (b'{"a":{"b":1,"b":1}}', "'b' appears twice"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "out of range"),
        (b"[" + b"9" * 50 + b"]", "50 digits"),
        (rb'["\ud800"]', "surrogate"),
        (rb'{"\udc00":1}', "surrogate"),
        (rb'[["\u0041", "\ud800"]]', "surrogate"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'["\xff"]', "utf-8"),
        (b"{} {}", "Extra data"),
        (b"", "Expecting value"),
        (b'["\x01"]', "control character"),
    ],
)
def test_what_parsers_disagree_about_is_refused(document, reason):
    with pytest.raises(InvalidArtifactError, match=reason):
        loads(document)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (b"[" * 9 + b"]" * 9, "max_json_depth"),
        (b"[" + b"1," * 1_000 + b"1]", "max_json_values"),
        (b'"a"' * 1_002, "max_json_values"),
        (b'"' + b"a" * 10_000 + b'"', "max_json_bytes"),
    ],
)
def test_a_document_beyond_a_limit_is_refused_by_the_name_of_the_limit(document, field):
    with pytest.raises(LimitExceededError, match=field):
        loads(document)


def test_brackets_inside_strings_do_not_count_as_nesting():
    assert loads(rb'["[[[[[[[[[[[[\"[[[["]') == ['[[[[[[[[[[[["[[[[']


def test_an_unterminated_string_of_escapes_is_refused_in_linear_time():
    with pytest.raises(InvalidArtifactError):
        strict_json.loads(b'"' + b'\\"' * 2_000_000, what="the test", limits=Limits())


def test_the_caller_chooses_the_class_of_the_error():
    with pytest.raises(PolicyError, match="the test is not strict JSON"):
        loads(b"{", error=PolicyError)


def test_values_that_json_cannot_carry_are_a_defect_of_the_caller():
    with pytest.raises(ValueError, match="Out of range"):
        strict_json.dumps(float("nan"))
