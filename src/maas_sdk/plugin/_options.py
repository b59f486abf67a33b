"""Options of a component: what its target's signature declares, and the check of what is given."""

from __future__ import annotations

import difflib
import inspect
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import attrs
from attrs import frozen

from maas_sdk.errors import InvalidOptionError
from maas_sdk.plugin._docstrings import documented_parameters
from maas_sdk.plugin._names import did_you_mean
from maas_sdk.plugin._option_types import accepts, describe, literals, takes_tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maas_sdk.plugin._component import ComponentInfo

__all__ = ["Option", "check_options", "options_of"]

_POSITIONAL: Final = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}
_MAX_SHOWN: Final = 60


@frozen
class Option:
    """One option of a component.

    Attributes
    ----------
    name : str
        The keyword.
    type : str
        The annotation, or else what the docstring says; empty where neither says anything.
    default : object
        What holds when it is not given; None when it is required.
    required : bool
        Whether it must be given.
    summary : str
        First sentence of its description in the docstring, with the unit where it has one.
    tuples : bool
        Whether an array of a configuration file means a tuple here.
    """

    name: str
    type: str
    default: Any
    required: bool
    summary: str
    tuples: bool = False


def options_of(target: Callable[..., Any]) -> tuple[Option, ...]:
    """Read the options of a class or another callable from its signature and its numpydoc docstring."""
    parameters = _parameters(target) or {}
    documented = documented_parameters(target)
    options = []
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        kind, summary = documented.get(name, ("", ""))
        annotation = _annotation(target, parameter)
        if isinstance(parameter.annotation, str):
            kind = kind or parameter.annotation
        required = parameter.default is parameter.empty
        default = None if required else _default(target, parameter)
        options.append(
            Option(
                name,
                kind if annotation is Any else describe(annotation),
                default,
                required=required,
                summary=summary,
                tuples=isinstance(default, tuple) or (annotation is not Any and takes_tuple(annotation)),
            )
        )
    return tuple(options)


def check_options(info: ComponentInfo, target: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Compare options with what the target declares.

    Raises
    ------
    InvalidOptionError
        When a name is unknown, a value is not of the annotated type, or a required option is missing.
    """
    parameters = _parameters(target)
    if parameters is None:
        return  # written in C without a signature: the constructor itself has to say
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        _refuse_unknown(info, options, sorted(parameters))
    missing = [name for name, each in parameters.items() if _is_required(each) and name not in options]
    if missing:
        raise InvalidOptionError(f"{info} needs the option {', '.join(map(repr, missing))}")
    for name in parameters.keys() & options.keys():
        _check_type(info, name, _annotation(target, parameters[name]), options[name])


def _parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter] | None:
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):
        return None
    return {name: each for name, each in parameters.items() if each.kind not in _POSITIONAL}


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD


def _default(target: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Give the default; of an attrs class with a factory for it, what the factory gives."""
    if parameter.default is not attrs.NOTHING or not isinstance(target, type):
        return parameter.default
    (made_by,) = [each.default for each in attrs.fields(target) if each.alias == parameter.name]
    return None if made_by.takes_self else made_by.factory()


def _refuse_unknown(info: ComponentInfo, options: Mapping[str, Any], known: list[str]) -> None:
    for name in options:
        if name not in known:
            hint = did_you_mean(difflib.get_close_matches(str(name), known))
            accepted = ", ".join(known) or "none"
            raise InvalidOptionError(f"{info} has no option {name!r}{hint}; it takes {accepted}")


def _check_type(info: ComponentInfo, name: str, annotation: Any, value: object) -> None:
    if accepts(annotation, value):
        return
    hint = (
        did_you_mean(difflib.get_close_matches(value, literals(annotation))) if isinstance(value, str) else ""
    )
    shown = repr(value)
    shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
    raise InvalidOptionError(
        f"{info}: the option {name!r} takes {describe(annotation)}, not {shown}"
        f" ({type(value).__name__}){hint}"
    )


def _annotation(target: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Give the annotation as an object; `Any` where there is none, or one that cannot be evaluated.

    Names under ``if TYPE_CHECKING`` cannot: nothing is claimed about such an option.
    """
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    for module in _modules(target):
        try:
            hints = get_type_hints(
                SimpleNamespace(__annotations__={"it": annotation}), vars(module), include_extras=True
            )
        except Exception:  # noqa: BLE001, S112 - whatever evaluating a stranger's annotation raises
            continue
        return hints["it"]
    return Any


def _modules(target: Callable[..., Any]) -> list[Any]:
    """Give the modules in which a target's annotations may have been written."""
    owners = target.__mro__ if isinstance(target, type) else (target,)
    names = dict.fromkeys(getattr(owner, "__module__", None) for owner in owners)
    return [sys.modules[name] for name in names if name in sys.modules]
