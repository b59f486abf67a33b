"""The small documents of a release, all of them: manifest, configuration and signed envelopes; no part.

They are read whole, bounded, each checked against its digest before it is parsed. Nothing is trusted yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from attrs import frozen

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact import _oci
from maas_sdk.errors import InvalidArtifactError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.artifact._oci import OciDescriptor
    from maas_sdk.artifact._statements import ReleaseStatement
    from maas_sdk.limits import Limits

__all__ = ["MAX_DOCUMENT", "Attestation", "BlobSource", "Papers", "make_papers", "read_papers"]

MAX_DOCUMENT: Final = 4 << 20
"""Bytes of one manifest, configuration or envelope at most, as OCI registries have it."""


class BlobSource(Protocol):
    """Where blobs are read from: a store or a bundle."""

    def read(self, digest: str, *, max_bytes: int) -> bytes:
        """Read a whole blob and check it against its digest."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading; nothing is checked."""
        ...


@frozen
class Attestation:
    """A signed envelope with the manifest that ties it to the model's.

    Attributes
    ----------
    kind : str
        The artifact type of the manifest: what is signed.
    referrer : bytes
        The manifest.
    envelope : bytes
        The DSSE envelope, not verified.
    """

    kind: str
    referrer: bytes
    envelope: bytes


@frozen
class Papers:
    """The small documents of a release.

    Attributes
    ----------
    manifest, config : bytes
        ModelPack's documents.
    layers : tuple of OciDescriptor
        What the manifest names.
    release : Attestation
        What the release is.
    sealing : Attestation or None
        For whom it is sealed; None for an unsealed release.
    name, version : str
        What the configuration claims, well-formed or not.
    """

    manifest: bytes
    config: bytes
    layers: tuple[OciDescriptor, ...]
    release: Attestation
    sealing: Attestation | None
    name: str
    version: str

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return sha256(self.manifest)

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """The signed envelopes: release first."""
        return (self.release,) if self.sealing is None else (self.release, self.sealing)

    @property
    def index(self) -> bytes:
        """The index of a bundle with these documents."""
        referrers = [(each.kind, each.referrer) for each in self.attestations]
        return _oci.build_index(self.name, self.version, self.manifest, referrers)

    def documents(self) -> tuple[bytes, ...]:
        """Give every document once, in the order in which a bundle has them."""
        attestations = self.attestations
        return (
            self.manifest,
            *(each.referrer for each in attestations),
            self.config,
            _oci.EMPTY_CONFIG,
            *(each.envelope for each in attestations),
        )

    def blobs(self) -> tuple[OciDescriptor, ...]:
        """Give the layers that are no documents, each content once, in a bundle's order."""
        known = {sha256(data) for data in self.documents()}
        return tuple({x.digest: x for x in self.layers if x.digest not in known}.values())


def make_papers(
    statement: ReleaseStatement,
    *,
    config: bytes,
    manifest: bytes,
    release: bytes,
    sealing: bytes | None,
    limits: Limits,
) -> Papers:
    """Put documents together that were just written: manifest, configuration and two DSSE envelopes."""
    _, layers = _oci.parse_manifest(manifest, limits=limits)
    subject = _oci.describe(manifest)

    def attest(kind: str, envelope: bytes) -> Attestation:
        descriptor = _oci.describe_envelope(envelope)
        return Attestation(kind, _oci.build_referrer(kind, subject=subject, envelope=descriptor), envelope)

    return Papers(
        manifest,
        config,
        layers,
        attest(_oci.RELEASE_SIGNATURE, release),
        None if sealing is None else attest(_oci.SEALING_SIGNATURE, sealing),
        statement.name,
        statement.version,
    )


def read_papers(
    source: BlobSource, manifest: OciDescriptor, referrers: Sequence[OciDescriptor], *, limits: Limits
) -> Papers:
    """Read the documents of a release, each against its digest and size.

    Raises
    ------
    InvalidArtifactError
        When one breaks its form, or signatures are missing or too many.
    DigestMismatchError
        When one is not what its digest says.
    NotFoundError
        When one is missing.
    """
    model = _document(source, manifest, limits)
    config_descriptor, layers = _oci.parse_manifest(model, limits=limits)
    config = _document(source, config_descriptor, limits)
    subject = _oci.describe(model)
    found: dict[str, Attestation] = {}
    for descriptor in referrers:
        data = _document(source, descriptor, limits)
        kind, envelope = _oci.parse_referrer(data, subject=subject, limits=limits)
        if kind in found:
            raise InvalidArtifactError(f"two signatures of the kind {kind}")
        found[kind] = Attestation(kind, data, _document(source, envelope, limits))
    if _oci.RELEASE_SIGNATURE not in found:
        raise InvalidArtifactError("no signature: the release statement is missing")
    name, version = _oci.parse_config_name(config, limits=limits)
    return Papers(
        model, config, layers, found[_oci.RELEASE_SIGNATURE], found.get(_oci.SEALING_SIGNATURE), name, version
    )


def _document(source: BlobSource, descriptor: OciDescriptor, limits: Limits) -> bytes:
    bound = min(MAX_DOCUMENT, limits.max_json_bytes)
    if descriptor.size > bound:
        raise LimitExceededError(
            f"the document {descriptor.digest} is {descriptor.size} bytes; {bound} are allowed "
            "(Limits.max_json_bytes, and 4 MiB)"
        )
    data = source.read(descriptor.digest, max_bytes=descriptor.size)
    if len(data) != descriptor.size:
        raise InvalidArtifactError(
            f"the document {descriptor.digest} is {len(data)} bytes, {descriptor.size} are declared"
        )
    return data
