"""One line of an audit log, as a value and as bytes; it reads and writes no files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import is_digest, sha256
from maas_sdk._internal.records import structure, unstructure
from maas_sdk._internal.times import is_timestamp
from maas_sdk.errors import AuditError, InvalidOptionError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["AUDIT_EVENTS", "AUDIT_OUTCOMES", "MAX_LINE", "NOTHING", "AuditEntry", "shortened"]

AUDIT_EVENTS: Final = (
    *("publish", "export", "verify", "import", "load", "reseal"),
    *("yank", "alias", "annotate", "rotate", "revoke", "gc", "fsck"),
)
"""What can be logged."""

AUDIT_OUTCOMES: Final = ("done", "refused", "incomplete", "failed")
"""How it can have ended."""

NOTHING: Final = sha256(b"")
"""What the first line has for the digest of the line before."""

MAX_LINE: Final = 1 << 16
"""The longest line, in bytes. What `shortened` gives fits, even when JSON writes six bytes a character."""

_MAX_TEXT: Final = 512
_MAX_REASONS: Final = 16
_WORD: Final = re.compile(r"[a-z][a-z-]{0,31}", re.ASCII)


def _must(accept: Callable[[Any], object], expected: str) -> Callable[[Any, Any, Any], None]:
    def check(_instance: object, attribute: Any, value: Any) -> None:
        if not accept(value):
            raise InvalidOptionError(f"{attribute.name} is {repr(value)[:80]}; it must be {expected}")

    return check


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


@frozen(kw_only=True)
class AuditEntry:
    """What happened, once.

    Attributes
    ----------
    number : int
        Of the line, from 1 on.
    time : str
        When, by the clock of the computer: ``"2026-11-23T22:00:00Z"``.
    event : str
        What was done: one of `AUDIT_EVENTS`.
    outcome : str
        How it ended: one of `AUDIT_OUTCOMES`.
    subject : str
        Of what: a release's name and version, or a file.
    identity : str or None
        The release's identity, when it is known.
    reasons : tuple of str
        Why, in words for people.
    previous : str
        SHA-256 of the line before, its line break included; of nothing in the first line.

    Raises
    ------
    InvalidOptionError
        When one of them is malformed.
    """

    number: int = field(validator=_must(lambda value: type(value) is int and value >= 1, "1 or more"))
    time: str = field(validator=_must(is_timestamp, "a time like 2026-11-23T22:00:00Z"))
    event: str = field(validator=_must(_is_word, "a word in lower case"))
    outcome: str = field(validator=_must(_is_word, "a word in lower case"))
    subject: str
    identity: str | None = field(
        default=None,
        validator=_must(
            lambda value: value is None or is_digest(value), "sha256: and 64 hexadecimal digits, or None"
        ),
    )
    reasons: tuple[str, ...] = ()
    previous: str = field(validator=_must(is_digest, "sha256: and 64 hexadecimal digits"))

    def to_line(self) -> bytes:
        """Encode: canonical JSON and a line break."""
        return strict_json.dumps(unstructure(self)) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> AuditEntry:
        """Decode a whole line.

        Raises
        ------
        AuditError
            When it is anything else.
        """
        try:
            data = strict_json.loads(line, what="the line", limits=DEFAULT_LIMITS, error=AuditError)
        except LimitExceededError as exc:
            raise AuditError(str(exc)) from exc
        return structure(data, cls, what="the line", error=AuditError)


def shortened(subject: str, reasons: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Make what is logged fit a line, and say where something was left out."""
    texts = [_cut(reason) for reason in reasons]
    if len(texts) > _MAX_REASONS:
        left_out = len(texts) - _MAX_REASONS + 1
        texts = [*texts[: _MAX_REASONS - 1], f"{left_out} more reasons were left out"]
    return _cut(subject), tuple(texts)


def _cut(text: str) -> str:
    """Cut a text; what UTF-8 cannot carry, such as the odd byte of a file's name, becomes visible."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= _MAX_TEXT:
        return text
    return f"{text[:_MAX_TEXT]}… ({len(text) - _MAX_TEXT} more characters were left out)"
