"""A plugin that was written for the first version of the API works as it did; its files never change."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

import maas_sdk as maas
from maas_sdk.plugin import KINDS, PluginRegistry

HERE = Path(__file__).parent / "fixtures" / "first_version"
DIGESTS = {
    "first_components.py": "8711ad781f4a292c9433e76bb5a2b49d2354b298cf11a8a6b2c1906b2bb3ac94",
    "first_plugin.py": "c377b18da3d0d4e9dbc6333783217975327be38975b5ffe1589a6cab93a104b4",
}
COMPONENTS = {
    "preprocessor": "first.shift",
    "model": "first.mean",
    "optimizer": "first.step",
    "compressor": "first.same",
    "storage_backend": "first.dict",
    "serializer": "first.shift",
    "sealer": "first.xor",
    "signer": "first.null",
}


@pytest.fixture
def registry(install, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    install("maas-sdk-first", "1.0", plugin="first", entry="first_plugin", modules={"unused": ""})
    yield PluginRegistry(allow={"first"})
    for name in ("first_plugin", "first_components"):
        sys.modules.pop(name, None)


def test_the_fixture_is_what_it_was():
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in HERE.glob("*.py")}
    assert found == DIGESTS


def test_it_still_declares_a_component_of_each_kind_that_there_was(registry):
    assert {info.kind: info.reference for info in registry.describe("first")} == COMPONENTS


@pytest.mark.parametrize("kind", COMPONENTS)
def test_its_components_are_still_constructed(registry, kind):
    assert kind in KINDS
    assert registry.create(kind, COMPONENTS[kind]) is not None


def test_its_options_are_still_told_and_taken(registry):
    (by,) = registry.options("preprocessor", "first.shift")
    assert (by.name, by.type, by.default, by.required) == ("by", "float", 1.0, False)
    assert registry.create("optimizer", "first.step", {"size": 2.0}).size == 2.0


def test_it_still_trains_predicts_and_observes_in_a_pipeline(registry):
    pipeline = maas.Pipeline("first.mean", [("first.shift", {"by": 2.0})], "first.step", registry=registry)
    X = np.array([[1.0, 3.0], [5.0, 7.0]])
    assert pipeline.fit(X, [0.0, 1.0]).predict(X).tolist() == [4.0, 8.0]
    heard = sys.modules["first_plugin"].heard
    assert [(when, step) for when, step, *_ in heard] == [
        ("before", "preprocess"), ("after", "preprocess"), ("before", "fit"), ("after", "epoch"),
        ("after", "fit"), ("before", "predict"), ("after", "predict"),
    ]  # fmt: skip
    epoch = next(each for each in heard if each[1] == "epoch")
    assert epoch[2] == {"loss": 0.5}
