"""The small documents of a release, all of them: manifest, configuration and signed envelopes; no part.

They are read whole, bounded, each checked against its digest before it is parsed. Nothing is trusted yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from attrs import evolve, field, frozen

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._documents import oci
from maas_sdk.errors import InvalidArtifactError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maas_sdk.artifact._documents.oci import OciDescriptor
    from maas_sdk.artifact._documents.statements import ReleaseStatement
    from maas_sdk.limits import Limits

__all__ = [
    "MAX_DOCUMENT",
    "MAX_DOCUMENTS",
    "MAX_NOTICES",
    "Attestation",
    "BlobSource",
    "Papers",
    "for_documents",
    "make_papers",
    "read_document",
    "read_papers",
]

MAX_DOCUMENT: Final = 4 << 20
"""Bytes of one manifest, configuration or envelope at most, as OCI registries have it."""

MAX_DOCUMENTS: Final = 8 << 20
"""Bytes of all documents of one bundle together at most."""

_MAX_VALUES: Final = 1 << 16  # of one document; 128 layers and 1024 recipients make less than 10 000

MAX_NOTICES: Final = 64
"""Notices that travel with one release at most."""


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


def _sorted(notices: Iterable[Attestation]) -> tuple[Attestation, ...]:
    return tuple(sorted(notices, key=lambda notice: (notice.kind, sha256(notice.referrer))))


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
    notices : tuple of Attestation
        What the publisher says besides: aliases, yanks, rotations, revocations; sorted.
    """

    manifest: bytes
    config: bytes
    layers: tuple[OciDescriptor, ...]
    release: Attestation
    sealing: Attestation | None
    name: str
    version: str
    notices: tuple[Attestation, ...] = field(default=(), converter=_sorted)

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return sha256(self.manifest)

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """The signed envelopes: release first, sealing next, notices last."""
        first = (self.release,) if self.sealing is None else (self.release, self.sealing)
        return (*first, *self.notices)

    @property
    def index(self) -> bytes:
        """The index of a bundle with these documents and every layer."""
        return self.index_of({})

    def index_of(self, annotations: Mapping[str, str]) -> bytes:
        """Give the index of a bundle with these documents, which leaves out what the annotations say."""
        referrers = [(each.kind, each.referrer) for each in self.attestations]
        return oci.build_index(self.name, self.version, self.manifest, referrers, annotations)

    def with_notices(self, notices: Iterable[tuple[str, bytes]]) -> Papers:
        """Give the same documents with these notices: kinds and DSSE envelopes."""
        subject = oci.describe(self.manifest)
        return evolve(self, notices=tuple(_attest(kind, envelope, subject) for kind, envelope in notices))

    def documents(self) -> tuple[bytes, ...]:
        """Give every document once, in the order in which a bundle has them."""
        attestations = self.attestations
        return (
            self.manifest,
            *(each.referrer for each in attestations),
            self.config,
            oci.EMPTY_CONFIG,
            *(each.envelope for each in attestations),
        )

    def blobs(self) -> tuple[OciDescriptor, ...]:
        """Give the layers that are no documents, each content once, in a bundle's order."""
        known = {sha256(data) for data in self.documents()}
        return tuple({x.digest: x for x in self.layers if x.digest not in known}.values())


def for_documents(limits: Limits) -> Limits:
    """Tighten bounds to what a document of a release can need, so that parsing one takes little memory."""
    return evolve(
        limits,
        max_json_bytes=min(limits.max_json_bytes, MAX_DOCUMENT),
        max_json_values=min(limits.max_json_values, _MAX_VALUES),
    )


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
    _, layers = oci.parse_manifest(manifest, limits=limits)
    subject = oci.describe(manifest)

    return Papers(
        manifest,
        config,
        layers,
        _attest(oci.RELEASE_SIGNATURE, release, subject),
        None if sealing is None else _attest(oci.SEALING_SIGNATURE, sealing, subject),
        statement.name,
        statement.version,
    )


def _attest(kind: str, envelope: bytes, subject: OciDescriptor) -> Attestation:
    descriptor = oci.describe_envelope(envelope)
    return Attestation(kind, oci.build_referrer(kind, subject=subject, envelope=descriptor), envelope)


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
    model = read_document(source, manifest, limits)
    config_descriptor, layers = oci.parse_manifest(model, limits=limits)
    config = read_document(source, config_descriptor, limits)
    subject = oci.describe(model)
    found: dict[str, Attestation] = {}
    notices: list[Attestation] = []
    if len(referrers) > MAX_NOTICES + len((oci.RELEASE_SIGNATURE, oci.SEALING_SIGNATURE)):
        raise InvalidArtifactError(
            f"{len(referrers)} signatures; a release has two, and {MAX_NOTICES} notices"
        )
    for descriptor in referrers:
        data = read_document(source, descriptor, limits)
        kind, envelope = oci.parse_referrer(data, subject=subject, limits=limits)
        attestation = Attestation(kind, data, read_document(source, envelope, limits))
        if kind in oci.NOTICES:
            notices.append(attestation)
        elif kind in found:
            raise InvalidArtifactError(f"two signatures of the kind {kind}")
        else:
            found[kind] = attestation
    if oci.RELEASE_SIGNATURE not in found:
        raise InvalidArtifactError("no signature: the release statement is missing")
    name, version = oci.parse_config_name(config, limits=limits)
    return Papers(
        model,
        config,
        layers,
        found[oci.RELEASE_SIGNATURE],
        found.get(oci.SEALING_SIGNATURE),
        name,
        version,
        notices,
    )


def read_document(source: BlobSource, descriptor: OciDescriptor, limits: Limits) -> bytes:
    """Read a document against its digest and size; `LimitExceededError` when it is too large to be one."""
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
