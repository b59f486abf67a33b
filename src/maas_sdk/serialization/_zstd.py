"""Zstandard around a tensor file, bounded on reading: one frame that says its size (RFC 8878)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from maas_sdk.errors import InvalidArtifactError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.limits import Limits

if sys.version_info >= (3, 14):  # pragma: no cover - on the versions before
    from compression import zstd
else:
    from backports import zstd

__all__ = ["compress", "decompress"]

_LEVEL = 3
_RATIO, _FLOOR = 64, 1024 * 1024
_MAX_WINDOW_LOG = 27  # 128 MiB, what any decoder must allow for by default


def compress(pieces: Sequence[Any]) -> bytes | None:
    """Give one frame; None where it is not smaller, or so much smaller that a reader would refuse it."""
    size = sum(map(len, pieces))
    coder = zstd.ZstdCompressor(
        options={
            zstd.CompressionParameter.compression_level: _LEVEL,
            zstd.CompressionParameter.checksum_flag: 1,
        }
    )
    coder.set_pledged_input_size(size)
    frame = b"".join([*(coder.compress(piece) for piece in pieces), coder.flush()])
    return frame if len(frame) < size <= _FLOOR + _RATIO * len(frame) else None


def decompress(frame: memoryview, *, what: str, limits: Limits) -> memoryview:
    """Give the content of one frame, read-only, whatever the frame is.

    Raises
    ------
    LimitExceededError
        If it says that it is larger than `Limits.max_part_bytes`, or than 64 times itself and a mebibyte.
    InvalidArtifactError
        If it is not one whole frame, or another size than it says.
    """
    try:
        size = zstd.get_frame_info(frame[:18]).decompressed_size
    except zstd.ZstdError as exc:
        raise InvalidArtifactError(f"{what} is not a Zstandard frame: {exc}") from exc
    if size is None:
        raise InvalidArtifactError(f"{what}: its frame does not say how large its content is")
    if size > min(limits.max_part_bytes, _FLOOR + _RATIO * len(frame)):
        raise LimitExceededError(
            f"{what}: {size} bytes in a frame of {len(frame)}; Limits.max_part_bytes allows "
            f"{limits.max_part_bytes}, and {_RATIO} times the frame and a mebibyte is the most"
        )
    decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG})
    try:
        content = decoder.decompress(frame, max_length=size)
        rest = b"" if decoder.eof else decoder.decompress(b"", max_length=1)
    except (zstd.ZstdError, EOFError) as exc:
        raise InvalidArtifactError(f"{what} is not a whole Zstandard frame: {exc}") from exc
    if not decoder.eof or rest or decoder.unused_data or len(content) != size:
        raise InvalidArtifactError(f"{what} is not exactly one whole Zstandard frame")
    return memoryview(content).toreadonly()
