"""The tables of the index, and the opening of the file that has them; it knows nothing of releases.

A file comes from wherever the store comes from. So nothing in it runs (triggers, views), its tables must be
these to the letter, and its values are data for parametrised statements and for comparison, never a path.
"""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["open_database", "remove_database", "transaction"]

_APPLICATION: Final = 0x6D616173  # "maas"
_SCHEMA: Final = 1  # of these tables; another number is another file
_BUSY: Final = 30.0  # seconds to wait for another process that writes
_LONGEST_VALUE: Final = 16 << 20  # bytes of one row or value

_SCRIPT: Final = """
CREATE TABLE state (one INTEGER PRIMARY KEY, position INTEGER, mark TEXT, cursor TEXT);
CREATE TABLE pending (key TEXT PRIMARY KEY, seen INTEGER) WITHOUT ROWID;
CREATE TABLE names (name TEXT PRIMARY KEY, publisher TEXT) WITHOUT ROWID;
CREATE TABLE versions (
    id INTEGER PRIMARY KEY, name TEXT, version TEXT, place TEXT, prerelease INTEGER, yanked INTEGER,
    digest TEXT, identity TEXT, sequence INTEGER, manifest TEXT, created TEXT, expires TEXT, sealed INTEGER,
    note TEXT, tags TEXT, metrics TEXT, parents TEXT, datasets TEXT, UNIQUE (name, version)
);
CREATE INDEX versions_place ON versions (name, yanked, prerelease, place);
CREATE INDEX versions_sequence ON versions (name, sequence);
CREATE INDEX versions_identity ON versions (identity);
CREATE INDEX versions_created ON versions (created DESC, name, place DESC, yanked);
CREATE INDEX versions_of_name ON versions (name, created DESC, place DESC, yanked);
CREATE TABLE labels (
    kind TEXT, label TEXT, created TEXT, version INTEGER, PRIMARY KEY (kind, label, created DESC, version)
) WITHOUT ROWID;
CREATE INDEX labels_version ON labels (version, kind, label);
CREATE TABLE metrics (
    metric TEXT, value REAL, version INTEGER, PRIMARY KEY (metric, value, version)
) WITHOUT ROWID;
CREATE INDEX metrics_version ON metrics (version, metric, value);
CREATE TABLE records (prefix TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
CREATE TABLE notices (
    name TEXT, kind TEXT, target TEXT, number INTEGER, version TEXT, identity TEXT, yanked INTEGER,
    note TEXT, tags TEXT, PRIMARY KEY (name, kind, target)
) WITHOUT ROWID;
CREATE INDEX notices_version ON notices (name, version);
CREATE TABLE sources (id INTEGER PRIMARY KEY, key TEXT UNIQUE);
CREATE TABLE layers (
    plain TEXT, recipients TEXT, suffix TEXT, layer TEXT, source INTEGER,
    PRIMARY KEY (plain, recipients, suffix, layer)
) WITHOUT ROWID;
"""
# state: how far the log has been read, with its mark there, and the list of keys while that is read.
# labels: tags, parents, and data sets by name and by digest. records: the highest number of numbered records.
# notices: what the highest that can be read says. layers: which sealed layer holds which plaintext for whom,
# and in sources the reference that says so.
_TABLES: Final = tuple(text for statement in _SCRIPT.split(";") if (text := statement.strip()))


def open_database(path: Path | None) -> sqlite3.Connection:
    """Open the index, or make it.

    Parameters
    ----------
    path : Path or None
        The file; None for one in memory.

    Raises
    ------
    sqlite3.OperationalError
        When the file cannot be used: it is locked, read-only, in the way, or of a later version of the SDK.
    sqlite3.DatabaseError
        When it is damaged or something else than an index of this version.
    """
    if path is not None:
        _check_regular(path)
        if not path.exists():
            with contextlib.suppress(OSError):
                remove_database(path)  # what was beside a file that somebody removed
    database = sqlite3.connect(
        ":memory:" if path is None else path, timeout=_BUSY, isolation_level=None, check_same_thread=False
    )
    try:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "synchronous=NORMAL", "temp_store=MEMORY"):
            database.execute(f"PRAGMA {pragma}")
        if not _has_tables(database):
            with contextlib.suppress(sqlite3.OperationalError):  # somebody else is just doing the same
                database.execute("PRAGMA journal_mode=WAL")
            _make_tables(database)
    except BaseException:
        database.close()
        raise
    return database


def remove_database(path: Path) -> None:
    """Remove the file, whatever it is, and what SQLite keeps beside it.

    Raises
    ------
    OSError
        When that is not possible.
    """
    for suffix in ("-wal", "-shm", "-journal", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of the block's changes, or none; one writer at a time."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # some errors have rolled back already
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _check_regular(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        try:
            mode = path.with_name(path.name + suffix).lstat().st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            raise sqlite3.OperationalError(f"{path.name}{suffix} is no regular file")


def _has_tables(database: sqlite3.Connection) -> bool:
    application, schema = _number(database, "application_id"), _number(database, "user_version")
    found = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    if not found and not application:
        return False
    if application == _APPLICATION and schema > _SCHEMA:
        raise sqlite3.OperationalError("the index is of a later version of the SDK")
    if (application, schema) != (_APPLICATION, _SCHEMA) or tuple(sql for (sql,) in found) != _TABLES:
        raise sqlite3.DatabaseError("the file is something else than an index of this version")
    return True


def _make_tables(database: sqlite3.Connection) -> None:
    with transaction(database):
        if not _has_tables(database):
            for statement in _TABLES:
                database.execute(statement)
            database.execute(f"PRAGMA application_id={_APPLICATION}")
            database.execute(f"PRAGMA user_version={_SCHEMA}")


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])
