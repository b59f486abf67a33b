"""A model as a folder: written once, read whole, faults of the medium under `StorageError`."""

import mmap
import os

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidArtifactError,
    InvalidOptionError,
    LimitExceededError,
    NotFoundError,
    StorageFullError,
    UnsupportedModelError,
)
from maas_sdk.limits import Limits
from maas_sdk.serialization import dump, dump_parts, load

X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.arange(30) % 3
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


def names_in(folder):
    return [path.name for path in folder.iterdir()]


NAMES = ("model.json", "tensors/000.safetensors", "tensors/001.safetensors")


def test_a_folder_holds_the_parts_and_gives_the_model_back(tmp_path):
    assert dump(MODEL, tmp_path / "model") == NAMES
    for name, part in dump_parts(MODEL).items():
        assert (tmp_path / "model" / name).read_bytes() == part
    np.testing.assert_array_equal(load(str(tmp_path / "model")).predict_proba(X), MODEL.predict_proba(X))


def test_an_empty_folder_is_taken_and_a_model_without_arrays_has_no_tensors(tmp_path):
    assert dump(Normalizer().fit(X), tmp_path) == ("model.json",)
    assert names_in(tmp_path) == ["model.json"]
    assert load(tmp_path).n_features_in_ == 3


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AlreadyExistsError, match="not empty"):
        dump(MODEL, tmp_path)
    assert names_in(tmp_path) == ["notes.txt"]
    with pytest.raises(AlreadyExistsError):
        dump(MODEL, tmp_path / "notes.txt")
    with pytest.raises(NotFoundError):
        dump(MODEL, tmp_path / "missing" / "model")


def test_nothing_is_written_of_a_model_that_cannot_be(tmp_path):
    with pytest.raises(UnsupportedModelError, match="not fitted"):
        dump(LogisticRegression(), tmp_path / "model")
    assert names_in(tmp_path) == []


def test_a_full_medium_leaves_no_model(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFullError):
        dump(MODEL, tmp_path / "model")
    monkeypatch.undo()
    with pytest.raises(InvalidArtifactError, match=r"model\.json is missing"):
        load(tmp_path / "model")


@pytest.mark.parametrize("name", NAMES)
def test_a_part_that_is_missing_or_cut_is_refused(tmp_path, name):
    dump(MODEL, tmp_path)
    path = tmp_path / name
    data = path.read_bytes()
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(InvalidArtifactError):
            load(tmp_path)
    path.unlink()
    with pytest.raises(InvalidArtifactError):
        load(tmp_path)


@pytest.mark.parametrize(
    "name", ["notes.txt", "tensors/notes.txt", "tensors/0.safetensors", "tensors/002.safetensors"]
)
def test_a_file_that_is_no_part_is_refused(tmp_path, name):
    dump(MODEL, tmp_path)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InvalidArtifactError):
        load(tmp_path)


def test_folders_and_links_are_no_parts(tmp_path):
    dump(MODEL, tmp_path / "a")
    (tmp_path / "a" / "model.json").rename(tmp_path / "model.json")
    (tmp_path / "a" / "model.json").symlink_to(tmp_path / "model.json")
    with pytest.raises(InvalidArtifactError, match="not a part"):
        load(tmp_path / "a")
    dump(MODEL, tmp_path / "b")
    (tmp_path / "b" / "tensors" / "000.safetensors").unlink()
    (tmp_path / "b" / "tensors" / "000.safetensors").mkdir()
    with pytest.raises(InvalidArtifactError, match="not a part"):
        load(tmp_path / "b")
    dump(MODEL, tmp_path / "c")
    (tmp_path / "c" / "tensors").rename(tmp_path / "elsewhere")
    (tmp_path / "c" / "tensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidArtifactError, match="not a part"):
        load(tmp_path / "c")


def test_the_limits_hold_before_a_file_is_read(tmp_path):
    dump(MODEL, tmp_path)
    for limits in (Limits(max_part_bytes=100), Limits(max_release_bytes=2000), Limits(max_parts=2)):
        with pytest.raises(LimitExceededError):
            load(tmp_path, limits=limits)
    with pytest.raises(NotFoundError):
        load(tmp_path / "missing")


def test_large_files_are_mapped_and_what_indexes_is_copied(tmp_path):
    rows = np.random.default_rng(0).normal(size=(4000, 8))
    neighbours = KNeighborsClassifier(3).fit(rows, np.arange(4000) % 5)
    dump(neighbours, tmp_path / "model")
    mapped, read = load(tmp_path / "model"), load(tmp_path / "model", mmap_mode=None)
    base = mapped._fit_X
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base.obj, mmap.mmap)
    assert not mapped._fit_X.flags.writeable
    assert mapped._y.base is None
    for loaded in (mapped, read):
        np.testing.assert_array_equal(loaded.predict(rows[:50]), neighbours.predict(rows[:50]))
    with pytest.raises(InvalidOptionError, match="mmap_mode must be 'r' or None"):
        load(tmp_path / "model", mmap_mode="r+")


def test_compressed_files_come_back_from_a_folder(tmp_path):
    names = dump(MODEL, tmp_path / "model", profile="inference", zstd=True)
    assert names == ("model.json", "tensors/000.safetensors.zst", "tensors/001.safetensors.zst")
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(X), MODEL.predict_proba(X))
