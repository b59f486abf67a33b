"""The contract of a sealer: encryption of a stream for recipients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sealer"]


@runtime_checkable
class Sealer(Protocol):
    """Encrypts for recipients, decrypts with identities; authenticated, so that an altered byte is an error.

    Attributes
    ----------
    suffix : str
        What is added to the name of a sealed file, with its dot: ``".age"``.
    """

    suffix: str

    def encrypt(self, source: BinaryIO, sink: BinaryIO, recipients: Sequence[Any]) -> None:
        """Encrypt all of `source` into `sink` for each of `recipients`, with fresh randomness each time."""
        ...

    def decrypt(self, source: BinaryIO, sink: BinaryIO, identities: Sequence[Any]) -> None:
        """Decrypt all of `source` into `sink`; nothing unauthenticated is ever written to `sink`."""
        ...
