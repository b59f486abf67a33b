"""The contracts of recipients and identities, whatever their kind."""

from __future__ import annotations

import abc
import hashlib
from typing import TYPE_CHECKING, ClassVar

from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.limits import Limits
    from maas_sdk.sealing._header import Stanza

__all__ = ["Identity", "Recipient"]


class Recipient(abc.ABC):
    """A public key that files are sealed for; ``str()`` gives its text, ``age1…``."""

    __slots__ = ()

    type: ClassVar[str]
    """The type of its stanzas: ``"X25519"``."""

    post_quantum: ClassVar[bool]
    """Whether it also withstands quantum computers."""

    @abc.abstractmethod
    def __str__(self) -> str:
        """Give the text, which `parse_recipient` reads."""

    @abc.abstractmethod
    def public_bytes(self) -> bytes:
        """Give the raw public key."""

    @abc.abstractmethod
    def wrap(self, file_key: bytes) -> Stanza:
        """Encrypt the file key for this recipient, with fresh randomness."""

    @property
    def fingerprint(self) -> str:
        """``"sha256:"`` and the SHA-256, in hexadecimal, of the type, a zero byte and the raw public key."""
        digest = hashlib.sha256(self.type.encode("ascii") + b"\0" + self.public_bytes())
        return f"sha256:{digest.hexdigest()}"


class Identity(abc.ABC):
    """A private key that opens what was sealed for its recipient; ``repr()`` does not show it."""

    __slots__ = ()

    @property
    @abc.abstractmethod
    def recipient(self) -> Recipient:
        """The public half."""

    @abc.abstractmethod
    def to_text(self) -> str:
        """Give the secret text, ``AGE-SECRET-KEY-…``, which `parse_identity` reads."""

    @abc.abstractmethod
    def unwrap(self, stanzas: Sequence[Stanza], *, limits: Limits = DEFAULT_LIMITS) -> bytes | None:
        """Decrypt the file key.

        Parameters
        ----------
        stanzas : sequence of Stanza
            All stanzas of the header; those of other types are none of its business.
        limits : Limits
            Bounds on what the file may ask for.

        Returns
        -------
        bytes or None
            The file key, 16 bytes; `None` when no stanza is for this identity.

        Raises
        ------
        HeaderError
            When a stanza of its type breaks the format.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.recipient.fingerprint}>"
