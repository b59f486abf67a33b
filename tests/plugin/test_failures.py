"""Load: what becomes of a plugin that is broken."""

import sys
import threading
import warnings

import pytest

from maas_sdk.errors import InvalidPluginError, PluginLoadError, UnknownComponentError
from maas_sdk.plugin import PluginRegistry, PluginWarning

ZSTD = """
from maas_sdk.plugin import ComponentSpec, hookimpl

@hookimpl
def maas_sdk_compressors():
    yield ComponentSpec("zstd", "acme_zstd:Zstd")

"""

GLOBEX = """
from maas_sdk.plugin import ComponentSpec, hookimpl

@hookimpl
def maas_sdk_compressors():
    return [ComponentSpec("gzip", "globex_gzip:Gzip")]
"""


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise RuntimeError('no licence')", RuntimeError),
        ("import acme_that_is_not_there", ImportError),
        ("raise SystemExit('bye')", SystemExit),
        ("def broken(:", SyntaxError),
    ],
)
def test_a_plugin_that_fails_to_import_raises_when_it_is_referenced_each_time(install, source, cause):
    install(modules={"acme_plugin": source})
    registry = PluginRegistry()
    for _ in range(2):
        with pytest.raises(PluginLoadError, match=r"plugin 'acme' \(maas-sdk-acme 1\.2\)") as caught:
            registry.resolve("compressor", "acme.zstd")
        assert isinstance(caught.value.__cause__, cause)
    (installed,) = registry.installed()
    assert installed.problem == str(caught.value)


def test_a_plugin_that_failed_is_not_imported_again(install):
    install(modules={"acme_plugin": "import sys\nsys.acme_count = getattr(sys, 'acme_count', 0) + 1\n1 / 0"})
    registry = PluginRegistry()
    try:
        for _ in range(3):
            with pytest.raises(PluginLoadError):
                registry.resolve("compressor", "acme.zstd")
        assert sys.acme_count == 1
    finally:
        del sys.acme_count


def test_keyboard_interrupt_at_import_passes_and_is_not_recorded(install):
    site = install(modules={"acme_plugin": "raise KeyboardInterrupt"})
    registry = PluginRegistry()
    with pytest.raises(KeyboardInterrupt):
        registry.resolve("compressor", "acme.zstd")
    (site / "acme_plugin.py").write_text("")
    with pytest.raises(InvalidPluginError, match="implements no hook"):
        registry.resolve("compressor", "acme.zstd")


def test_an_allowed_plugin_that_fails_is_warned_of_once_and_work_goes_on(install):
    install(modules={"acme_plugin": "1 / 0"})
    registry = PluginRegistry(allow={"acme"})
    with pytest.warns(
        PluginWarning, match=r"plugin 'acme' \(maas-sdk-acme 1\.2\).*ZeroDivisionError"
    ) as caught:
        registry.describe()
    assert len(caught) == 1
    assert issubclass(PluginWarning, UserWarning)
    assert registry.describe()
    with registry.step("fit"):
        pass
    with pytest.raises(PluginLoadError):
        registry.resolve("compressor", "acme.zstd")


def test_a_broken_plugin_of_the_applications_own_shows_up_only_where_it_is_referenced(module):
    registry = PluginRegistry()
    registry.register(module("@hookimpl\ndef maas_sdk_models():\n    return [1]"), "ours")
    with pytest.raises(UnknownComponentError, match="adam"):
        registry.resolve("optimizer", "adm")
    with pytest.warns(PluginWarning, match="plugin 'ours'"):
        assert "ours" not in {info.plugin for info in registry.describe()}
    with pytest.raises(InvalidPluginError, match="not a ComponentSpec"):
        registry.resolve("model", "ours.tree")


def test_a_failing_plugin_does_not_hinder_another(install):
    install(modules={"acme_plugin": "1 / 0"})
    install("globex", plugin="globex", entry="globex_plugin", modules={"globex_plugin": GLOBEX})
    registry = PluginRegistry(allow={"acme", "globex"})
    with pytest.warns(PluginWarning, match="acme"):
        references = {info.reference for info in registry.describe()}
    assert "globex.gzip" in references


def test_an_allowed_plugin_that_is_not_installed_is_not_worth_a_warning():
    registry = PluginRegistry(allow={"acme"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.describe()
        with registry.step("fit"):
            pass
    with pytest.raises(UnknownComponentError):
        registry.resolve("compressor", "acme.zstd")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("@hookimpl\ndef maas_sdk_models():\n    return ['zstd']", "'zstd', which is not a ComponentSpec"),
        ("@hookimpl\ndef maas_sdk_models():\n    return 7", "maas_sdk_models: TypeError"),
        (
            "@hookimpl\ndef maas_sdk_models():\n    yield ComponentSpec('z', 'm:C')\n    1 / 0",
            "ZeroDivisionError",
        ),
        ("@hookimpl\ndef maas_sdk_models():\n    raise SystemExit", "maas_sdk_models: SystemExit"),
        (
            "@hookimpl\ndef maas_sdk_models():\n    yield ComponentSpec('a b', 'm:C')",
            "'a b' is not a component name",
        ),
        ("@hookimpl\ndef maas_sdk_models():\n    yield ComponentSpec('z', 'm')", "'m' does not read"),
        ("SPEC = ComponentSpec('z', 'm')", "'m' does not read"),
        (
            "@hookimpl\ndef maas_sdk_models():\n    return [ComponentSpec('z', 'm:C')] * 2",
            "declares the model 'z' twice",
        ),
        (
            "@hookimpl\ndef maas_sdk_modles():\n    return []",
            "'maas_sdk_modles' .did you mean 'maas_sdk_models'",
        ),
        ("@hookimpl\ndef maas_sdk_models(config):\n    return []", "config"),
        ("def maas_sdk_models():\n    return []", "not marked with maas_sdk.plugin.hookimpl"),
        (
            "@hookimpl(tryfirst=True)\ndef maas_sdk_models():\n    return []",
            "must not be marked tryfirst=True",
        ),
        ("@hookimpl(trylast=True)\ndef maas_sdk_models():\n    return []", "must not be marked trylast=True"),
        (
            "@hookimpl(wrapper=True)\ndef maas_sdk_models():\n    return (yield)",
            "must not be marked wrapper=True",
        ),
        (
            "@hookimpl(hookwrapper=True)\ndef maas_sdk_after_step(event):\n    yield",
            "must not be marked hookwrapper=True",
        ),
    ],
)
def test_a_bad_declaration_refuses_the_whole_plugin(install, source, message):
    install(modules={"acme_plugin": ZSTD + source})
    registry = PluginRegistry()
    for reference in ("acme.zstd", "acme.z"):
        with pytest.raises(InvalidPluginError, match=message) as caught:
            registry.resolve("compressor", reference)
        assert "(maas-sdk-acme 1.2)" in str(caught.value)


def test_a_plugin_without_any_hook_is_refused(install):
    install(modules={"acme_plugin": "maas_sdk = 'a plugin, or is it?'"})
    with pytest.raises(InvalidPluginError, match="implements no hook"):
        PluginRegistry().describe("acme")


def test_a_refused_plugin_observes_nothing(install):
    install(
        modules={
            "acme_plugin": "from maas_sdk.plugin import hookimpl\n"
            "@hookimpl\ndef maas_sdk_after_step(event):\n    raise SystemExit('observed')\n"
            "@hookimpl\ndef maas_sdk_models():\n    return [1]\n"
        }
    )
    registry = PluginRegistry(allow={"acme"})
    with pytest.warns(PluginWarning, match="not a ComponentSpec"), registry.step("fit"):
        pass


def test_an_optional_hook_of_a_later_version_is_let_pass(module):
    registry = PluginRegistry()
    source = "@hookimpl(optionalhook=True)\ndef maas_sdk_tokenizers():\n    return []\n"
    registry.register(module(source + "@hookimpl\ndef maas_sdk_models():\n    return []"), "ours")
    assert registry.describe("ours") == []


def test_the_same_name_in_two_kinds_is_fine(module):
    registry = PluginRegistry()
    registry.register(
        module(
            "@hookimpl\ndef maas_sdk_models():\n    return [ComponentSpec('k', 'm:C')]\n"
            "@hookimpl\ndef maas_sdk_preprocessors():\n    return [ComponentSpec('k', 'm:C')]\n"
        ),
        "ours",
    )
    assert [info.kind for info in registry.describe("ours")] == ["preprocessor", "model"]


def test_many_threads_load_a_plugin_once(install):
    install(
        modules={
            "acme_plugin": "import time, sys\nfrom maas_sdk.plugin import ComponentSpec, hookimpl\n"
            "calls = []\n"
            "@hookimpl\ndef maas_sdk_compressors():\n"
            "    calls.append(1)\n    time.sleep(0.01)\n    yield ComponentSpec('zstd', 'acme_zstd:Zstd')\n"
        }
    )
    registry = PluginRegistry()
    barrier, found = threading.Barrier(16), []

    def resolve():
        barrier.wait()
        found.append(registry.resolve("compressor", "acme.zstd"))

    threads = [threading.Thread(target=resolve) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len({id(info) for info in found}) == 1
    assert sys.modules["acme_plugin"].calls == [1]
