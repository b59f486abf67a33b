"""Installs small distributions, real dist-info folders and modules, on `sys.path` for one test."""

import sys

import pytest

ZSTD = """
from maas_sdk.plugin import ComponentSpec, hookimpl

@hookimpl
def maas_sdk_compressors():
    yield ComponentSpec("zstd", "acme_zstd:Zstd", summary="Small")
"""

ZSTD_TARGET = """
class Zstd:
    needs_training_data = False

    def __init__(self, level=3):
        self.level = level

    def supports(self, chain):
        return True

    def compress(self, chain, X=None, y=None):
        return chain
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Give a function that installs a distribution and returns its folder."""
    before = set(sys.modules)

    def do(
        distribution="maas-sdk-acme",
        version="1.2",
        *,
        plugin="acme",
        entry="acme_plugin",
        group="maas_sdk.v1",
        modules=None,
        folder=None,
    ):
        site = tmp_path / (folder or distribution)
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{plugin} = {entry}\n")
        for name, source in (modules or {"acme_plugin": ZSTD, "acme_zstd": ZSTD_TARGET}).items():
            (site / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))
        return site

    yield do
    for name in set(sys.modules) - before:
        if name.startswith(("acme", "globex")):
            del sys.modules[name]


@pytest.fixture
def module():
    """Give a function that makes a plugin module from source, without a distribution."""
    import types

    def make(source, name="a_plugin"):
        made = types.ModuleType(name)
        exec(
            compile("from maas_sdk.plugin import ComponentSpec, hookimpl\n" + source, name, "exec"),
            vars(made),
        )
        return made

    return make
