"""Sealed layers that a store has already: for the same plaintext and recipients none is made anew.

The index says where to look. The documents there decide: the envelope statement must be signed by a key of
the caller. Otherwise a publisher whose release was imported could name any bytes, or ones that they can open
too, as the sealed form of a part, and they would be passed on under the caller's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._papers import read_papers
from maas_sdk.artifact._statements import ReleaseStatement, SealingStatement
from maas_sdk.errors import ArtifactError, InvalidOptionError, NotFoundError, VerificationError
from maas_sdk.signing import Envelope, verify_envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.artifact._record import VersionRecord
    from maas_sdk.limits import Limits
    from maas_sdk.signing import PublicKey
    from maas_sdk.storage import BlobStore

__all__ = ["KnownLayers", "read_layers"]


@frozen
class KnownLayers:
    """What the documents of one envelope say of its layers.

    Attributes
    ----------
    recipients : tuple of str
        For whom they are sealed.
    suffix : str
        How.
    layers : tuple of tuple
        Digest of the plaintext, digest of the layer, size of the layer.
    """

    recipients: tuple[str, ...]
    suffix: str
    layers: tuple[tuple[str, str, int], ...]


def read_layers(
    blobs: BlobStore, record: VersionRecord, keys: Sequence[PublicKey], *, limits: Limits
) -> KnownLayers | None:
    """Read which layers an envelope has; None when damaged, not sealed, or signed by none of the keys."""
    try:
        papers = read_papers(blobs, record.manifest, record.referrers, limits=limits)
        if papers.sealing is None:
            return None
        envelope = Envelope.from_json(papers.sealing.envelope, limits=limits)
        sealing = SealingStatement.from_payload(verify_envelope(envelope, keys).payload, limits=limits)
        payload = Envelope.from_json(papers.release.envelope, limits=limits).payload
        release = ReleaseStatement.from_payload(payload, limits=limits)
    except (ArtifactError, InvalidOptionError, NotFoundError, VerificationError):
        return None
    if sealing.manifest != papers.digest or not sealing.identity == record.identity == sha256(payload):
        return None
    digests = {part.path: part.digest for part in release.parts}
    layers = ((digests.get(layer.part, ""), layer.digest, layer.size) for layer in sealing.layers)
    return KnownLayers(sealing.recipients, sealing.suffix, tuple(layers))
