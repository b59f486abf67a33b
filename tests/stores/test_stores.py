"""Stores by path and URL."""

import sys
import types

import pytest

import maas_sdk as maas
from maas_sdk.errors import InvalidReferenceError, LimitExceededError, NotFoundError, UnknownComponentError
from maas_sdk.plugin import ComponentSpec, PluginRegistry, hookimpl
from maas_sdk.storage import LocalBackend


def publish(store):
    return store.publish(
        {"model.json": b"{}", "card.md": b"# A card"}, name="acme/m", version="1.0.0",
        signers=[maas.Identity.generate("acme").signer],
    )  # fmt: skip


@pytest.mark.parametrize("form", ["{folder}", "file:{folder}"])
def test_a_folder_is_made_and_found_again(tmp_path, form):
    location = form.format(folder=tmp_path / "models")
    publish(maas.open_store(location))
    assert maas.open_store(location, create=False).names() == ["acme/m"]
    assert maas.open_store(tmp_path / "models").versions("acme/m") == ["1.0.0"]


def test_a_folder_that_is_missing_is_not_made_unless_wanted(tmp_path):
    with pytest.raises(NotFoundError, match="models"):
        maas.open_store(tmp_path / "models", create=False)
    assert not (tmp_path / "models").exists()


def test_each_memory_store_is_its_own():
    first = maas.open_store("memory:")
    publish(first)
    assert first.names() == ["acme/m"]
    assert maas.open_store("memory:").names() == []


def test_a_plugin_adds_a_scheme(tmp_path, monkeypatch):
    module = types.ModuleType("acme_share")
    module.Share = lambda *, location: LocalBackend(tmp_path / location)
    monkeypatch.setitem(sys.modules, "acme_share", module)

    class Acme:
        @hookimpl
        def maas_sdk_storage_backends(self):
            return [ComponentSpec("share", "acme_share:Share")]

    registry = PluginRegistry()
    registry.register(Acme(), name="acme")
    publish(maas.open_store("acme.share:team/models", registry=registry))
    assert (tmp_path / "team/models/oci-layout").exists()


@pytest.mark.parametrize(
    ("location", "error"), [("s3:bucket", InvalidReferenceError), ("acme.s3:bucket", UnknownComponentError)]
)
def test_an_unknown_scheme_is_refused(location, error):
    with pytest.raises(error, match=r"s3|acme"):
        maas.open_store(location)


def test_the_limits_of_a_store_hold(tmp_path):
    with pytest.raises(LimitExceededError, match="max_parts"):
        publish(maas.open_store(tmp_path / "models", limits=maas.Limits(max_parts=1)))
