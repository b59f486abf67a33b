"""What a receiver remembers, as a value and as authenticated bytes; it reads and writes no files."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from attrs import evolve, field, frozen

from maas_sdk._internal import strict_json
from maas_sdk._internal.records import structure, unstructure
from maas_sdk.errors import LimitExceededError, TrustStateError
from maas_sdk.limits import DEFAULT_LIMITS

__all__ = ["Equivocation", "Seen", "TrustState"]

_FORMAT: Final = "maas-trust-state/1"
_DAMAGED: Final = (
    "it was altered or is damaged: put back state.json and state.key from one backup, or delete both; then "
    "nothing is remembered, and every name is a first use again"
)


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
        """Write the state with its HMAC-SHA256 under `key`."""
        body = unstructure(self)
        return strict_json.dumps({"body": body, "mac": _mac(body, key)}) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes) -> TrustState:
        """Read a state that `to_bytes` wrote with the same key.

        Raises
        ------
        TrustStateError
            When it is anything else.
        """
        try:
            envelope = strict_json.loads(
                data, what="the trust state", limits=DEFAULT_LIMITS, error=TrustStateError
            )
        except (TrustStateError, LimitExceededError) as exc:
            raise TrustStateError(f"{exc}; {_DAMAGED}") from exc
        if not (isinstance(envelope, dict) and envelope.keys() == {"body", "mac"}):
            raise TrustStateError(f"the trust state is not an object of body and mac; {_DAMAGED}")
        mac = envelope["mac"]
        # As bytes: compare_digest takes no text beyond ASCII.
        if not hmac.compare_digest(str(mac).encode(), _mac(envelope["body"], key).encode()):
            raise TrustStateError(f"the trust state does not match its key; {_DAMAGED}")
        state = structure(envelope["body"], cls, what="the trust state", error=TrustStateError)
        if state.format != _FORMAT:
            raise TrustStateError(
                f"the trust state has the format {state.format!r}; update maas-sdk to read it"
            )
        return state


def _mac(body: object, key: bytes) -> str:
    message = _FORMAT.encode("ascii") + b"\0" + strict_json.dumps(body)
    return hmac.new(key, message, hashlib.sha256).hexdigest()
