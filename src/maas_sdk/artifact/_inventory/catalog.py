"""What a store holds under which name: the append-only references of releases; it checks no signature.

``refs/<name>/versions/<version>`` says which documents are a version, and is written last: what it names is
whole. ``refs/<name>/sequence/<number>`` reserves a number for a version before that, so that two publishers
never take the same one. A publisher that dies in between leaves a number that nobody uses: a gap, which is
fine, because numbers only need to grow. Where the other references are, `places` tells.

The references are the truth. What is asked for by its exact name is read from them; everything else is looked
up in the index, a cache that follows their log, and then compared with them.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.digests import is_digest, sha256
from maas_sdk.artifact._documents.fields import MAX_NUMBER
from maas_sdk.artifact._documents.names import Reference
from maas_sdk.artifact._documents.notices import AliasNotice
from maas_sdk.artifact._documents.oci import LAYOUT
from maas_sdk.artifact._documents.papers import read_papers
from maas_sdk.artifact._documents.times import as_timestamp
from maas_sdk.artifact._inventory import places as _places
from maas_sdk.artifact._inventory.known_layers import KnownLayers
from maas_sdk.artifact._inventory.lineage import Lineage, trace
from maas_sdk.artifact._inventory.log import Log
from maas_sdk.artifact._inventory.record import Reservation, VersionRecord
from maas_sdk.errors import (
    AlreadyExistsError,
    ArtifactError,
    InvalidOptionError,
    NotFoundError,
    StorageError,
)
from maas_sdk.signing import Envelope
from maas_sdk.storage import BlobStore, Leases, LocalBackend, References

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from maas_sdk.artifact._documents.papers import Papers
    from maas_sdk.artifact._inventory.index import Index
    from maas_sdk.artifact._inventory.search import Listing
    from maas_sdk.interfaces import StorageBackend
    from maas_sdk.limits import Limits
    from maas_sdk.signing import PublicKey
    from maas_sdk.storage import Lease

__all__ = ["Catalog", "Found", "VersionRecord"]

_LAYOUT_KEY: Final = "oci-layout"
_INDEX_FILE: Final = "index.sqlite"
_SLOW: Final = 60  # seconds from the announcement of a reference, after which it is announced again
_NAMED: Final = 20  # names or versions in a message at most
_ROUNDS: Final = 3  # times that a search is repeated because the index was behind
_CANDIDATES: Final = 8  # envelopes that are read for one layer at most


@frozen(kw_only=True)
class Found:
    """What a reference means.

    Attributes
    ----------
    subject : str
        Name and version.
    record : VersionRecord
        Which documents it is.
    papers : Papers
        These documents.
    exact : bool
        Whether it was asked for by its version or identity.
    """

    subject: str
    record: VersionRecord
    papers: Papers
    exact: bool


class Catalog:
    """Blobs and references of one store; it may be used from several threads and processes.

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
        self._index_: Index | None = None
        self.blobs = BlobStore(backend)
        self._layers = KnownLayers(self.blobs, self._record, limits=limits)
        self.leases = Leases(backend)
        self.limits = limits

    def names(self) -> list[str]:
        """Give the names that have a version, sorted."""
        return self._index.names()

    def versions(self, name: str, *, yanked: bool = True) -> list[str]:
        """Give the versions of a name, the lowest first; those that are yanked too unless told otherwise."""
        return self._index.versions(name, yanked=yanked)

    def record(self, name: str, version: str) -> VersionRecord | None:
        """Read the record of a version; None when there is none.

        Raises
        ------
        InvalidArtifactError
            When it is malformed: the store is damaged.
        """
        return self._record(_places.version_key(name, version))

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
        keys = self._references.list(_places.envelopes_prefix(name, version))
        return [record for record in map(self._record, keys) if record is not None]

    def find(self, reference: Reference, *, manifest: str | None = None) -> Found:
        """Give the documents of the release that a reference means.

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
        return Found(
            subject=f"{reference.name}@{version}",
            record=record,
            papers=read_papers(self.blobs, record.manifest, record.referrers, limits=self.limits),
            exact=reference.version is not None or reference.identity is not None,
        )

    def resolve(self, reference: Reference) -> str:
        """Give the version that a reference means; one that names a version is taken at its word.

        Ranges and bare names pass over yanked versions; whatever names one release does not.

        Raises
        ------
        NotFoundError
            When there is none; the message says what there is.
        ArtifactError
            When the record of the version or of the alias is damaged.
        """
        if reference.version is not None:
            return reference.version
        if reference.alias is not None:
            found = self._aliased(reference.name, reference.alias)
        elif reference.range is not None:
            found = self._highest(reference.name, reference.range)
        else:
            found = self._identified(reference.name, reference.identity)
        if found is None:
            raise self._missing(reference)
        return found

    def append(self, prefix: str, number: int, record: bytes) -> None:
        """Add a numbered record: a signed envelope that replaces those of lower numbers.

        Parameters
        ----------
        prefix : str
            ``name/aliases/alias``, ``name/yanks/version``, ``name/notes/version``, ``publisher/@rotations``
            or ``publisher/@revocations``.
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
        self._add(_places.numbered_key(prefix, number), record)

    def latest(self, prefix: str) -> tuple[int, bytes] | None:
        """Give the record with the highest number, and that number; None when there is none."""
        if "@" in prefix:  # what is said of keys is little, and is not left to a cache
            return max(self.all(prefix), default=None)
        number = self._index.latest(prefix) or 0
        with contextlib.suppress(NotFoundError):
            # The index may not know of one that no log announced.
            if number == MAX_NUMBER or not self._references.has(_places.numbered_key(prefix, number + 1)):
                return (
                    (number, self._references.get(_places.numbered_key(prefix, number))) if number else None
                )
        found = max(self.all(prefix), default=None)
        for wrong in {number, 0 if found is None else found[0]} - {0}:
            self._index.relearn(_places.numbered_key(prefix, wrong))
        return found

    def latest_below(self, folder: str) -> dict[str, tuple[int, bytes]]:
        """Give the latest record of each prefix that begins with `folder`, ``name/aliases/`` for example."""
        found = ((prefix, self.latest(prefix)) for prefix in self._index.latest_below(folder))
        return {prefix: latest for prefix, latest in found if latest is not None}

    def all(self, prefix: str) -> Iterator[tuple[int, bytes]]:
        """Give the numbered records with their numbers, the lowest first."""
        for key in self._references.list(f"{prefix}/"):
            number = _places.parse_number(key.removeprefix(f"{prefix}/"))
            if number is not None:
                yield number, self._references.get(key)

    def search(
        self,
        *,
        name: str | None = None,
        publisher: str | None = None,
        tag: str | None = None,
        metric: tuple[str, str, float] | None = None,
        created_after: str | datetime | None = None,
        created_before: str | datetime | None = None,
        parent: str | None = None,
        dataset: str | None = None,
        yanked: bool = False,
        limit: int | None = None,
    ) -> list[Listing]:
        """Give the releases of which all that is asked for holds, the newest first.

        Parameters
        ----------
        name : str, optional
            ``publisher/model``; ``*`` stands for any characters and ``?`` for one.
        publisher : str, optional
            What stands before the slash of the name.
        tag : str, optional
            One of the tags.
        metric : tuple of str, str and float, optional
            ``("accuracy", ">=", 0.9)``; a release without that figure is none of them.
        created_after, created_before : datetime or str, optional
            Made at this time or later, and before this time.
        parent : str, optional
            What it was made from: a reference, or the identity of a release that the store need not have.
        dataset : str, optional
            Name or digest of a data set that it was made with.
        yanked : bool
            Whether yanked releases are wanted too.
        limit : int, optional
            How many at most.

        Raises
        ------
        InvalidOptionError
            When one of these is malformed.
        NotFoundError
            When `parent` is a reference, and the store has no such release.
        """
        from maas_sdk.artifact._inventory.search import Query  # noqa: PLC0415 - as the index

        query = Query(
            name=name,
            publisher=publisher,
            tag=tag,
            metric=metric,
            created_after=_timestamp(created_after, "created_after"),
            created_before=_timestamp(created_before, "created_before"),
            parent=None if parent is None else self._identity(parent),
            dataset=dataset,
            yanked=yanked,
            limit=limit,
        )
        found: list[Listing] = []
        for _ in range(_ROUNDS):
            found, stale = [], []
            for digest, listing in self._index.find(query):
                key = _places.version_key(listing.name, listing.version)
                if self._digest(key) == digest:
                    found.append(listing)
                else:
                    stale.append(key)
            if not stale:
                break
            for key in stale:
                self._index.relearn(key)
        return found

    def lineage(self, reference: str, *, limit: int = 1000) -> Lineage:
        """Give what a release was made from and what was made from it, as far as the store knows.

        Parameters
        ----------
        reference : str
            The release; or its identity, which the store need not have.
        limit : int
            How many ancestors, and how many descendants, at most.

        Raises
        ------
        NotFoundError
            When it is a reference, and the store has no such release.
        """
        identity, index = self._identity(reference), self._index
        ancestors, all_before = trace(identity, index.parents, index.subject, limit=limit)
        descendants, all_after = trace(identity, index.children, index.subject, limit=limit)
        return Lineage(identity, ancestors, descendants, all_before and all_after)

    def sealed_layer(
        self,
        plain_digest: str,
        recipients: Sequence[str],
        suffix: str,
        *,
        keys: Sequence[PublicKey] = (),
        besides: Collection[str] = (),
    ) -> tuple[str, int] | None:
        """Give a layer of this store that holds the same plaintext sealed for the same recipients.

        Parameters
        ----------
        plain_digest : str
            Digest of the plaintext.
        recipients : sequence of str
            Fingerprints of the recipients.
        suffix : str
            What the names of sealed layers end in: how they are sealed.
        keys : sequence of PublicKey
            The caller's; one of them must have signed what the layer is. Without any there is no such layer.
        besides : collection of str
            Layers that are not wanted.

        Returns
        -------
        tuple of str and int, or None
            Digest and size of the layer, which is there.
        """
        sources = self._index.sources(plain_digest, recipients, suffix, limit=_CANDIDATES)
        return self._layers.find(sources, plain_digest, recipients, suffix, keys=keys, besides=besides)

    def next_sequence(self, name: str) -> tuple[int, str | None]:
        """Give a number above that of any version, and the identity of the release before it."""
        number, previous = self._last(name)
        free = number + 1
        while self._references.has(_places.sequence_key(name, free)):
            free += 1
        for taken in range(free - 1, number, -1):
            key = _places.sequence_key(name, taken)
            document = strict_json.loads(self._references.get(key), what=key, limits=self.limits)
            reservation = records.structure(document, Reservation, what=key)
            record = self.record(name, reservation.version)
            # Numbers that nobody used are passed over, and so is one whose version another publisher won.
            if record is not None and record.identity == reservation.identity:
                # Just added, or by a version of the SDK that kept no log.
                self._index.relearn(_places.version_key(name, reservation.version))
                return free, record.identity
        return free, previous

    def reserve(self, name: str, sequence: int, *, version: str, identity: str) -> bool:
        """Reserve a number, and tell whether it could be had."""
        record = strict_json.dumps({"version": version, "identity": identity})
        try:
            self._references.put(_places.sequence_key(name, sequence), record)
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
        self._add(_places.version_key(name, version), record.to_json())

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
            self._add(_places.envelope_key(name, version, record.manifest.digest), record.to_json())

    def roots(self, *, seen: set[str] | None = None) -> Iterator[str]:
        """Give the digest of every blob that a version or a further envelope needs; some more than once.

        It asks the references themselves, and nothing that is remembered of them.

        Parameters
        ----------
        seen : set of str, optional
            Keys of references that were followed before, and are not now; those that are, are added.

        Raises
        ------
        ArtifactError
            When a record or a document is damaged: then it cannot be told what is needed.
        NotFoundError
            When a document is missing.
        """
        for key in self._references.list():
            place = _places.parse_key(key)
            if place is None or place.kind not in {_places.VERSIONS, _places.ENVELOPES}:
                continue
            if seen is not None:
                if key in seen:
                    continue
                seen.add(key)
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

    def rebuild_index(self) -> None:
        """Make the index anew, as after a repair: it keeps what it read of documents that were damaged."""
        self._index.rebuild()

    @property
    def _index(self) -> Index:
        if self._index_ is None:
            # Loaded late: SQLite is not for those who verify or open what they can name.
            from maas_sdk.artifact._inventory.index import Index  # noqa: PLC0415

            path = self._backend.folder / _INDEX_FILE if isinstance(self._backend, LocalBackend) else None
            self._index_ = Index(self._references, self._log, self.blobs, path=path, limits=self.limits)
        return self._index_

    def _needed(self, record: VersionRecord) -> Iterator[str]:
        papers = read_papers(self.blobs, record.manifest, record.referrers, limits=self.limits)
        yield from (sha256(document) for document in papers.documents())
        yield from (layer.digest for layer in papers.layers)

    def _add(self, key: str, record: bytes) -> None:
        """Add a reference, announced in the log; the same one again is fine."""
        if self._references.has(key):
            self._references.put(key, record)  # tells whether it is the same
            return
        begin = time.time()
        self._log.append(key)
        self._references.put(key, record)
        if not 0 <= time.time() - begin < _SLOW:
            self._log.append(key)  # as after a sleep of the machine: readers have given up waiting

    def _record(self, key: str) -> VersionRecord | None:
        try:
            data = self._references.get(key)
        except NotFoundError:
            return None
        return VersionRecord.from_json(data, what=f"the reference {key}", limits=self.limits)

    def _digest(self, key: str) -> str | None:
        try:
            return sha256(self._references.get(key))
        except NotFoundError:
            return None

    def _envelope(self, name: str, version: str, manifest: str) -> VersionRecord:
        key = _places.envelope_key(name, version, manifest) if is_digest(manifest) else None
        record = None if key is None else self._record(key)
        if record is None:
            raise NotFoundError(f"the store has no envelope {manifest} of {name}@{version}")
        return record

    def _highest(self, name: str, range_: str) -> str | None:
        while (found := self._index.highest(name, range_)) is not None:
            if self.record(name, found) is not None:
                break
            self._index.relearn(_places.version_key(name, found))
        return found

    def _identified(self, name: str, identity: str | None) -> str | None:
        for version in self._index.by_identity(name, identity or ""):
            record = self.record(name, version)
            if record is not None and record.identity == identity:
                return version
        return None

    def _aliased(self, name: str, alias: str) -> str | None:
        found = self.latest(f"{name}/{_places.ALIASES}/{alias}")
        if found is None:
            return None
        envelope = Envelope.from_json(found[1], limits=self.limits)
        notice = AliasNotice.from_payload(envelope.payload, limits=self.limits)
        record = self.record(name, notice.version)
        is_it = (notice.name, notice.alias) == (name, alias) and record is not None
        return notice.version if is_it and record and record.identity == notice.identity else None

    def _last(self, name: str) -> tuple[int, str | None]:
        """Give number and identity of the release with the highest number."""
        while (found := self._index.last(name)) is not None:
            version, sequence = found
            record = self.record(name, version)
            if record is not None and record.sequence == sequence:
                return sequence, record.identity
            self._index.relearn(_places.version_key(name, version))
        return 0, None

    def _identity(self, text: str) -> str:
        """Give the identity of what a reference means, or what is one already."""
        if is_digest(text):
            return text
        reference = Reference.parse(text)
        record = self.record(reference.name, self.resolve(reference))
        if record is None:
            raise self._missing(reference)
        return record.identity

    def _missing(self, reference: Reference) -> NotFoundError:
        versions = self.versions(reference.name)
        if versions:
            good = set(self.versions(reference.name, yanked=False))
            texts = [version if version in good else f"{version} (yanked)" for version in versions]
            return NotFoundError(f"the store has no {reference}; of {reference.name} it has {_some(texts)}")
        return NotFoundError(
            f"the store has no {reference.name}; it has {_some(self.names()) or 'no release at all'}"
        )


def _some(texts: list[str]) -> str:
    """Join the last of them; the highest versions are there."""
    more = len(texts) - _NAMED
    return (f"{more} others, " if more > 0 else "") + ", ".join(texts[-_NAMED:])


def _timestamp(value: Any, what: str) -> str | None:
    return None if value is None else as_timestamp(value, what=what)
