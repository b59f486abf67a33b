"""Plain data ⇄ frozen attrs classes, strictly: no unknown keys, no missing keys, no conversion of types."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
import cattrs

from maas_sdk.errors import InvalidArtifactError, MaasError

__all__ = ["structure", "unstructure"]

T = TypeVar("T")


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, omit_if_default=False, detailed_validation=True)

    def exact(value: Any, kind: type) -> Any:
        # bool is an int to isinstance; JSON and TOML keep them apart, and so do we.
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
        return value

    for kind in (str, int, float, bool):
        converter.register_structure_hook(kind, exact)
    return converter


_CONVERTER = _make_converter()


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
    try:
        return _CONVERTER.structure(data, cls)
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
    data = _CONVERTER.unstructure(record)
    return {key: value for key, value in data.items() if value is not None}


def _fault(exc: BaseException, _type: type | None) -> str:
    if isinstance(exc, KeyError):
        return f"required key {exc.args[0]!r} is missing"
    if isinstance(exc, cattrs.ForbiddenExtraKeysError):
        return "unknown key " + ", ".join(repr(key) for key in sorted(exc.extra_fields))
    return str(exc)
