"""The text of recipients and identities, and files of identities."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from maas_sdk.errors import InvalidKeyError
from maas_sdk.sealing import _bech32
from maas_sdk.sealing._hybrid import HybridIdentity, HybridRecipient
from maas_sdk.sealing._x25519 import X25519Identity, X25519Recipient

if TYPE_CHECKING:
    from collections.abc import Callable

    from maas_sdk.sealing._keys import Identity, Recipient

__all__ = [
    "generate_identity",
    "parse_identity",
    "parse_identity_file",
    "parse_recipient",
    "parse_recipient_file",
]

_Key = TypeVar("_Key")


def parse_recipient(text: str) -> Recipient:
    """Read a recipient: ``age1…`` (X25519) or ``age1pq1…`` (post-quantum).

    Raises
    ------
    InvalidKeyError
        When the text is anything else.
    """
    prefix, data = _bech32.decode(_text(text, "recipient"))
    if prefix == "age":
        return X25519Recipient(data)
    if prefix == "age1pq":
        return HybridRecipient(data)
    if prefix.startswith("age-secret-key-"):
        raise InvalidKeyError("this is an identity, which is secret; give the recipient that belongs to it")
    raise InvalidKeyError(f"recipients of the kind {prefix!r} are not supported; 'age' and 'age1pq' are")


def parse_identity(text: str) -> Identity:
    """Read an identity: ``AGE-SECRET-KEY-1…`` (X25519) or ``AGE-SECRET-KEY-PQ-1…`` (post-quantum).

    Raises
    ------
    InvalidKeyError
        When the text is anything else; the message does not repeat it.
    """
    prefix, data = _bech32.decode(_text(text, "identity"))
    if prefix == "age-secret-key-":
        return X25519Identity(data)
    if prefix == "age-secret-key-pq-":
        return HybridIdentity(data)
    if prefix in ("age", "age1pq"):
        raise InvalidKeyError("this is a recipient, which only seals; give the identity that belongs to it")
    raise InvalidKeyError("identities of this kind are not supported; 'AGE-SECRET-KEY-1…' and '…-PQ-1…' are")


def parse_identity_file(text: str) -> tuple[Identity, ...]:
    """Read identities, one a line; empty lines and lines that start with ``#`` are skipped.

    Raises
    ------
    InvalidKeyError
        When a line is anything else, or there is no identity at all.
    """
    return _parse_lines(text, parse_identity, "identity")


def parse_recipient_file(text: str) -> tuple[Recipient, ...]:
    """Read recipients, one a line; empty lines and lines that start with ``#`` are skipped.

    Raises
    ------
    InvalidKeyError
        When a line is anything else, or there is no recipient at all.
    """
    return _parse_lines(text, parse_recipient, "recipient")


def _parse_lines(text: str, parse: Callable[[str], _Key], what: str) -> tuple[_Key, ...]:
    keys = []
    for number, line in enumerate(_text(text, f"{what} file").split("\n"), start=1):
        entry = line.removesuffix("\r")
        if not entry.strip() or entry.startswith("#"):
            continue
        try:
            keys.append(parse(entry))
        except InvalidKeyError as exc:
            raise InvalidKeyError(f"{what} file, line {number}: {exc}") from exc
    if not keys:
        raise InvalidKeyError(f"the {what} file holds no {what}")
    return tuple(keys)


def generate_identity(*, post_quantum: bool = True) -> Identity:
    """Make a new identity.

    Parameters
    ----------
    post_quantum : bool
        Whether it withstands quantum computers too; readers older than age 1.3 then cannot take part.
    """
    return HybridIdentity.generate() if post_quantum else X25519Identity.generate()


def _text(text: str, what: str) -> str:
    if not isinstance(text, str):
        raise InvalidKeyError(f"the {what} must be a str, not {type(text).__name__}")
    return text
