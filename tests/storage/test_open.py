"""Locations as people write them."""

import pytest

from maas_sdk.errors import InvalidReferenceError, NotFoundError
from maas_sdk.storage import LocalBackend, MemoryBackend, open_backend


@pytest.mark.parametrize("spell", ["{}", "file:{}", "file://{}", "file://localhost{}", "FILE:{}"])
def test_a_folder_has_many_spellings(tmp_path, spell):
    backend = open_backend(spell.format(tmp_path / "store"))
    assert isinstance(backend, LocalBackend)
    assert backend.folder == tmp_path / "store"


def test_a_path_is_a_folder_whatever_its_name(tmp_path):
    assert open_backend(tmp_path / "memory:").folder == tmp_path / "memory:"


def test_relative_locations_start_from_where_the_process_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_backend("models/").folder == tmp_path / "models"
    assert open_backend("file:more%20models").folder == tmp_path / "more models"
    assert open_backend("./s3:x").folder == tmp_path / "s3:x"


def test_a_drive_is_no_scheme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_backend("C:models"), LocalBackend)


def test_memory_is_a_new_private_store_each_time():
    first, second = open_backend("memory:"), open_backend("memory:")
    assert isinstance(first, MemoryBackend)
    with first.create("a"):
        pass
    assert repr(first) == "MemoryBackend(1 objects)"
    assert list(second.list("")) == []


@pytest.mark.parametrize(
    "location", ["s3://bucket/x", "s3:x", "https://example.org", "memory:x", "memory://"]
)
def test_other_schemes_are_for_plugins(location):
    with pytest.raises(InvalidReferenceError, match="open_store"):
        open_backend(location)


@pytest.mark.parametrize("location", ["", "a\0b"])
def test_what_is_no_location_is_refused(location):
    with pytest.raises(InvalidReferenceError, match="no location"):
        open_backend(location)


@pytest.mark.parametrize("url", ["file:", "file://host/x", "file:/x?y", "file:/x#y", "file:/x%00"])
def test_a_malformed_file_url_is_refused(url):
    with pytest.raises(InvalidReferenceError, match="local folder"):
        open_backend(url)


def test_a_missing_folder_is_made_only_when_allowed(tmp_path):
    for location in (tmp_path / "x", str(tmp_path / "x"), f"file:{tmp_path / 'x'}"):
        with pytest.raises(NotFoundError):
            open_backend(location, create=False)
    assert list(tmp_path.iterdir()) == []
