"""From a declaration to an object: import the target, check the options, construct, check the contract."""

from __future__ import annotations

import importlib
import inspect
import operator
from typing import TYPE_CHECKING, Any

from maas_sdk import interfaces
from maas_sdk.errors import InvalidPluginError, PluginLoadError
from maas_sdk.plugin._guard import component_errors
from maas_sdk.plugin._options import Option, check_options, options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.plugin._component import ComponentInfo

__all__ = ["construct", "declared_options"]

_CONTRACTS: Mapping[str, type] = {
    "preprocessor": interfaces.Preprocessor,
    "model": interfaces.Model,
    "optimizer": interfaces.Optimizer,
    "schedule": interfaces.Schedule,
    "compressor": interfaces.Compressor,
    "storage_backend": interfaces.StorageBackend,
    "serializer": interfaces.EstimatorSerializer,
    "sealer": interfaces.Sealer,
    "signer": interfaces.Signer,
}
_ABSENT = object()


def construct(info: ComponentInfo, options: Mapping[str, Any]) -> Any:
    """Construct a component.

    Raises
    ------
    PluginLoadError
        When its target cannot be imported.
    InvalidOptionError
        When an option is unknown or of the wrong type, or one that it needs is missing.
    ComponentError
        When its constructor raises.
    InvalidPluginError
        When what was constructed lacks a method of its kind.
    """
    target = _import_target(info)
    check_options(info, target, options)
    with component_errors(info):
        component = target(**options)
    _check_contract(info, component)
    return component


def declared_options(info: ComponentInfo) -> tuple[Option, ...]:
    """Import a component's target and read its options; `PluginLoadError` when it cannot be imported."""
    return options_of(_import_target(info))


def _import_target(info: ComponentInfo) -> Callable[..., Any]:
    module, _, path = info.spec.target.partition(":")
    try:
        target = operator.attrgetter(path)(importlib.import_module(module))
    except (Exception, SystemExit) as exc:
        raise PluginLoadError(
            f"{info}: importing {info.spec.target} failed: {type(exc).__name__}: {exc}"
        ) from exc
    if not callable(target):
        raise PluginLoadError(
            f"{info}: {info.spec.target} is a {type(target).__name__}, which nobody can call"
        )
    return target  # type: ignore[no-any-return]


def _check_contract(info: ComponentInfo, component: object) -> None:
    # Statically: a conditional method of scikit-learn (`available_if`) is there before it is available.
    missing = [
        name
        for name in _members(_CONTRACTS[info.kind])
        if inspect.getattr_static(component, name, _ABSENT) is _ABSENT
    ]
    if missing:
        raise InvalidPluginError(f"{info} is declared as a {info.kind} but lacks {', '.join(missing)}")


def _members(contract: type) -> tuple[str, ...]:
    names = {*vars(contract), *inspect.get_annotations(contract)}
    return tuple(sorted(name for name in names if not name.startswith("_")))
