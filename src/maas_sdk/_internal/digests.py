"""SHA-256 digests in OCI's notation, ``sha256:`` and 64 lower-case hexadecimal digits."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]

__all__ = ["hex_of", "is_digest", "sha256"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def sha256(data: Buffer) -> str:
    """Digest bytes: ``"sha256:…"``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_digest(text: object) -> bool:
    """Whether `text` is a well-formed SHA-256 digest."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def hex_of(digest: str) -> str:
    """Give the 64 hexadecimal digits of a well-formed digest."""
    return digest.removeprefix("sha256:")
