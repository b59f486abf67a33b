"""Signed statements beside releases: aliases, yanks, notes, rotations and revocations; it verifies none.

All are in-toto Statements v1, accepted only in the very bytes that this module would write, and numbered, so
that a later one replaces an earlier one and an earlier one cannot come back unnoticed. Notes stay in the
store that they were written in; the others travel with the releases of their publisher.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Self, TypeAlias

from attrs import field, frozen

from maas_sdk._internal import records
from maas_sdk._internal.digests import hex_of
from maas_sdk.artifact._documents.fields import (
    check_digest,
    check_number,
    check_text,
    check_timestamp,
    checked_by,
)
from maas_sdk.artifact._documents.names import check_alias, check_name, check_version
from maas_sdk.artifact._documents.statements import check_canonical, read_statement
from maas_sdk.errors import InvalidOptionError, LimitExceededError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.signing import Statement, Subject
from maas_sdk.trust import Revoked, RotatedKeys, TrustedKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_sdk.limits import Limits

__all__ = [
    "AliasNotice",
    "Note",
    "Notice",
    "Revocation",
    "RevokedKey",
    "RevokedRelease",
    "Rotation",
    "YankNotice",
    "check_publisher",
]

_MAX_REASON: Final = 500
_MAX_TEXT: Final = 2000
_MAX_TAGS: Final = 64
_MAX_KEYS: Final = 64
_MAX_REVOKED: Final = 4096
_PUBLISHER: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


def check_publisher(text: object) -> str:
    """Give the publisher back: what stands before the slash of a name.

    Raises
    ------
    InvalidOptionError
        When it is not well-formed.
    """
    if not isinstance(text, str) or not _PUBLISHER.fullmatch(text):
        raise InvalidOptionError(f"publisher is {text!r}; it is what stands before the slash of a name")
    return text


def _check_tags(_instance: object, _attribute: object, tags: Sequence[object]) -> None:
    if list(tags) != sorted(set(map(str, tags))) or len(tags) > _MAX_TAGS:
        raise InvalidOptionError(f"tags must be sorted, each once, {_MAX_TAGS} at most")
    for tag in tags:
        if not isinstance(tag, str) or not _TAG.fullmatch(tag):
            raise InvalidOptionError(
                f"the tag {str(tag)[:80]!r} is malformed; it has 1 to 64 of a-z, 0-9, '.', '_' and '-', and "
                "begins with a letter or a digit"
            )


def _check_threshold(instance: Rotation, _attribute: object, threshold: int) -> None:
    if type(threshold) is not int or not 1 <= threshold <= len(instance.keys):
        raise InvalidOptionError(f"threshold is {threshold!r}; there are {len(instance.keys)} keys")


def _check_keys(_instance: object, _attribute: object, keys: Sequence[TrustedKey]) -> None:
    fingerprints = [key.fingerprint for key in keys]
    if not 1 <= len(keys) <= _MAX_KEYS or fingerprints != sorted(set(fingerprints)):
        raise InvalidOptionError(f"keys must be 1 to {_MAX_KEYS}, sorted by fingerprint, each once")


class _Statement:
    """What all of them share."""

    _predicate_type: ClassVar[str]
    _what: ClassVar[str]

    def to_payload(self) -> bytes:
        """Encode as an in-toto statement."""
        return Statement(self._subjects(), self._predicate_type, records.unstructure(self)).to_bytes()

    @classmethod
    def from_payload(cls, payload: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Decode a payload whose signature has been verified.

        Raises
        ------
        InvalidArtifactError
            When it breaks a rule; `LimitExceededError` when it exceeds `limits`.
        """
        statement = read_statement(payload, cls._predicate_type, cls._what, limits)
        record = records.structure(dict(statement.predicate), cls, what=cls._what)
        check_canonical(record, payload, cls._what)
        return record

    def _subjects(self) -> Iterable[Subject]:
        raise NotImplementedError


@frozen(kw_only=True)
class AliasNotice(_Statement):
    """An alias means a release from now on.

    Attributes
    ----------
    name : str
        ``publisher/model``.
    alias : str
        ``"stable"``.
    generation : int
        Grows by one with each move.
    version, identity : str
        Of the release that it means.
    previous : str or None
        Digest of the payload of the generation before.
    created : str
        When, as its signer says.
    """

    _predicate_type = "https://maas-sdk.org/alias/v1"
    _what = "the alias statement"

    name: str = field(validator=checked_by(check_name))
    alias: str = field(validator=checked_by(check_alias))
    generation: int = field(validator=check_number)
    version: str = field(validator=checked_by(check_version))
    identity: str = field(validator=check_digest)
    previous: str | None = field(default=None, validator=check_digest)
    created: str = field(validator=check_timestamp)

    def _subjects(self) -> Iterable[Subject]:
        return [Subject(f"{self.name}@{self.version}", hex_of(self.identity))]


@frozen(kw_only=True)
class YankNotice(_Statement):
    """A release should not be used any more, or may be again; its number is never used for another.

    Attributes
    ----------
    name, version, identity : str
        Of the release.
    generation : int
        Grows by one each time.
    yanked : bool
        False takes the yank back.
    reason : str
        For people.
    created : str
        When, as its signer says.
    """

    _predicate_type = "https://maas-sdk.org/yank/v1"
    _what = "the yank statement"

    name: str = field(validator=checked_by(check_name))
    version: str = field(validator=checked_by(check_version))
    identity: str = field(validator=check_digest)
    generation: int = field(validator=check_number)
    yanked: bool
    reason: str = field(validator=check_text(_MAX_REASON))
    created: str = field(validator=check_timestamp)

    def _subjects(self) -> Iterable[Subject]:
        return [Subject(f"{self.name}@{self.version}", hex_of(self.identity))]


@frozen(kw_only=True)
class Note(_Statement):
    """What the owner of a store says of a release in it.

    Attributes
    ----------
    name, version, identity : str
        Of the release.
    generation : int
        Grows by one each time; the latest holds alone.
    text : str
        For people; may be empty.
    tags : tuple of str
        To search by; sorted.
    created : str
        When, as its signer says.
    """

    _predicate_type = "https://maas-sdk.org/note/v1"
    _what = "the note"

    name: str = field(validator=checked_by(check_name))
    version: str = field(validator=checked_by(check_version))
    identity: str = field(validator=check_digest)
    generation: int = field(validator=check_number)
    text: str = field(default="", validator=check_text(_MAX_TEXT, empty=True))
    tags: tuple[str, ...] = field(default=(), validator=_check_tags)
    created: str = field(validator=check_timestamp)

    def _subjects(self) -> Iterable[Subject]:
        return [Subject(f"{self.name}@{self.version}", hex_of(self.identity))]


@frozen(kw_only=True)
class Rotation(_Statement):
    """A publisher signs with other keys from now on: a new epoch.

    The old keys sign it, as many as the old threshold asks, and the new ones, as many as the new threshold
    asks: nobody can hand over to a key that they do not have.

    Attributes
    ----------
    publisher : str
        What stands before the slash of the names that it is about.
    epoch : int
        2 for the first rotation, and one more each time.
    threshold : int
        How many of the new keys must sign a release.
    keys : tuple of TrustedKey
        The new keys, sorted by fingerprint.
    previous : str or None
        Digest of the payload of the rotation before.
    created : str
        When, as its signers say.
    """

    _predicate_type = "https://maas-sdk.org/rotation/v1"
    _what = "the rotation statement"

    publisher: str = field(validator=checked_by(check_publisher))
    epoch: int = field(validator=check_number)
    keys: tuple[TrustedKey, ...] = field(validator=_check_keys)
    threshold: int = field(validator=_check_threshold)
    previous: str | None = field(default=None, validator=check_digest)
    created: str = field(validator=check_timestamp)

    @property
    def rotated(self) -> RotatedKeys:
        """The same as a policy takes it."""
        return RotatedKeys(self.publisher, self.epoch, self.threshold, self.keys)

    def _subjects(self) -> Iterable[Subject]:
        return [Subject(f"key {key.fingerprint}", hex_of(key.fingerprint)) for key in self.keys]


@frozen
class RevokedKey:
    """A key whose signatures count no more.

    Attributes
    ----------
    fingerprint : str
        ``"sha256:…"``.
    reason : str
        For people.
    """

    fingerprint: str = field(validator=check_digest)
    reason: str = field(validator=check_text(_MAX_REASON))


@frozen
class RevokedRelease:
    """A release that must not be used any more.

    Attributes
    ----------
    identity : str
        ``"sha256:…"``.
    reason : str
        For people.
    """

    identity: str = field(validator=check_digest)
    reason: str = field(validator=check_text(_MAX_REASON))


@frozen(kw_only=True)
class Revocation(_Statement):
    """All keys and releases that a publisher has revoked so far.

    Attributes
    ----------
    publisher : str
        What stands before the slash of the names that it is about.
    number : int
        Grows by one each time; the latest holds all entries of those before.
    keys : tuple of RevokedKey
        Sorted by fingerprint.
    releases : tuple of RevokedRelease
        Sorted by identity.
    created : str
        When, as its signers say.
    """

    _predicate_type = "https://maas-sdk.org/revocation/v1"
    _what = "the revocation statement"

    publisher: str = field(validator=checked_by(check_publisher))
    number: int = field(validator=check_number)
    keys: tuple[RevokedKey, ...] = field(default=())
    releases: tuple[RevokedRelease, ...] = field(default=())
    created: str = field(validator=check_timestamp)

    def __attrs_post_init__(self) -> None:
        for what, found in (
            ("keys", [key.fingerprint for key in self.keys]),
            ("releases", [release.identity for release in self.releases]),
        ):
            if found != sorted(set(found)):
                raise InvalidOptionError(f"{what} must be sorted, each once")
        if not self.keys and not self.releases:
            raise InvalidOptionError("nothing is revoked: give a key or a release")
        if len(self.keys) + len(self.releases) > _MAX_REVOKED:
            raise LimitExceededError(f"a publisher can revoke {_MAX_REVOKED} keys and releases in all")

    @property
    def revoked(self) -> Revoked:
        """The same as the receiver's memory keeps it."""
        return Revoked(
            self.number,
            tuple(key.fingerprint for key in self.keys),
            tuple(release.identity for release in self.releases),
        )

    def _subjects(self) -> Iterable[Subject]:
        return [
            *(Subject(f"key {key.fingerprint}", hex_of(key.fingerprint)) for key in self.keys),
            *(Subject(f"release {each.identity}", hex_of(each.identity)) for each in self.releases),
        ]


Notice: TypeAlias = AliasNotice | YankNotice | Note | Rotation | Revocation
"""Any of them."""
