"""Runs the kit on a class of the test's own, as the one component of a plugin."""

import sys
import types

import pytest

from maas_sdk.plugin import ComponentSpec, PluginRegistry, hookimpl
from maas_sdk.plugin._hooks import HOOK_OF_KIND
from maas_sdk.testing import run_checks


@pytest.fixture
def failures(monkeypatch):
    """Give a function that says which checks a class fails, with the reasons."""

    def run(kind, cls, *, options=None, example=None):
        target = types.ModuleType("component_under_test")
        target.Component = cls
        monkeypatch.setitem(sys.modules, target.__name__, target)
        plugin = types.ModuleType("plugin_under_test")

        @hookimpl(specname=HOOK_OF_KIND[kind])
        def declare():
            return [ComponentSpec("part", "component_under_test:Component")]

        plugin.declare = declare
        registry = PluginRegistry()
        registry.register(plugin, "ours")
        results = run_checks(
            "ours",
            registry=registry,
            options={"ours.part": options or {}},
            examples={"ours.part": example} if example else None,
        )
        return {result.check: result.reason for result in results.failures}

    return run
