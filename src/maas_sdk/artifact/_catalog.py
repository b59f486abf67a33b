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

from attrs import field, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.digests import is_digest
from maas_sdk.artifact._names import Reference, is_name, is_version, version_order
from maas_sdk.artifact._oci import LAYOUT, OciDescriptor, describe
from maas_sdk.artifact._papers import read_papers
from maas_sdk.artifact._release import make_release
from maas_sdk.errors import AlreadyExistsError, ArtifactError, InvalidOptionError, NotFoundError
from maas_sdk.storage import BlobStore, References

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maas_sdk.artifact._papers import Papers
    from maas_sdk.artifact._release import Release
    from maas_sdk.interfaces import StorageBackend
    from maas_sdk.limits import Limits

__all__ = ["Catalog", "VersionRecord"]

_LAYOUT_KEY: Final = "oci-layout"
_DIGITS: Final = 16  # of a number in a key, so that keys sort as numbers do
_VERSION_KEY: Final = re.compile(r"([^/]+/[^/]+)/versions/([^/]+)")
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
        """Make the record of a release."""
        return cls(
            identity=identity,
            sequence=sequence,
            manifest=describe(papers.manifest),
            referrers=tuple(describe(each.referrer) for each in papers.attestations),
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
    limits : Limits
        Bounds on what is read.
    """

    def __init__(self, backend: StorageBackend, limits: Limits) -> None:
        self._backend = backend
        self._references = References(backend, limits=limits)
        self.blobs = BlobStore(backend)
        self.limits = limits

    def names(self) -> list[str]:
        """Give the names that have a version, sorted."""
        return sorted({name for name, _ in self._versions("")})

    def versions(self, name: str) -> list[str]:
        """Give the versions of a name, the lowest first."""
        return sorted((version for _, version in self._versions(f"{name}/versions/")), key=version_order)

    def record(self, name: str, version: str) -> VersionRecord | None:
        """Read the record of a version; None when there is none.

        Raises
        ------
        InvalidArtifactError
            When it is malformed: the store is damaged.
        """
        try:
            return self._read_record(name, version)
        except NotFoundError:
            return None

    def held(self, name: str, version: str) -> tuple[str, str] | None:
        """Give identity and manifest digest of a version; None when there is none."""
        record = self.record(name, version)
        return None if record is None else (record.identity, record.manifest.digest)

    def open(self, reference: Reference) -> Release:
        """Give the release that a reference means; `NotFoundError` when there is none."""
        version = self._resolve(reference)
        record = self.record(reference.name, version)
        if record is None:
            raise self._missing(reference)
        papers = read_papers(self.blobs, record.manifest, record.referrers, limits=self.limits)
        return make_release(
            papers,
            self.blobs,
            identity=record.identity,
            subject=f"{reference.name}@{version}",
            limits=self.limits,
            exact=reference.range is None,
        )

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
        self._references.put(
            f"{name}/versions/{version}",
            strict_json.dumps(
                {
                    "identity": record.identity,
                    "sequence": record.sequence,
                    "manifest": records.unstructure(record.manifest),
                    "referrers": [records.unstructure(each) for each in record.referrers],
                }
            ),
        )

    def discard(self, digests: set[str]) -> None:
        """Remove those of the blobs that no version needs; none when that cannot be told.

        A version that is written in the very moment between the look and the removal, and shares one of
        these blobs, would miss it: who writes a version does not lease its blobs yet.
        """
        try:
            unneeded = digests - self._needed() if digests else digests
        except (ArtifactError, NotFoundError):
            return  # some other version is damaged: orphans are the lesser evil
        for digest in sorted(unneeded):
            with contextlib.suppress(NotFoundError):
                self._backend.delete("blobs/" + digest.replace(":", "/"))

    def _needed(self) -> set[str]:
        needed: set[str] = set()
        for name, version in self._versions(""):
            record = self._read_record(name, version)
            papers = read_papers(self.blobs, record.manifest, record.referrers, limits=self.limits)
            needed.update(layer.digest for layer in papers.layers)
        return needed

    def _read_record(self, name: str, version: str) -> VersionRecord:
        key = f"{name}/versions/{version}"
        what = f"the reference {key}"
        document = strict_json.loads(self._references.get(key), what=what, limits=self.limits)
        return records.structure(document, VersionRecord, what=what)

    def _versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        for key in self._references.list(prefix):
            match = _VERSION_KEY.fullmatch(key)
            if match and is_name(match[1]) and is_version(match[2]):
                yield match[1], match[2]

    def _reserved(self, name: str) -> list[int]:
        matches = map(_SEQUENCE_KEY.fullmatch, self._references.list(f"{name}/sequence/"))
        return [int(match[1]) for match in matches if match]

    def _resolve(self, reference: Reference) -> str:
        if reference.version is not None:
            return reference.version
        versions = self.versions(reference.name)
        if reference.range is not None:
            found = reference.select(versions)
        else:
            found = next(
                (v for v in versions if self._read_record(reference.name, v).identity == reference.identity),
                None,
            )
        if found is None:
            raise self._missing(reference)
        return found

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
