"""A registry among estimators: cloned, copied, pickled."""

import copy
import pickle

import pytest
from sklearn.base import BaseEstimator, clone

from maas_sdk.errors import PluginNotAllowedError
from maas_sdk.plugin import PluginRegistry, hookimpl


class Holder(BaseEstimator):
    def __init__(self, registry=None):
        self.registry = registry


class Plain:
    """A plugin object at module level, so that it pickles."""

    @hookimpl
    def maas_sdk_models(self):
        return []


def test_a_deep_copy_is_the_registry_itself_so_that_estimators_clone():
    registry = PluginRegistry()
    assert copy.deepcopy(registry) is registry
    assert clone(Holder(registry)).registry is registry


def test_pickling_keeps_the_configuration():
    registry = PluginRegistry(allow={"acme"}, blocked={"globex"}, aliases={"z": "acme.zstd"})
    back = pickle.loads(pickle.dumps(registry))
    assert repr(back) == repr(registry) == "PluginRegistry(allow=['acme'], blocked=['globex'])"
    with pytest.raises(PluginNotAllowedError):
        back.resolve("model", "globex.x")
    with pytest.raises(LookupError, match="no plugin 'acme'"):
        back.resolve("compressor", "z")


def test_pickling_keeps_registered_objects_and_modules_but_not_observers(install):
    install()
    import acme_plugin

    class Observer:
        @hookimpl
        def maas_sdk_before_step(self, event):
            raise AssertionError

    registry = PluginRegistry()
    registry.register(acme_plugin, "ours")
    registry.register(Plain(), "objects")
    registry.add_observer(Observer())
    back = pickle.loads(pickle.dumps(registry))
    assert back.resolve("compressor", "ours.zstd").distribution is None
    assert back.describe("objects") == []
    with back.step("fit"):
        pass
