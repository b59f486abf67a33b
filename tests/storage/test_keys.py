"""The rules for keys."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maas_sdk.errors import InvalidReferenceError
from maas_sdk.storage import MemoryBackend, check_key

RULE = re.compile(
    r"[A-Za-z0-9_+@-][A-Za-z0-9._+@-]{0,254}(/[A-Za-z0-9_+@-][A-Za-z0-9._+@-]{0,254})*", re.ASCII
)
SEGMENT = st.from_regex(r"[A-Za-z0-9_+@-][A-Za-z0-9._+@-]{0,20}", fullmatch=True)
KEY = st.lists(SEGMENT, min_size=1, max_size=6).map("/".join)
BAD = [
    "", "/", "/etc/passwd", "a/", "a//b", "..", "a/../b", ".", "a/.", "a/./b", ".hidden", "a/.tmp", "a\\b",
    "C:x", "a b", "a\n", "a\0b", "é", "a/b\u202e", "~", "a*", "%2e%2e/x", "x" * 256, "x/" * 256 + "xy",
]  # fmt: skip


@pytest.mark.parametrize("key", BAD)
def test_what_is_no_key_is_refused_by_every_call(backend, key):
    for call in (check_key, backend.open, backend.size, backend.delete):
        with pytest.raises(InvalidReferenceError):
            call(key)
    with pytest.raises(InvalidReferenceError), backend.create(key):
        pytest.fail("the block must not run")


@pytest.mark.parametrize("key", ["a", "A.b", "refs/acme/digits/versions/1.0.0+b", "a@b", "-", "_", "x" * 255])
def test_a_good_key_is_given_back(key):
    assert check_key(key) == key


@given(st.one_of(st.text(max_size=30), st.text(alphabet="aA0._+@-/ \\", max_size=30), KEY))
@settings(deadline=None, max_examples=100)
def test_a_key_is_accepted_exactly_when_it_keeps_the_rules(key):
    try:
        check_key(key)
    except InvalidReferenceError:
        assert not RULE.fullmatch(key)
    else:
        assert RULE.fullmatch(key)


@given(KEY, st.data())
@settings(deadline=None, max_examples=50)
def test_every_beginning_of_a_key_is_a_prefix_that_finds_it(key, data):
    backend = MemoryBackend()
    with backend.create(key):
        pass
    prefix = key[: data.draw(st.integers(0, len(key)))]
    assert list(backend.list(prefix)) == [key]


@pytest.mark.parametrize("prefix", ["/", "../", "..", ".", "a//", "a/.", "a\0", " ", "x" * 513])
def test_a_prefix_that_no_key_can_have_is_refused(backend, prefix):
    with pytest.raises(InvalidReferenceError):
        backend.list(prefix)


def test_a_long_key_of_short_segments_is_accepted():
    key = "/".join(["a" * 100] * 4)
    assert check_key(key) == key
