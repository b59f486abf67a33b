"""Names, versions, aliases and references: ``acme/digits``, ``acme/digits@^1.2``; it looks nothing up.

A name is ``publisher/model``. A version follows SemVer 2.0 (https://semver.org), a range the notation of npm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from maas_sdk._internal.digests import is_digest
from maas_sdk.errors import InvalidReferenceError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Reference",
    "check_alias",
    "check_name",
    "check_version",
    "is_alias",
    "is_name",
    "is_version",
    "tag",
    "version_order",
]

_SEGMENT: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
_NAME: Final = re.compile(rf"{_SEGMENT}/{_SEGMENT}", re.ASCII)
_IDENTIFIER: Final = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION: Final = re.compile(  # semver.org's own; the library, slow to import, is for orders and ranges
    r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    rf"(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
_ALIAS: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}", re.ASCII)
_NUMBER: Final = r"(?:x|0|[1-9]\d*)"
# What an alias could be that is a range in npm's notation, or reads like one: x, vx.1, v1, v1.2.3-rc.1.
_LIKE_A_RANGE: Final = re.compile(rf"v?{_NUMBER}(?:\.{_NUMBER}){{0,2}}-?|v\d.*", re.ASCII)
_MAX_VERSION: Final = 128  # the length of an OCI tag
_MAX_RANGE: Final = 256
_ACCEPTED: Final = (
    "accepted are name, name@1.0.0, name@^1.2 (or another range), name@alias, "
    "and name@sha256:… of a release's identity"
)


def is_name(text: object) -> bool:
    """Whether `text` is a well-formed name, ``publisher/model``."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_version(text: object) -> bool:
    """Whether `text` is a version, exactly as SemVer 2.0 writes it, of at most 128 characters."""
    return isinstance(text, str) and len(text) <= _MAX_VERSION and _VERSION.fullmatch(text) is not None


def is_alias(text: object) -> bool:
    """Whether `text` may be an alias: a word that is neither a version nor a range."""
    return (
        isinstance(text, str) and _ALIAS.fullmatch(text) is not None and _LIKE_A_RANGE.fullmatch(text) is None
    )


def check_name(text: str) -> str:
    """Give the name back.

    Raises
    ------
    InvalidReferenceError
        When it is not well-formed.
    """
    if not is_name(text):
        raise InvalidReferenceError(
            f"{text!r} is not a name; it reads publisher/model, each part of a-z, 0-9, '.', '_' and '-', "
            "64 characters at most, beginning with a letter or a digit"
        )
    return text


def check_version(text: str) -> str:
    """Give the version back.

    Raises
    ------
    InvalidReferenceError
        When it is not well-formed.
    """
    if not is_version(text):
        raise InvalidReferenceError(
            f"{text!r} is not a version; it reads as SemVer 2.0 says, such as 1.0.0, 1.1.0-rc.1 or "
            f"1.0.0+build.7, {_MAX_VERSION} characters at most"
        )
    return text


def check_alias(text: str) -> str:
    """Give the alias back.

    Raises
    ------
    InvalidReferenceError
        When it is not well-formed, or could be taken for a version or a range.
    """
    if not is_alias(text):
        raise InvalidReferenceError(
            f"{text!r} is not an alias; it is a word such as stable, of a-z, 0-9, '.', '_' and '-', 64 "
            "characters at most, beginning with a letter, and does not read like a version or a range (v1, x)"
        )
    return text


def version_order(version: str) -> tuple[object, ...]:
    """Give a key that sorts versions by SemVer's precedence, and by their text where that is equal."""
    import semantic_version  # noqa: PLC0415 - slow to import, and whoever verifies orders no versions

    parsed = semantic_version.Version(version)
    return (*parsed.truncate("prerelease").precedence_key[:4], version)


def tag(version: str) -> str:
    """Give the version as an OCI tag, which has no ``+``."""
    return version.replace("+", "_")


@frozen
class Reference:
    """What a caller asks for; exactly one of `version`, `range`, `identity` and `alias` is set.

    Attributes
    ----------
    name : str
        ``publisher/model``.
    version : str or None
        That version and no other.
    range : str or None
        The highest version in this range; pre-releases only where the range names one of the same version.
    identity : str or None
        The release with this identity, ``sha256:…``.
    alias : str or None
        The release that this alias means at the moment.
    """

    name: str
    version: str | None = None
    range: str | None = None
    identity: str | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read ``name``, ``name@1.0.0``, ``name@^1.2``, ``name@alias`` or ``name@sha256:…``.

        Raises
        ------
        InvalidReferenceError
            When it is none of these; the message says what is accepted.
        """
        name, at, selector = text.partition("@")
        check_name(name)
        if not at:
            return cls(name, range="*")
        if is_version(selector):
            return cls(name, version=selector)
        if is_digest(selector):
            return cls(name, identity=selector)
        if is_alias(selector):
            return cls(name, alias=selector)
        if _is_range(selector):
            return cls(name, range=selector)
        raise InvalidReferenceError(
            f"{selector!r} in {text!r} is neither a version, a range, an alias nor an identity; {_ACCEPTED}"
        )

    def select(self, versions: Iterable[str]) -> str | None:
        """Give the highest of `versions` in the range, or None when there is none."""
        import semantic_version  # noqa: PLC0415 - as above

        spec = semantic_version.NpmSpec(self.range)
        matching = [text for text in versions if spec.match(semantic_version.Version(text))]
        return max(matching, key=version_order, default=None)

    def __str__(self) -> str:
        return f"{self.name}@{self.version or self.identity or self.alias or self.range}"


def _is_range(text: str) -> bool:
    if not text or len(text) > _MAX_RANGE or not (text.isascii() and text.isprintable()):
        return False
    import semantic_version  # noqa: PLC0415 - as above

    try:
        semantic_version.NpmSpec(text)
    except ValueError:
        return False
    return True
