"""Scan: what is installed, by entry points alone."""

import subprocess
import sys
from importlib import metadata

import pytest

from maas_sdk.errors import InvalidPluginError, UnknownComponentError
from maas_sdk.plugin import PluginRegistry, PluginWarning


def test_a_vendors_component_is_found_by_plugin_and_name_with_its_distribution(install):
    install()
    info = PluginRegistry().resolve("compressor", "acme.zstd")
    assert (info.kind, info.reference, info.plugin) == ("compressor", "acme.zstd", "acme")
    assert (info.distribution, info.version) == ("maas-sdk-acme", "1.2")
    assert str(info) == "acme.zstd (maas-sdk-acme 1.2)"


def test_constructing_a_registry_and_using_built_ins_scans_nothing(monkeypatch):
    def scanned():
        raise AssertionError("scanned")

    monkeypatch.setattr(metadata, "distributions", scanned)
    registry = PluginRegistry(allow={"acme"}, blocked={"globex"}, aliases={"z": "acme.zstd"})
    registry.resolve("optimizer", "adam")
    registry.resolve("model", "sklearn.SVC")
    PluginRegistry().describe()
    with PluginRegistry().step("fit"):
        pass


def test_installed_lists_without_importing(install):
    install(modules={"acme_plugin": "raise SystemExit('imported')"})
    (plugin,) = PluginRegistry(allow={"acme"}).installed()
    assert (plugin.name, plugin.module, plugin.group, plugin.problem) == (
        "acme",
        "acme_plugin",
        "maas_sdk.v1",
        "",
    )
    assert "acme_plugin" not in sys.modules


def test_an_installed_plugin_is_not_imported_until_it_is_referenced(install):
    install()
    registry = PluginRegistry()
    registry.describe()
    registry.resolve("optimizer", "adam")
    with registry.step("fit"):
        pass
    assert "acme_plugin" not in sys.modules
    registry.resolve("compressor", "acme.zstd")
    assert "acme_plugin" in sys.modules
    assert "acme_zstd" not in sys.modules


def test_two_distributions_with_one_plugin_name_are_both_named_and_neither_is_loaded(install):
    install()
    install("globex-acme", "3.0", entry="globex_plugin", modules={"globex_plugin": ""})
    registry = PluginRegistry()
    with pytest.raises(
        InvalidPluginError, match=r"claimed by globex-acme 3\.0 and maas-sdk-acme 1\.2: neither"
    ):
        registry.resolve("compressor", "acme.zstd")
    assert {"acme_plugin", "globex_plugin"}.isdisjoint(sys.modules)
    assert all("neither" in plugin.problem for plugin in registry.installed())


def test_one_distribution_found_twice_on_the_path_is_no_clash_and_the_first_counts(install):
    install(version="1.1", folder="old")
    install("Maas.SDK_acme", version="1.2", folder="new")
    info = PluginRegistry().resolve("compressor", "acme.zstd")
    assert info.version == "1.2"


@pytest.mark.parametrize("name", ["sklearn", "maas_sdk", "maas", "builtin"])
def test_a_distribution_that_claims_a_reserved_name_is_refused_with_one_warning(install, name):
    install(plugin=name)
    registry = PluginRegistry()
    with pytest.warns(
        PluginWarning, match=r"\(maas-sdk-acme 1\.2\) claims a name that is reserved"
    ) as caught:
        (plugin,) = registry.installed()
    assert len(caught) == 1
    assert registry.installed() == (plugin,)
    assert plugin.problem
    assert registry.resolve("model", "sklearn.SVC").distribution == "maas-sdk"
    assert "acme_plugin" not in sys.modules


def test_a_reserved_name_that_no_built_in_has_cannot_be_referenced(install):
    install(plugin="maas")
    with (
        pytest.warns(PluginWarning, match="reserved"),
        pytest.raises(InvalidPluginError, match=r"plugin 'maas' .* reserved"),
    ):
        PluginRegistry().resolve("compressor", "maas.zstd")


@pytest.mark.parametrize(
    ("plugin", "entry", "problem"),
    [
        ("Acme", "acme_plugin", "malformed name"),
        ("ac-me", "acme_plugin", "malformed name"),
        ("acme", "acme_plugin:plugin", "does not name a module"),
        ("acme", "acme_plugin [extra]", "does not name a module"),
    ],
)
def test_a_malformed_entry_point_is_a_problem(install, plugin, entry, problem):
    install(plugin=plugin, entry=entry)
    registry = PluginRegistry()
    (found,) = registry.installed()
    assert problem in found.problem
    assert "(maas-sdk-acme 1.2)" in found.problem
    with pytest.raises((InvalidPluginError, UnknownComponentError)):
        registry.resolve("compressor", "acme.zstd")
    assert "acme_plugin" not in sys.modules


def test_a_plugin_for_another_major_version_is_hinted_at_and_not_loaded(install):
    install(group="maas_sdk.v2", version="3.0")
    with pytest.raises(
        UnknownComponentError,
        match=r"\(maas-sdk-acme 3\.0\) speaks maas_sdk\.v2, this SDK speaks maas_sdk\.v1",
    ):
        PluginRegistry().resolve("compressor", "acme.zstd")
    assert "acme_plugin" not in sys.modules


def test_a_plugin_that_speaks_two_major_versions_is_loaded_by_ours(install):
    site = install(group="maas_sdk.v2", entry="acme_plugin_v2")
    (info,) = site.glob("*.dist-info")
    (info / "entry_points.txt").write_text(
        "[maas_sdk.v2]\nacme = acme_plugin_v2\n[maas_sdk.v1]\nacme = acme_plugin\n"
    )
    assert PluginRegistry().resolve("compressor", "acme.zstd").version == "1.2"


def test_other_entry_point_groups_are_none_of_ours(install):
    install(group="maas_sdk.vendors")
    assert PluginRegistry().installed() == ()


def test_a_distribution_with_broken_metadata_does_not_take_the_others_with_it(install, caplog):
    broken = install("broken", plugin="broken", modules={"broken_plugin": ""})
    (info,) = broken.glob("*.dist-info")
    (info / "entry_points.txt").write_bytes(b"[maas_sdk.v1]\n\xff\xfe = x\n")
    install()
    caplog.set_level("DEBUG", "maas_sdk.plugin")
    assert PluginRegistry().resolve("compressor", "acme.zstd").plugin == "acme"
    assert "unreadable metadata" in caplog.text


def test_an_unknown_plugin_is_unknown_with_close_matches(install):
    install()
    with pytest.raises(UnknownComponentError, match=r"no plugin 'acne' .*did you mean 'acme'") as caught:
        PluginRegistry().resolve("compressor", "acne.zstd")
    assert caught.value.close_matches == ("acme",)


def test_the_plugin_room_and_declarations_import_neither_numpy_nor_scikit_learn():
    program = (
        "import sys\n"
        "from maas_sdk.plugin import PluginRegistry\n"
        "registry = PluginRegistry()\n"
        "assert 'importlib.metadata' not in sys.modules\n"
        "assert registry.describe()\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"numpy", "sklearn", "scipy", "cryptography"}.isdisjoint(done.stdout.split())
