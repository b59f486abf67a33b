"""in-toto Statement v1: which files, by name and SHA-256, a predicate is about.

Specification: https://github.com/in-toto/attestation (``spec/v1/statement.md``). The reader takes the strict
subset that the SDK writes: named subjects with a SHA-256 each and nothing else, no field that the
specification does not name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk._internal import records, strict_json
from maas_sdk.errors import InvalidArtifactError, InvalidOptionError
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maas_sdk.limits import Limits

__all__ = ["STATEMENT_TYPE", "Statement", "Subject"]

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
"""The ``_type`` of every statement."""

_WHAT: Final = "the statement"
_FIELDS: Final = frozenset({"_type", "subject", "predicateType", "predicate"})
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def _check_text(_instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidOptionError(f"{attribute.name} must be a string that is not empty, not {value!r}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidOptionError(f"{attribute.name} cannot be written as UTF-8: {value!r}")


def _check_sha256(_instance: object, _attribute: object, value: Any) -> None:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise InvalidOptionError(f"sha256 must be 64 lower-case hexadecimal digits, not {value!r}")


def _as_tuple(subjects: Iterable[Subject]) -> tuple[Subject, ...]:
    return tuple(subjects)


def _check_subjects(_instance: object, _attribute: object, value: tuple[Any, ...]) -> None:
    if not value:
        raise InvalidOptionError("a statement needs one subject at least")
    names: set[str] = set()
    for subject in value:
        if not isinstance(subject, Subject):
            raise InvalidOptionError(f"expected a Subject, not {subject!r}")
        if subject.name in names:
            raise InvalidOptionError(f"two subjects have the name {subject.name!r}")
        names.add(subject.name)


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """Copy through JSON, so that a predicate is what its reader will see and changes with nobody's dict."""
    try:
        copy = json.loads(strict_json.dumps(dict(value)))
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidOptionError(f"the predicate cannot be written as JSON: {exc}") from exc
    return copy  # type: ignore[no-any-return] # a dict was written


@frozen
class Subject:
    """A file that a statement is about.

    Attributes
    ----------
    name : str
        Its name or relative path, not empty.
    sha256 : str
        The SHA-256 of its content: 64 lower-case hexadecimal digits.
    """

    name: str = field(validator=_check_text)
    sha256: str = field(validator=_check_sha256)


@frozen
class Statement:
    """Subjects and what is stated about them.

    Attributes
    ----------
    subjects : tuple of Subject
        One at least, with distinct names.
    predicate_type : str
        A URI that says what the predicate means.
    predicate : dict
        What is stated, as JSON carries it; a copy of what was given.

    Raises
    ------
    InvalidOptionError
        When one of these rules is broken.
    """

    subjects: tuple[Subject, ...] = field(converter=_as_tuple, validator=_check_subjects)
    predicate_type: str = field(validator=_check_text)
    predicate: Mapping[str, Any] = field(converter=_as_json)

    def to_bytes(self) -> bytes:
        """Encode: canonical JSON; equal statements give equal bytes."""
        return strict_json.dumps(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": s.name, "digest": {"sha256": s.sha256}} for s in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, *, limits: Limits = DEFAULT_LIMITS
    ) -> Statement:
        """Decode the payload of a verified envelope.

        Parameters
        ----------
        data : bytes-like
            The whole document.
        limits : Limits
            The bounds on JSON hold.

        Raises
        ------
        InvalidArtifactError
            When it is not strict JSON, not a Statement v1, or has a field that it must not have.
        LimitExceededError
            When it exceeds a limit.
        """
        document = strict_json.loads(data, what=_WHAT, limits=limits)
        if not isinstance(document, dict) or document.get("_type") != STATEMENT_TYPE:
            raise InvalidArtifactError(f"{_WHAT} is not an object with the _type {STATEMENT_TYPE}")
        unknown = sorted(document.keys() - _FIELDS)
        if unknown:
            raise InvalidArtifactError(f"{_WHAT} has an unknown field {unknown[0]!r}")
        predicate = document.get("predicate", {})
        if not isinstance(predicate, dict):
            raise InvalidArtifactError(f"{_WHAT}: expected an object", path="predicate")
        subjects = _subjects(document.get("subject"))
        try:
            return cls(subjects, document.get("predicateType", ""), predicate)
        except InvalidOptionError as exc:
            raise InvalidArtifactError(f"{_WHAT}: {exc}") from exc


@frozen
class _DigestSet:
    sha256: str


@frozen
class _ResourceDescriptor:
    name: str
    digest: _DigestSet


def _subjects(document: object) -> Iterable[Subject]:
    if not isinstance(document, list):
        raise InvalidArtifactError(f"{_WHAT}: expected an array", path="subject")
    for index, item in enumerate(document):
        wire = records.structure(item, _ResourceDescriptor, what=f"{_WHAT}: subject[{index}]")
        yield Subject(wire.name, wire.digest.sha256)
