"""What a receiver remembers, as a value and as authenticated bytes; it reads and writes no files."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Final

from attrs import evolve, field, frozen

from maas_sdk._internal import strict_json
from maas_sdk._internal.records import structure, unstructure
from maas_sdk.errors import TrustStateError

__all__ = ["Equivocation", "Seen", "TrustState"]

_FORMAT: Final = "maas-trust-state/1"
_PURPOSE: Final = b"maas-trust-state\0"


@frozen
class Seen:
    """A release that was seen.

    Attributes
    ----------
    sequence : int
        Its number among the releases of its name.
    identity : str
        ``"sha256:…"``.
    created : str
        When it was made, as signed.
    version : str or None
        Its version, for people.
    """

    sequence: int
    identity: str
    created: str
    version: str | None = None


@frozen
class Equivocation:
    """Evidence that a publisher gave one number to two releases.

    Attributes
    ----------
    name : str
        ``publisher/model``.
    accepted : Seen
        The release that was accepted.
    refused : Seen
        The other one.
    """

    name: str
    accepted: Seen
    refused: Seen


@frozen(kw_only=True)
class TrustState:
    """Everything that is remembered.

    Attributes
    ----------
    names : dict of str to Seen
        Of each name the release with the highest sequence.
    clock : str or None
        The latest signed time that was accepted.
    equivocations : tuple of Equivocation
        The evidence, in the order in which it was found.
    """

    format: str = _FORMAT
    names: dict[str, Seen] = field(factory=dict)
    clock: str | None = None
    equivocations: tuple[Equivocation, ...] = ()

    def with_seen(self, name: str, seen: Seen) -> TrustState:
        """Remember a release; the clock never goes back."""
        clock = seen.created if self.clock is None else max(self.clock, seen.created)
        return evolve(self, names={**self.names, name: seen}, clock=clock)

    def to_bytes(self, key: bytes) -> bytes:
        """Write two lines of JSON: the HMAC-SHA256 of the second under `key`, and the state."""
        body = strict_json.dumps(unstructure(self)) + b"\n"
        return _first_line(body, key) + body

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes) -> TrustState:
        """Read what `to_bytes` wrote with the same key; nothing is parsed before it is authenticated.

        Raises
        ------
        TrustStateError
            When it is anything else.
        """
        line, newline, body = data.partition(b"\n")
        if not hmac.compare_digest(line + newline, _first_line(body, key)):
            raise TrustStateError(
                "the trust state does not match its key, it was altered or is damaged: put back "
                "state.json and state.key from one backup, or delete both; then nothing is remembered, and "
                "every name is a first use again"
            )
        record = json.loads(body)
        if record["format"] != _FORMAT:
            raise TrustStateError(
                f"the trust state has the format {record['format']!r}; update maas-sdk to read it"
            )
        return structure(record, cls, what="the trust state", error=TrustStateError)


def _first_line(body: bytes, key: bytes) -> bytes:
    mac = hmac.new(key, _PURPOSE + body, hashlib.sha256).hexdigest()
    return strict_json.dumps({"hmac-sha256": mac}) + b"\n"
