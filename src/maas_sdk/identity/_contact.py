"""A contact: the public keys that one organisation gives another; it holds no secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen
from attrs.validators import instance_of

from maas_sdk._internal import records, strict_json
from maas_sdk._internal.digests import hex_of, sha256
from maas_sdk._internal.key_files import read_key_file, write_key_file
from maas_sdk.errors import InvalidKeyError, InvalidOptionError, KeyFileError
from maas_sdk.limits import DEFAULT_LIMITS
from maas_sdk.sealing import Recipient, parse_recipient
from maas_sdk.signing import PublicKey

if TYPE_CHECKING:
    import os

    from maas_sdk.limits import Limits

__all__ = ["Contact", "check_format", "check_name"]

_FORMAT: Final = "maas-contact/1"
_LABEL: Final = "maas-contact"  # without a version: a later format keeps the fingerprints
_WHAT: Final = "the contact"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_GROUP: Final = 4


def check_name(_instance: object, _attribute: object, value: Any) -> None:
    """Check the name of a publisher, the first half of ``publisher/model``; an attrs validator."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidOptionError(
            f"{value!r} is not a name: 1 to 64 lower-case letters, digits, '-', '_' and '.', "
            "a letter or a digit first"
        )


def check_format(document: object, expected: str, *, what: str) -> None:
    """Refuse another kind or version of file before its fields are looked at."""
    found = document.get("format") if isinstance(document, dict) else None
    if found != expected:
        raise KeyFileError(f"{what} has the format {found!r}; this version of the SDK reads {expected!r}")


@frozen
class Contact:
    """The public half of an `Identity`.

    Whoever receives one over an open channel compares `fingerprint_text` with its owner by telephone.

    Attributes
    ----------
    name : str
        The publisher's name, the first half of ``publisher/model``: 1 to 64 lower-case letters, digits,
        ``-``, ``_`` and ``.``, a letter or a digit first.
    public_key : PublicKey
        Checks its signatures.
    recipient : Recipient
        Seals for it.

    Raises
    ------
    InvalidOptionError
        When the name is malformed.
    """

    name: str = field(validator=check_name)
    public_key: PublicKey = field(validator=instance_of(PublicKey))
    recipient: Recipient = field(validator=instance_of(Recipient))  # type: ignore[type-abstract] # only compared

    @property
    def fingerprint(self) -> str:
        """``"sha256:…"`` over a label and the fingerprints of both keys, not over the name."""
        both = f"{_LABEL}\0{self.public_key.fingerprint}\0{self.recipient.fingerprint}"
        return sha256(both.encode("ascii"))

    @property
    def fingerprint_text(self) -> str:
        """The fingerprint to be read aloud: 16 groups of 4 hexadecimal digits."""
        digits = hex_of(self.fingerprint)
        return " ".join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))

    def to_json(self) -> bytes:
        """Encode: canonical JSON; equal contacts give equal bytes."""
        return strict_json.dumps(
            {
                "format": _FORMAT,
                "name": self.name,
                "public_key": self.public_key.pem,
                "recipient": str(self.recipient),
                "fingerprint": self.fingerprint,
            }
        )

    @classmethod
    def from_json(cls, data: bytes | bytearray | memoryview, *, limits: Limits = DEFAULT_LIMITS) -> Contact:
        """Decode a contact.

        Raises
        ------
        KeyFileError
            When it is malformed, or its fingerprint is not the one of its keys.
        LimitExceededError
            When it exceeds a limit on JSON.
        """
        document = strict_json.loads(data, what=_WHAT, limits=limits, error=KeyFileError)
        check_format(document, _FORMAT, what=_WHAT)
        wire = records.structure(document, _Wire, what=_WHAT, error=KeyFileError)
        try:
            contact = cls(wire.name, PublicKey.from_pem(wire.public_key), parse_recipient(wire.recipient))
        except (InvalidOptionError, InvalidKeyError) as exc:
            raise KeyFileError(f"{_WHAT}: {exc}") from exc
        if contact.fingerprint != wire.fingerprint:
            raise KeyFileError(
                f"{_WHAT} of {contact.name!r} was altered or damaged: its keys have the fingerprint "
                f"{contact.fingerprint}, the file says {wire.fingerprint!r}; ask for it again"
            )
        return contact

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Contact:
        """Read a contact from a file, ``acme.contact.json`` by convention.

        Raises
        ------
        KeyFileError
            When the file is missing or malformed.
        LimitExceededError
            When it is larger than `Limits.max_key_file_bytes`.
        """
        data = read_key_file(Path(path), limits=limits, secret=False)
        try:
            return cls.from_json(data, limits=limits)
        except KeyFileError as exc:
            raise KeyFileError(f"{path}: {exc}") from exc

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the contact to a new file.

        Raises
        ------
        AlreadyExistsError
            When the file exists; it is left as it is.
        StorageError
            When it cannot be written.
        """
        write_key_file(Path(path), self.to_json(), secret=False)


@frozen
class _Wire:
    format: str
    name: str
    public_key: str
    recipient: str
    fingerprint: str
