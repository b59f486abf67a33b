"""Publishing: parts become a signed, sealed, immutable version, or nothing but orphans.

The order is blobs, documents, signatures and last the reference, so that an interruption at any write leaves
no half version. What is refused is refused before the first write.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from attrs import evolve, frozen

from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk.artifact import _oci
from maas_sdk.artifact._catalog import VersionRecord
from maas_sdk.artifact._names import Reference, check_name, check_version
from maas_sdk.artifact._papers import make_papers
from maas_sdk.artifact._parts import PartInfo, check_part_limits, media_type_of
from maas_sdk.artifact._statements import Layer, ReleaseStatement, SealingStatement
from maas_sdk.artifact._times import as_timestamp
from maas_sdk.artifact._times import now as present
from maas_sdk.errors import (
    AlreadyExistsError,
    InvalidOptionError,
    LimitExceededError,
    SigningError,
    VersionExistsError,
)
from maas_sdk.signing import Envelope, PublicKey, sign_envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from maas_sdk.artifact._catalog import Catalog
    from maas_sdk.artifact._progress import Progress
    from maas_sdk.artifact._release import Release
    from maas_sdk.interfaces import Sealer, Signer

__all__ = ["Draft", "draft_statement", "publish"]


@frozen(kw_only=True)
class Draft:
    """What is to be published.

    Attributes
    ----------
    parts : mapping of str to bytes-like
        Contents by path.
    statement : ReleaseStatement
        With a provisional number.
    signers : sequence of Signer
        Who signs.
    recipients : dict of str to object
        The sealer's recipients by fingerprint; empty for an unsealed release.
    sealer : Sealer
        What seals.
    progress : callable
        Is told how far it is.
    """

    parts: Mapping[str, Any]
    statement: ReleaseStatement
    signers: Sequence[Signer]
    recipients: dict[str, Any]
    sealer: Sealer
    progress: Progress


def draft_statement(
    parts: Mapping[Any, Any],
    *,
    name: str,
    version: str,
    signers: Sequence[Signer],
    created: str | datetime | None,
    expires: str | datetime | None,
) -> ReleaseStatement:
    """Check what a caller gave, and say what the release is but for its number.

    Raises
    ------
    InvalidReferenceError
        When name or version is malformed.
    InvalidOptionError
        When a path, a content or a time is.
    SigningError
        When a signer gives no public key.
    """
    check_name(name)
    check_version(version)
    begin = present() if created is None else as_timestamp(created, what="created")
    end = None if expires is None else as_timestamp(expires, what="expires")
    if end is not None and end <= begin:
        raise InvalidOptionError(f"expires is {end}, and created is {begin}: it would never be valid")
    for path, data in parts.items():
        if not isinstance(path, str) or not isinstance(data, bytes | bytearray | memoryview):
            raise InvalidOptionError(
                f"the part {path!r} must be bytes under a text, not {type(data).__name__}"
            )
    infos = [_info(path, parts[path]) for path in sorted(parts)]
    return ReleaseStatement(
        name=name,
        version=version,
        sequence=1,
        created=begin,
        expires=end,
        keys=_fingerprints(signers),
        parts=tuple(infos),
    )


def publish(catalog: Catalog, draft: Draft) -> Release:
    """Write everything, and the reference last.

    Raises
    ------
    VersionExistsError
        When the version is another release already.
    LimitExceededError
        When there are too many parts, or one is too large.
    SigningError
        When a signer fails.
    StorageError
        When the store cannot be written.
    """
    wanted = draft.statement
    check_part_limits((part.size for part in wanted.parts), catalog.limits, what=wanted.subject)
    if len(draft.recipients) > catalog.limits.max_recipients:
        raise LimitExceededError(
            f"{len(draft.recipients)} recipients; "
            f"Limits.max_recipients allows {catalog.limits.max_recipients}"
        )
    if catalog.record(wanted.name, wanted.version) is not None:
        return _published_already(catalog, draft)
    if draft.recipients:
        # Recipients that cannot be mixed show themselves before anything is written.
        draft.sealer.encrypt(io.BytesIO(b""), io.BytesIO(), list(draft.recipients.values()))
    statement, envelope = _number_and_sign(catalog, draft)
    layers = _store_parts(catalog, draft)
    config = _oci.build_config(statement, layers)
    suffix = draft.sealer.suffix if draft.recipients else ""
    manifest = _oci.build_manifest(statement, layers, config=config, suffix=suffix)
    papers = make_papers(
        statement,
        config=config,
        manifest=manifest,
        release=envelope.to_json(),
        sealing=_sign_sealing(draft, statement, sha256(manifest), layers) if draft.recipients else None,
        limits=catalog.limits,
    )
    catalog.add_documents(papers)
    record = VersionRecord.of(statement.identity, statement.sequence, papers)
    try:
        catalog.add_version(statement.name, statement.version, record)
    except AlreadyExistsError:
        return _published_already(catalog, draft)
    return catalog.open(Reference(statement.name, version=statement.version))


def _number_and_sign(catalog: Catalog, draft: Draft) -> tuple[ReleaseStatement, Envelope]:
    """Sign before the number is reserved, so that a signer that fails wastes none."""
    while True:
        sequence, previous = catalog.next_sequence(draft.statement.name)
        statement = evolve(draft.statement, sequence=sequence, previous=previous)
        envelope = sign_envelope(statement.to_payload(), draft.signers)
        if catalog.reserve(statement.name, sequence, version=statement.version, identity=statement.identity):
            return statement, envelope


def _sign_sealing(draft: Draft, statement: ReleaseStatement, manifest: str, layers: list[Layer]) -> bytes:
    sealing = SealingStatement(
        manifest=manifest,
        identity=statement.identity,
        recipients=tuple(draft.recipients),
        suffix=draft.sealer.suffix,
        layers=tuple(layers),
    )
    return sign_envelope(sealing.to_payload(), draft.signers).to_json()


def _store_parts(catalog: Catalog, draft: Draft) -> list[Layer]:
    layers = []
    total = sum(part.size for part in draft.statement.parts)
    done = 0
    stage = "seal" if draft.recipients else "store"
    for part in draft.statement.parts:
        data = draft.parts[part.path]
        if draft.recipients:
            with catalog.blobs.writer(max_bytes=catalog.limits.max_part_bytes) as sink:
                draft.sealer.encrypt(
                    io.BytesIO(data), cast("BinaryIO", sink), list(draft.recipients.values())
                )
            layers.append(Layer(part.path, sink.digest, sink.size))
        else:
            kept = catalog.blobs.put(data)
            layers.append(Layer(part.path, kept.digest, kept.size))
        done += part.size
        draft.progress(stage, done, total)
    return layers


def _published_already(catalog: Catalog, draft: Draft) -> Release:
    """Give the release that has the version when it is the one to be published, and refuse when it is not."""
    wanted = draft.statement
    release = catalog.open(Reference(wanted.name, version=wanted.version))
    same = evolve(wanted, sequence=release.sequence, previous=release.previous)
    if same.identity != release.identity:
        raise VersionExistsError(
            f"{wanted.subject} is published already as {release.identity}, with other content, keys or "
            "times; a version never changes: publish under a new one"
        )
    if release.recipients != tuple(draft.recipients):
        raise VersionExistsError(
            f"{wanted.subject} is published already, for other recipients; "
            "publish under a new version to reach others"
        )
    return release


def _info(path: str, data: Any) -> PartInfo:
    with memoryview(data) as view:
        return PartInfo(path, media_type_of(path), view.nbytes, hex_of(sha256(view)))


def _fingerprints(signers: Sequence[Signer]) -> tuple[str, ...]:
    try:
        pems = [signer.public_key_pem() for signer in signers]
    except Exception as exc:
        raise SigningError(f"a signer gives no public key: {exc}") from exc
    return tuple(sorted({PublicKey.from_pem(pem).fingerprint for pem in pems}))
