"""Records that are added and never changed."""

import pytest

from maas_sdk.errors import AlreadyExistsError, InvalidReferenceError, LimitExceededError, NotFoundError
from maas_sdk.limits import Limits
from maas_sdk.storage import MemoryBackend, References

KEY = "acme/digits/versions/1.0.0"


@pytest.fixture
def references(backend):
    return References(backend)


def test_a_record_is_kept_below_refs(references, backend):
    references.put(KEY, b"record")
    assert references.get(KEY) == b"record"
    assert list(backend.list("")) == ["refs/" + KEY]


@pytest.mark.parametrize("size", [0, 4096, 4097, 100_000])
def test_a_record_may_be_long(references, size):
    references.put(KEY, b"x" * size)
    assert references.get(KEY) == b"x" * size
    assert references.has(KEY)
    assert not references.has(KEY + "1")


def test_the_same_record_again_is_fine_and_another_one_is_refused(references):
    references.put(KEY, b"record")
    references.put(KEY, b"record")
    with pytest.raises(AlreadyExistsError, match="another content"):
        references.put(KEY, b"other")
    assert references.get(KEY) == b"record"


def test_records_are_listed_by_prefix_and_other_keys_are_not(references, backend):
    for key in ("acme/digits/versions/1.0.0", "acme/digits/versions/1.1.0", "acme/faces/versions/1.0.0"):
        references.put(key, b"")
    with backend.create("blobs/sha256/x"):
        pass
    assert list(references.list("acme/digits/")) == [
        "acme/digits/versions/1.0.0",
        "acme/digits/versions/1.1.0",
    ]
    assert len(list(references.list())) == 3
    assert list(references.list("nobody")) == []


def test_a_missing_record_is_not_found(references):
    with pytest.raises(NotFoundError):
        references.get(KEY)


@pytest.mark.parametrize("key", ["", "../blobs/x", "/x", "a/../../x"])
def test_no_key_leads_out_of_refs(references, key):
    for call in (references.get, lambda text: references.put(text, b"")):
        with pytest.raises(InvalidReferenceError):
            call(key)
    with pytest.raises(InvalidReferenceError):
        list(references.list("../"))


def test_a_record_has_a_bound_on_both_ways():
    backend = MemoryBackend()
    References(backend).put(KEY, b"12345")
    small = References(backend, limits=Limits(max_json_bytes=4))
    with pytest.raises(LimitExceededError, match="max_json_bytes"):
        small.get(KEY)
    with pytest.raises(LimitExceededError, match="max_json_bytes"):
        small.put("other", b"12345")


def test_whether_there_is_a_record_is_told_without_reading_it(backend):
    references = References(backend)
    assert not references.has("a/b")
    references.put("a/b", b"x")
    assert references.has("a/b")
    assert not references.has("a/c")
