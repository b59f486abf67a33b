"""Base64 with one text for each value: canonical, padded or not (RFC 4648, sections 3.5 and 4)."""

from __future__ import annotations

import binascii

__all__ = ["decode", "decode_padded", "encode"]


def encode(data: bytes) -> bytes:
    """Encode without padding, on one line."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def decode(text: bytes) -> bytes | None:
    """Decode unpadded base64; `None` when it is not canonical."""
    if text.endswith(b"="):
        return None
    return decode_padded(text + b"=" * (-len(text) % 4))


def decode_padded(text: bytes) -> bytes | None:
    """Decode padded base64; `None` when it is not canonical."""
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        return None
    # The decoder skips foreign characters and ignores spare bits: only a canonical text comes back equal.
    return data if binascii.b2a_base64(data, newline=False) == text else None
