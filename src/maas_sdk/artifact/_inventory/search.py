"""Searching for releases: the question, what is found, and the statement that asks the index."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any, Final

from attrs import field, frozen

from maas_sdk._internal.digests import is_digest
from maas_sdk.artifact._documents.fields import MAX_NUMBER
from maas_sdk.artifact._documents.names import is_name, is_version
from maas_sdk.artifact._inventory.index_rows import DATASET, PARENT, TAG
from maas_sdk.errors import InvalidOptionError

__all__ = ["Listing", "Query", "find"]

_PATTERN: Final = re.compile(r"[a-z0-9._*?-]{1,64}(?:/[a-z0-9._*?-]{1,64})?", re.ASCII)
_COMPARISONS: Final = {">=": ">=", ">": ">", "<=": "<=", "<": "<", "==": "=", "=": "="}
_FEW: Final = 1000  # rows that are sorted at once; of more the newest are looked at first
_COLUMNS: Final = (
    "v.name, v.version, v.digest, v.identity, v.sequence, v.manifest, v.created, v.expires, v.sealed,"
    " v.yanked, v.note, v.tags, v.metrics, v.parents, v.datasets,"
    " (SELECT group_concat(target, ' ') FROM notices WHERE name = v.name AND version = v.version"
    " AND identity = v.identity AND kind = 'aliases')"
)


@frozen(kw_only=True)
class Listing:
    """One release in the answer to a search: what its publisher, and the store's owner, say of it.

    It tells where to look. Whether it is to be believed, `Release.verify` tells.

    Attributes
    ----------
    name, version : str
        What it is called.
    identity : str
        ``sha256:…``.
    sequence : int
        Its number.
    manifest : str
        Digest of its OCI manifest.
    created : str or None
        When it was made; None when its documents are damaged.
    expires : str or None
        From when on it must not be used any more.
    publisher : str
        What stands before the slash of its name.
    sealed : bool
        Whether its parts are encrypted.
    yanked : bool
        Whether it should not be used any more.
    aliases : tuple of str
        What means it at the moment, sorted.
    tags : tuple of str
        Sorted.
    note : str
        Empty when there is none.
    metrics : dict of str to float
        By name.
    parents : tuple of str
        Identities of the releases that it was made from.
    datasets : dict of str to str
        Digests of the data sets that it was made with, by name.
    """

    name: str
    version: str
    identity: str
    sequence: int
    manifest: str
    created: str | None
    expires: str | None
    publisher: str
    sealed: bool
    yanked: bool
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    note: str
    metrics: dict[str, float]
    parents: tuple[str, ...]
    datasets: dict[str, str]


def _check_name(_instance: object, _attribute: object, value: str | None) -> None:
    if value is not None and not _PATTERN.fullmatch(value):
        raise InvalidOptionError(
            f"name is {value!r}; give publisher/model, in which * stands for any characters and ? for one"
        )


def _is_text(value: object) -> bool:
    """Whether it is a text that a database takes: it has no lone surrogate, which UTF-8 has not."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _check_metric(_instance: object, _attribute: object, value: Any) -> None:
    if value is None:
        return
    try:
        metric, comparison, bound = value
        good = _is_text(metric) and comparison in _COMPARISONS and float(bound) == bound
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        raise InvalidOptionError(
            f'metric is {value!r}; give name, comparison and number: ("accuracy", ">=", 0.9), '
            f"with one of {' '.join(_COMPARISONS)}"
        )


def _check_limit(_instance: object, _attribute: object, value: int | None) -> None:
    if value is not None and (type(value) is not int or not 1 <= value <= MAX_NUMBER):
        raise InvalidOptionError(f"limit is {value!r}; give how many releases are wanted at most, or None")


def _check_text(_instance: object, attribute: Any, value: Any) -> None:
    if value is not None and not _is_text(value):
        raise InvalidOptionError(f"{attribute.name} is {value!r}; give a text")


@frozen(kw_only=True)
class Query:
    """What is searched for; all that is set must hold.

    Attributes
    ----------
    name : str or None
        ``publisher/model``, with ``*`` and ``?`` for any characters and any one.
    publisher, tag, parent, dataset : str or None
        The publisher; a tag; the identity of a parent; name or digest of a data set.
    metric : tuple or None
        Name, comparison and number.
    created_after, created_before : str or None
        Timestamps: not before the first, and before the second.
    yanked : bool
        Whether yanked releases are wanted too.
    limit : int or None
        How many at most.
    """

    name: str | None = field(default=None, validator=[_check_text, _check_name])
    publisher: str | None = field(default=None, validator=_check_text)
    tag: str | None = field(default=None, validator=_check_text)
    metric: tuple[str, str, float] | None = field(default=None, validator=_check_metric)
    created_after: str | None = None
    created_before: str | None = None
    parent: str | None = field(default=None, validator=_check_text)
    dataset: str | None = field(default=None, validator=_check_text)
    yanked: bool = False
    limit: int | None = field(default=None, validator=_check_limit)


@frozen
class _Filter:
    """A condition on the versions ``v``, and where there is an index for it the rows that fulfil it.

    Attributes
    ----------
    condition : str
        In SQL, with `parameters`.
    rows : str or None
        A selection of ``id`` in SQL, with the same parameters.
    by_date : bool
        Whether it selects ``created`` too, and comes from an index in this order.
    """

    condition: str
    parameters: tuple[object, ...]
    rows: str | None = None
    by_date: bool = False


def find(database: sqlite3.Connection, query: Query) -> list[tuple[str, Listing]]:
    """Give what a query asks for, the newest first, each with the digest of the reference it comes from.

    Raises
    ------
    sqlite3.DatabaseError
        When the index holds what no index holds.
    """
    try:
        return [(str(row[2]), _listing(row)) for row in _rows(database, query)]
    except (TypeError, ValueError, AttributeError) as exc:
        raise sqlite3.DatabaseError(f"a row of the index is malformed: {exc}") from exc


def _rows(database: sqlite3.Connection, query: Query) -> list[tuple[Any, ...]]:
    """Ask for the rows.

    A condition that few rows fulfil is asked for first, and these are sorted. Where each is fulfilled by
    many, rows are looked at from the newest on until there are enough: those of a name, of a label, or all.
    """
    filters = _filters(query)
    driver = _driver(database, filters)
    parameters: list[object] = []
    date = "v.created"
    if driver is not None:
        date = "d.created" if driver.by_date else date
        source = f"({driver.rows}) AS d CROSS JOIN versions AS v ON v.id = d.id"
        parameters += driver.parameters
        filters = [each for each in filters if each is not driver]
    else:
        source = "versions AS v INDEXED BY versions_created"
    for bound, comparison in ((query.created_after, ">="), (query.created_before, "<")):
        if bound is not None:
            filters.append(_Filter(f"{date} {comparison} ?", (bound,)))
    where = " AND ".join(each.condition for each in filters) or "1"
    for each in filters:
        parameters += each.parameters
    parameters.append(-1 if query.limit is None else query.limit)
    chosen = (
        f"SELECT v.id AS id FROM {source} WHERE {where}"  # noqa: S608 - of constants; values are parameters
        f" ORDER BY {date} DESC, v.name, v.place DESC LIMIT ?"
    )
    # All columns are read of those alone that are wanted. Damaged references have no date: they come last.
    sql = (
        f"SELECT {_COLUMNS} FROM ({chosen}) AS c CROSS JOIN versions AS v ON v.id = c.id"  # noqa: S608
        " WHERE v.identity IS NOT NULL ORDER BY v.created DESC, v.name, v.place DESC"
    )
    return database.execute(sql, parameters).fetchall()


def _driver(database: sqlite3.Connection, filters: list[_Filter]) -> _Filter | None:
    """Choose the condition to ask for first; None when many rows fulfil each, and none has them by date."""
    counted = [(_count(database, each), not each.by_date, each) for each in filters if each.rows is not None]
    useful = [each for each in counted if each[0] <= _FEW or each[2].by_date]
    return min(useful, key=lambda each: each[:2])[2] if useful else None


def _listing(row: tuple[Any, ...]) -> Listing:
    name, version, _, identity, sequence, manifest, created, expires, sealed, yanked, note, *more, aliases = (
        row
    )
    if not (is_name(name) and is_version(version) and is_digest(identity) and is_digest(manifest)):
        raise ValueError("it names no release")
    tags, metrics, parents, datasets = map(json.loads, more)
    return Listing(
        name=name,
        version=version,
        identity=identity,
        sequence=int(sequence),
        manifest=manifest,
        created=None if created is None else str(created),
        expires=None if expires is None else str(expires),
        publisher=name.partition("/")[0],
        sealed=bool(sealed),
        yanked=bool(yanked),
        aliases=tuple(sorted(str(aliases or "").split())),
        tags=tuple(map(str, tags)),
        note="" if note is None else str(note),
        metrics={str(metric): float(value) for metric, value in metrics.items()},
        parents=tuple(map(str, parents)),
        datasets={str(dataset): str(digest) for dataset, digest in datasets.items()},
    )


def _filters(query: Query) -> list[_Filter]:
    """Give the conditions, but for those on the date."""
    found = []
    for kind, label in ((TAG, query.tag), (PARENT, query.parent), (DATASET, query.dataset)):
        if label is not None:
            found.append(
                _Filter(
                    "EXISTS (SELECT 1 FROM labels WHERE version = v.id AND kind = ? AND label = ?)",
                    (kind, label),
                    "SELECT version AS id, created FROM labels WHERE kind = ? AND label = ?",
                    by_date=True,
                )
            )
    if query.name is not None:
        found.append(_names("name GLOB ?" if _is_pattern(query.name) else "name = ?", query.name))
    if query.publisher is not None:
        found.append(_names("publisher = ?", query.publisher))
    if query.metric is not None:
        metric, comparison, bound = query.metric
        test = f"metric = ? AND value {_COMPARISONS[comparison]} ?"
        found.append(
            _Filter(
                f"EXISTS (SELECT 1 FROM metrics WHERE version = v.id AND {test})",  # noqa: S608 - constants
                (metric, float(bound)),
                f"SELECT version AS id FROM metrics WHERE {test}",  # noqa: S608
            )
        )
    if not query.yanked:
        found.append(_Filter("v.yanked = 0", ()))
    return found


def _names(test: str, value: str) -> _Filter:
    if test == "name = ?":
        rows = "SELECT id, created FROM versions WHERE name = ?"
        return _Filter("v.name = ?", (value,), rows, by_date=True)
    names = f"SELECT name FROM names WHERE {test}"  # noqa: S608 - a constant
    return _Filter(f"v.name IN ({names})", (value,), f"SELECT id FROM versions WHERE name IN ({names})")  # noqa: S608


def _count(database: sqlite3.Connection, filter_: _Filter) -> int:
    sql = f"SELECT count(*) FROM ({filter_.rows} LIMIT {_FEW + 1})"  # noqa: S608 - of constants
    return int(database.execute(sql, filter_.parameters).fetchone()[0])


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name
