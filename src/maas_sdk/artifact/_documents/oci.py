"""The OCI documents of a release: ModelPack manifest and configuration, referrers, index; it stores nothing.

Specifications: https://github.com/opencontainers/image-spec (``manifest.md``, ``image-index.md``) and
https://github.com/modelpack/model-spec (``docs/spec.md``, ``docs/config.md``).
"""

# ruff: noqa: N815 - the fields have OCI's names

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk.artifact._documents.names import tag
from maas_sdk.artifact._documents.parts import MEDIA_TYPES, check_part_limits
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.artifact._documents.statements import Layer, ReleaseStatement
    from maas_sdk.limits import Limits

__all__ = [
    "ALIAS_SIGNATURE",
    "EMPTY_CONFIG",
    "INDEX_TYPE",
    "LAYOUT",
    "MANIFEST_TYPE",
    "MODEL_TYPE",
    "NOTICES",
    "REF_NAME",
    "RELEASE_SIGNATURE",
    "REVOCATION_SIGNATURE",
    "ROTATION_SIGNATURE",
    "SEALING_SIGNATURE",
    "SIGNATURES",
    "YANK_SIGNATURE",
    "OciDescriptor",
    "build_config",
    "build_index",
    "build_manifest",
    "build_referrer",
    "describe",
    "describe_envelope",
    "parse_config_name",
    "parse_index",
    "parse_manifest",
    "parse_referrer",
]

_EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
_CONFIG_TYPE: Final = "application/vnd.cncf.model.config.v1+json"
_ENVELOPE_TYPE: Final = "application/vnd.dsse.envelope.v1+json"

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
"""The media type of OCI's image manifests, which all manifests here are."""

INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
"""The media type of an index."""

MODEL_TYPE: Final = "application/vnd.cncf.model.manifest.v1+json"
"""The artifact type of ModelPack's manifests."""

RELEASE_SIGNATURE: Final = "application/vnd.maas-sdk.release.signature.v1"
"""The artifact type of the referrer that carries the release statement."""

SEALING_SIGNATURE: Final = "application/vnd.maas-sdk.sealing.signature.v1"
"""The artifact type of the referrer that carries the envelope statement."""

ALIAS_SIGNATURE: Final = "application/vnd.maas-sdk.alias.signature.v1"
"""The artifact type of a referrer that carries an alias statement."""

YANK_SIGNATURE: Final = "application/vnd.maas-sdk.yank.signature.v1"
"""The artifact type of a referrer that carries a yank statement."""

ROTATION_SIGNATURE: Final = "application/vnd.maas-sdk.rotation.signature.v1"
"""The artifact type of a referrer that carries a rotation of keys."""

REVOCATION_SIGNATURE: Final = "application/vnd.maas-sdk.revocation.signature.v1"
"""The artifact type of a referrer that carries a list of what is revoked."""

NOTICES: Final = (ALIAS_SIGNATURE, REVOCATION_SIGNATURE, ROTATION_SIGNATURE, YANK_SIGNATURE)
"""The artifact types of which a bundle may have several."""

EMPTY_CONFIG: Final = b"{}"
"""OCI's empty configuration."""

LAYOUT: Final = strict_json.dumps({"imageLayoutVersion": "1.0.0"})
"""The content of the file ``oci-layout``."""

REF_NAME: Final = "org.opencontainers.image.ref.name"
"""The annotation with the tag of a manifest in an index."""

_FILE_PATH: Final = "org.cncf.model.filepath"
_TITLE: Final = "org.opencontainers.image.title"
_CREATED: Final = "org.opencontainers.image.created"
_VERSION: Final = "org.opencontainers.image.version"
# Before the version, which begins with a digit: so no version is taken for another's signature.
_TAG_PREFIX: Final = {
    RELEASE_SIGNATURE: "release-",
    SEALING_SIGNATURE: "sealing-",
    ALIAS_SIGNATURE: "alias-",
    REVOCATION_SIGNATURE: "revocation-",
    ROTATION_SIGNATURE: "rotation-",
    YANK_SIGNATURE: "yank-",
}

SIGNATURES: Final = tuple(_TAG_PREFIX)
"""The artifact types of the referrers that a release can have."""

_MAX_MANIFESTS: Final = 128  # in an index: of the model, and of what is signed beside it
_TAG_DIGITS: Final = 12  # of a notice's digest, so that each has a tag of its own


@frozen
class OciDescriptor:
    """What a document says about another: type, digest and size.

    Attributes
    ----------
    mediaType : str
        Of the content.
    digest : str
        ``sha256:…``.
    size : int
        In bytes.
    annotations : dict of str to str, or None
        Whatever else is said.
    """

    mediaType: str
    digest: str = field()
    size: int = field()
    annotations: dict[str, str] | None = None

    @digest.validator
    def _(self, _attribute: object, value: str) -> None:
        if not is_digest(value):
            raise InvalidOptionError(f"{value!r} is not a digest, sha256: and 64 hexadecimal digits")

    @size.validator
    def _(self, _attribute: object, value: int) -> None:
        if value < 0:
            raise InvalidOptionError(f"the size is {value}")

    @property
    def file_path(self) -> str:
        """The path in the layer's annotations; empty when there is none."""
        return (self.annotations or {}).get(_FILE_PATH, "")


@frozen
class _Manifest:
    schemaVersion: int
    mediaType: str
    artifactType: str
    config: OciDescriptor
    layers: tuple[OciDescriptor, ...]
    subject: OciDescriptor | None = None
    annotations: dict[str, str] | None = None


@frozen
class _Index:
    schemaVersion: int
    mediaType: str
    manifests: tuple[OciDescriptor, ...]
    annotations: dict[str, str] | None = None


def describe(data: bytes, media_type: str = MANIFEST_TYPE) -> OciDescriptor:
    """Describe a document, a manifest unless told otherwise."""
    return OciDescriptor(media_type, sha256(data), len(data))


def describe_envelope(data: bytes) -> OciDescriptor:
    """Describe a DSSE envelope."""
    return describe(data, _ENVELOPE_TYPE)


def build_config(statement: ReleaseStatement, layers: Sequence[Layer]) -> bytes:
    """Write ModelPack's configuration; the statement and the layers determine every byte."""
    return strict_json.dumps(
        {
            "descriptor": {
                "createdAt": statement.created,
                "name": statement.name,
                "vendor": statement.name.partition("/")[0],
                "version": statement.version,
            },
            "config": {"format": "safetensors"},
            "modelfs": {"type": "layers", "diffIds": [layer.digest for layer in layers]},
        }
    )


def build_manifest(
    statement: ReleaseStatement, layers: Sequence[Layer], *, config: bytes, suffix: str
) -> bytes:
    """Write the model's manifest; the statement, the layers and the suffix determine every byte.

    Parameters
    ----------
    statement : ReleaseStatement
        What the release is.
    layers : sequence of Layer
        One for each part; of an unsealed release with digest and size of the part itself.
    config : bytes
        As `build_config` wrote it.
    suffix : str
        Of the sealed files; empty for an unsealed release.
    """
    media_types = {part.path: part.media_type for part in statement.parts}
    return _manifest(
        MODEL_TYPE,
        describe(config, _CONFIG_TYPE),
        [
            OciDescriptor(
                media_types[layer.part],
                layer.digest,
                layer.size,
                {_FILE_PATH: layer.part + suffix, _TITLE: layer.part + suffix},
            )
            for layer in layers
        ],
        annotations={_CREATED: statement.created, _VERSION: statement.version},
    )


def build_referrer(kind: str, *, subject: OciDescriptor, envelope: OciDescriptor) -> bytes:
    """Write the manifest that ties an envelope to the model's manifest."""
    return _manifest(kind, describe(EMPTY_CONFIG, _EMPTY_TYPE), [envelope], subject=subject)


def build_index(
    name: str,
    version: str,
    manifest: bytes,
    referrers: Sequence[tuple[str, bytes]],
    annotations: Mapping[str, str],
) -> bytes:
    """Write a bundle's index: the model's manifest, then its referrers as pairs of kind and manifest.

    Its descriptors carry no ``artifactType``: skopeo drops it, and the digest would change. Annotations say
    which layers a bundle leaves out; without any, all are there.
    """
    entries = [(f"{name}:{tag(version)}", manifest)]
    entries += [(f"{name}:{_prefix(kind, data)}{tag(version)}", data) for kind, data in referrers]
    return strict_json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [
                {**_plain(describe(data)), "annotations": {REF_NAME: ref_name}} for ref_name, data in entries
            ],
            **({"annotations": dict(annotations)} if annotations else {}),
        }
    )


def parse_index(data: bytes, *, limits: Limits) -> tuple[tuple[OciDescriptor, ...], dict[str, str]]:
    """Read descriptors, one at least, and annotations of a bundle's index."""
    what = "index.json"
    document = strict_json.loads(data, what=what, limits=limits)
    if _count(document, "manifests") > _MAX_MANIFESTS:
        raise LimitExceededError(f"{what} names more than {_MAX_MANIFESTS} manifests")
    index = records.structure(document, _Index, what=what)
    if not index.manifests:
        raise InvalidArtifactError(f"{what} names no manifest")
    return index.manifests, index.annotations or {}


def parse_manifest(data: bytes, *, limits: Limits) -> tuple[OciDescriptor, tuple[OciDescriptor, ...]]:
    """Read configuration and layers of a model's manifest.

    Raises
    ------
    InvalidArtifactError
        When it is not a ModelPack manifest of raw layers; `LimitExceededError` when it exceeds `limits`.
    """
    what = "the manifest"
    document = strict_json.loads(data, what=what, limits=limits)
    # Counted first: a message about each of thousands would take more memory than they do.
    check_part_limits(repeat(0, _count(document, "layers")), limits, what=what)
    record = records.structure(document, _Manifest, what=what)
    for found, wanted in (
        (record.schemaVersion, 2),
        (record.mediaType, MANIFEST_TYPE),
        (record.artifactType, MODEL_TYPE),
        (record.config.mediaType, _CONFIG_TYPE),
        (record.subject, None),
    ):
        if found != wanted:
            raise InvalidArtifactError(f"{what} says {found!r} where a ModelPack manifest says {wanted!r}")
    for layer in record.layers:
        if layer.mediaType not in MEDIA_TYPES:
            raise InvalidArtifactError(f"{what} has a layer of the unknown type {layer.mediaType!r}")
    check_part_limits((layer.size for layer in record.layers), limits, what=what)
    return record.config, record.layers


def parse_referrer(data: bytes, *, subject: OciDescriptor, limits: Limits) -> tuple[str, OciDescriptor]:
    """Read kind and envelope of a referrer, which must be as `build_referrer` writes it."""
    what = "a signature's manifest"
    record = records.structure(strict_json.loads(data, what=what, limits=limits), _Manifest, what=what)
    if record.artifactType not in _TAG_PREFIX:
        raise InvalidArtifactError(f"{what} has the unknown artifact type {record.artifactType!r}")
    if record.subject != subject:
        raise InvalidArtifactError(f"{what} belongs to another manifest than {subject.digest}")
    if len(record.layers) != 1 or record.layers[0].mediaType != _ENVELOPE_TYPE:
        raise InvalidArtifactError(f"{what} does not hold one DSSE envelope")
    envelope = record.layers[0]
    if build_referrer(record.artifactType, subject=subject, envelope=envelope) != data:
        raise InvalidArtifactError(f"{what} is not in canonical form")
    return record.artifactType, envelope


def parse_config_name(data: bytes, *, limits: Limits) -> tuple[str, str]:
    """Read name and version out of a configuration: a claim, to find the policy's rule by."""
    what = "the model's configuration"
    document = strict_json.loads(data, what=what, limits=limits)
    descriptor = document.get("descriptor") if isinstance(document, dict) else None
    name, version = (
        (descriptor.get("name"), descriptor.get("version")) if isinstance(descriptor, dict) else (None, None)
    )
    if not isinstance(name, str) or not isinstance(version, str):
        raise InvalidArtifactError(f"{what} does not say name and version")
    return name, version


def _count(document: object, name: str) -> int:
    many = document.get(name) if isinstance(document, dict) else None
    return len(many) if isinstance(many, list) else 0


def _prefix(kind: str, data: bytes) -> str:
    digits = f"{hex_of(sha256(data))[:_TAG_DIGITS]}-" if kind in NOTICES else ""
    return _TAG_PREFIX[kind] + digits


def _manifest(
    artifact_type: str,
    config: OciDescriptor,
    layers: Sequence[OciDescriptor],
    *,
    subject: OciDescriptor | None = None,
    annotations: dict[str, str] | None = None,
) -> bytes:
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": _plain(config),
        "layers": [_plain(layer) for layer in layers],
    }
    if subject is not None:
        document["subject"] = _plain(subject)
    if annotations is not None:
        document["annotations"] = annotations
    return strict_json.dumps(document)


def _plain(descriptor: OciDescriptor) -> dict[str, Any]:
    return records.unstructure(descriptor)
