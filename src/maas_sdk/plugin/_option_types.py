"""Which values an annotation takes; about annotations that it does not know it claims nothing."""

from __future__ import annotations

import numbers
import types
from collections.abc import Callable, Hashable, Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

__all__ = ["accepts", "describe", "literals", "takes_tuple"]

_UNIONS: Final = (Union, types.UnionType)


def accepts(annotation: Any, value: object) -> bool:
    """Whether `value` may be given where `annotation` stands.

    Known are None, bool, int, float, str, bytes, tuples and lists with their elements, dicts, `Literal`,
    `Annotated` and unions of these. As in typing, an int may stand for a float; a bool is no number, and
    numpy's scalars are what they hold. Whatever else is annotated takes everything.
    """
    plain = get_origin(annotation) or annotation
    check = _CHECKS.get(plain) if isinstance(plain, Hashable) else None
    return check is None or check(get_args(annotation), value)


def describe(annotation: Any) -> str:
    """Word an annotation as one writes it: ``"int | None"``."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _UNIONS:
        return " | ".join(map(describe, arguments))
    if origin is Literal:
        return " | ".join(map(repr, arguments))
    if origin is Annotated:
        return describe(arguments[0])
    if isinstance(annotation, list):  # what a Callable takes
        return f"[{', '.join(map(describe, annotation))}]"
    name = _SPELT.get(annotation) if isinstance(annotation, Hashable) else None
    name = name or getattr(origin or annotation, "__name__", None) or str(annotation)
    return f"{name}[{', '.join(map(describe, arguments))}]" if arguments else name


def literals(annotation: Any) -> list[str]:
    """Give the strings that `annotation` names one by one, for near matches."""
    if get_origin(annotation) is Literal:
        return [each for each in get_args(annotation) if isinstance(each, str)]
    inner = get_args(annotation) if get_origin(annotation) in (*_UNIONS, Annotated) else ()
    return [each for argument in inner for each in literals(argument)]


def takes_tuple(annotation: Any) -> bool:
    """Whether an array of a configuration file has to become a tuple: a tuple is named, a list is not."""
    members = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
    named = [get_origin(member) or member for member in members]
    return tuple in named and list not in named


def _is_bool(_arguments: object, value: object) -> bool:
    # numpy's own bool has a dtype; numpy itself is not imported here.
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool"


def _is_number(kind: type) -> Callable[[Any, object], bool]:
    return lambda _arguments, value: isinstance(value, kind) and not isinstance(value, bool)


def _is_instance(kind: type) -> Callable[[Any, object], bool]:
    return lambda _arguments, value: isinstance(value, kind)


def _is_any_of(arguments: tuple[Any, ...], value: object) -> bool:
    return any(accepts(each, value) for each in arguments)


def _is_literal(arguments: tuple[Any, ...], value: object) -> bool:
    return any(isinstance(value, type(each)) and value == each for each in arguments)


def _is_annotated(arguments: tuple[Any, ...], value: object) -> bool:
    return accepts(arguments[0], value)


def _is_list(arguments: tuple[Any, ...], value: object) -> bool:
    return isinstance(value, list) and all(accepts(each, item) for each in arguments for item in value)


def _is_tuple(arguments: tuple[Any, ...], value: object) -> bool:
    if not isinstance(value, tuple) or not arguments:
        return isinstance(value, tuple)
    if arguments[-1] is Ellipsis:
        return all(accepts(arguments[0], item) for item in value)
    return len(arguments) == len(value) and all(map(accepts, arguments, value))


_CHECKS: Final[Mapping[Any, Callable[[tuple[Any, ...], object], bool]]] = types.MappingProxyType(
    {
        **dict.fromkeys(_UNIONS, _is_any_of),
        **dict.fromkeys((None, types.NoneType), _is_instance(types.NoneType)),
        **{kind: _is_instance(kind) for kind in (str, bytes)},
        Annotated: _is_annotated,
        Literal: _is_literal,
        bool: _is_bool,
        dict: _is_instance(Mapping),
        float: _is_number(numbers.Real),
        int: _is_number(numbers.Integral),
        list: _is_list,
        tuple: _is_tuple,
    }
)
_SPELT: Final[Mapping[Any, str]] = types.MappingProxyType({types.NoneType: "None", Ellipsis: "..."})
