"""Kinds of values about texts: vocabularies, patterns, encodings, formats."""

from __future__ import annotations

import string
from encodings.aliases import aliases
from typing import TYPE_CHECKING, Any

from attrs import frozen

from maas_sdk.serialization._arrays import Words
from maas_sdk.serialization._kinds import MAX_NAME, Text, describe
from maas_sdk.serialization._patterns import why_not

if TYPE_CHECKING:
    from maas_sdk.serialization._kinds import Scope
    from maas_sdk.serialization._place import Place

__all__ = ["Encoding", "Format", "Pattern", "Terms"]

# Codecs of bytes, and what exists on one system alone.
_NO_TEXT = {
    "base64_codec",
    "bz2_codec",
    "hex_codec",
    "quopri_codec",
    "uu_codec",
    "zlib_codec",
    "rot_13",
    "mbcs",
}
_ENCODINGS = {name for pair in aliases.items() if pair[1] not in _NO_TEXT for name in pair} | {"utf_8_sig"}


@frozen
class Terms:
    """A list of strings that is stored as one text: nobody need look at each; `size` names its length."""

    size: str

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        if type(value) is not Words:
            raise place.refusal(f"expected a text of terms, not {describe(value)}")
        scope.bind(self.size, len(value), place)


@frozen
class Pattern:
    """A regular expression that takes no text for ever."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        Text().check(value, scope, place)
        reason = why_not(value)
        if reason:
            raise place.refusal(reason)


@frozen
class Encoding:
    """The name of a way to write text as bytes."""

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        Text().check(value, scope, place)
        if value.lower().replace("-", "_").replace(" ", "_") not in _ENCODINGS:
            raise place.refusal(f"expected an encoding that we know, not {describe(value)}")


@frozen
class Format:
    """A format string with some fields, which stand there alone: a width would take memory."""

    fields: tuple[str, ...]

    def check(self, value: Any, scope: Scope, place: Place) -> None:
        """Check the value."""
        Text(MAX_NAME).check(value, scope, place)
        try:
            parts = list(string.Formatter().parse(value))
        except ValueError as exc:
            raise place.refusal(f"no format: {exc}") from exc
        for _, name, width, conversion in parts:
            if name is not None and (name not in self.fields or width or conversion):
                raise place.refusal(f"expected no fields but {', '.join(self.fields)}, alone")
