"""From what an application writes (a name, ``(name, options)`` or an object) to the steps of a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sklearn.base import clone

from maas_sdk.errors import InvalidOptionError
from maas_sdk.interfaces import Compressor, Model, Optimizer, Preprocessor, Sealer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.plugin import ComponentInfo, PluginRegistry

__all__ = [
    "Step",
    "build_model",
    "build_preprocessors",
    "compressor_specs",
    "make_compressors",
    "make_sealer",
    "named",
]

_FORMS = "a name, (name, {options}) or an object"


@frozen
class Step:
    """One step of a chain, not fitted.

    Attributes
    ----------
    name : str
        Unique in the chain.
    reference : str
        The component reference it was made by, or the class's name for an object.
    estimator : object
        A fresh copy.
    component : ComponentInfo or None
        What it is, when it came from a registry.
    """

    name: str
    reference: str
    estimator: Any
    component: ComponentInfo | None = None


def named(value: object) -> tuple[str, dict[str, Any]] | None:
    """Split ``"name"`` or ``("name", {options})``; None when `value` is neither."""
    match value:
        case str() as name:
            return name, {}
        case [str() as name, dict() as options]:
            return name, dict(options)
    return None


def build_preprocessors(specs: Sequence[Any], registry: PluginRegistry) -> list[Step]:
    """Make the preprocessors, in order.

    Raises
    ------
    InvalidOptionError
        When `specs` is not a sequence of what it takes.
    UnknownComponentError
        For a name that no component has.
    """
    if isinstance(specs, str) or named(specs) is not None or not isinstance(specs, list | tuple):
        raise InvalidOptionError(
            f"preprocessors must be a list of preprocessors, each {_FORMS}, not {specs!r}"
        )
    steps: list[Step] = []
    for spec in specs:
        estimator, reference = _make("preprocessor", spec, registry, Preprocessor)
        base = reference.rpartition(".")[2].lower()
        taken = sum(step.name == base or step.name.startswith(f"{base}-") for step in steps)
        name = f"{base}-{taken + 1}" if taken else base
        steps.append(Step(name, reference, estimator, _info("preprocessor", spec, registry)))
    return steps


def build_model(spec: Any, optimizer: Any, registry: PluginRegistry) -> Step:
    """Make the model and hand it its optimizer.

    Raises
    ------
    InvalidOptionError
        When the model takes no optimizer, or either is of the wrong kind.
    """
    model, reference = _make("model", spec, registry, Model)
    if optimizer is not None:
        if "optimizer" not in model.get_params(deep=False):
            raise InvalidOptionError(
                f"model {reference!r} has no option 'optimizer': it trains itself; leave optimizer=None"
            )
        built, _ = _make("optimizer", optimizer, registry, Optimizer)
        model.set_params(optimizer=built)
    return Step("model", reference, model, _info("model", spec, registry))


def make_compressors(spec: Any, registry: PluginRegistry) -> tuple[str, tuple[Any, ...]]:
    """Make one candidate: a compressor, or a list of compressors that are applied in order.

    Returns
    -------
    name : str
        Such as ``"pca(n_components=0.9) + float16"``.
    compressors : tuple
        The objects.
    """
    names, compressors = [], []
    for item in compressor_specs(spec):
        compressor, reference = _make("compressor", item, registry, Compressor)
        _, options = named(item) or (reference, {})
        names.append(reference + _call(options))
        compressors.append(compressor)
    if not compressors:
        raise InvalidOptionError("a candidate needs at least one compressor")
    return " + ".join(names), tuple(compressors)


def compressor_specs(spec: Any) -> list[Any]:
    """Split a candidate, as an application writes it, into its compressors."""
    return [spec] if named(spec) is not None or not isinstance(spec, list | tuple) else list(spec)


def make_sealer(spec: Any, registry: PluginRegistry) -> Sealer:
    """Make what seals a release."""
    sealer: Sealer = _make("sealer", spec, registry, Sealer)[0]
    return sealer


def _info(kind: str, spec: Any, registry: PluginRegistry) -> ComponentInfo | None:
    by_name = named(spec)
    return None if by_name is None else registry.resolve(kind, by_name[0])


def _call(options: Mapping[str, Any]) -> str:
    if not options:
        return ""
    return "(" + ", ".join(f"{key}={value!r}" for key, value in sorted(options.items())) + ")"


def _make(kind: str, spec: Any, registry: PluginRegistry, contract: type) -> tuple[Any, str]:
    name_and_options = named(spec)
    if name_and_options is not None:
        reference, options = name_and_options
        return registry.create(kind, reference, options), reference
    if isinstance(spec, type) or not isinstance(spec, contract):
        hint = f"; did you mean {spec.__name__}()?" if isinstance(spec, type) else ""
        raise InvalidOptionError(f"{kind} must be {_FORMS}, not {spec!r}{hint}")
    made = clone(spec) if hasattr(spec, "get_params") else spec
    return made, type(spec).__name__
