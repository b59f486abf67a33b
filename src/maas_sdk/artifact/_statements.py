"""The two statements that a publisher signs: what a release is, and for whom it is sealed.

Both are in-toto Statements v1. A payload is accepted only in the very bytes that this module would write, so
that no two readers can understand one payload differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal import records
from maas_sdk._internal.digests import hex_of, is_digest, sha256
from maas_sdk._internal.times import is_timestamp
from maas_sdk.artifact._names import check_name, check_version
from maas_sdk.artifact._parts import PartInfo, check_part_limits, check_part_paths
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing import Statement, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.limits import Limits

__all__ = [
    "MAX_SEQUENCE",
    "RELEASE_PREDICATE",
    "SEALING_PREDICATE",
    "Layer",
    "ReleaseStatement",
    "SealingStatement",
]

RELEASE_PREDICATE: Final = "https://maas-sdk.org/release/v1"
"""The predicate type of a release statement."""

SEALING_PREDICATE: Final = "https://maas-sdk.org/sealing/v1"
"""The predicate type of an envelope statement."""

MAX_SEQUENCE: Final = 2**53 - 1
"""The highest sequence number: the highest integer that every JSON reader takes exactly."""

_MANIFEST: Final = "manifest"
_MAX_SUFFIX: Final = 16


def _checked_by(check: Any) -> Any:
    return lambda _instance, _attribute, value: check(value)


def _check_sequence(_instance: object, _attribute: object, value: int) -> None:
    if not 1 <= value <= MAX_SEQUENCE:
        raise InvalidOptionError(f"sequence is {value}; it counts from 1 to 2**53 - 1")


def _check_digest(_instance: object, attribute: Any, value: Any) -> None:
    if value is not None and not is_digest(value):
        raise InvalidOptionError(f"{attribute.name} is {value!r}, not sha256: and 64 hexadecimal digits")


def _check_timestamp(_instance: object, attribute: Any, value: Any) -> None:
    if value is not None and not is_timestamp(value):
        raise InvalidOptionError(f"{attribute.name} is {value!r}, not a time like 2026-11-23T22:00:00Z")


def _check_fingerprints(_instance: object, attribute: Any, value: Sequence[str]) -> None:
    if not value:
        raise InvalidOptionError(f"{attribute.name} is empty; one fingerprint at least is needed")
    if list(value) != sorted(set(value)):
        raise InvalidOptionError(f"{attribute.name} must be sorted, each fingerprint once")
    for fingerprint in value:
        if not is_digest(fingerprint):
            raise InvalidOptionError(
                f"{attribute.name} holds {fingerprint!r}, which is not a fingerprint, sha256:…"
            )


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
    """

    name: str = field(validator=_checked_by(check_name))
    version: str = field(validator=_checked_by(check_version))
    sequence: int = field(validator=_check_sequence)
    previous: str | None = field(default=None, validator=_check_digest)
    created: str = field(validator=_check_timestamp)
    expires: str | None = field(default=None, validator=_check_timestamp)
    keys: tuple[str, ...] = field(validator=_check_fingerprints)
    parts: tuple[PartInfo, ...] = field(validator=check_part_paths)

    def to_payload(self) -> bytes:
        """Encode as an in-toto statement, whose digest is the release's identity."""
        predicate = {
            "name": self.name,
            "version": self.version,
            "sequence": self.sequence,
            "previous": self.previous,
            "created": self.created,
            "expires": self.expires,
            "keys": list(self.keys),
            "parts": [{"path": p.path, "media_type": p.media_type, "size": p.size} for p in self.parts],
        }
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
        statement = _statement(payload, RELEASE_PREDICATE, what, limits)
        predicate = dict(statement.predicate)
        predicate["parts"] = _with_digests(predicate.get("parts"), statement.subjects, what)
        record = records.structure(predicate, cls, what=what)
        _check_canonical(record, payload, what)
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
    digest: str = field(validator=_check_digest)
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

    manifest: str = field(validator=_check_digest)
    identity: str = field(validator=_check_digest)
    recipients: tuple[str, ...] = field(validator=_check_fingerprints)
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
        statement = _statement(payload, SEALING_PREDICATE, what, limits)
        manifest = f"sha256:{statement.subjects[0].sha256}"
        record = records.structure({**statement.predicate, "manifest": manifest}, cls, what=what)
        _check_canonical(record, payload, what)
        if len(record.recipients) > limits.max_recipients:
            raise LimitExceededError(
                f"{what} names {len(record.recipients)} recipients; "
                f"Limits.max_recipients allows {limits.max_recipients}"
            )
        return record


def _statement(payload: bytes, predicate_type: str, what: str, limits: Limits) -> Statement:
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


def _check_canonical(record: ReleaseStatement | SealingStatement, payload: bytes, what: str) -> None:
    if record.to_payload() != payload:
        raise InvalidArtifactError(f"{what} is not in canonical form: it says something in an unusual way")
