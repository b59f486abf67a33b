"""Importing: a bundle's release comes into a store after every check has passed, and not before.

The documents decide before a layer is read. Layers are hashed while they are copied, and nothing refers to
them until the verdict. Then come documents, number, the receiver's memory, and last the version's reference.
The memory comes before the reference because of a crash between the two: then the release is missing, which
importing it again repairs, and an older one is refused meanwhile. The other way round it would be accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from attrs import frozen

from maas_sdk.artifact._bundle import open_bundle
from maas_sdk.artifact._catalog import VersionRecord
from maas_sdk.artifact._examination import Examination
from maas_sdk.artifact._names import Reference
from maas_sdk.artifact._verify import examine_bundle
from maas_sdk.errors import AlreadyExistsError, RefusedError, VersionExistsError

if TYPE_CHECKING:
    from pathlib import Path

    from maas_sdk.artifact._bundle import Bundle
    from maas_sdk.artifact._catalog import Catalog
    from maas_sdk.artifact._examination import Question
    from maas_sdk.artifact._papers import Papers
    from maas_sdk.artifact._progress import Progress
    from maas_sdk.artifact._release import Release
    from maas_sdk.artifact._statements import ReleaseStatement
    from maas_sdk.trust import Ratchet

__all__ = ["import_bundle"]


def import_bundle(
    catalog: Catalog, path: Path, *, question: Question, ratchet: Ratchet, progress: Progress
) -> Release:
    """Verify a bundle while it is copied into a store.

    When it is refused, the blobs that it brought are removed again. When it is interrupted, those that were
    verified stay, unreferenced, and are not copied a second time.

    Raises
    ------
    RefusedError
        When a check fails; the verdict is in the error.
    StorageError
        When the bundle cannot be read or the store cannot be written.
    """
    examination = Examination(question)
    copied: set[str] = set()
    try:
        with open_bundle(path, limits=catalog.limits) as bundle:
            examine_bundle(examination, bundle, lambda: _copy(catalog, bundle, copied, progress))
            if examination.equivocates and examination.statement is not None:
                _keep_evidence(ratchet, examination.statement)
            examination.verdict(path.name).raise_if_refused()
            assert examination.statement is not None
            return _commit(catalog, bundle.papers, examination.statement, ratchet)
    except RefusedError:
        catalog.discard(copied)
        raise


def _copy(catalog: Catalog, bundle: Bundle, copied: set[str], progress: Progress) -> str:
    layers = bundle.papers.blobs()
    counter = _Counter(progress, sum(layer.size for layer in layers))
    for layer in layers:
        known = catalog.blobs.has(layer.digest)
        with bundle.open(layer.digest) as source:
            catalog.blobs.put_file(counter.reading(source), expected=layer.digest, max_bytes=layer.size)
        if not known:
            copied.add(layer.digest)
    return f"{len(layers)} layers of {counter.total} bytes are what the manifest says"


def _commit(catalog: Catalog, papers: Papers, statement: ReleaseStatement, ratchet: Ratchet) -> Release:
    name, version = statement.name, statement.version
    catalog.add_documents(papers)
    # Whoever has the number here does not matter: it only keeps our own releases from taking it.
    catalog.reserve(name, statement.sequence, version=version, identity=statement.identity)
    ratchet.advance(name, statement.sequence, statement.identity, statement.created, version=version)
    try:
        catalog.add_version(name, version, VersionRecord.of(statement.identity, statement.sequence, papers))
    except AlreadyExistsError as exc:
        raise VersionExistsError(
            f"{statement.subject} was added to the store as another release meanwhile; versions never change"
        ) from exc
    return catalog.open(Reference(name, version=version))


def _keep_evidence(ratchet: Ratchet, statement: ReleaseStatement) -> None:
    ratchet.record_equivocation(
        statement.name,
        statement.sequence,
        statement.identity,
        statement.created,
        version=statement.version,
    )


@frozen
class _Reading:
    """Reads on behalf of a counter."""

    file: BinaryIO
    counter: _Counter

    def read(self, size: int = -1, /) -> bytes:
        data = self.file.read(size)
        self.counter.add(len(data))
        return data


class _Counter:
    """Counts the bytes of several files together."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.total = total
        self._progress = progress
        self._done = 0

    def reading(self, file: BinaryIO) -> Any:
        return _Reading(file, self)

    def add(self, count: int) -> None:
        if count:
            self._done += count
            self._progress("import", self._done, self.total)
