"""Sealed layers that a store has already: for the same plaintext and recipients none is made anew.

The index says where to look. The documents there decide: the envelope statement must be signed by a key of
the caller. Otherwise a publisher whose release was imported could name any bytes, or ones that they can open
too, as the sealed form of a part, and they would be passed on under the caller's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._documents.papers import read_papers
from maas_sdk.artifact._documents.statements import ReleaseStatement, SealingStatement
from maas_sdk.errors import ArtifactError, InvalidOptionError, NotFoundError, VerificationError
from maas_sdk.signing import Envelope, verify_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from maas_sdk.artifact._inventory.record import VersionRecord
    from maas_sdk.limits import Limits
    from maas_sdk.signing import PublicKey
    from maas_sdk.storage import BlobStore

__all__ = ["KnownLayers"]

_REMEMBERED: Final = 64  # envelopes


@frozen
class _Envelope:
    """What the documents of one envelope say of its layers: plaintext, layer and size of each."""

    recipients: tuple[str, ...]
    suffix: str
    layers: tuple[tuple[str, str, int], ...]


class KnownLayers:
    """Finds layers, and remembers the envelopes that it has read.

    Parameters
    ----------
    blobs : BlobStore
        Layers and documents.
    record : callable
        Reads the reference of an envelope by its key.
    limits : Limits
        Bounds on what is read.
    """

    def __init__(
        self, blobs: BlobStore, record: Callable[[str], VersionRecord | None], *, limits: Limits
    ) -> None:
        self._blobs = blobs
        self._record = record
        self._limits = limits
        self._envelopes: dict[tuple[str, ...], _Envelope | None] = {}

    def find(
        self,
        sources: Iterable[str],
        plain_digest: str,
        recipients: Sequence[str],
        suffix: str,
        *,
        keys: Sequence[PublicKey],
        besides: Collection[str],
    ) -> tuple[str, int] | None:
        """Give digest and size of a layer that is there; see `Catalog.sealed_layer`.

        Parameters
        ----------
        sources : iterable of str
            The references of envelopes that may have it.
        plain_digest, recipients, suffix, keys, besides
            What is wanted.
        """
        fingerprints = tuple(sorted(key.fingerprint for key in keys))
        for source in sources:
            envelope = self._envelope(source, fingerprints, keys)
            if envelope is None or (sorted(envelope.recipients), envelope.suffix) != (
                sorted(recipients),
                suffix,
            ):
                continue
            for plain, layer, size in envelope.layers:
                if plain == plain_digest and layer not in besides and self._is_there(layer, size):
                    return layer, size
        return None

    def _envelope(
        self, source: str, fingerprints: tuple[str, ...], keys: Sequence[PublicKey]
    ) -> _Envelope | None:
        remembered = (source, *fingerprints)
        if remembered not in self._envelopes:
            found = self._read(source, keys)
            if len(self._envelopes) >= _REMEMBERED:
                self._envelopes.clear()
            self._envelopes[remembered] = found
            return found
        return self._envelopes.get(remembered)

    def _read(self, source: str, keys: Sequence[PublicKey]) -> _Envelope | None:
        """Read an envelope; None when it is damaged, not sealed, or signed by none of the keys."""
        try:
            record = self._record(source)
            if record is None:
                return None
            papers = read_papers(self._blobs, record.manifest, record.referrers, limits=self._limits)
            if papers.sealing is None:
                return None
            signed = Envelope.from_json(papers.sealing.envelope, limits=self._limits)
            sealing = SealingStatement.from_payload(
                verify_envelope(signed, keys).payload, limits=self._limits
            )
            payload = Envelope.from_json(papers.release.envelope, limits=self._limits).payload
            release = ReleaseStatement.from_payload(payload, limits=self._limits)
        except (ArtifactError, InvalidOptionError, NotFoundError, VerificationError):
            return None
        if sealing.manifest != papers.digest or not sealing.identity == record.identity == sha256(payload):
            return None
        digests = {part.path: part.digest for part in release.parts}
        layers = ((digests.get(layer.part, ""), layer.digest, layer.size) for layer in sealing.layers)
        return _Envelope(sealing.recipients, sealing.suffix, tuple(layers))

    def _is_there(self, digest: str, size: int) -> bool:
        try:
            return self._blobs.size(digest) == size
        except NotFoundError:
            return False
