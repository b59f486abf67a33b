"""What a store holds under which name: the append-only references of releases; it checks no signature.

``refs/<name>/versions/<version>`` says which documents are a version, and is written last: what it names is
whole. ``refs/<name>/sequence/<number>`` reserves a number for a version before that, so that two publishers
never take the same one. A publisher that dies in between leaves a number that nobody uses: a gap, which is
fine, because numbers only need to grow.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

from attrs import evolve, field, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk.artifact._fields import MAX_NUMBER
from maas_sdk.artifact._log import Log
from maas_sdk.artifact._names import Reference, is_name, is_version, version_order
from maas_sdk.artifact._notices import AliasNotice, YankNotice
from maas_sdk.artifact._oci import LAYOUT, OciDescriptor, describe
from maas_sdk.artifact._papers import read_papers
from maas_sdk.artifact._release import make_release
from maas_sdk.errors import (
    AlreadyExistsError,
    ArtifactError,
    InvalidOptionError,
    InvalidReferenceError,
    NotFoundError,
    StorageError,
)
from maas_sdk.signing import Envelope
from maas_sdk.storage import BlobStore, Leases, References

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maas_sdk.artifact._papers import Papers
    from maas_sdk.artifact._release import Release
    from maas_sdk.interfaces import StorageBackend
    from maas_sdk.limits import Limits
    from maas_sdk.storage import Lease

__all__ = ["Catalog", "VersionRecord"]

_LAYOUT_KEY: Final = "oci-layout"
_DIGITS: Final = 16  # of a number in a key, so that keys sort as numbers do
_VERSION_KEY: Final = re.compile(r"([^/]+/[^/]+)/versions/([^/]+)")
_ENVELOPE_KEY: Final = re.compile(r"([^/]+/[^/]+)/envelopes/([^/]+)/[0-9a-f]{64}", re.ASCII)
_PREFIX: Final = re.compile(r"[^/@]+/(?:[^/@]+/(?:aliases|yanks|notes)/[^/]+|@(?:rotations|revocations))")
_NUMBER: Final = re.compile(r"\d{16}", re.ASCII)
_SEQUENCE_KEY: Final = re.compile(r"[^/]+/[^/]+/sequence/(\d{16})", re.ASCII)


def _check_identity(_instance: object, _attribute: object, value: str) -> None:
    if not is_digest(value):
        raise InvalidOptionError(f"identity is {value!r}, not sha256: and 64 hexadecimal digits")


@frozen(kw_only=True)
class VersionRecord:
    """Which documents a version is.

    Attributes
    ----------
    identity : str
        The release's identity.
    sequence : int
        Its number.
    manifest : OciDescriptor
        The model's manifest.
    referrers : tuple of OciDescriptor
        The manifests of its signatures.
    """

    identity: str = field(validator=_check_identity)
    sequence: int
    manifest: OciDescriptor
    referrers: tuple[OciDescriptor, ...]

    @classmethod
    def of(cls, identity: str, sequence: int, papers: Papers) -> VersionRecord:
        """Make the record of a release; notices that came with it are no part of it."""
        return cls(
            identity=identity,
            sequence=sequence,
            manifest=describe(papers.manifest),
            referrers=tuple(describe(each.referrer) for each in evolve(papers, notices=()).attestations),
        )

    @classmethod
    def from_json(cls, data: bytes, *, what: str, limits: Limits) -> VersionRecord:
        """Read it; `InvalidArtifactError` when it is malformed."""
        return records.structure(strict_json.loads(data, what=what, limits=limits), cls, what=what)

    def to_json(self) -> bytes:
        """Write it: equal records give equal bytes."""
        return strict_json.dumps(
            {
                "identity": self.identity,
                "sequence": self.sequence,
                "manifest": records.unstructure(self.manifest),
                "referrers": [records.unstructure(each) for each in self.referrers],
            }
        )


@frozen
class _Reservation:
    version: str
    identity: str = field(validator=_check_identity)


class Catalog:
    """Blobs and references of one store.

    Attributes
    ----------
    blobs : BlobStore
        Content by digest.
    leases : Leases
        What work holds while its blobs have no reference yet.
    limits : Limits
        Bounds on what is read.
    """

    def __init__(self, backend: StorageBackend, limits: Limits) -> None:
        self._backend = backend
        self._references = References(backend, limits=limits)
        self._log = Log(self._references, limits=limits)
        self.blobs = BlobStore(backend)
        self.leases = Leases(backend)
        self.limits = limits

    def names(self) -> list[str]:
        """Give the names that have a version, sorted."""
        return sorted({name for name, _ in self._versions("")})

    def versions(self, name: str, *, yanked: bool = True) -> list[str]:
        """Give the versions of a name, the lowest first; those that are yanked too unless told otherwise."""
        found = sorted((version for _, version in self._versions(f"{name}/versions/")), key=version_order)
        return found if yanked else [each for each in found if not self._is_yanked(name, each)]

    def record(self, name: str, version: str) -> VersionRecord | None:
        """Read the record of a version; None when there is none.

        Raises
        ------
        InvalidArtifactError
            When it is malformed: the store is damaged.
        """
        return self._record(f"{name}/versions/{version}")

    def held(self, name: str, version: str) -> tuple[str, str] | None:
        """Give identity and manifest digest of a version; None when there is none."""
        record = self.record(name, version)
        return None if record is None else (record.identity, record.manifest.digest)

    def envelopes(self, name: str, version: str) -> list[VersionRecord]:
        """Give the further envelopes of a version: the same release, sealed for others.

        Raises
        ------
        InvalidArtifactError
            When a record is malformed: the store is damaged.
        """
        keys = self._references.list(f"{name}/envelopes/{version}/")
        return [record for record in map(self._record, keys) if record is not None]

    def open(self, reference: Reference, *, manifest: str | None = None) -> Release:
        """Give the release that a reference means.

        Parameters
        ----------
        reference : Reference
            What is asked for.
        manifest : str or None
            The digest of the manifest of the envelope that is wanted; the version's own by default.

        Raises
        ------
        NotFoundError
            When there is no such release, or no such envelope of it.
        """
        version = self.resolve(reference)
        record = self.record(reference.name, version)
        if record is None:
            raise self._missing(reference)
        if manifest is not None and manifest != record.manifest.digest:
            record = self._envelope(reference.name, version, manifest)
        papers = read_papers(self.blobs, record.manifest, record.referrers, limits=self.limits)
        return make_release(
            papers,
            self.blobs,
            identity=record.identity,
            subject=f"{reference.name}@{version}",
            limits=self.limits,
            exact=reference.version is not None or reference.identity is not None,
        )

    def resolve(self, reference: Reference) -> str:
        """Give the version that a reference means; one that names a version is taken at its word.

        Ranges and bare names pass over yanked versions; whatever names one release does not.

        Raises
        ------
        NotFoundError
            When there is none; the message says what there is.
        InvalidArtifactError
            When the record of the alias is malformed.
        """
        if reference.version is not None:
            return reference.version
        if reference.alias is not None:
            found = self._aliased(reference.name, reference.alias)
        elif reference.range is not None:
            found = reference.select(self.versions(reference.name, yanked=False))
        else:
            records_ = ((v, self.record(reference.name, v)) for v in self.versions(reference.name))
            found = next(
                (v for v, record in records_ if record and record.identity == reference.identity), None
            )
        if found is None:
            raise self._missing(reference)
        return found

    def append(self, prefix: str, number: int, record: bytes) -> None:
        """Add a numbered record: a signed envelope that replaces those of lower numbers.

        Parameters
        ----------
        prefix : str
            ``name/aliases/alias``, ``name/yanks/version``, ``name/notes/version``, ``publisher/@rotations`` or
            ``publisher/@revocations``.
        number : int
            Its number, 1 or higher; the next one is for the caller to find out.
        record : bytes
            A DSSE envelope as JSON. It is kept whatever it is: whoever reads it verifies it.

        Raises
        ------
        AlreadyExistsError
            When the number is that of another record.
        InvalidReferenceError
            When there are no such records, or no such number.
        """
        if not _PREFIX.fullmatch(prefix) or not 1 <= number <= MAX_NUMBER:
            raise InvalidReferenceError(f"there are no numbered records like {prefix}/{number}")
        self._add(f"{prefix}/{number:0{_DIGITS}d}", record)

    def latest(self, prefix: str) -> tuple[int, bytes] | None:
        """Give the record with the highest number, and that number; None when there is none."""
        return max(self.all(prefix), default=None)

    def all(self, prefix: str) -> Iterator[tuple[int, bytes]]:
        """Give the numbered records with their numbers, the lowest first."""
        for key in self._references.list(f"{prefix}/"):
            number = key.removeprefix(f"{prefix}/")
            if _NUMBER.fullmatch(number):
                yield int(number), self._references.get(key)

    def sealed_layer(
        self, plain_digest: str, recipients: Sequence[str], suffix: str
    ) -> tuple[str, int] | None:
        """Give a layer of this store that holds the same plaintext sealed for the same recipients."""
        return None

    def next_sequence(self, name: str) -> tuple[int, str | None]:
        """Give a number that is higher than any before, and the identity of the release before it."""
        reserved = self._reserved(name)
        for sequence in reversed(reserved):
            key = _sequence_key(name, sequence)
            document = strict_json.loads(self._references.get(key), what=key, limits=self.limits)
            reservation = records.structure(document, _Reservation, what=key)
            record = self.record(name, reservation.version)
            # Numbers that nobody used are passed over, and so is one whose version another publisher won.
            if record is not None and record.identity == reservation.identity:
                return reserved[-1] + 1, record.identity
        return (reserved[-1] if reserved else 0) + 1, None

    def reserve(self, name: str, sequence: int, *, version: str, identity: str) -> bool:
        """Reserve a number, and tell whether it could be had."""
        record = strict_json.dumps({"version": version, "identity": identity})
        try:
            self._references.put(_sequence_key(name, sequence), record)
        except AlreadyExistsError:
            return False
        return True

    def add_documents(self, papers: Papers) -> None:
        """Keep the documents of a release, and mark the store as an OCI layout."""
        for data in papers.documents():
            self.blobs.put(data)
        with contextlib.suppress(AlreadyExistsError), self._backend.create(_LAYOUT_KEY) as file:
            file.write(LAYOUT)

    def add_version(self, name: str, version: str, record: VersionRecord) -> None:
        """Make a version exist, after all that it names; `AlreadyExistsError` when it is another already."""
        self._add(f"{name}/versions/{version}", record.to_json())

    def add_envelope(self, name: str, version: str, record: VersionRecord) -> None:
        """Add an envelope of a version that exists: the same release, sealed for others.

        Raises
        ------
        NotFoundError
            When there is no such version.
        InvalidOptionError
            When the envelope is of another release.
        """
        first = self.record(name, version)
        if first is None:
            raise self._missing(Reference(name, version=version))
        if (first.identity, first.sequence) != (record.identity, record.sequence):
            raise InvalidOptionError(
                f"{name}@{version} is the release {first.identity}, and the envelope is of {record.identity}"
            )
        if record.manifest.digest != first.manifest.digest:
            self._add(f"{name}/envelopes/{version}/{hex_of(record.manifest.digest)}", record.to_json())

    def roots(self) -> Iterator[str]:
        """Give the digest of every blob that a version or a further envelope needs; some more than once.

        It asks the references themselves, and nothing that is remembered of them.

        Raises
        ------
        ArtifactError
            When a record or a document is damaged: then it cannot be told what is needed.
        NotFoundError
            When a document is missing.
        """
        for key in self._references.list():
            if _is_record(key):
                record = self._record(key)
                if record is not None:
                    yield from self._needed(record)

    def discard(self, digests: set[str], *, lease: Lease | None = None) -> None:
        """Remove those of the blobs that no version needs.

        None is removed when that cannot be told, or when somebody else is at work in the store and may
        rely on them: then they stay until `gc`.

        Parameters
        ----------
        digests : set of str
            Of the blobs that work brought which came to nothing.
        lease : Lease, optional
            The one that the caller holds.
        """
        if not digests:
            return
        # Orphans are the lesser evil: of a damaged store, beside others, and when the medium fails.
        with (
            contextlib.suppress(ArtifactError, StorageError),
            self.leases.exclusive("remove what came to nothing", besides=lease),
        ):
            for digest in sorted(digests.difference(self.roots())):
                with contextlib.suppress(NotFoundError):
                    self.blobs.remove(digest)

    def _needed(self, record: VersionRecord) -> Iterator[str]:
        papers = read_papers(self.blobs, record.manifest, record.referrers, limits=self.limits)
        yield from (sha256(document) for document in papers.documents())
        yield from (layer.digest for layer in papers.layers)

    def _add(self, key: str, record: bytes) -> None:
        """Add a reference, announced in the log; the same one again is fine."""
        if self._references.has(key):
            self._references.put(key, record)  # tells whether it is the same
            return
        self._log.append(key)
        self._references.put(key, record)

    def _record(self, key: str) -> VersionRecord | None:
        try:
            data = self._references.get(key)
        except NotFoundError:
            return None
        return VersionRecord.from_json(data, what=f"the reference {key}", limits=self.limits)

    def _envelope(self, name: str, version: str, manifest: str) -> VersionRecord:
        if is_digest(manifest):
            record = self._record(f"{name}/envelopes/{version}/{hex_of(manifest)}")
            if record is not None:
                return record
        raise NotFoundError(f"the store has no envelope {manifest} of {name}@{version}")

    def _aliased(self, name: str, alias: str) -> str | None:
        found = self.latest(f"{name}/aliases/{alias}")
        if found is None:
            return None
        envelope = Envelope.from_json(found[1], limits=self.limits)
        notice = AliasNotice.from_payload(envelope.payload, limits=self.limits)
        record = self.record(name, notice.version)
        if notice.name != name or record is None or record.identity != notice.identity:
            return None
        return notice.version

    def _is_yanked(self, name: str, version: str) -> bool:
        found = self.latest(f"{name}/yanks/{version}")
        if found is None:
            return False
        envelope = Envelope.from_json(found[1], limits=self.limits)
        return YankNotice.from_payload(envelope.payload, limits=self.limits).yanked

    def _versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        for key in self._references.list(prefix):
            match = _VERSION_KEY.fullmatch(key)
            if match and is_name(match[1]) and is_version(match[2]):
                yield match[1], match[2]

    def _reserved(self, name: str) -> list[int]:
        matches = map(_SEQUENCE_KEY.fullmatch, self._references.list(f"{name}/sequence/"))
        return [int(match[1]) for match in matches if match]

    def _missing(self, reference: Reference) -> NotFoundError:
        versions = self.versions(reference.name)
        if versions:
            return NotFoundError(
                f"the store has no {reference}; of {reference.name} it has {', '.join(versions)}"
            )
        names = self.names()
        return NotFoundError(
            f"the store has no {reference.name}; it has {', '.join(names) if names else 'no release at all'}"
        )


def _sequence_key(name: str, sequence: int) -> str:
    return f"{name}/sequence/{sequence:0{_DIGITS}d}"


def _is_record(key: str) -> bool:
    """Whether a key is that of a version or of a further envelope."""
    match = _VERSION_KEY.fullmatch(key) or _ENVELOPE_KEY.fullmatch(key)
    return match is not None and is_name(match[1]) and is_version(match[2])
