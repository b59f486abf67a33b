"""Checking a whole store: every blob is read, every reference followed; bundles can bring back what is lost.

Without bundles it only reads. With them it replaces damaged blobs and brings back missing ones, each checked
against its digest before anything is touched. It verifies no signature, and never removes a reference.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk._internal.tables import text_table
from maas_sdk._internal.units import format_bytes
from maas_sdk.artifact._bundles.bundle import open_bundle
from maas_sdk.artifact._documents.progress import no_progress
from maas_sdk.artifact._upkeep.survey import survey
from maas_sdk.errors import (
    BundleError,
    DigestMismatchError,
    InvalidArtifactError,
    NotFoundError,
    StorageError,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from maas_sdk.artifact._bundles.bundle import Bundle
    from maas_sdk.artifact._documents.progress import Progress
    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.artifact._upkeep.survey import Survey
    from maas_sdk.storage import Lease

__all__ = ["Finding", "FsckReport", "fsck"]

_ROWS: Final = 100  # of a table at most


@frozen(kw_only=True)
class Finding:
    """Something that is wrong in a store.

    Attributes
    ----------
    kind : str
        ``"damaged"`` or ``"missing"`` for a blob, ``"wrong"`` for a reference that is malformed or says
        something else than what it names, ``"stranger"`` for what does not belong in a store.
    subject : str
        The digest of the blob, or the key of the reference.
    reason : str
        How that shows.
    breaks : tuple of str
        What needs it: ``"acme/digits@1.0.0: the part model.json"``. Empty when nothing does, or when
        what does cannot be read itself.
    repaired : bool
        Whether it is as it should be now.
    """

    kind: str
    subject: str
    reason: str
    breaks: tuple[str, ...] = ()
    repaired: bool = False


@frozen(kw_only=True)
class FsckReport:
    """What is wrong in a store, and what was repaired.

    Attributes
    ----------
    checked : int
        Blobs that were read.
    bytes : int
        Their size together.
    references : int
        References that were followed.
    findings : tuple of Finding
        What was found, repaired or not.
    """

    checked: int
    bytes: int
    references: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be now."""
        return all(finding.repaired for finding in self.findings)

    @property
    def damaged(self) -> tuple[Finding, ...]:
        """Blobs that are not what their digest says, still."""
        return self._of("damaged")

    @property
    def missing(self) -> tuple[Finding, ...]:
        """Blobs that are needed and not there, still."""
        return self._of("missing")

    @property
    def repaired(self) -> tuple[Finding, ...]:
        """What is as it should be now."""
        return tuple(finding for finding in self.findings if finding.repaired)

    def _of(self, kind: str) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.kind == kind and not each.repaired)

    def __str__(self) -> str:
        """Give a table for people, and sums below it."""
        lines = []
        if self.findings:
            rows = [_row(finding) for finding in self.findings[:_ROWS]]
            lines += [text_table(("state", "what", "needed by", "reason"), rows), ""]
            if len(self.findings) > _ROWS:
                lines.append(f"and {len(self.findings) - _ROWS} more")
        lines.append(
            f"{self.checked} blobs of {format_bytes(self.bytes)} and {self.references} references: "
            f"{len(self.findings)} wrong, {len(self.repaired)} of them repaired"
        )
        if not self.ok:
            lines.append("repair the store from bundles that have what is damaged or missing")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give the same for machines: JSON types only."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "bytes": self.bytes,
            "references": self.references,
            "findings": [
                {
                    "kind": each.kind,
                    "subject": each.subject,
                    "reason": each.reason,
                    "breaks": list(each.breaks),
                    "repaired": each.repaired,
                }
                for each in self.findings
            ],
        }


def fsck(
    catalog: Catalog,
    *,
    repair_from: Sequence[str | os.PathLike[str]] = (),
    progress: Progress | None = None,
) -> FsckReport:
    """Check a whole store, and repair it from bundles if there are any.

    Parameters
    ----------
    catalog : Catalog
        Of the store.
    repair_from : sequence of path-like
        Bundles; each blob that they have whole can be repaired from them.
    progress : callable, optional
        Called with ``"check"``, bytes done and bytes in all.

    Raises
    ------
    BusyError
        When something is to be repaired while somebody has the store alone.
    InvalidArtifactError
        When a file to repair from is no bundle; nothing was changed then.
    StorageError
        When the store, or a bundle, cannot be read at all, or the store cannot be written.
    """
    with contextlib.ExitStack() as stack:
        bundles = [
            stack.enter_context(open_bundle(Path(path), limits=catalog.limits)) for path in repair_from
        ]
        for path, bundle in zip(repair_from, bundles, strict=True):
            try:
                bundle.scan()
            except InvalidArtifactError as exc:
                raise BundleError(f"{path} cannot repair anything: {exc}") from exc
        damaged, checked, size = _read_all(catalog, progress or no_progress)
        found = survey(catalog, damaged)
        lost: dict[str, Finding] = {}
        if bundles and found.blobs:
            lease = stack.enter_context(catalog.leases.hold("fsck"))
            while fresh := _repair(catalog, found.blobs.keys() - lost.keys(), bundles, lease):
                lost.update((each.subject, each) for each in _findings(found, fresh) if each.repaired)
                # What a document names can be looked at only once the document is there.
                damaged = {digest: reason for digest, reason in damaged.items() if digest not in fresh}
                found = survey(catalog, damaged)
        if lost:
            catalog.rebuild_index()
    return FsckReport(
        checked=checked,
        bytes=size,
        references=found.checked,
        findings=(*lost.values(), *_findings(found, set())),
    )


def _read_all(catalog: Catalog, progress: Progress) -> tuple[dict[str, str], int, int]:
    """Give the damaged blobs with a reason each, how many blobs were read, and their size."""
    sizes: dict[str, int] = {}
    damaged: dict[str, str] = {}
    for digest in catalog.blobs.digests():
        with contextlib.suppress(NotFoundError):  # removed meanwhile; if it is needed, it will be missed
            sizes[digest] = catalog.blobs.size(digest)
    total, done = sum(sizes.values()), 0
    for digest, size in sizes.items():
        try:
            catalog.blobs.check(digest, progress=_Sum(progress, done, total))
        except NotFoundError:
            continue
        except DigestMismatchError:
            damaged[digest] = "its bytes have another digest"
        except StorageError as exc:
            damaged[digest] = str(exc)
        done += size
    progress("check", done, total)
    return damaged, len(sizes), total


@frozen
class _Sum:
    progress: Progress
    before: int
    total: int

    def __call__(self, done: int) -> None:
        self.progress("check", self.before + done, self.total)


def _repair(catalog: Catalog, lost: Iterable[str], bundles: Sequence[Bundle], lease: Lease) -> set[str]:
    """Replace what a bundle has, and tell what that was."""
    done = set()
    for digest in sorted(lost):
        lease.renew_if_needed()
        for bundle in bundles:
            # Without it, or damaged itself: the next one may do.
            with contextlib.suppress(BundleError, DigestMismatchError):
                with bundle.open(digest) as source:
                    catalog.blobs.replace(source, digest=digest)
                done.add(digest)
                break
    return done


def _findings(found: Survey, repaired: set[str]) -> list[Finding]:
    blobs = [
        Finding(
            kind=blob.kind,
            subject=digest,
            reason=blob.reason,
            breaks=tuple(blob.breaks),
            repaired=digest in repaired,
        )
        for digest, blob in sorted(found.blobs.items())
    ]
    references = [
        Finding(
            kind=each.kind, subject=each.key, reason=each.reason, breaks=(each.breaks,) if each.breaks else ()
        )
        for each in found.references
    ]
    return [*blobs, *references]


def _row(finding: Finding) -> tuple[str, str, str, str]:
    state = "repaired" if finding.repaired else finding.kind
    needed = "; ".join(finding.breaks) or "nothing that can be read"
    return state, finding.subject, needed, finding.reason
