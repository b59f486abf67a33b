"""Where references are: the keys below ``refs/``, written and read back; it looks nothing up.

=============================================  ==========================================================
``<name>/versions/<version>``                  which documents a version is
``<name>/envelopes/<version>/<manifest>``      the same release, sealed for others
``<name>/sequence/<number>``                   for which release a number is
``<name>/aliases/<alias>/<number>``            signed: what an alias means
``<name>/yanks/<version>/<number>``            signed: whether a version should be used
``<name>/notes/<version>/<number>``            signed: what the store's owner says of a version
``<publisher>/@rotations/<number>``            signed: new keys
``<publisher>/@revocations/<number>``          signed: revoked keys and releases
``@log/<number>``                              which of these was added when
=============================================  ==========================================================
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from maas_sdk._internal.digests import hex_of, is_digest
from maas_sdk.artifact._documents.fields import MAX_NUMBER
from maas_sdk.artifact._documents.names import is_alias, is_name, is_version
from maas_sdk.errors import InvalidReferenceError

__all__ = [
    "ALIASES",
    "ENVELOPES",
    "LOG",
    "NOTES",
    "VERSIONS",
    "YANKS",
    "Place",
    "envelope_key",
    "envelopes_prefix",
    "is_reference",
    "log_key",
    "numbered_key",
    "parse_key",
    "parse_number",
    "sequence_key",
    "version_key",
]

LOG: Final = "@log/"
"""What the keys of the log begin with; no name of a model does."""

VERSIONS: Final = "versions"
ENVELOPES: Final = "envelopes"
ALIASES: Final = "aliases"
YANKS: Final = "yanks"
NOTES: Final = "notes"

_DIGITS: Final = 16  # of a number in a key, so that keys sort as numbers do
_NUMBER: Final = re.compile(rf"\d{{{_DIGITS}}}", re.ASCII)
_PUBLISHER: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_OF_A_PUBLISHER: Final = frozenset({"@rotations", "@revocations"})


@frozen
class Place:
    """What a key says.

    Attributes
    ----------
    kind : str
        The folder below the name: ``"versions"``, ``"aliases"``, ``"@rotations"``.
    name : str
        ``publisher/model``, or the publisher.
    target : str
        The version or the alias; empty for a publisher's.
    number : int
        Of a numbered record; 0 for others.
    """

    kind: str
    name: str
    target: str
    number: int = 0


def version_key(name: str, version: str) -> str:
    """Give the key of a version."""
    return f"{name}/{VERSIONS}/{version}"


def envelopes_prefix(name: str, version: str) -> str:
    """Give what the keys of a version's further envelopes begin with."""
    return f"{name}/{ENVELOPES}/{version}/"


def envelope_key(name: str, version: str, manifest: str) -> str:
    """Give the key of a further envelope by the digest of its manifest."""
    return envelopes_prefix(name, version) + hex_of(manifest)


def sequence_key(name: str, number: int) -> str:
    """Give the key of a number's reservation."""
    return f"{name}/sequence/{_text(number)}"


def log_key(number: int) -> str:
    """Give the key of an entry of the log."""
    return LOG + _text(number)


def numbered_key(prefix: str, number: int) -> str:
    """Give the key of a numbered record.

    Raises
    ------
    InvalidReferenceError
        When there are no such records, or no such number.
    """
    key = f"{prefix}/{_text(number)}"
    place = parse_key(key) if 1 <= number <= MAX_NUMBER else None
    if place is None or not place.number:
        raise InvalidReferenceError(
            f"there is no numbered record {prefix}/{number}; there are name/aliases/alias, "
            "name/yanks/version, name/notes/version, publisher/@rotations and publisher/@revocations, "
            "numbered from 1"
        )
    return key


def parse_number(text: str) -> int | None:
    """Read the last segment of a numbered record's key; None when it is something else, or zero."""
    return (int(text) if _NUMBER.fullmatch(text) else 0) or None


def parse_key(key: str) -> Place | None:
    """Read a key; None when it is of no reference that a version, an envelope or a numbered record has."""
    segments = key.split("/")
    match segments:
        case [publisher, kind, number] if kind in _OF_A_PUBLISHER and _PUBLISHER.fullmatch(publisher):
            return _numbered(kind, publisher, "", number)
        case [publisher, model, kind, target, *rest] if is_name(f"{publisher}/{model}"):
            return _of_a_name(kind, f"{publisher}/{model}", target, rest)
    return None


def is_reference(key: str) -> bool:
    """Whether this version of the SDK writes such a key; those of the log and of numbers are among them."""
    match key.split("/"):
        case ["@log", number]:
            return bool(parse_number(number))
        case [publisher, model, "sequence", number]:
            return is_name(f"{publisher}/{model}") and bool(parse_number(number))
    return parse_key(key) is not None


def _of_a_name(kind: str, name: str, target: str, rest: list[str]) -> Place | None:
    if not (is_alias(target) if kind == ALIASES else is_version(target)):
        return None
    match rest:
        case [] if kind == VERSIONS:
            return Place(kind, name, target)
        case [digest] if kind == ENVELOPES and is_digest(f"sha256:{digest}"):
            return Place(kind, name, target)
        case [number] if kind in {ALIASES, YANKS, NOTES}:
            return _numbered(kind, name, target, number)
    return None


def _numbered(kind: str, name: str, target: str, text: str) -> Place | None:
    number = parse_number(text)
    return Place(kind, name, target, number) if number else None


def _text(number: int) -> str:
    return f"{number:0{_DIGITS}d}"
