"""What the references of a store are called, to tell them apart, and from strangers; it reads none."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from maas_sdk.artifact._names import is_alias, is_name, is_version

__all__ = ["ReferenceKey", "parse_key"]

_VERSIONED: Final = re.compile(r"([^/]+/[^/]+)/(versions)/([^/]+)()")
_ENVELOPE: Final = re.compile(r"([^/]+/[^/]+)/(envelopes)/([^/]+)/([0-9a-f]{64})", re.ASCII)
_NUMBERED: Final = re.compile(r"([^/]+/[^/]+)/(aliases|yanks|notes)/([^/]+)/([0-9]{16})", re.ASCII)
_SEQUENCE: Final = re.compile(r"([^/]+/[^/]+)/(sequence)()/([0-9]{16})", re.ASCII)
_PUBLISHER: Final = re.compile(r"([^/]+)/@(rotations|revocations)()/([0-9]{16})", re.ASCII)
_LOG: Final = re.compile(r"()@(log)()/([0-9]{16})", re.ASCII)
_FORMS: Final = (_VERSIONED, _ENVELOPE, _NUMBERED, _SEQUENCE, _PUBLISHER, _LOG)


@frozen
class ReferenceKey:
    """The parts of a reference's key.

    Attributes
    ----------
    kind : str
        ``"versions"``, ``"envelopes"``, ``"aliases"``, ``"yanks"``, ``"notes"``, ``"sequence"``,
        ``"rotations"``, ``"revocations"`` or ``"log"``.
    name : str
        ``publisher/model``; the publisher alone for its rotations and revocations; empty for the log.
    item : str
        The version or the alias; empty where there is none.
    last : str
        The digits at the end: a number, or the hexadecimal digest of an envelope's manifest.
    """

    kind: str
    name: str
    item: str
    last: str

    def __str__(self) -> str:
        return f"{self.name}@{self.item}" if self.item else self.name


def parse_key(key: str) -> ReferenceKey | None:
    """Take the key of a reference apart; None for one that this version of the SDK does not write."""
    for form in _FORMS:
        match = form.fullmatch(key)
        if match is not None:
            name, kind, item, last = match.groups()
            parsed = ReferenceKey(kind, name, item, last)
            return parsed if _is_well_formed(parsed) else None
    return None


def _is_well_formed(key: ReferenceKey) -> bool:
    if key.kind == "log":
        return True
    name = f"{key.name}/x" if key.kind in {"rotations", "revocations"} else key.name
    if not is_name(name):
        return False
    return not key.item or (is_alias(key.item) if key.kind == "aliases" else is_version(key.item))
