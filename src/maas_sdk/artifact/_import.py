"""Importing: a bundle's release comes into a store after every check has passed, and not before.

The documents decide before a layer is read. Layers are hashed while they are copied, and nothing refers to
them until the verdict. Then come documents, number, the receiver's memory, and last the version's reference.
The memory comes before the reference because of a crash between the two: then the release is missing, which
importing it again repairs, and an older one is refused meanwhile. The other way round it would be accepted.

A bundle that passes and leaves the release incomplete (a volume, or a thin one whose receiver lacks what it
presumes) makes nothing exist; what it brought waits for the rest, without a reference.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from maas_sdk.artifact._acts import keep_notices
from maas_sdk.artifact._bundles.bundle import open_bundle
from maas_sdk.artifact._bundles.volumes import sibling_name
from maas_sdk.artifact._documents.names import Reference
from maas_sdk.artifact._documents.papers import read_papers
from maas_sdk.artifact._examination import Examination
from maas_sdk.artifact._intake import Intake
from maas_sdk.artifact._inventory.catalog import VersionRecord
from maas_sdk.artifact._release import open_release
from maas_sdk.artifact._verify import examine_bundle
from maas_sdk.errors import (
    AlreadyExistsError,
    ArtifactError,
    IncompleteError,
    NotFoundError,
    RefusedError,
    VersionExistsError,
)
from maas_sdk.trust import CheckStatus

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from maas_sdk.artifact._bundles.bundle import Bundle
    from maas_sdk.artifact._bundles.pieces import Piece
    from maas_sdk.artifact._documents.papers import Papers
    from maas_sdk.artifact._documents.progress import Progress
    from maas_sdk.artifact._documents.statements import ReleaseStatement
    from maas_sdk.artifact._examination import Question
    from maas_sdk.artifact._intake import Tap
    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.artifact._notice_checks import Accepted
    from maas_sdk.artifact._release import Release
    from maas_sdk.artifact._unsealing import Unsealing
    from maas_sdk.storage import Lease
    from maas_sdk.trust import Ratchet, Trust, Verdict

__all__ = ["Imported", "import_bundle"]

_SHOWN: Final = 3  # digests in a message


@frozen
class Imported:
    """What came of an import.

    Attributes
    ----------
    release : Release
        In the store.
    verdict : Verdict
        Why it was accepted.
    """

    release: Release
    verdict: Verdict


def import_bundle(
    catalog: Catalog,
    path: Path,
    *,
    question: Question,
    trust: Trust,
    progress: Progress,
    unsealing: Unsealing | None = None,
) -> Imported:
    """Verify a bundle while it is copied into a store, and `unsealing` writes its parts where it can.

    When it is refused, the blobs that it brought are removed again. When it is interrupted, what came stays,
    unreferenced, and is not copied a second time.

    Raises
    ------
    RefusedError
        When a check fails; the verdict is in the error.
    IncompleteError
        When it passed, and layers are still missing; it names them and where they are.
    BusyError
        When somebody has the store alone, as to collect garbage.
    StorageError
        When the bundle cannot be read or the store cannot be written.
    """
    with contextlib.ExitStack() as stack:
        bundle = stack.enter_context(open_bundle(path, limits=catalog.limits))
        examination = Examination(question)

        def tap(piece: Piece, source: BinaryIO) -> contextlib.AbstractContextManager[BinaryIO]:
            if unsealing is None or examination.statement is None:
                return contextlib.nullcontext(source)
            return unsealing.tap(examination.statement, examination.sealing, piece, source)

        work = _Work(catalog, bundle, progress, stack, path.name, tap)
        examine_bundle(examination, bundle, work.contents, work.open_layer)
        if examination.equivocates and examination.statement is not None:
            _keep_evidence(catalog, bundle.papers, examination.statement, trust.ratchet)
        verdict = examination.verdict(path.name)
        try:
            verdict.raise_if_refused()
            assert examination.statement is not None
            work.raise_if_incomplete(verdict)
            work.confirm()
            release = _commit(catalog, bundle.papers, examination, trust)
        except RefusedError:
            work.undo()
            raise
        work.tidy()
        return Imported(release, verdict)


class _Work:
    """The part of an import that writes, from the first layer on, under a lease."""

    def __init__(
        self,
        catalog: Catalog,
        bundle: Bundle,
        progress: Progress,
        stack: contextlib.ExitStack,
        file_name: str,
        tap: Tap,
    ) -> None:
        self._catalog = catalog
        self._bundle = bundle
        self._progress = progress
        self._stack = stack
        self._file_name = file_name
        self._tap = tap
        self._lease: Lease | None = None
        self._intake: Intake | None = None

    def contents(self) -> str:
        """Copy the layers; called when nothing else speaks against the release."""
        lease = self._stack.enter_context(self._catalog.leases.hold(f"import {self._file_name}"))

        def tell(stage: str, done: int, total: int | None) -> None:
            lease.renew_if_needed()
            self._progress(stage, done, total)

        self._lease = lease
        self._intake = Intake(self._catalog.blobs, self._bundle, tell, self._tap)
        return self._intake.copy()

    def open_layer(self, digest: str) -> BinaryIO | None:
        """Open a layer that was copied, or was there; None when it is missing. Called after `contents`."""
        assert self._intake is not None
        return self._intake.open_layer(digest)

    def undo(self) -> None:
        """Remove what came into the store."""
        if self._intake is not None:
            self._catalog.discard(self._intake.copied, lease=self._lease)

    def confirm(self) -> None:
        """Make sure that nobody could remove what is going to be referred to; `BusyError` otherwise."""
        assert self._lease is not None
        self._lease.check()

    def tidy(self) -> None:
        """Remove the pieces of layers that are whole now."""
        assert self._intake is not None
        self._catalog.discard(self._intake.leftovers(), lease=self._lease)

    def raise_if_incomplete(self, verdict: Verdict) -> None:
        """Say what is missing, if anything is."""
        assert self._intake is not None  # the verdict passed, so that the contents were looked at
        missing = self._intake.missing
        if not missing:
            return
        self.tidy()
        plan, presumes = self._bundle.shipment.plan, self._bundle.shipment.presumes
        numbers = self._intake.numbers()
        volumes = tuple(sibling_name(self._file_name, n, len(plan.volumes)) for n in numbers) if plan else ()
        needs = []
        if volumes:
            needs.append(f"import {', '.join(volumes)} as well")
        planned = {piece.layer for _, piece in plan} if plan else set()
        if not planned.issuperset(missing):
            needs.append(
                "this bundle presumes that the store has "
                + " or ".join(presumes)
                + ", which it has not or not completely; ask for a bundle with all layers"
            )
        shown = ", ".join(missing[:_SHOWN]) + (" and others" if len(missing) > _SHOWN else "")
        raise IncompleteError(
            f"{verdict.subject}@{verdict.version} is not complete: {len(missing)} of its layers are missing "
            f"({shown}); what came was verified and kept. {'; '.join(needs)}",
            missing=missing,
            volumes=volumes,
            verdict=verdict,
        )


def _commit(catalog: Catalog, papers: Papers, examination: Examination, trust: Trust) -> Release:
    statement, accepted = examination.statement, examination.accepted
    assert statement is not None
    name, version = statement.name, statement.version
    bare = evolve(papers, notices=())  # those that hold are kept on their own, under their numbers
    catalog.add_documents(bare)
    # Whoever has the number here does not matter: it only keeps our own releases from taking it.
    catalog.reserve(name, statement.sequence, version=version, identity=statement.identity)
    _follow(trust, accepted, name)
    trust.ratchet.advance(
        name,
        statement.sequence,
        statement.identity,
        statement.created,
        version=version,
        epoch=statement.epoch,
    )
    try:
        catalog.add_version(name, version, VersionRecord.of(statement.identity, statement.sequence, bare))
    except AlreadyExistsError as exc:
        raise VersionExistsError(
            f"{statement.subject} was added to the store as another release meanwhile; versions never change"
        ) from exc
    keep_notices(catalog, accepted)
    return open_release(catalog, Reference(name, version=version))


def _follow(trust: Trust, accepted: Accepted, name: str) -> None:
    """Let the receiver's own state follow what the publisher has signed; each step once, however often."""
    for rotation, _ in accepted.rotations:
        trust.apply_rotation(trust.policy.rule_for(name).names, rotation.rotated)
    for revocation, _ in accepted.revocations:
        trust.ratchet.revoke(revocation.publisher, revocation.revoked)
    for alias, _ in accepted.aliases:
        if trust.ratchet.check_alias(name, alias.alias, alias.generation).status is CheckStatus.PASSED:
            trust.ratchet.advance_alias(name, alias.alias, alias.generation)


def _keep_evidence(catalog: Catalog, papers: Papers, statement: ReleaseStatement, ratchet: Ratchet) -> None:
    seen = ratchet.remembered(statement.name)
    evidence = None
    if seen is not None and seen.version is not None:
        with contextlib.suppress(ArtifactError, NotFoundError):  # without the other one the record must do
            accepted = catalog.record(statement.name, seen.version)
            if accepted is not None and accepted.identity == seen.identity:
                theirs = read_papers(
                    catalog.blobs, accepted.manifest, accepted.referrers, limits=catalog.limits
                )
                evidence = (theirs.release.envelope, papers.release.envelope)
    ratchet.record_equivocation(
        statement.name,
        statement.sequence,
        statement.identity,
        statement.created,
        version=statement.version,
        epoch=statement.epoch,
        evidence=evidence,
    )
