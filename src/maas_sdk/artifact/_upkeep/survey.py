"""Following the references of a store, to what is wrong with them or lost to them; it changes nothing.

Signatures are not verified here: that is the verdict's work. What is checked is that everything is there, is
what its digest says, can be parsed, and is about what the reference says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

from maas_sdk._internal import strict_json
from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk.artifact._documents import oci
from maas_sdk.artifact._documents.notices import AliasNotice, Note, Revocation, Rotation, YankNotice
from maas_sdk.artifact._documents.papers import read_document, read_papers
from maas_sdk.artifact._documents.statements import ReleaseStatement, SealingStatement
from maas_sdk.artifact._inventory.places import ENVELOPES, VERSIONS, is_reference, parse_key
from maas_sdk.artifact._inventory.record import VersionRecord
from maas_sdk.errors import InvalidArtifactError, MaasError, NotFoundError, StorageError
from maas_sdk.signing import Envelope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maas_sdk.artifact._documents.oci import OciDescriptor
    from maas_sdk.artifact._documents.papers import Papers
    from maas_sdk.artifact._inventory.catalog import Catalog
    from maas_sdk.artifact._inventory.places import Place

__all__ = ["BadBlob", "BadReference", "Survey", "survey"]

_NOTICES: Final[Mapping[str, Any]] = {
    "aliases": AliasNotice,
    "yanks": YankNotice,
    "notes": Note,
    "@rotations": Rotation,
    "@revocations": Revocation,
}


@define
class BadBlob:
    """A blob that is damaged or missing.

    Attributes
    ----------
    kind : str
        ``"damaged"`` or ``"missing"``.
    reason : str
        How that shows.
    breaks : dict of str to None
        What needs it, in order: ``"acme/digits@1.0.0: the part model.json"``.
    """

    kind: str
    reason: str
    breaks: dict[str, None] = field(factory=dict)


@frozen
class BadReference:
    """A reference that cannot be understood, or says something else than what it names.

    Attributes
    ----------
    kind : str
        ``"wrong"``, or ``"stranger"`` for one that this version of the SDK does not write.
    key : str
        Its key.
    reason : str
        How that shows.
    breaks : str
        What it is needed for; empty when that is not known.
    """

    kind: str
    key: str
    reason: str
    breaks: str


@define
class Survey:
    """What was found.

    Attributes
    ----------
    blobs : dict of str to BadBlob
        By digest.
    references : list of BadReference
        In the order of their keys.
    checked : int
        References that were looked at.
    """

    blobs: dict[str, BadBlob] = field(factory=dict)
    references: list[BadReference] = field(factory=list)
    checked: int = 0


def survey(catalog: Catalog, damaged: Mapping[str, str]) -> Survey:
    """Look through all references of a store.

    Parameters
    ----------
    catalog : Catalog
        Of the store.
    damaged : mapping of str to str
        Blobs that are known to be damaged, and how that shows.

    Raises
    ------
    StorageError
        When the store cannot be read at all.
    """
    found = Survey({digest: BadBlob("damaged", reason) for digest, reason in damaged.items()})
    for key in catalog._references.list():  # noqa: SLF001 - beside the catalog only this asks for all of them
        found.checked += 1
        if not is_reference(key):
            found.references.append(
                BadReference("stranger", key, "no reference that this version of the SDK writes", "")
            )
            continue
        place = parse_key(key)
        try:
            data = catalog._references.get(key)  # noqa: SLF001
            if place is None:
                _check_plain(data, key, catalog)
            elif place.kind in {VERSIONS, ENVELOPES}:
                _Followed(catalog, found, key, place).check(data)
            else:
                _check_notice(data, key, place, catalog)
        except NotFoundError:
            continue  # removed by hand meanwhile
        except MaasError as exc:
            found.references.append(BadReference("wrong", key, str(exc), _subject(place)))
    for key in catalog.blobs.strangers():
        found.references.append(BadReference("stranger", key, "no blob: its name is not a digest", ""))
    return found


class _Followed:
    """Looks through one version, or a further envelope of one, as far as its documents can be read."""

    def __init__(self, catalog: Catalog, found: Survey, key: str, place: Place) -> None:
        self._catalog = catalog
        self._limits = catalog.limits
        self._found = found
        self._key = key
        self._place = place
        self._subject = _subject(place)
        # A version may have several envelopes.
        which = f" in the envelope {key.rpartition('/')[2][:12]}" if place.kind == ENVELOPES else ""
        self._label = f"{self._subject}{which}"
        self._intact = True

    def check(self, data: bytes) -> None:
        """Look; `MaasError` when what can be read does not fit together."""
        record = VersionRecord.from_json(data, what=f"the reference {self._key}", limits=self._limits)
        model = self._document(record.manifest, "the manifest")
        if model is not None:
            config, layers = oci.parse_manifest(model, limits=self._limits)
            self._document(config, "the configuration")
            for layer in layers:
                self._needs(layer, f"the part {layer.file_path}")
        for descriptor in record.referrers:
            referrer = self._document(descriptor, "the manifest of a signature")
            if model is not None and referrer is not None:
                subject = oci.describe(model)
                _, envelope = oci.parse_referrer(referrer, subject=subject, limits=self._limits)
                self._document(envelope, "a signature")
                self._needs(oci.describe(oci.EMPTY_CONFIG), "the configuration of a signature")
        if self._intact:
            papers = read_papers(self._catalog.blobs, record.manifest, record.referrers, limits=self._limits)
            self._compare(record, papers)

    def _compare(self, record: VersionRecord, papers: Papers) -> None:
        """See whether what the documents say fits together, and to the reference."""
        payload = Envelope.from_json(papers.release.envelope, limits=self._limits).payload
        statement = ReleaseStatement.from_payload(payload, limits=self._limits)
        layers = [(layer.digest, layer.size) for layer in papers.layers]
        if papers.sealing is None:
            signed = [(f"sha256:{part.sha256}", part.size) for part in statement.parts]
        else:
            envelope = Envelope.from_json(papers.sealing.envelope, limits=self._limits)
            sealing = SealingStatement.from_payload(envelope.payload, limits=self._limits)
            signed = [(layer.digest, layer.size) for layer in sealing.layers]
            self._expect("the release that is sealed", sealing.identity, record.identity)
            self._expect("the manifest that is sealed", sealing.manifest, papers.digest)
        self._expect("the release", sha256(payload), record.identity)
        self._expect("its name", statement.subject, self._subject)
        self._expect("its number", statement.sequence, record.sequence)
        if self._place.kind == ENVELOPES:
            self._expect("its manifest", hex_of(papers.digest), self._key.rpartition("/")[2])
        if layers != signed:
            raise InvalidArtifactError("the layers of the manifest are not those that were signed")

    def _expect(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            raise InvalidArtifactError(f"{what} is {found}, and the reference says {wanted}")

    def _document(self, descriptor: OciDescriptor, what: str) -> bytes | None:
        if not self._needs(descriptor, what):
            return None
        try:
            return read_document(self._catalog.blobs, descriptor, self._limits)
        except NotFoundError:
            self._bad(descriptor.digest, "missing", "it is not in the store", what)
            return None

    def _needs(self, descriptor: OciDescriptor, what: str) -> bool:
        """Note what needs a blob that is damaged or missing, and tell whether it is there."""
        digest = descriptor.digest
        known = self._found.blobs.get(digest)
        if known is not None:
            self._bad(digest, known.kind, known.reason, what)
            return False
        try:
            size = self._catalog.blobs.size(digest)
        except NotFoundError:
            self._bad(digest, "missing", "it is not in the store", what)
            return False
        except StorageError as exc:
            self._bad(digest, "damaged", str(exc), what)
            return False
        if size != descriptor.size:
            # Its digest is right, so that what is wrong is what says so.
            reason = f"{what} has {size} bytes, {descriptor.size} are declared ({digest})"
            self._found.references.append(BadReference("wrong", self._key, reason, self._subject))
            self._intact = False
            return False
        return True

    def _bad(self, digest: str, kind: str, reason: str, what: str) -> None:
        self._intact = False
        blob = self._found.blobs.setdefault(digest, BadBlob(kind, reason))
        blob.breaks[f"{self._label}: {what}"] = None


def _check_plain(data: bytes, key: str, catalog: Catalog) -> None:
    """Look at an entry of the log or the reservation of a number; `MaasError` when it is malformed."""
    document = strict_json.loads(data, what=f"the reference {key}", limits=catalog.limits)
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise InvalidArtifactError(f"the reference {key} is no object of texts")


def _check_notice(data: bytes, key: str, place: Place, catalog: Catalog) -> None:
    """Look at a signed record; `MaasError` when it is malformed or about something else."""
    envelope = Envelope.from_json(data, limits=catalog.limits)
    statement = _NOTICES[place.kind].from_payload(envelope.payload, limits=catalog.limits)
    if isinstance(statement, Rotation | Revocation):
        number = statement.epoch if isinstance(statement, Rotation) else statement.number
        about = (statement.publisher, "", number)
    else:
        target = statement.alias if isinstance(statement, AliasNotice) else statement.version
        about = (statement.name, target, statement.generation)
    if about != (place.name, place.target, place.number):
        raise InvalidArtifactError(f"the reference {key} is about something else than its key says")


def _subject(place: Place | None) -> str:
    if place is None:
        return ""
    return f"{place.name}@{place.target}" if place.target else place.name
