"""From a declaration to an object: import the target, check the options, construct, check the contract."""

from __future__ import annotations

import difflib
import importlib
import inspect
import operator
from typing import TYPE_CHECKING, Any

from maas_sdk import interfaces
from maas_sdk.errors import InvalidOptionError, InvalidPluginError, PluginLoadError
from maas_sdk.plugin._guard import component_errors
from maas_sdk.plugin._names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.plugin._component import ComponentInfo

__all__ = ["construct"]

_CONTRACTS: Mapping[str, type] = {
    "preprocessor": interfaces.Preprocessor,
    "model": interfaces.Model,
    "optimizer": interfaces.Optimizer,
    "compressor": interfaces.Compressor,
    "storage_backend": interfaces.StorageBackend,
    "serializer": interfaces.EstimatorSerializer,
    "sealer": interfaces.Sealer,
    "signer": interfaces.Signer,
}
_ABSENT = object()
_POSITIONAL = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}


def construct(info: ComponentInfo, options: Mapping[str, Any]) -> Any:
    """Construct a component.

    Raises
    ------
    PluginLoadError
        When its target cannot be imported.
    InvalidOptionError
        When an option is unknown, or one that it needs is missing.
    ComponentError
        When its constructor raises.
    InvalidPluginError
        When what was constructed lacks a method of its kind.
    """
    target = _import_target(info)
    _check_options(info, target, options)
    with component_errors(info):
        component = target(**options)
    _check_contract(info, component)
    return component


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


def _check_options(info: ComponentInfo, target: Callable[..., Any], options: Mapping[str, Any]) -> None:
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):
        return  # written in C without a signature: the constructor itself has to say
    named = {name: param for name, param in parameters.items() if param.kind not in _POSITIONAL}
    if not any(param.kind is param.VAR_KEYWORD for param in named.values()):
        _refuse_unknown(info, options, sorted(named))
    missing = [name for name, param in named.items() if _is_required(param) and name not in options]
    if missing:
        raise InvalidOptionError(f"{info} needs the option {', '.join(map(repr, missing))}")


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD


def _refuse_unknown(info: ComponentInfo, options: Mapping[str, Any], known: list[str]) -> None:
    for name in options:
        if name not in known:
            hint = did_you_mean(difflib.get_close_matches(str(name), known))
            accepted = ", ".join(known) or "none"
            raise InvalidOptionError(f"{info} has no option {name!r}{hint}; it takes {accepted}")


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
