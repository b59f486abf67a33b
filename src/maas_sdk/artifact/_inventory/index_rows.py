"""References become rows of the index: what versions and signed records say, decoded to be searched.

No signature is checked: whoever uses what was found reads the documents themselves and verifies them. What
cannot be decoded is left out, but for the version itself: whoever opens it is told what is damaged.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from maas_sdk._internal.digests import sha256
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.fields import MAX_NUMBER
from maas_sdk.artifact._documents.notices import AliasNotice, Note, YankNotice
from maas_sdk.artifact._documents.ordering import is_prerelease, order_text
from maas_sdk.artifact._documents.papers import read_document
from maas_sdk.artifact._documents.statements import ReleaseStatement, SealingStatement
from maas_sdk.artifact._inventory import places as _places
from maas_sdk.artifact._inventory.record import VersionRecord
from maas_sdk.errors import ArtifactError, InvalidOptionError, NotFoundError
from maas_sdk.signing import Envelope

if TYPE_CHECKING:
    import sqlite3

    from maas_sdk.artifact._documents.papers import BlobSource
    from maas_sdk.artifact._inventory.places import Place
    from maas_sdk.limits import Limits

__all__ = ["DATASET", "PARENT", "TAG", "RowWriter", "recipients_text"]

TAG: Final = "tag"
PARENT: Final = "parent"
DATASET: Final = "dataset"

_NOTICES: Final[dict[str, type[AliasNotice | YankNotice | Note]]] = {
    _places.ALIASES: AliasNotice,
    _places.YANKS: YankNotice,
    _places.NOTES: Note,
}
_COLUMNS: Final = (
    "name", "version", "place", "prerelease", "yanked", "digest", "identity", "sequence", "manifest",
    "created", "expires", "sealed", "note", "tags", "metrics", "parents", "datasets",
)  # fmt: skip
_UPSERT: Final = (
    f"INSERT INTO versions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
    " ON CONFLICT (name, version) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS[2:])
)


@frozen
class _Documents:
    """What the documents of a version or of an envelope say."""

    release: ReleaseStatement
    sealing: SealingStatement | None


def recipients_text(recipients: Any) -> str:
    """Give what stands for a set of recipients, however many they are."""
    return sha256("\n".join(sorted(recipients)).encode())


class RowWriter:
    """Writes rows for references.

    Parameters
    ----------
    blobs : BlobSource
        Where the documents are.
    limits : Limits
        Bounds on what is read.
    """

    def __init__(self, blobs: BlobSource, *, limits: Limits) -> None:
        self._blobs = blobs
        self._limits = limits

    def take(self, database: sqlite3.Connection, place: Place, key: str, data: bytes) -> None:
        """Write the rows for a reference, in place of those that it had.

        Raises
        ------
        StorageError
            When the store cannot be read.
        """
        if place.kind == _places.VERSIONS:
            self._version(database, place, key, data)
        elif place.kind == _places.ENVELOPES:
            record = self._record(key, data)
            documents = None if record is None else self._documents(record)
            self._layers(database, key, documents)
        else:
            self._numbered(database, place, key, data)

    def forget(self, database: sqlite3.Connection, place: Place, key: str) -> None:
        """Remove the rows of a version or of a numbered record that is gone."""
        if place.kind == _places.VERSIONS:
            wanted = (place.name, place.target)
            found = database.execute("SELECT id FROM versions WHERE name = ? AND version = ?", wanted)
            for (row,) in found.fetchall():
                _remove_children(database, row)
                database.execute("DELETE FROM versions WHERE id = ?", (row,))
        elif place.number:
            prefix = key.rpartition("/")[0]
            database.execute("DELETE FROM records WHERE prefix = ? AND number = ?", (prefix, place.number))

    def _version(self, database: sqlite3.Connection, place: Place, key: str, data: bytes) -> None:
        record = self._record(key, data)
        documents = None if record is None else self._documents(record)
        release = None if documents is None else documents.release
        name, version = place.name, place.target
        values = (
            name, version, order_text(version), is_prerelease(version), False, sha256(data),
            *((None, None, None) if record is None
              else (record.identity, record.sequence, record.manifest.digest)),
            *((None, None) if release is None else (release.created, release.expires)),
            documents is not None and documents.sealing is not None,
            None, "[]",
            _json({} if release is None else dict(release.metrics)),
            _json([] if release is None else release.parents),
            _json({} if release is None else {each.name: each.digest for each in release.datasets}),
        )  # fmt: skip
        database.execute(_UPSERT, values)
        (row,) = database.execute(
            "SELECT id FROM versions WHERE name = ? AND version = ?", (name, version)
        ).fetchone()
        _remove_children(database, row)
        if release is not None:
            labels = [(PARENT, parent) for parent in release.parents]
            labels += [(DATASET, label) for each in release.datasets for label in (each.name, each.digest)]
            _add_labels(database, row, release.created, labels)
            database.executemany(
                "INSERT INTO metrics VALUES (?, ?, ?)",
                [(metric, float(value), row) for metric, value in release.metrics.items()],
            )
        database.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", (name, name.partition("/")[0]))
        _apply_notices(database, name, version)
        self._layers(database, key, documents)

    def _layers(self, database: sqlite3.Connection, key: str, documents: _Documents | None) -> None:
        """Remember what is sealed for whom; once for each layer, however many releases have it."""
        if documents is None or documents.sealing is None:
            return
        sealing = documents.sealing
        digests = {part.path: part.digest for part in documents.release.parts}
        recipients = recipients_text(sealing.recipients)
        rows = [
            (digests[layer.part], recipients, sealing.suffix, layer.digest)
            for layer in sealing.layers
            if layer.part in digests
        ]
        known = "SELECT 1 FROM layers WHERE plain = ? AND recipients = ? AND suffix = ? AND layer = ?"
        new = [row for row in rows if database.execute(known, row).fetchone() is None]
        if new:
            database.execute("INSERT OR IGNORE INTO sources (key) VALUES (?)", (key,))
            (source,) = database.execute("SELECT id FROM sources WHERE key = ?", (key,)).fetchone()
            database.executemany("INSERT OR IGNORE INTO layers VALUES (?, ?, ?, ?, ?)",
                                 [(*row, source) for row in new])  # fmt: skip

    def _numbered(self, database: sqlite3.Connection, place: Place, key: str, data: bytes) -> None:
        database.execute(
            "INSERT INTO records VALUES (?, ?)"
            " ON CONFLICT (prefix) DO UPDATE SET number = max(number, excluded.number)",
            (key.rpartition("/")[0], place.number),
        )
        notice = self._notice(place, data)
        if notice is None:
            return
        last = database.execute(
            "SELECT number, version FROM notices WHERE name = ? AND kind = ? AND target = ?",
            (place.name, place.kind, place.target),
        ).fetchone()
        if last is not None and last[0] > place.number:
            return
        database.execute(
            "INSERT OR REPLACE INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                place.name,
                place.kind,
                place.target,
                place.number,
                notice.version,
                notice.identity,
                notice.yanked if isinstance(notice, YankNotice) else None,
                notice.text if isinstance(notice, Note) else None,
                _json(notice.tags) if isinstance(notice, Note) else None,
            ),
        )
        _apply_notices(database, place.name, notice.version)

    def _notice(self, place: Place, data: bytes) -> AliasNotice | YankNotice | Note | None:
        kind = _NOTICES.get(place.kind)
        if kind is None:
            return None
        try:
            payload = Envelope.from_json(data, limits=self._limits).payload
            notice = kind.from_payload(payload, limits=self._limits)
        except (ArtifactError, InvalidOptionError):
            return None
        target = notice.alias if isinstance(notice, AliasNotice) else notice.version
        wanted = (place.name, place.target, place.number)
        return notice if (notice.name, target, notice.generation) == wanted else None

    def _record(self, key: str, data: bytes) -> VersionRecord | None:
        try:
            record = VersionRecord.from_json(data, what=key, limits=self._limits)
        except ArtifactError:
            return None
        return record if 1 <= record.sequence <= MAX_NUMBER else None

    def _documents(self, record: VersionRecord) -> _Documents | None:
        """Read what is signed, and not the manifest: whoever opens the release does."""
        payloads = {}
        try:
            for descriptor in record.referrers:
                data = read_document(self._blobs, descriptor, self._limits)
                kind, envelope = oci.parse_referrer(data, subject=record.manifest, limits=self._limits)
                signed = read_document(self._blobs, envelope, self._limits)
                payloads[kind] = Envelope.from_json(signed, limits=self._limits).payload
            payload = payloads[oci.RELEASE_SIGNATURE]
            release = ReleaseStatement.from_payload(payload, limits=self._limits)
            sealing = None
            if oci.SEALING_SIGNATURE in payloads:
                sealing = SealingStatement.from_payload(payloads[oci.SEALING_SIGNATURE], limits=self._limits)
        except (ArtifactError, InvalidOptionError, NotFoundError, KeyError):
            return None
        return _Documents(release, sealing) if sha256(payload) == record.identity else None


def _remove_children(database: sqlite3.Connection, row: int) -> None:
    database.execute("DELETE FROM labels WHERE version = ?", (row,))
    database.execute("DELETE FROM metrics WHERE version = ?", (row,))


def _apply_notices(database: sqlite3.Connection, name: str, version: str) -> None:
    """Write what the latest signed records say into the row of their version, if it is there."""
    row = database.execute(
        "SELECT id, identity, created FROM versions WHERE name = ? AND version = ?", (name, version)
    ).fetchone()
    if row is None:
        return
    yanked, note, tags = False, None, "[]"
    for kind, said_yanked, said_note, said_tags in database.execute(
        "SELECT kind, yanked, note, tags FROM notices WHERE name = ? AND version = ? AND identity = ?",
        (name, version, row[1]),
    ).fetchall():
        if kind == _places.YANKS:
            yanked = bool(said_yanked)
        elif kind == _places.NOTES:
            note, tags = said_note, said_tags
    database.execute(
        "UPDATE versions SET yanked = ?, note = ?, tags = ? WHERE id = ?", (yanked, note, tags, row[0])
    )
    database.execute("DELETE FROM labels WHERE version = ? AND kind = ?", (row[0], TAG))
    _add_labels(database, row[0], row[2] or "", [(TAG, tag) for tag in json.loads(tags)])


def _add_labels(database: sqlite3.Connection, row: int, created: str, labels: list[tuple[str, str]]) -> None:
    database.executemany(
        "INSERT OR IGNORE INTO labels VALUES (?, ?, ?, ?)",
        [(kind, label, created, row) for kind, label in labels],
    )


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
