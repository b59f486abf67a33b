"""What a receiver remembers, as a value and as authenticated bytes; it reads and writes no files."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import is_digest
from maas_sdk._internal.records import structure, unstructure
from maas_sdk.errors import InvalidOptionError, TrustStateError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_SEQUENCE", "Equivocation", "Revoked", "Seen", "TrustState"]

MAX_SEQUENCE: Final = 2**53 - 1
"""The highest sequence number: the highest integer that every JSON reader takes exactly."""

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
    epoch : int
        The key epoch in which it was signed; sequences count anew in each.
    """

    sequence: int
    identity: str
    created: str
    version: str | None = None
    epoch: int = 1

    @property
    def order(self) -> tuple[int, int]:
        """What says which of two releases of a name is the later one."""
        return self.epoch, self.sequence


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


def _digests(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _check_digests(_instance: object, attribute: Any, values: tuple[str, ...]) -> None:
    for value in values:
        if not is_digest(value):
            raise InvalidOptionError(
                f"{attribute.name} of a revocation has {str(value)[:80]!r}; it must be sha256: and 64 "
                "hexadecimal digits"
            )


@frozen
class Revoked:
    """What a publisher has revoked.

    Attributes
    ----------
    number : int
        The number of the latest list, from 1 on.
    keys : tuple of str
        Fingerprints of keys whose signatures count no more; sorted, each once.
    releases : tuple of str
        Identities of releases that must not be used any more; sorted, each once.

    Raises
    ------
    InvalidOptionError
        When one of them is malformed.
    """

    number: int
    keys: tuple[str, ...] = field(default=(), converter=_digests, validator=_check_digests)
    releases: tuple[str, ...] = field(default=(), converter=_digests, validator=_check_digests)

    def __attrs_post_init__(self) -> None:
        if type(self.number) is not int or not 1 <= self.number <= MAX_SEQUENCE:
            raise InvalidOptionError(f"number of a revocation is {self.number!r}; it counts from 1")

    def joined(self, earlier: Revoked | None) -> Revoked:
        """Add what an earlier list revoked: a revocation is never taken back."""
        if earlier is None:
            return self
        return evolve(self, keys=self.keys + earlier.keys, releases=self.releases + earlier.releases)


@frozen(kw_only=True)
class TrustState:
    """Everything that is remembered.

    Attributes
    ----------
    names : dict of str to Seen
        Of each name the release with the highest sequence of the latest key epoch.
    clock : str or None
        The latest signed time that was accepted.
    equivocations : tuple of Equivocation
        The evidence, in the order in which it was found.
    aliases : dict of str to int
        By ``"name@alias"`` the highest generation.
    revocations : dict of str to Revoked
        By publisher all that they have revoked.
    """

    format: str = _FORMAT
    names: dict[str, Seen] = field(factory=dict)
    clock: str | None = None
    equivocations: tuple[Equivocation, ...] = ()
    aliases: dict[str, int] = field(factory=dict)
    revocations: dict[str, Revoked] = field(factory=dict)

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
