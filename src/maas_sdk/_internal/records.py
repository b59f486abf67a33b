"""Plain data ⇄ frozen attrs classes, strictly: no unknown keys, no missing keys, no conversion of types."""

from __future__ import annotations

import contextlib
import functools
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import attrs
import cattrs

from maas_sdk.errors import InvalidArtifactError, MaasError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["structure", "unstructure"]

T = TypeVar("T")


@functools.cache
def _converter(*, detailed: bool) -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, omit_if_default=False, detailed_validation=detailed)

    def exact(value: Any, kind: type) -> Any:
        # bool is an int to isinstance; JSON and TOML keep them apart, and so do we.
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
        return value

    def array(value: Any, kind: Any) -> Any:
        # cattrs takes anything that can be iterated: "" and {} would pass for an empty array.
        _expect(value, list, "an array")
        many: Any = GenericAlias(list, get_args(kind)[:1])
        return tuple(converter.structure(value, many))

    def record(cls: type) -> Callable[[Any, Any], Any]:
        build: Callable[[Any, Any], Any] = converter.gen_structure_attrs_fromdict(cls)

        def hook(value: Any, kind: Any) -> Any:
            _expect(value, dict, "an object")
            return build(value, kind)

        return hook

    for kind in (str, int, float, bool):
        converter.register_structure_hook(kind, exact)
    converter.register_structure_hook_func(_is_tuple, array)
    converter.register_structure_hook_factory(attrs.has, record)
    return converter


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _expect(value: object, kind: type, name: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"expected {name}, not {type(value).__name__}")


def structure(data: object, cls: type[T], *, what: str, error: type[MaasError] = InvalidArtifactError) -> T:
    """Build `cls` from plain data.

    Parameters
    ----------
    data : object
        What the JSON or TOML parser gave.
    cls : type
        A frozen attrs class; its validators run.
    what : str
        What it is, for the message.
    error : type
        The class to raise.

    Raises
    ------
    MaasError
        Of class `error`, with every fault and its place.
    """
    if not isinstance(data, dict):
        raise error(f"{what}: expected an object, not {type(data).__name__}")
    # The one that collects faults takes three times as long to be made, and is asked only for what is wrong.
    with contextlib.suppress(Exception):
        return _converter(detailed=False).structure(data, cls)
    try:
        return _converter(detailed=True).structure(data, cls)
    except (
        cattrs.BaseValidationError,
        TypeError,
        ValueError,
        KeyError,
        attrs.exceptions.NotAnAttrsClassError,
    ) as exc:
        faults = "; ".join(cattrs.transform_error(exc, path="$", format_exception=_fault))
        raise error(f"{what}: {faults}") from exc


def unstructure(record: object) -> dict[str, Any]:
    """Give the plain data of an attrs object; `None` fields are left out."""
    data = _converter(detailed=False).unstructure(record)
    return {key: value for key, value in data.items() if value is not None}


def _fault(exc: BaseException, _type: type | None) -> str:
    if isinstance(exc, KeyError):
        return f"required key {exc.args[0]!r} is missing"
    if isinstance(exc, cattrs.ForbiddenExtraKeysError):
        return "unknown key " + ", ".join(repr(key) for key in sorted(exc.extra_fields))
    return str(exc)
