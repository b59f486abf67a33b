"""Base64 with one text for one value: padded and canonical, in the standard or the URL-safe alphabet."""

from __future__ import annotations

import base64
import binascii
from typing import Final

__all__ = ["decode_base64", "encode_base64"]

_FROM_URL_SAFE: Final = str.maketrans("-_", "+/")


def encode_base64(data: bytes) -> str:
    """Encode in the standard alphabet."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decode; a `ValueError` says what is wrong."""
    standard = text
    if "-" in text or "_" in text:
        if "+" in text or "/" in text:
            raise ValueError("base64 mixes the standard and the URL-safe alphabet")
        standard = text.translate(_FROM_URL_SAFE)
    try:
        data = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ValueError("malformed base64") from exc
    if encode_base64(data) != standard:
        raise ValueError("base64 is not canonical")
    return data
