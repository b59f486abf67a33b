"""The rules for keys; every backend of the SDK checks them before it touches a medium."""

from __future__ import annotations

import re
from typing import Final

from maas_sdk.errors import InvalidReferenceError

__all__ = ["check_key", "check_prefix", "is_segment"]

_MAX_KEY: Final = 512
_MAX_SEGMENT: Final = 255  # NAME_MAX of the file systems in use
_ONE: Final = r"[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*"
_SEGMENT: Final = re.compile(_ONE, re.ASCII)
_SHORT_KEY: Final = re.compile(rf"(?=.{{1,{_MAX_SEGMENT}}}\Z){_ONE}(?:/{_ONE})*", re.ASCII)


def is_segment(text: str) -> bool:
    """Whether `text` may stand between two slashes of a key."""
    return len(text) <= _MAX_SEGMENT and _SEGMENT.fullmatch(text) is not None


def check_key(key: str) -> str:
    """Give the key back when it keeps the rules.

    A key is one or more segments of ``[A-Za-z0-9._+@-]`` joined by ``/``; no segment starts with a dot or has
    more than 255 characters, and the key has at most 512. So it names no parent folder, no absolute path, no
    drive and no hidden file. Keys are told apart by case.

    Raises
    ------
    InvalidReferenceError
        When it breaks a rule; the message says which.
    """
    if _SHORT_KEY.fullmatch(key):  # as nearly all are: in one look, because every read comes here
        return key
    _check_length(key, "key")
    for segment in key.split("/"):
        if not is_segment(segment):
            raise _malformed(key, segment, "key")
    return key


def check_prefix(prefix: str) -> str:
    """Give the prefix back when some key could start with it; it may be empty and may end within a segment.

    Raises
    ------
    InvalidReferenceError
        When no key can start with it.
    """
    _check_length(prefix, "prefix")
    *whole, last = prefix.split("/")
    for segment in (*whole, last) if last else whole:
        if not is_segment(segment):
            raise _malformed(prefix, segment, "prefix")
    return prefix


def _check_length(text: str, what: str) -> None:
    if len(text) > _MAX_KEY:
        raise InvalidReferenceError(
            f"{what} {text[:40]!r}… has {len(text)} characters; {_MAX_KEY} are allowed"
        )


def _malformed(text: str, segment: str, what: str) -> InvalidReferenceError:
    return InvalidReferenceError(
        f"{what} {text!r} is malformed at {segment[:80]!r}: between slashes stand 1 to {_MAX_SEGMENT} of the "
        f"characters A-Z a-z 0-9 . _ + @ -, the first of them no dot"
    )
