"""What made a model, for the release's ``pipeline.json``; and the serializers that a recipe asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from maas_sdk._internal import strict_json
from maas_sdk.artifact import ComponentRecord, Recipe, SerializerRecord
from maas_sdk.errors import PluginNotAllowedError, UnknownComponentError
from maas_sdk.pipeline._components import named
from maas_sdk.pipeline._config import Encoder
from maas_sdk.pipeline._naming import options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.plugin import ComponentInfo, PluginRegistry

__all__ = ["compressed_with", "made_of", "needed_serializers", "usable_serializers"]

_MAX_OPTION: Final = 4096  # characters of JSON; what is longer is data, and data is not told


class _Recorder(Encoder):
    """Writes down every component that it meets; for a value that plain data cannot hold, its class."""

    def __init__(self, registry: PluginRegistry) -> None:
        super().__init__(registry)
        self.records: list[ComponentRecord] = []

    def options(self, info: ComponentInfo | None, options: Mapping[str, Any], place: str) -> dict[str, Any]:
        encoded = super().options(info, options, place)
        return {
            key: each if len(json.dumps(each)) <= _MAX_OPTION else _type_only(options[key])
            for key, each in encoded.items()
        }

    def add(self, kind: str, value: Any, place: str, info: ComponentInfo | None) -> dict[str, Any]:
        """Record an object, and what it holds; `info`, where it is known what made it."""
        info = info or self.naming.of(value, (kind,))
        given = options_of(value) if info is None else self.naming.changed_options(info, value)
        return self._add(kind, info, given, place, _name(value))

    def add_spec(self, kind: str, spec: Any, place: str) -> None:
        """Record what an application wrote: a name, ``(name, options)`` or an object."""
        by_name = named(spec)
        if by_name is None:
            self.add(kind, spec, place, None)
        else:
            info = self.registry.resolve(kind, by_name[0])
            self._add(kind, info, by_name[1], place, info.spec.target.replace(":", "."))

    def nested(self, value: Any, place: str) -> dict[str, Any]:
        info = self.naming.of(value)
        if info is None:
            return _type_only(value)
        options = self.add(info.kind, value, place, info)
        return {"$component": info.reference, "kind": info.kind, "options": options}

    def _add(
        self, kind: str, info: ComponentInfo | None, given: Mapping[str, Any], place: str, implementation: str
    ) -> dict[str, Any]:
        options = self.options(info, given, f"{place}.options")
        self.records.append(
            ComponentRecord(
                place=place,
                kind=kind,
                reference=None if info is None else info.reference,
                implementation=implementation,
                distribution=None if info is None else info.distribution,
                version=None if info is None else info.version,
                options=options,
            )
        )
        return options


def made_of(
    steps: Sequence[tuple[str, Any]], components: Mapping[str, ComponentInfo | None], registry: PluginRegistry
) -> tuple[ComponentRecord, ...]:
    """Record the steps of a fitted chain, the last of which is the model."""
    recorder = _Recorder(registry)
    for index, (name, estimator) in enumerate(steps[:-1]):
        recorder.add("preprocessor", estimator, f"preprocessors[{index}]", components.get(name))
    name, model = steps[-1]
    recorder.add("model", model, "model", components.get(name))
    return tuple(recorder.records)


def compressed_with(specs: Sequence[Any], registry: PluginRegistry) -> tuple[ComponentRecord, ...]:
    """Record the compressors of the candidate that was taken, in order."""
    recorder = _Recorder(registry)
    for index, each in enumerate(specs):
        recorder.add_spec("compressor", each, f"compressors[{index}]")
    return tuple(recorder.records)


def needed_serializers(
    model: bytes, serializers: Mapping[ComponentInfo, Any]
) -> tuple[SerializerRecord, ...]:
    """Tell which serializers ``model.json``, canonical JSON, cannot be read without."""
    return tuple(
        SerializerRecord(
            type_name=serializer.type_name,
            reference=info.reference,
            distribution=info.distribution,
            version=info.version,
        )
        for info, serializer in serializers.items()
        if b'"type":' + strict_json.dumps(serializer.type_name) in model
    )


def usable_serializers(recipe: Recipe, reference: str, registry: PluginRegistry) -> list[Any]:
    """Make the serializers of built-ins and of plugins that the application allows or registered itself.

    Raises
    ------
    PluginNotAllowedError, UnknownComponentError
        When the release needs one that is not among them; the distribution that has it is named.
    """
    made = []
    for info in registry.describe():
        if info.kind == "serializer":
            try:
                made.append(registry.create_untrusted("serializer", info.reference))
            except PluginNotAllowedError:
                continue  # the application's own call loaded it; artifacts may not use it for that
    known = {serializer.type_name for serializer in made}
    for need in recipe.serializers:
        if need.type_name not in known:
            _refuse(need, reference, registry)
    return made


def _refuse(need: SerializerRecord, reference: str, registry: PluginRegistry) -> None:
    plugin = need.reference.rpartition(".")[0]
    what = (
        f"{reference} needs {need.reference} from {need.origin}: install it and allow it with "
        f'PluginRegistry(allow={{"{plugin}"}})'
    )
    try:
        found = registry.resolve_untrusted("serializer", need.reference)
    except PluginNotAllowedError as exc:
        raise PluginNotAllowedError(what) from exc
    except UnknownComponentError as exc:
        raise UnknownComponentError(
            f"{what} ({exc})", reference=need.reference, close_matches=exc.close_matches
        ) from exc
    raise UnknownComponentError(
        f"{what}; {found} here does not know the type {need.type_name!r}", reference=need.reference
    )


def _type_only(value: object) -> dict[str, str]:
    return {"$type": _name(value)}


def _name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
