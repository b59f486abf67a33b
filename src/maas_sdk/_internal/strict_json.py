"""JSON that means one thing: strict and bounded on reading, canonical on writing.

Reading refuses what parsers disagree about: duplicate keys, ``NaN`` and ``Infinity``, numbers out of range,
lone surrogates, invalid UTF-8, byte-order marks, deep nesting and oversized documents. Writing sorts keys and
leaves no white space, so that equal values give equal bytes.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from maas_sdk.errors import InvalidArtifactError, LimitExceededError, MaasError

if TYPE_CHECKING:
    from maas_sdk.limits import Limits

__all__ = ["dumps", "loads"]

_MAX_INTEGER_DIGITS = 40  # more than any integer of ours; CPython's own int() refuses 4300 only
# Possessive, and content with an unterminated string: linear time whatever the input.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_MARKS = bytes(set(range(256)) - set(b"[]{},:"))


class _Refusal(Exception):  # noqa: N818 - never leaves this module
    """Carries a reason out of the parser's callbacks."""


def dumps(value: object) -> bytes:
    """Encode canonically: UTF-8, sorted keys, no white space, no NaN.

    Raises
    ------
    ValueError
        For NaN, infinities and lone surrogates, which JSON cannot carry: a defect of the caller.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def loads(
    data: bytes | bytearray | memoryview,
    *,
    what: str,
    limits: Limits,
    error: type[MaasError] = InvalidArtifactError,
) -> Any:
    """Decode one document, or say why not.

    Parameters
    ----------
    data : bytes-like
        The whole document.
    what : str
        What the document is, for the message: ``"the manifest"``.
    limits : Limits
        `max_json_bytes`, `max_json_depth` and `max_json_values` hold.
    error : type
        The class to raise for a malformed document.

    Raises
    ------
    LimitExceededError
        When the document exceeds a limit.
    MaasError
        Of class `error`, when it is malformed.
    """
    if len(data) > limits.max_json_bytes:
        raise LimitExceededError(
            f"{what} is {len(data)} bytes; Limits.max_json_bytes allows {limits.max_json_bytes}"
        )
    raw = bytes(data)
    _check_shape(raw, what, limits)
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_number,
        )
        _check_surrogates(raw, value)
    except (_Refusal, UnicodeDecodeError, RecursionError, ValueError) as exc:
        raise error(f"{what} is not strict JSON: {exc}") from exc
    return value


def _check_shape(raw: bytes, what: str, limits: Limits) -> None:
    """Bound number of values and depth before the parser builds any."""
    # Each string is a value or a name: too many show before memory is taken to look at each.
    strings = (raw.count(b'"') - raw.count(b'\\"')) // 2
    many = strings > limits.max_json_values + 1
    marks = b"" if many else _STRING.sub(b"", raw).translate(None, _NO_MARKS)
    values = sum(marks.count(mark) for mark in (b"[", b"{", b",", b":"))
    if many or values > limits.max_json_values:
        raise LimitExceededError(
            f"{what} holds more values than Limits.max_json_values ({limits.max_json_values})"
        )
    depth = 0
    for mark in marks.translate(None, b",:"):
        depth += 1 if mark in b"[{" else -1
        if depth > limits.max_json_depth:
            raise LimitExceededError(
                f"{what} is nested deeper than Limits.max_json_depth ({limits.max_json_depth})"
            )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refusal(f"key {twice!r} appears twice")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise _Refusal(f"{name} is not a JSON number")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_INTEGER_DIGITS:
        raise _Refusal(f"an integer of {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _Refusal(f"number out of range: {digits[:40]}")
    return value


def _check_surrogates(raw: bytes, value: Any) -> None:
    """Refuse lone surrogates; only an escape can bring one, UTF-8 cannot."""
    if b"\\u" not in raw and b"\\U" not in raw:
        return
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            item.encode("utf-8")
        elif isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
