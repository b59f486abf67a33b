"""The index of a store: a cache of its references in SQLite, to find releases by; it is never the truth.

It is brought up to date by the log before each question. It is made anew from the list of all references when
there is none, when it is damaged or something else, and when it is that of another store. Where a file cannot
be used it is kept in memory. So it can be deleted while nobody has the store open, and is never a reason to
fail. It may lack what is there for a moment; what it has is checked against the references before it is used.

The file is for the processes of one machine, because SQLite's journal does not work over a network share.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import frozen

from maas_sdk._internal.digests import is_digest
from maas_sdk.artifact._documents.fields import MAX_NUMBER
from maas_sdk.artifact._documents.names import is_name, is_version
from maas_sdk.artifact._documents.ordering import EVERY_RELEASE, EVERYTHING, intervals, matcher
from maas_sdk.artifact._inventory.index_rows import PARENT, RowWriter, recipients_text
from maas_sdk.artifact._inventory.index_schema import open_database, remove_database, transaction
from maas_sdk.artifact._inventory.places import LOG, parse_key
from maas_sdk.artifact._inventory.search import find
from maas_sdk.errors import LimitExceededError, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from maas_sdk.artifact._documents.papers import BlobSource
    from maas_sdk.artifact._inventory.log import Log
    from maas_sdk.artifact._inventory.search import Listing, Query
    from maas_sdk.limits import Limits
    from maas_sdk.storage import References

__all__ = ["PATIENCE", "Index"]

T = TypeVar("T")

_BATCH: Final = 500  # references between two commits
_PENDING: Final = 256  # references that are announced and not there; of more the oldest are given up
PATIENCE: Final = 600
"""Seconds from its announcement until a reference that is not there is given up."""


class Index:
    """What the references of one store say, to be searched. It may be used from several threads.

    Parameters
    ----------
    references : References
        The truth.
    log : Log
        What was added to it.
    blobs : BlobSource
        The documents of releases.
    path : Path or None
        The file; None keeps it in memory.
    limits : Limits
        Bounds on what is read.
    """

    def __init__(
        self, references: References, log: Log, blobs: BlobSource, *, path: Path | None, limits: Limits
    ) -> None:
        self._references = references
        self._log = log
        self._rows = RowWriter(blobs, limits=limits)
        self._path = path
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._is_ours = False  # whether it has been compared with the log
        self._was_replaced = False

    def names(self) -> list[str]:
        """Give the names that have a version, sorted."""
        return self._texts(
            is_name,
            "SELECT name FROM names WHERE EXISTS (SELECT 1 FROM versions WHERE name = names.name)"
            " ORDER BY name",
        )

    def versions(self, name: str, *, yanked: bool) -> list[str]:
        """Give the versions of a name, the lowest first."""
        sql = "SELECT version FROM versions WHERE name = ? AND yanked <= ? ORDER BY place"
        return self._texts(is_version, sql, name, yanked)

    def highest(self, name: str, range_: str) -> str | None:
        """Give the highest version in a range that is not yanked; None when there is none."""
        return self._run(lambda database: _highest(database, name, range_))

    def by_identity(self, name: str, identity: str) -> list[str]:
        """Give the versions that are this release; one, unless the store is damaged."""
        sql = "SELECT version FROM versions WHERE name = ? AND identity = ? ORDER BY place"
        return self._texts(is_version, sql, name, identity)

    def last(self, name: str) -> tuple[str, int] | None:
        """Give the version with the highest sequence number, and that number."""
        sql = (
            "SELECT version, sequence FROM versions WHERE name = ? AND sequence IS NOT NULL"
            " ORDER BY sequence DESC, place DESC LIMIT 1"
        )
        rows = self._ask(lambda row: is_version(row[0]) and _is_number(row[1]), sql, name)
        return (rows[0][0], rows[0][1]) if rows else None

    def latest(self, prefix: str) -> int | None:
        """Give the highest number of a kind of numbered records."""
        sql = "SELECT number FROM records WHERE prefix = ?"
        rows = self._ask(lambda row: _is_number(row[0]), sql, prefix)
        return rows[0][0] if rows else None

    def latest_below(self, folder: str) -> list[str]:
        """Give the prefixes of the numbered records that begin with a text ending in a slash, sorted."""
        sql = "SELECT prefix FROM records WHERE prefix >= ? AND prefix < ? ORDER BY prefix"
        # "0" comes after "/".
        return self._texts(lambda prefix: _is_key(f"{prefix}/{1:016d}"), sql, folder, folder[:-1] + "0")

    def sources(self, plain: str, recipients: Sequence[str], suffix: str, *, limit: int) -> list[str]:
        """Give keys of references that say to have a plaintext sealed for recipients, the latest first."""
        sql = (
            "SELECT sources.key FROM layers JOIN sources ON sources.id = layers.source"
            " WHERE plain = ? AND recipients = ? AND suffix = ? ORDER BY source DESC, layer LIMIT ?"
        )
        return self._texts(_is_key, sql, plain, recipients_text(recipients), suffix, limit)

    def find(self, query: Query) -> list[tuple[str, Listing]]:
        """Give what a query asks for, each with the digest of the reference that it comes from."""
        return self._run(lambda database: find(database, query))

    def parents(self, identity: str) -> list[str]:
        """Give the identities of the parents of a release, sorted."""
        sql = (
            "SELECT DISTINCT label FROM labels JOIN versions ON versions.id = labels.version"
            " WHERE identity = ? AND kind = ? ORDER BY label"
        )
        return self._texts(is_digest, sql, identity, PARENT)

    def children(self, identity: str) -> list[str]:
        """Give the identities of the releases that have it as a parent, sorted."""
        sql = (
            "SELECT DISTINCT identity FROM labels JOIN versions ON versions.id = labels.version"
            " WHERE kind = ? AND label = ? ORDER BY identity"
        )
        return self._texts(is_digest, sql, PARENT, identity)

    def subject(self, identity: str) -> tuple[str, str] | None:
        """Give name and version of a release; None when it is not in the store."""
        sql = "SELECT name, version FROM versions WHERE identity = ? ORDER BY name, place LIMIT 1"
        rows = self._ask(lambda row: is_name(row[0]) and is_version(row[1]), sql, identity)
        return (rows[0][0], rows[0][1]) if rows else None

    def relearn(self, key: str) -> None:
        """Read a reference again that is not what the index has, or that the log does not have."""

        def work(database: sqlite3.Connection) -> None:
            with transaction(database):
                self._take(database, key)

        self._run(work)

    def rebuild(self) -> None:
        """Forget everything and read all references again."""

        def work(database: sqlite3.Connection) -> None:
            _forget_all(database)
            self._refresh(database)

        self._run(work)

    def _ask(self, check: Callable[[Any], bool], sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask for rows, each of which must be what an index can hold."""

        def work(database: sqlite3.Connection) -> list[tuple[Any, ...]]:
            rows = database.execute(sql, parameters).fetchall()
            if not all(check(row) for row in rows):
                raise sqlite3.DatabaseError("a row of the index is malformed")
            return rows

        return self._run(work)

    def _texts(self, check: Callable[[Any], bool], sql: str, *parameters: object) -> list[str]:
        return [text for (text,) in self._ask(lambda row: check(row[0]), sql, *parameters)]

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with an index that is up to date; in its file, in a new one, or at last in memory."""
        with self._lock:
            while True:
                try:
                    database = self._open()
                    self._refresh(database)
                    return work(database)
                except sqlite3.Error as exc:
                    self._give_up(exc)

    def _give_up(self, exc: sqlite3.Error) -> None:
        """Take the next best: a new file instead of a damaged one, memory instead of an unusable one."""
        self._close()
        if self._path is None:
            raise StorageError(f"the index of the store failed, although in memory: {exc}") from exc
        path, self._path = self._path, None
        if isinstance(exc, sqlite3.OperationalError) or self._was_replaced:
            return
        with contextlib.suppress(OSError):
            remove_database(path)
            self._path, self._was_replaced = path, True

    def _open(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            self._database = None  # of the process that this one was forked from: neither used nor closed
        if self._database is None:
            self._process = os.getpid()
            self._is_ours = False
            self._database = open_database(self._path)
            weakref.finalize(self, _close, self._database, self._process)
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            _close(self._database, self._process)
            self._database = None

    def _refresh(self, database: sqlite3.Connection) -> None:
        """Read what was added since; one look into the log when that is nothing."""
        while True:
            state = _state(database)
            if state is None or state.cursor is not None:
                self._build(database)
            elif not self._is_ours and not self._fits(state):
                _forget_all(database)  # it is of another store, or of a later state of this one
            elif self._log.read(state.position + 1) is None:
                break
            else:
                self._advance(database)
        self._is_ours = True
        self._retry(database)

    def _fits(self, state: _State) -> bool:
        if not state.position:
            return True
        entry = self._log.read(state.position)
        return entry is not None and entry.mark == state.mark

    def _advance(self, database: sqlite3.Connection) -> None:
        """Take the next entries of the log."""
        with transaction(database):
            state = _state(database)  # another process may have taken some meanwhile
            if state is None or state.cursor is not None:
                return
            position, mark = state.position, state.mark
            for _ in range(_BATCH):
                entry = self._log.read(position + 1)
                if entry is None:
                    break
                position, mark = position + 1, entry.mark
                self._take(database, entry.key)
            database.execute("UPDATE state SET position = ?, mark = ?", (position, mark))

    def _take(self, database: sqlite3.Connection, key: str) -> None:
        """Read a reference; one that is not there may be on its way."""
        place = parse_key(key)
        if place is None:
            return
        try:
            data = self._references.get(key)
        except NotFoundError:
            self._rows.forget(database, place, key)
            _expect(database, key)
            return
        except LimitExceededError:
            data = b""  # no record either, and no reason to find nothing else
        self._rows.take(database, place, key, data)
        database.execute("DELETE FROM pending WHERE key = ?", (key,))

    def _retry(self, database: sqlite3.Connection) -> None:
        """Look again for references that were announced and not there."""
        pending = database.execute("SELECT key, seen FROM pending").fetchall()
        if not all(_is_key(key) and _is_number(seen) for key, seen in pending):
            raise sqlite3.DatabaseError("what the index waits for is malformed")
        there = {key for key, _ in pending if self._references.has(key)}
        horizon = time.time() - PATIENCE
        late = [(key,) for key, seen in pending if key not in there and seen < horizon]
        if there or late:
            with transaction(database):
                for key in sorted(there):
                    self._take(database, key)
                database.executemany("DELETE FROM pending WHERE key = ?", late)

    def _build(self, database: sqlite3.Connection) -> None:
        """Read all references; the log tells what came since.

        Several processes that do this at a time take turns: each goes on after the key that was last read.
        """
        with transaction(database):
            if _state(database) is None:
                end = self._log.end()
                recent = [self._log.read(number) for number in range(max(1, end - _PENDING + 1), end + 1)]
                for entry in recent:
                    if entry is not None and parse_key(entry.key) and not self._references.has(entry.key):
                        _expect(database, entry.key)
                mark = recent[-1].mark if recent and recent[-1] is not None else ""
                database.execute("INSERT INTO state VALUES (1, ?, ?, '')", (end, mark))
        keys = self._keys()
        while batch := list(islice(keys, _BATCH)):
            with transaction(database):
                state = _state(database)
                if state is None or state.cursor is None:
                    return
                for key in batch:
                    if key > state.cursor:
                        self._take(database, key)
                database.execute("UPDATE state SET cursor = ?", (max(state.cursor, batch[-1]),))
        with transaction(database):
            database.execute("UPDATE state SET cursor = NULL")

    def _keys(self) -> Iterator[str]:
        return (key for key in self._references.list() if not key.startswith(LOG) and parse_key(key))


@frozen
class _State:
    """How far the index is: what was read of the log, and of the list of all keys while that is read."""

    position: int
    mark: str
    cursor: str | None


def _state(database: sqlite3.Connection) -> _State | None:
    row = database.execute("SELECT position, mark, cursor FROM state").fetchone()
    if row is None:
        return None
    position, mark, cursor = row
    if not ((position == 0 or _is_number(position)) and isinstance(mark, str)):
        raise sqlite3.DatabaseError("the state of the index is malformed")
    return _State(position, mark, None if cursor is None else str(cursor))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and 1 <= value <= MAX_NUMBER


def _is_key(value: object) -> bool:
    return isinstance(value, str) and parse_key(value) is not None


def _expect(database: sqlite3.Connection, key: str) -> None:
    """Remember that a reference may come; not too many of them."""
    database.execute("INSERT OR IGNORE INTO pending VALUES (?, ?)", (key, int(time.time())))
    database.execute(
        "DELETE FROM pending WHERE key NOT IN (SELECT key FROM pending ORDER BY seen DESC, key LIMIT ?)",
        (_PENDING,),
    )


def _forget_all(database: sqlite3.Connection) -> None:
    tables = "state pending names versions labels metrics records notices sources layers"
    with transaction(database):
        for table in tables.split():
            database.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant


def _highest(database: sqlite3.Connection, name: str, range_: str) -> str | None:
    best: tuple[str, str] | None = None
    for interval in [EVERY_RELEASE] if range_ == EVERYTHING else intervals(range_):
        is_in = matcher(range_)
        rows = database.execute(
            "SELECT place, version FROM versions WHERE name = ? AND yanked = 0 AND prerelease = ?"
            " AND place >= ? AND place < ? ORDER BY place DESC",
            (name, interval.prerelease, interval.low, interval.high),
        )
        with contextlib.closing(rows):
            found = next((row for row in rows if not is_version(row[1]) or is_in(row[1])), None)
        if found is not None and not is_version(found[1]):
            raise sqlite3.DatabaseError("a version in the index is malformed")
        if found is not None and (best is None or found > best):
            best = found
    return None if best is None else best[1]


def _close(database: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():
        with contextlib.suppress(sqlite3.Error):
            database.close()
