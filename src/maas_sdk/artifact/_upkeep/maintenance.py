"""Removing from a store what nothing needs, past a grace period; it never removes a reference.

Blobs become orphans when work is interrupted or refused: they are written before what refers to them. A blob
that a running publish relies on is an orphan too for a moment, and there are two guards for it: who writes
holds a lease, beside which nothing is removed; and the grace period, which needs a storage that tells ages,
keeps what was written or relied upon lately even if a lease failed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk._internal.tables import text_table
from maas_sdk._internal.units import format_bytes
from maas_sdk.artifact._inventory.places import is_reference
from maas_sdk.errors import ArtifactError, InvalidOptionError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.storage import Leftover

__all__ = ["GcReport", "Orphan", "gc"]

_ROWS: Final = 40  # of a table at most


@frozen
class Orphan:
    """Something in a store that nothing needs.

    Attributes
    ----------
    kind : str
        ``"blob"``, or ``"temporary"`` for what a writer left that was killed.
    name : str
        The digest of the blob, or the name of the temporary file.
    size : int
        In bytes.
    modified : float or None
        When it was last written or relied upon, in seconds since 1970; None when the storage does not tell.
    """

    kind: str
    name: str
    size: int
    modified: float | None


@frozen(kw_only=True)
class GcReport:
    """What nothing in a store needs, and what became of it.

    Attributes
    ----------
    orphans : tuple of Orphan
        What may be removed.
    young : tuple of Orphan
        What is kept for now, because it was written or relied upon within the grace period.
    removed : tuple of Orphan
        Those of `orphans` that were removed; empty for a dry run.
    dry : bool
        Whether nothing was to be removed.
    grace : timedelta
        The grace period.
    """

    orphans: tuple[Orphan, ...]
    young: tuple[Orphan, ...]
    removed: tuple[Orphan, ...]
    dry: bool
    grace: timedelta

    @property
    def bytes(self) -> int:
        """Bytes of the orphans."""
        return _bytes(self.orphans)

    @property
    def removed_bytes(self) -> int:
        """Bytes of what was removed."""
        return _bytes(self.removed)

    def __str__(self) -> str:
        """Give a table for people, and sums below it."""
        lines = []
        if self.orphans:
            rows = [
                (each.kind, each.name, format_bytes(each.size), _moment(each))
                for each in self.orphans[:_ROWS]
            ]
            lines += [text_table(("what", "name", "size", "last used"), rows, right=(2,)), ""]
            if len(self.orphans) > _ROWS:
                lines.append(f"and {len(self.orphans) - _ROWS} more")
        lines.append(f"not needed: {_sum(self.orphans)}" if self.orphans else "all that is here is needed")
        if self.young:
            lines.append(
                f"kept for now, since used within the grace period of {self.grace}: {_sum(self.young)}"
            )
        lines.append("a dry run: nothing was removed" if self.dry else f"removed: {_sum(self.removed)}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give the same for machines: JSON types only."""
        kinds = {"orphans": self.orphans, "young": self.young, "removed": self.removed}
        return {
            "dry": self.dry,
            "grace": self.grace.total_seconds(),
            "bytes": self.bytes,
            "removed_bytes": self.removed_bytes,
            **{kind: [_plain(each) for each in those] for kind, those in kinds.items()},
        }


def gc(
    catalog: Catalog,
    *,
    delete: bool,
    grace: timedelta,
    now: datetime | None = None,
) -> GcReport:
    """Find the blobs that nothing needs and what killed writers left, and remove them if that is asked for.

    Blobs that other tools put into the folder of a store, and that no reference of the store names, are among
    them. Most of the looking is done beside others; only for the removal the store is had alone.

    Parameters
    ----------
    catalog : Catalog
        Of the store.
    delete : bool
        Whether to remove them; otherwise the run is dry.
    grace : timedelta
        What was written or relied upon within this time before `now` stays, by the clock of the medium.
    now : datetime, optional
        The present, with a time zone; the clock's by default.

    Raises
    ------
    BusyError
        When somebody publishes or imports meanwhile, and something is to be removed.
    InvalidOptionError
        When `grace` is negative, or is not zero where the storage tells no ages.
    StorageError
        When the store is damaged, so that it cannot be told what is needed: nothing is removed.
    """
    if grace < timedelta(0):
        raise InvalidOptionError(f"grace is {grace}; a time of zero or more is needed")
    if now is not None and now.tzinfo is None:
        raise InvalidOptionError(f"now is {now}, which has no time zone")
    moment = time.time() if now is None else now.timestamp()
    # From here on it is young; of no grace at all even what a clock that runs ahead wrote is old.
    since = moment - grace.total_seconds() if grace else None
    # The blobs first: one that is written and referred to after that is not among them.
    unneeded = set(catalog.blobs.digests())
    seen: set[str] = set()
    _keep_needed(catalog, unneeded, seen)
    if not delete:
        orphans, young = _sort(catalog, unneeded, since)
        return GcReport(orphans=orphans, young=young, removed=(), dry=True, grace=grace)
    with catalog.leases.exclusive("gc") as lease:
        # References are never taken back: those that came meanwhile are all that is left to follow.
        _keep_needed(catalog, unneeded, seen, lease.renew_if_needed)
        orphans, young = _sort(catalog, unneeded, since)
        removed = []
        for orphan in orphans:
            lease.renew_if_needed()
            if _remove(catalog, orphan):
                removed.append(orphan)
    return GcReport(orphans=orphans, young=young, removed=tuple(removed), dry=False, grace=grace)


def _keep_needed(
    catalog: Catalog, unneeded: set[str], seen: set[str], work: Callable[[], None] | None = None
) -> None:
    """Take what references need out of the set, but for those that were followed before."""
    _refuse_strangers(catalog)
    try:
        for digest in catalog.roots(seen=seen):
            unneeded.discard(digest)
            if work is not None:
                work()
    except (ArtifactError, NotFoundError) as exc:
        raise StorageError(
            "gc: the store is damaged, so that it cannot be told what is needed, and nothing was removed: "
            f"{exc}. Check the store with fsck, and repair it from bundles"
        ) from exc


def _sort(
    catalog: Catalog, unneeded: set[str], since: float | None
) -> tuple[tuple[Orphan, ...], tuple[Orphan, ...]]:
    """Tell what is old enough from what is young."""
    orphans: list[Orphan] = []
    young: list[Orphan] = []
    leftovers = [_leftover(each) for each in catalog.blobs.leftovers()]
    for orphan in (*_blobs(catalog, unneeded), *leftovers):
        if orphan.modified is None and since is not None:
            raise InvalidOptionError(
                "this storage does not tell how old a blob is, so that no grace period can be kept: "
                "when nobody publishes or imports, run gc with a grace of zero"
            )
        is_young = since is not None and orphan.modified is not None and orphan.modified > since
        (young if is_young else orphans).append(orphan)
    return tuple(orphans), tuple(young)


def _blobs(catalog: Catalog, digests: set[str]) -> Iterator[Orphan]:
    for digest in sorted(digests):
        try:
            yield Orphan("blob", digest, catalog.blobs.size(digest), catalog.blobs.modified(digest))
        except NotFoundError:
            continue  # somebody else removed it


def _refuse_strangers(catalog: Catalog) -> None:
    """Refuse where references are that this code does not know: they may need blobs."""
    for key in catalog._references.list():  # noqa: SLF001 - beside the catalog only this asks for all of them
        if not is_reference(key):
            raise StorageError(
                f"gc: refs/{key} is no reference that this version of the SDK knows; it may need blobs, so "
                "that nothing was removed: use a newer version, or remove it if it is a stranger"
            )


def _remove(catalog: Catalog, orphan: Orphan) -> bool:
    try:
        if orphan.kind == "blob":
            catalog.blobs.remove(orphan.name)
            return True
        return catalog.blobs.remove_leftover(orphan.name)
    except NotFoundError:
        return False


def _leftover(leftover: Leftover) -> Orphan:
    return Orphan("temporary", leftover.name, leftover.size, leftover.modified)


def _plain(orphan: Orphan) -> dict[str, Any]:
    return {
        "kind": orphan.kind,
        "name": orphan.name,
        "size": orphan.size,
        "modified": None if orphan.modified is None else _moment(orphan),
    }


def _moment(orphan: Orphan) -> str:
    if orphan.modified is None:
        return "not known"
    return datetime.fromtimestamp(orphan.modified, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(orphans: Iterable[Orphan]) -> int:
    return sum(orphan.size for orphan in orphans)


def _sum(orphans: tuple[Orphan, ...]) -> str:
    blobs = sum(orphan.kind == "blob" for orphan in orphans)
    count = f"{blobs} {'blob' if blobs == 1 else 'blobs'}"
    if blobs < len(orphans):
        rest = len(orphans) - blobs
        count += f" and {rest} temporary {'file' if rest == 1 else 'files'}"
    return f"{count} of {format_bytes(_bytes(orphans))}"
