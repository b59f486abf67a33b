"""The two statements that a publisher signs: what a release is, and for whom it is sealed.

Both are in-toto Statements v1. A payload is accepted only in the very bytes that this module would write, so
that no two readers can understand one payload differently.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import field, frozen

from maas_sdk._internal import records
from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk.artifact._documents.disclosures import Disclosures  # noqa: TC001 - cattrs reads the annotation
from maas_sdk.artifact._documents.fields import (
    check_digest,
    check_digests,
    check_fingerprints,
    check_metrics,
    check_number,
    check_text,
    check_timestamp,
    checked_by,
)
from maas_sdk.artifact._documents.names import check_name, check_version
from maas_sdk.artifact._documents.parts import PartInfo, check_part_limits, check_part_paths
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing import Statement, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_sdk.limits import Limits

__all__ = [
    "RELEASE_PREDICATE",
    "SEALING_PREDICATE",
    "Dataset",
    "Layer",
    "ReleaseStatement",
    "SealingStatement",
    "check_canonical",
    "read_statement",
]

RELEASE_PREDICATE: Final = "https://maas-sdk.org/release/v1"
"""The predicate type of a release statement."""

SEALING_PREDICATE: Final = "https://maas-sdk.org/sealing/v1"
"""The predicate type of an envelope statement."""

_MANIFEST: Final = "manifest"
_MAX_SUFFIX: Final = 16
_MAX_LINEAGE: Final = 256


class _Encoded(Protocol):
    def to_payload(self) -> bytes: ...


def _by_name(datasets: Iterable[Dataset]) -> tuple[Dataset, ...]:
    return tuple(sorted(datasets, key=lambda dataset: dataset.name))


def _check_datasets(_instance: object, _attribute: object, value: tuple[Dataset, ...]) -> None:
    if len(value) > _MAX_LINEAGE:
        raise InvalidOptionError(f"datasets has {len(value)} entries; {_MAX_LINEAGE} are allowed")
    if len({dataset.name for dataset in value}) != len(value):
        raise InvalidOptionError("two datasets have the same name")


def _check_parents(instance: object, attribute: Any, value: tuple[str, ...]) -> None:
    check_digests(instance, attribute, value)
    if len(value) > _MAX_LINEAGE:
        raise InvalidOptionError(f"parents has {len(value)} entries; {_MAX_LINEAGE} are allowed")


@frozen
class Dataset:
    """A data set that a model was made with.

    Attributes
    ----------
    name : str
        For people: ``"train-2026-11"``.
    digest : str
        Of its bytes, whatever they are: ``"sha256:…"``.
    """

    name: str = field(validator=check_text(200))
    digest: str = field(validator=check_digest)


@frozen(kw_only=True)
class ReleaseStatement:
    """What a release is.

    Attributes
    ----------
    name : str
        ``publisher/model``.
    version : str
        SemVer 2.0.
    sequence : int
        Grows with each release of a name; there may be gaps.
    previous : str or None
        Identity of the release before it, None for the first.
    created : str
        When, as its publisher says.
    expires : str or None
        From when on it must not be used any more.
    keys : tuple of str
        Fingerprints of the keys that sign it, sorted.
    parts : tuple of PartInfo
        Its files, sorted by path.
    epoch : int
        Which of the publisher's key sets signs it: 1, and one more after each rotation.
    parents : tuple of str
        Identities of the releases that it was made from, sorted.
    datasets : tuple of Dataset
        What it was trained on, sorted by name.
    metrics : dict of str to float
        Figures to search by. As all of the statement, they are readable by whoever has the bundle.
    disclosures : Disclosures or None
        What the publisher's disclosure scan found; None where it does not say, as in releases made before
        that could be said.
    """

    name: str = field(validator=checked_by(check_name))
    version: str = field(validator=checked_by(check_version))
    sequence: int = field(validator=check_number)
    previous: str | None = field(default=None, validator=check_digest)
    created: str = field(validator=check_timestamp)
    expires: str | None = field(default=None, validator=check_timestamp)
    keys: tuple[str, ...] = field(validator=check_fingerprints)
    parts: tuple[PartInfo, ...] = field(validator=check_part_paths)
    epoch: int = field(default=1, validator=check_number)
    parents: tuple[str, ...] = field(default=(), validator=_check_parents)
    datasets: tuple[Dataset, ...] = field(default=(), converter=_by_name, validator=_check_datasets)
    metrics: dict[str, float] = field(factory=dict, validator=check_metrics)
    disclosures: Disclosures | None = None

    def to_payload(self) -> bytes:
        """Encode as an in-toto statement, whose digest is the release's identity."""
        predicate: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "sequence": self.sequence,
            "previous": self.previous,
            "created": self.created,
            "expires": self.expires,
            "keys": list(self.keys),
            "parts": [{"path": p.path, "media_type": p.media_type, "size": p.size} for p in self.parts],
            "epoch": self.epoch,
            "parents": list(self.parents),
            "datasets": [{"name": each.name, "digest": each.digest} for each in self.datasets],
            "metrics": self.metrics,
        }
        if self.disclosures is not None:  # absent, and not null: a statement from before is the same bytes
            predicate["disclosures"] = records.unstructure(self.disclosures)
        subjects = [Subject(part.path, part.sha256) for part in self.parts]
        return Statement(subjects, RELEASE_PREDICATE, predicate).to_bytes()

    @classmethod
    def from_payload(cls, payload: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ReleaseStatement:
        """Decode a payload whose signature has been verified.

        Raises
        ------
        InvalidArtifactError
            When it breaks a rule; `LimitExceededError` when it exceeds `limits`.
        """
        what = "the release statement"
        statement = read_statement(payload, RELEASE_PREDICATE, what, limits)
        predicate = dict(statement.predicate)
        predicate["parts"] = _with_digests(predicate.get("parts"), statement.subjects, what)
        check_part_limits(repeat(0, len(predicate["parts"])), limits, what=what)
        record = records.structure(predicate, cls, what=what)
        check_canonical(record, payload, what)
        check_part_limits((part.size for part in record.parts), limits, what=what)
        return record

    @property
    def identity(self) -> str:
        """The identity of the release: ``sha256:…`` of the payload."""
        return sha256(self.to_payload())

    @property
    def subject(self) -> str:
        """Name and version, as a person writes them."""
        return f"{self.name}@{self.version}"


@frozen
class Layer:
    """Which layer of a manifest holds which part.

    Attributes
    ----------
    part : str
        The path of the part.
    digest : str
        Digest of the layer, sealed or not, ``sha256:…``.
    size : int
        Bytes of the layer.
    """

    part: str
    digest: str = field(validator=check_digest)
    size: int = field()

    @size.validator
    def _(self, _attribute: object, value: int) -> None:
        if value < 0:
            raise InvalidOptionError(f"a layer has the size {value}")


@frozen(kw_only=True)
class SealingStatement:
    """For whom one envelope of a release is sealed, and what is in it.

    Attributes
    ----------
    manifest : str
        Digest of the OCI manifest, ``sha256:…``.
    identity : str
        Identity of the release that is inside.
    recipients : tuple of str
        Fingerprints of the recipients, sorted.
    suffix : str
        What the sealed layers' names have in addition to their parts'.
    layers : tuple of Layer
        One for each part, in the order of the manifest.
    """

    manifest: str = field(validator=check_digest)
    identity: str = field(validator=check_digest)
    recipients: tuple[str, ...] = field(validator=check_fingerprints)
    suffix: str = field()
    layers: tuple[Layer, ...] = field()

    @suffix.validator
    def _(self, _attribute: object, value: str) -> None:
        name = value.removeprefix(".")
        if not value.startswith(".") or len(value) > _MAX_SUFFIX or not (name.isascii() and name.isalnum()):
            raise InvalidOptionError(f"the suffix of sealed files is {value!r}; it reads like '.age'")

    @layers.validator
    def _(self, _attribute: object, value: tuple[Layer, ...]) -> None:
        if len({layer.part for layer in value}) != len(value):
            raise InvalidOptionError("two layers seal the same part")
        if len({layer.digest for layer in value}) != len(value):
            raise InvalidOptionError("one layer seals two parts")

    def to_payload(self) -> bytes:
        """Encode as an in-toto statement about the manifest."""
        predicate = {
            "identity": self.identity,
            "recipients": list(self.recipients),
            "suffix": self.suffix,
            "layers": [{"part": e.part, "digest": e.digest, "size": e.size} for e in self.layers],
        }
        return Statement([Subject(_MANIFEST, hex_of(self.manifest))], SEALING_PREDICATE, predicate).to_bytes()

    @classmethod
    def from_payload(cls, payload: bytes, *, limits: Limits = DEFAULT_LIMITS) -> SealingStatement:
        """Decode a payload whose signature has been verified.

        Raises
        ------
        InvalidArtifactError
            When it breaks a rule; `LimitExceededError` when it exceeds `limits`.
        """
        what = "the envelope statement"
        statement = read_statement(payload, SEALING_PREDICATE, what, limits)
        manifest = f"sha256:{statement.subjects[0].sha256}"
        record = records.structure({**statement.predicate, "manifest": manifest}, cls, what=what)
        check_canonical(record, payload, what)
        if len(record.recipients) > limits.max_recipients:
            raise LimitExceededError(
                f"{what} names {len(record.recipients)} recipients; "
                f"Limits.max_recipients allows {limits.max_recipients}"
            )
        return record


def read_statement(payload: bytes, predicate_type: str, what: str, limits: Limits) -> Statement:
    """Decode a payload that must have this predicate type (`InvalidArtifactError`)."""
    statement = Statement.from_bytes(payload, limits=limits)
    if statement.predicate_type != predicate_type:
        raise InvalidArtifactError(
            f"{what} has the predicate type {statement.predicate_type!r}; "
            f"this version of the SDK reads {predicate_type!r}"
        )
    return statement


def _with_digests(parts: object, subjects: Sequence[Subject], what: str) -> list[Any]:
    """Bring together what in-toto keeps apart: the digests are the subjects', the rest the predicate's."""
    if not isinstance(parts, list) or len(parts) != len(subjects):
        raise InvalidArtifactError(f"{what}: its parts are not as many as its subjects")
    return [
        {**part, "sha256": subject.sha256} if isinstance(part, dict) else part
        for part, subject in zip(parts, subjects, strict=True)
    ]


def check_canonical(record: _Encoded, payload: bytes, what: str) -> None:
    """Refuse a payload that is not in the very bytes that its record would be written in."""
    if record.to_payload() != payload:
        raise InvalidArtifactError(f"{what} is not in canonical form: it says something in an unusual way")
