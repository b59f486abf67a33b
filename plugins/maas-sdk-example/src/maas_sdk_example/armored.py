"""Seals as text: age files in ASCII armor, for mails and text fields."""

from __future__ import annotations

import io
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO

from maas_sdk import sealing

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ArmoredSealer"]


class ArmoredSealer:
    """The SDK's own age encryption, written as text; a third larger."""

    suffix = ".asc"

    def encrypt(self, source: BinaryIO, sink: BinaryIO, recipients: Sequence[Any]) -> None:
        """Encrypt all of `source` into `sink` for each of `recipients`."""
        with tempfile.TemporaryFile() as text:
            sealing.encrypt(source, text, recipients, armor=True)
            # The newline at the end is the one byte of armor that says nothing; without it every byte counts.
            text.seek(-1, io.SEEK_END)
            text.truncate()
            text.seek(0)
            shutil.copyfileobj(text, sink)

    def decrypt(self, source: BinaryIO, sink: BinaryIO, identities: Sequence[Any]) -> None:
        """Decrypt all of `source` into `sink`; nothing unauthenticated is written."""
        sealing.decrypt(source, sink, identities)
