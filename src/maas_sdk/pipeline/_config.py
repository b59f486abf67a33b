"""A pipeline as plain data, and back: components by reference, options as TOML and JSON can hold them.

What they cannot hold has a table with one key that starts with ``$``: ``{"$none": true}``,
``{"$tuple": […]}``, ``{"$list": […]}``, ``{"$float": "nan"}``, ``{"$mapping": [[key, value], …]}`` and
``{"$component": reference, "kind": …, "options": {…}}``. An array is a tuple where the option's default or
annotation is one, and a list elsewhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from maas_sdk.errors import InvalidOptionError
from maas_sdk.pipeline._components import named
from maas_sdk.pipeline._naming import Naming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.plugin import ComponentInfo, PluginRegistry

__all__ = ["Encoder", "dump_config", "load_config"]

_FORMAT: Final = "maas-pipeline/1"
_MAX_INTEGER: Final = 2**63  # TOML's integers


class Encoder:
    """Turns components and their options into plain data.

    Parameters
    ----------
    registry : PluginRegistry
        Where references are looked up.
    """

    def __init__(self, registry: PluginRegistry) -> None:
        self.registry = registry
        self.naming = Naming(registry)

    def component(self, kind: str, spec: Any, place: str) -> dict[str, Any]:
        """Encode what an application writes for a component: a name, ``(name, options)`` or an object.

        Raises
        ------
        InvalidOptionError
            When it cannot be written down; `place` is named.
        """
        by_name = named(spec)
        if by_name is None:
            info = self.naming.of(spec, (kind,))
            if info is None:
                raise _not_configurable(place, spec, f"no {kind} component constructs it")
            options = self.naming.changed_options(info, spec)
        else:
            info, options = self.registry.resolve(kind, by_name[0]), by_name[1]
        return {"component": info.reference, "options": self.options(info, options, f"{place}.options")}

    def options(self, info: ComponentInfo | None, options: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Encode the options of a component, or of an object that none constructs."""
        tuples = set() if info is None else self.naming.tuple_options(info)
        return {key: self.value(each, f"{place}.{key}", key in tuples) for key, each in options.items()}

    def value(self, value: Any, place: str, is_tuple: bool = False) -> Any:  # noqa: PLR0911 - one each case
        """Encode one value; `is_tuple`, where an array is read as a tuple."""
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            value = value.item()  # a scalar of numpy
        match value:
            case None:
                return {"$none": True}
            case float() if not math.isfinite(value):
                return {"$float": repr(value)}
            case bool() | float():
                return value
            case int() if -_MAX_INTEGER <= value < _MAX_INTEGER:
                return value
            case str() if _is_text(value):
                return str(value)
            case tuple() | list():
                return self._array(value, place, is_tuple)
            case dict():
                return self._table(value, place)
        return self.nested(value, place)

    def _array(self, value: list[Any] | tuple[Any, ...], place: str, is_tuple: bool) -> Any:
        items = [self.value(each, f"{place}[{i}]") for i, each in enumerate(value)]
        if isinstance(value, tuple) is is_tuple:
            return items
        return {"$tuple" if isinstance(value, tuple) else "$list": items}

    def _table(self, value: dict[Any, Any], place: str) -> dict[str, Any]:
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: self.value(each, f"{place}.{key}") for key, each in value.items()}
        pairs = [
            [self.value(key, place), self.value(each, f"{place}[{key!r}]")] for key, each in value.items()
        ]
        return {"$mapping": pairs}

    def nested(self, value: Any, place: str) -> dict[str, Any]:
        """Encode a value that is no plain data."""
        info = self.naming.of(value)
        if info is None:
            raise _not_configurable(place, value, "it is neither plain data nor made by a component")
        options = self.options(info, self.naming.changed_options(info, value), f"{place}.options")
        return {"$component": info.reference, "kind": info.kind, "options": options}


def dump_config(pipeline: Any, registry: PluginRegistry) -> dict[str, Any]:
    """Give the configuration of a pipeline; see `Pipeline.to_config`."""
    encoder = Encoder(registry)
    config: dict[str, Any] = {
        "format": _FORMAT,
        "model": encoder.component("model", pipeline.model, "model"),
        "preprocessors": [
            encoder.component("preprocessor", spec, f"preprocessors[{i}]")
            for i, spec in enumerate(pipeline.preprocessors)
        ],
    }
    if pipeline.optimizer is not None:
        config["optimizer"] = encoder.component("optimizer", pipeline.optimizer, "optimizer")
    return config


def load_config(config: Any, registry: PluginRegistry) -> dict[str, Any]:
    """Give the arguments of `Pipeline` that a configuration stands for; see `Pipeline.from_config`."""
    _check_keys(config, "the configuration", {"format", "model"}, {"preprocessors", "optimizer"})
    if config["format"] != _FORMAT:
        raise InvalidOptionError(
            f"the configuration has the format {config['format']!r}; this SDK reads {_FORMAT!r}"
        )
    decoder = _Decoder(registry)
    preprocessors = config.get("preprocessors", [])
    if not isinstance(preprocessors, list):
        raise InvalidOptionError(f"preprocessors must be an array of tables, not {preprocessors!r}")
    arguments = {
        "model": decoder.component("model", config["model"], "model"),
        "preprocessors": [
            decoder.component("preprocessor", each, f"preprocessors[{i}]")
            for i, each in enumerate(preprocessors)
        ],
    }
    if "optimizer" in config:
        arguments["optimizer"] = decoder.component("optimizer", config["optimizer"], "optimizer")
    return arguments


class _Decoder:
    """Turns plain data into what an application would have written."""

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry
        self._naming = Naming(registry)

    def component(self, kind: str, data: Any, place: str) -> Any:
        _check_keys(data, place, {"component"}, {"options"})
        reference, options = self._call(kind, data["component"], data.get("options", {}), place)
        return (reference, options) if options else reference

    def _call(self, kind: Any, reference: Any, options: Any, place: str) -> tuple[str, dict[str, Any]]:
        info = self._registry.resolve(kind, reference)
        if not isinstance(options, dict):
            raise InvalidOptionError(f"{place}.options must be a table, not {options!r}")
        tuples = self._naming.tuple_options(info)
        decoded = {
            key: self._value(each, f"{place}.options.{key}", key in tuples) for key, each in options.items()
        }
        return info.reference, decoded

    def _value(self, value: Any, place: str, is_tuple: bool = False) -> Any:
        if isinstance(value, list):
            items = [self._value(each, f"{place}[{i}]") for i, each in enumerate(value)]
            return tuple(items) if is_tuple else items
        if isinstance(value, dict):
            return self._table(value, place)
        if isinstance(value, bool | int | float | str):
            return value
        raise InvalidOptionError(f"{place}: {type(value).__name__} is nothing that a configuration holds")

    def _table(self, data: dict[str, Any], place: str) -> Any:  # noqa: PLR0911 - one for each form
        match data:
            case {"$none": True, **rest} if not rest:
                return None
            case {"$float": ("nan" | "inf" | "-inf") as text, **rest} if not rest:
                return float(text)
            case {"$tuple": list() as items, **rest} if not rest:
                return self._value(items, place, is_tuple=True)
            case {"$list": list() as items, **rest} if not rest:
                return self._value(items, place)
            case {"$mapping": list() as pairs, **rest} if not rest:
                return dict(self._pair(pair, place) for pair in pairs)
            case {"$component": str() as reference, "kind": kind, "options": options, **rest} if not rest:
                found, decoded = self._call(kind, reference, options, place)
                return self._registry.create(kind, found, decoded)
        if any(key.startswith("$") for key in data):
            raise InvalidOptionError(f"{place}: {data!r} has a key with '$', but is none of the known forms")
        return {key: self._value(each, f"{place}.{key}") for key, each in data.items()}

    def _pair(self, pair: Any, place: str) -> tuple[Any, Any]:
        match pair:
            case [bool() | int() | float() | str() as key, value]:
                return key, self._value(value, f"{place}[{key!r}]")
            case [dict() as key, value]:
                return self._key(key, place), self._value(value, f"{place}[{key!r}]")
        raise InvalidOptionError(f"{place}: {pair!r} is not a pair of a key and a value")

    def _key(self, key: dict[str, Any], place: str) -> Any:
        made = self._table(key, place)
        try:
            hash(made)
        except TypeError as exc:
            raise InvalidOptionError(f"{place}: {key!r} cannot be the key of a mapping") from exc
        return made


def _check_keys(data: Any, place: str, required: set[str], optional: set[str]) -> None:
    if not isinstance(data, dict):
        raise InvalidOptionError(f"{place} must be a table, not {data!r}")
    if unknown := sorted(map(str, data.keys() - required - optional)):
        allowed = ", ".join(sorted(required | optional))
        raise InvalidOptionError(f"{place} has an unknown key {unknown[0]!r}; it takes {allowed}")
    if missing := sorted(required - data.keys()):
        raise InvalidOptionError(f"{place} lacks {missing[0]!r}")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False  # a lone surrogate
    return True


def _not_configurable(place: str, value: object, why: str) -> InvalidOptionError:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return InvalidOptionError(f"{place} cannot be written into a configuration: it is a {name}, and {why}")
