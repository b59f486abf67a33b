"""What plugins of API version 1 rely on, as recorded: within a major version it only grows.

A line may be added here when the API gains something. A line that has to be removed or changed means that
plugins out there break: that is version 2.
"""

import inspect

import attrs
import pluggy

from maas_sdk import interfaces, plugin
from maas_sdk.plugin import ENTRY_POINT_GROUP, KINDS, ComponentSpec, HookSpecs, StepEvent

HOOKS = {
    "maas_sdk_preprocessors": (),
    "maas_sdk_models": (),
    "maas_sdk_optimizers": (),
    "maas_sdk_schedules": (),
    "maas_sdk_compressors": (),
    "maas_sdk_storage_backends": (),
    "maas_sdk_serializers": (),
    "maas_sdk_sealers": (),
    "maas_sdk_signers": (),
    "maas_sdk_before_step": ("event",),
    "maas_sdk_after_step": ("event",),
}
EVENT = ("step", "component", "index", "total", "duration", "metrics", "sizes", "error", "remaining")
SPEC = ("name", "target", "summary")
INTERFACES = {
    "Checkpoint": {"load", "save", "clear"},
    "CheckpointStore": {"at"},
    "Compressor": {"needs_training_data", "supports", "compress"},
    "EstimatorSerializer": {"type_name", "target_type", "to_state", "from_state"},
    "Model": {"fit", "predict", "get_params", "set_params"},
    "Optimizer": {"init", "update_"},
    "Preprocessor": {"fit", "transform", "get_params", "set_params"},
    "Schedule": {"init", "rate"},
    "Sealer": {"suffix", "encrypt", "decrypt"},
    "Signer": {"public_key_pem", "sign", "close"},
    "StorageBackend": {"create", "open", "size", "list", "delete"},
}


def members(cls):
    return {n for n in {*vars(cls), *inspect.get_annotations(cls)} if not n.startswith("_")}


def test_hooks_and_their_arguments():
    manager = pluggy.PluginManager("maas_sdk")
    manager.add_hookspecs(HookSpecs)
    found = {name: getattr(manager.hook, name).spec for name in members(HookSpecs)}
    assert {name: tuple(spec.argnames) for name, spec in found.items()} == HOOKS
    assert not any(spec.opts["firstresult"] or spec.opts["historic"] for spec in found.values())


def test_fields_of_events_and_declarations():
    assert tuple(field.name for field in attrs.fields(StepEvent)) == EVENT
    assert all(field.default is not attrs.NOTHING for field in attrs.fields(StepEvent)[1:])
    assert tuple(field.name for field in attrs.fields(ComponentSpec)) == SPEC


def test_contracts_ask_for_no_more_than_they_did():
    contracts = {name: getattr(interfaces, name) for name in interfaces.__all__}
    classes = {name: members(each) for name, each in contracts.items() if isinstance(each, type)}
    assert classes == INTERFACES


def test_the_group_and_the_kinds():
    assert ENTRY_POINT_GROUP == "maas_sdk.v1"
    assert KINDS == (
        "preprocessor",
        "model",
        "optimizer",
        "schedule",
        "compressor",
        "storage_backend",
        "serializer",
        "sealer",
        "signer",
    )


FACE = {
    "ENTRY_POINT_GROUP", "KINDS", "ComponentInfo", "ComponentSpec", "HookSpecs", "InstalledPlugin", "Option",
    "PluginRegistry", "PluginWarning", "Provider", "Step", "StepEvent", "component_errors", "hookimpl",
}  # fmt: skip
REGISTRY = {
    "add_observer", "create", "create_untrusted", "describe", "installed", "notify", "options", "register",
    "resolve", "resolve_untrusted", "step",
}  # fmt: skip
OPTION = ("name", "type", "default", "required", "summary")


def test_what_can_be_imported_and_called():
    assert set(plugin.__all__) >= FACE
    assert members(plugin.PluginRegistry) >= REGISTRY
    assert tuple(field.name for field in attrs.fields(plugin.Option))[: len(OPTION)] == OPTION
