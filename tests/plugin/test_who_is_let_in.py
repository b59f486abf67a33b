"""Installed is not active; what artifacts name is untrusted; bare names are the built-ins'."""

import sys
from importlib import metadata

import pytest

from maas_sdk.errors import (
    InvalidOptionError,
    InvalidPluginError,
    PluginNotAllowedError,
    UnknownComponentError,
)
from maas_sdk.plugin import PluginRegistry

ONE_MODEL = "@hookimpl\ndef maas_sdk_models():\n    return [ComponentSpec('tree', 'm:C')]"


def test_an_untrusted_reference_needs_allow_and_does_not_even_scan_without(install, monkeypatch):
    install()

    def scanned():
        raise AssertionError("scanned")

    monkeypatch.setattr(metadata, "distributions", scanned)
    registry = PluginRegistry()
    for look in (registry.resolve_untrusted, registry.create_untrusted):
        with pytest.raises(PluginNotAllowedError, match=r"PluginRegistry\(allow=\{'acme'\}\)"):
            look("compressor", "acme.zstd")
    assert "acme_plugin" not in sys.modules


def test_a_plugin_that_the_application_references_is_still_not_allowed_for_artifacts(install):
    install()
    registry = PluginRegistry()
    registry.create("compressor", "acme.zstd")
    with pytest.raises(PluginNotAllowedError):
        registry.resolve_untrusted("compressor", "acme.zstd")


def test_an_untrusted_reference_to_an_allowed_plugin_is_resolved_and_constructed(install):
    install()
    registry = PluginRegistry(allow={"acme"})
    assert registry.resolve_untrusted("compressor", "acme.zstd").reference == "acme.zstd"
    assert registry.create_untrusted("compressor", "acme.zstd", {"level": 7}).level == 7


def test_untrusted_references_reach_built_ins_and_registered_plugins(module):
    registry = PluginRegistry()
    registry.register(module(ONE_MODEL), "ours")
    assert registry.resolve_untrusted("optimizer", "adam").reference == "adam"
    assert registry.resolve_untrusted("model", "sklearn.SVC").reference == "sklearn.SVC"
    assert registry.resolve_untrusted("model", "ours.tree").reference == "ours.tree"


def test_aliases_do_not_hold_for_untrusted_references(install):
    install()
    registry = PluginRegistry(allow={"acme"}, aliases={"zstd": "acme.zstd"})
    assert registry.resolve("compressor", "zstd").reference == "acme.zstd"
    with pytest.raises(UnknownComponentError):
        registry.resolve_untrusted("compressor", "zstd")


def test_a_blocked_plugin_is_never_loaded(install, module):
    install()
    registry = PluginRegistry(blocked={"acme", "sklearn"})
    with pytest.raises(PluginNotAllowedError, match="'acme' is blocked"):
        registry.resolve("compressor", "acme.zstd")
    with pytest.raises(PluginNotAllowedError, match="'sklearn' is blocked"):
        registry.resolve_untrusted("model", "sklearn.SVC")
    with pytest.raises(PluginNotAllowedError, match="'acme' is blocked"):
        registry.register(module(ONE_MODEL), "acme")
    assert "acme_plugin" not in sys.modules


def test_describe_leaves_out_what_the_application_has_blocked():
    registry = PluginRegistry(blocked={"sklearn"})
    plugins = {info.plugin for info in registry.describe()}
    assert plugins == {"maas_sdk"}


def test_bare_names_are_the_built_ins_whatever_is_installed_or_registered(install, module):
    install(
        modules={
            "acme_plugin": "from maas_sdk.plugin import ComponentSpec, hookimpl\n"
            "@hookimpl\ndef maas_sdk_optimizers():\n    yield ComponentSpec('adam', 'acme_zstd:Adam')\n"
        }
    )
    registry = PluginRegistry(allow={"acme"})
    registry.register(module(ONE_MODEL), "ours")
    registry.describe()
    assert registry.resolve("optimizer", "adam").distribution == "maas-sdk"
    assert registry.resolve("optimizer", "acme.adam").distribution == "maas-sdk-acme"
    with pytest.raises(UnknownComponentError):
        registry.resolve("model", "tree")


def test_an_alias_cannot_shadow_a_built_in():
    with pytest.raises(InvalidOptionError, match="'adam' is the name of a built-in"):
        PluginRegistry(aliases={"adam": "acme.adam"})


@pytest.mark.parametrize("name", ["sklearn", "maas_sdk", "maas", "builtin"])
def test_an_application_cannot_register_under_a_reserved_name(module, name):
    with pytest.raises(InvalidPluginError, match="reserved"):
        PluginRegistry().register(module(ONE_MODEL), name)


def test_a_registered_plugin_wins_over_an_installed_one_of_its_name(install, module):
    install()
    registry = PluginRegistry()
    registry.register(module(ONE_MODEL), "acme")
    info = registry.resolve("model", "acme.tree")
    assert (info.distribution, info.version) == (None, None)
    assert str(info) == "acme.tree (registered by the application)"
    assert "acme_plugin" not in sys.modules


def test_a_name_is_registered_once(install, module):
    install()
    registry = PluginRegistry()
    registry.resolve("compressor", "acme.zstd")
    with pytest.raises(InvalidPluginError, match=r"already: plugin 'acme' \(maas-sdk-acme 1\.2\)"):
        registry.register(module(ONE_MODEL), "acme")


def test_a_refused_registration_leaves_nothing_behind(module):
    registry = PluginRegistry()
    with pytest.raises(InvalidPluginError, match="does not exist"):
        registry.register(module("@hookimpl\ndef maas_sdk_modells():\n    return []"), "ours")
    registry.register(module(ONE_MODEL), "ours")
    assert registry.resolve("model", "ours.tree")


def test_an_application_can_put_its_own_plugin_in_the_place_of_a_broken_one(install, module):
    install(modules={"acme_plugin": "1 / 0"})
    registry = PluginRegistry()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        registry.resolve("model", "acme.tree")
    registry.register(module(ONE_MODEL), "acme")
    assert registry.resolve("model", "acme.tree")


@pytest.mark.parametrize(
    "options",
    [
        {"allow": "acme"},
        {"blocked": "acme"},
        {"allow": {"Acme"}},
        {"blocked": {"a.b"}},
        {"allow": {7}},
        {"allow": {"a" * 65}},
        {"allow": {"acme"}, "blocked": {"acme"}},
        {"aliases": {"a.b": "acme.zstd"}},
        {"aliases": {"z": "acme:zstd"}},
        {"aliases": {"z": 7}},
    ],
)
def test_malformed_configuration_is_refused(options):
    with pytest.raises(InvalidOptionError):
        PluginRegistry(**options)


def test_a_malformed_name_is_not_registered(module):
    with pytest.raises(InvalidOptionError, match="not a plugin name"):
        PluginRegistry().register(module(ONE_MODEL), "Our Plugin")
