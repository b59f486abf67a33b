"""Publishing: parts become a signed, sealed, immutable version, or nothing but orphans.

The order is blobs, documents, signatures and last the reference, so that an interruption at any write leaves
no half version. What can be refused at once is refused before the first write. Contents are streams: while
one is sealed or stored, those after it are hashed on a second thread.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from attrs import evolve

from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk.artifact._acts import current_keys
from maas_sdk.artifact._contents.sealing import LayerSealer, sign_sealing
from maas_sdk.artifact._contents.sources import DigestsAhead, MemoryContent
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.names import Reference
from maas_sdk.artifact._documents.papers import make_papers
from maas_sdk.artifact._documents.parts import check_part_limits
from maas_sdk.artifact._documents.statements import Layer
from maas_sdk.artifact._draft import part_infos, public_keys
from maas_sdk.artifact._inventory.catalog import VersionRecord
from maas_sdk.artifact._release import open_release
from maas_sdk.errors import AlreadyExistsError, MaasError, SealingError, SigningError, VersionExistsError
from maas_sdk.signing import sign_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from maas_sdk.artifact._contents.sources import Content
    from maas_sdk.artifact._documents.notices import Rotation
    from maas_sdk.artifact._documents.papers import Papers
    from maas_sdk.artifact._documents.statements import ReleaseStatement
    from maas_sdk.artifact._draft import Draft
    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.artifact._release import Release
    from maas_sdk.signing import Envelope

__all__ = ["publish"]

_SMALL: Final = 1 << 20  # bytes that are hashed sooner than sealed or stored in vain


def publish(catalog: Catalog, draft: Draft) -> Release:
    """Write everything, and the reference last.

    Raises
    ------
    VersionExistsError
        When the version is another release already.
    NotFoundError
        When a parent is not in the store.
    LimitExceededError
        When there are too many parts, or one is too large.
    DigestMismatchError
        When a part's file is changed meanwhile.
    SealingError
        When the sealer fails.
    SigningError
        When a signer fails.
    BusyError
        When somebody cleans the store and does not come to an end.
    StorageError
        When the store cannot be written.
    """
    wanted = draft.statement
    check_part_limits((part.size for part in wanted.parts), catalog.limits, what=wanted.subject)
    sealer = None
    if draft.recipients:
        sealer = LayerSealer(catalog, draft.sealer, draft.recipients, keys=public_keys(draft.signers))
        sealer.check()
    rotation = current_keys(catalog, wanted.name.partition("/")[0])
    draft = evolve(
        draft,
        statement=evolve(
            wanted,
            epoch=1 if rotation is None else rotation.epoch,
            parents=_identities(catalog, draft.parents),
        ),
    )
    if catalog.record(wanted.name, wanted.version) is not None:
        return _published_already(catalog, draft, _look_through(draft))
    if rotation is not None:
        _check_signers(wanted, rotation)
    with catalog.leases.hold(f"publish {wanted.subject}") as lease:
        intake = _Intake(catalog, draft, sealer, lease.renew_if_needed)
        try:
            layers = intake.take()
            statement, envelope = _number_and_sign(catalog, draft, intake.parts)
            papers = _papers(catalog, draft, statement, layers, envelope)
            lease.check()
            catalog.add_documents(papers)
            catalog.add_version(
                statement.name,
                statement.version,
                VersionRecord.of(statement.identity, statement.sequence, papers),
            )
        except AlreadyExistsError:
            return _published_already(catalog, draft, intake.parts)
        except MaasError:
            # What was written for nothing is removed, unless somebody else works on the store.
            catalog.discard(intake.made, lease=lease)
            raise
    return open_release(catalog, Reference(statement.name, version=statement.version))


def _check_signers(statement: ReleaseStatement, rotation: Rotation) -> None:
    """Refuse what no receiver would accept that has followed the publisher's keys."""
    known = [key for key in rotation.keys if key.fingerprint in statement.keys]
    if len(known) < rotation.threshold:
        publisher, _, _ = statement.name.partition("/")
        raise SigningError(
            f"{publisher} is in epoch {rotation.epoch} of its keys: {rotation.threshold} of "
            f"{', '.join(key.name for key in rotation.keys)} must sign, {len(known)} do; receivers would "
            "refuse it"
        )


class _Intake:
    """Brings the contents of one release into a store.

    Attributes
    ----------
    parts : dict of str to (int, str)
        Size and digest of each plaintext by path, as far as it got.
    made : set of str
        Digests of the blobs that were written.
    """

    def __init__(
        self, catalog: Catalog, draft: Draft, sealer: LayerSealer | None, renew: Callable[[], None]
    ) -> None:
        self._catalog = catalog
        self._draft = draft
        self._sealer = sealer
        self._renew = renew
        self._total = sum(content.size for content in draft.contents.values())
        self._done = 0
        self._sizes = _sizes_before(catalog, draft.statement.name)
        self.parts: dict[str, tuple[int, str]] = {}
        self.made: set[str] = set() if sealer is None else sealer.made

    def take(self) -> list[Layer]:
        """Seal or store every content, and give the layers by the path of their parts."""
        contents = self._draft.contents
        layers = {}
        with DigestsAhead({path: each for path, each in contents.items() if self._is_ahead(each)}) as ahead:
            for path, content in contents.items():
                layers[path] = self._take_one(path, content, ahead, self._tell)
                if not content.size:
                    self._tell(0)
        for path, content in _derived(self._draft, self.parts).items():
            with DigestsAhead({path: content}) as ahead:
                layers[path] = self._take_one(path, content, ahead, _nobody)
        return [layers[path] for path in sorted(layers)]

    def _is_ahead(self, content: Content) -> bool:
        """Whether its digest is taken before it, or meanwhile; otherwise with the only reading of it."""
        return self._is_likely(content) or (self._sealer is not None and content.in_memory)

    def _is_likely(self, content: Content) -> bool:
        """Whether the store may well have it: then it is worth asking first."""
        return content.size < _SMALL or content.size in self._sizes

    def _take_one(
        self, path: str, content: Content, ahead: DigestsAhead, tell: Callable[[int], None]
    ) -> Layer:
        expected = ahead[path] if self._is_likely(content) else None
        if self._sealer is None:
            digest = self._store(path, content, expected, tell)
            layer = Layer(path, digest, content.size)
        else:
            digest, layer = self._seal(self._sealer, path, content, ahead, expected, tell)
        self.parts[path] = content.size, digest
        return layer

    def _store(self, path: str, content: Content, expected: str | None, tell: Callable[[int], None]) -> str:
        blobs = self._catalog.blobs
        if expected is not None and blobs.has(expected):
            with content.open(_nobody) as source:
                blobs.receive(cast("BinaryIO", source), digest=expected, size=content.size)
            tell(content.size)
            return expected
        with blobs.writer(max_bytes=content.size) as sink:
            for piece in content.pieces():
                sink.write_ahead(piece)
                tell(piece.nbytes)
            if expected not in (None, sink.digest):
                raise content.changed(path)
        self.made.add(sink.digest)
        return sink.digest

    def _seal(
        self,
        sealer: LayerSealer,
        path: str,
        content: Content,
        ahead: DigestsAhead,
        expected: str | None,
        tell: Callable[[int], None],
    ) -> tuple[str, Layer]:
        if expected is not None and (known := sealer.known(path, expected)) is not None:
            tell(content.size)
            return expected, known
        hash_ = None if content.in_memory else hashlib.sha256()

        def digest() -> str:
            found = ahead[path] if hash_ is None else f"sha256:{hash_.hexdigest()}"
            if expected not in (None, found):
                raise content.changed(path)
            return found

        if content.in_memory and content.size >= _SMALL and sealer.takes_pieces:
            layer = sealer.seal_pieces(path, _told(content.pieces(), tell), digest)
        else:
            with content.open(tell, hash_) as source:

                def digest_at_end() -> str:
                    if source.read(1):
                        raise SealingError(f"the sealer did not read all of {path!r}")
                    return digest()

                layer = sealer.seal(path, cast("BinaryIO", source), digest_at_end)
        return digest(), layer

    def _tell(self, count: int) -> None:
        self._renew()
        self._done += count
        self._draft.progress("store" if self._sealer is None else "seal", self._done, self._total)


def _told(pieces: Iterator[memoryview], tell: Callable[[int], None]) -> Iterator[memoryview]:
    for piece in pieces:
        yield piece
        tell(piece.nbytes)


def _sizes_before(catalog: Catalog, name: str) -> set[int]:
    """Give the sizes of the parts of the release before, of which some may not have changed."""
    try:
        return {part.size for part in open_release(catalog, Reference.parse(name)).parts}
    except MaasError:
        return set()


def _derived(draft: Draft, parts: Mapping[str, tuple[int, str]]) -> dict[str, Content]:
    files = {path: hex_of(digest) for path, (_, digest) in sorted(parts.items())}
    return {
        path: MemoryContent([memoryview(part.make(files))]) for path, part in sorted(draft.derived.items())
    }


def _look_through(draft: Draft) -> dict[str, tuple[int, str]]:
    """Give size and digest of each part without writing anything."""
    with DigestsAhead(draft.contents) as ahead:
        parts = {path: (content.size, ahead[path]) for path, content in draft.contents.items()}
    with DigestsAhead(derived := _derived(draft, parts)) as ahead:
        return parts | {path: (content.size, ahead[path]) for path, content in derived.items()}


def _identities(catalog: Catalog, parents: Sequence[str]) -> tuple[str, ...]:
    found = {
        parent if is_digest(parent) else open_release(catalog, Reference.parse(parent)).identity
        for parent in parents
    }
    return tuple(sorted(found))


def _number_and_sign(
    catalog: Catalog, draft: Draft, parts: Mapping[str, tuple[int, str]]
) -> tuple[ReleaseStatement, Envelope]:
    """Sign before the number is reserved, so that a signer that fails wastes none."""
    infos = part_infos(parts)
    check_part_limits((part.size for part in infos), catalog.limits, what=draft.statement.subject)
    while True:
        sequence, previous = catalog.next_sequence(draft.statement.name)
        statement = evolve(draft.statement, sequence=sequence, previous=previous, parts=infos)
        envelope = sign_envelope(statement.to_payload(), draft.signers)
        if catalog.reserve(statement.name, sequence, version=statement.version, identity=statement.identity):
            return statement, envelope


def _papers(
    catalog: Catalog, draft: Draft, statement: ReleaseStatement, layers: Sequence[Layer], envelope: Envelope
) -> Papers:
    suffix = draft.sealer.suffix if draft.recipients else ""
    config = oci.build_config(statement, layers)
    manifest = oci.build_manifest(statement, layers, config=config, suffix=suffix)
    sealing = None
    if draft.recipients:
        sealing = sign_sealing(
            statement,
            sha256(manifest),
            layers,
            recipients=tuple(draft.recipients),
            suffix=suffix,
            signers=draft.signers,
        )
    return make_papers(
        statement,
        config=config,
        manifest=manifest,
        release=envelope.to_json(),
        sealing=sealing,
        limits=catalog.limits,
    )


def _published_already(catalog: Catalog, draft: Draft, parts: Mapping[str, tuple[int, str]]) -> Release:
    """Give the release that has the version when it is the one to be published, and refuse when it is not."""
    wanted = draft.statement
    release = open_release(catalog, Reference(wanted.name, version=wanted.version))
    same = evolve(
        wanted,
        sequence=release.sequence,
        previous=release.previous,
        epoch=release.epoch,
        parts=part_infos(parts),
    )
    if same.identity != release.identity:
        raise VersionExistsError(
            f"{wanted.subject} is published already as {release.identity}, with other content, keys or "
            "times; a version never changes: publish under a new one"
        )
    if release.recipients != tuple(draft.recipients):
        raise VersionExistsError(
            f"{wanted.subject} is published already, sealed for others or not at all; seal it for further "
            "recipients with reseal, or publish under a new version"
        )
    return release


def _nobody(_count: int) -> None:
    """Tell nobody."""
