"""What a part may be called and what kind of content it is; it reads no part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from maas_sdk.errors import InvalidOptionError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maas_sdk.limits import Limits

__all__ = [
    "MEDIA_TYPES",
    "SELF_TEST_PART",
    "WEIGHTS",
    "PartInfo",
    "check_part_limits",
    "check_part_paths",
    "media_type_of",
]

WEIGHTS: Final = "application/vnd.cncf.model.weight.v1.raw"
"""ModelPack's type of a layer with weights."""

_CONFIG: Final = "application/vnd.cncf.model.weight.config.v1.raw"
_DOCUMENT: Final = "application/vnd.cncf.model.doc.v1.raw"

MEDIA_TYPES: Final = (_CONFIG, _DOCUMENT, WEIGHTS)
"""ModelPack's types of raw layers that a part can have."""

SELF_TEST_PART: Final = "selftest.safetensors"
"""The part with the sender's own predictions."""

_DOCUMENT_SUFFIXES: Final = (".css", ".html", ".md", ".pdf", ".png", ".svg", ".txt")
_MAX_PATH: Final = 200
# No leading dot (hidden files, "..") and no trailing one (Windows drops it, so that two names become one).
_PATH: Final = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._+-]*[A-Za-z0-9_+-])?(?:/(?!\Z)|\Z))+", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Windows opens a device by these names, whatever the suffix.
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.ASCII | re.IGNORECASE)


def _check_path(_instance: object, _attribute: object, path: str) -> None:
    if len(path) > _MAX_PATH or not _PATH.fullmatch(path) or any(map(_DEVICES.fullmatch, path.split("/"))):
        raise InvalidOptionError(
            f"{path!r} is not the path of a part; it is relative, of letters, digits and '._+-' between "
            f"slashes, {_MAX_PATH} characters at most, and no segment begins or ends with a dot or is a "
            "device's name"
        )


def _check_media_type(_instance: object, _attribute: object, media_type: str) -> None:
    if media_type not in MEDIA_TYPES:
        raise InvalidOptionError(
            f"{media_type!r} is not the media type of a part; known are {', '.join(MEDIA_TYPES)}"
        )


def _check_size(_instance: object, _attribute: object, size: int) -> None:
    if size < 0:
        raise InvalidOptionError(f"a part has the size {size}")


def _check_sha256(_instance: object, _attribute: object, digits: str) -> None:
    if not _SHA256.fullmatch(digits):
        raise InvalidOptionError(f"sha256 must be 64 lower-case hexadecimal digits, not {digits!r}")


@frozen
class PartInfo:
    """One file of a release, as its publisher signed it.

    Attributes
    ----------
    path : str
        Relative, with ``/`` between segments.
    media_type : str
        One of ModelPack's types of raw layers.
    size : int
        Bytes of the plaintext.
    sha256 : str
        Of the plaintext: 64 lower-case hexadecimal digits.
    """

    path: str = field(validator=_check_path)
    media_type: str = field(validator=_check_media_type)
    size: int = field(validator=_check_size)
    sha256: str = field(validator=_check_sha256)

    @property
    def digest(self) -> str:
        """The digest of the plaintext in OCI's notation, ``sha256:…``."""
        return f"sha256:{self.sha256}"


def media_type_of(path: str) -> str:
    """Choose the media type by the path: documents by suffix, tensors are weights, the rest configures."""
    if path.lower().endswith(_DOCUMENT_SUFFIXES):
        return _DOCUMENT
    if path.endswith((".safetensors", ".safetensors.zst")) and path != SELF_TEST_PART:
        return WEIGHTS
    return _CONFIG


def check_part_paths(_instance: object, _attribute: Any, parts: Sequence[PartInfo]) -> None:
    """Check the paths of a release's parts together (an attrs validator).

    Raises
    ------
    InvalidOptionError
        When there is no part, two paths are the same but for the case of letters, one path is a folder of
        another, or the parts are not sorted by path.
    """
    if not parts:
        raise InvalidOptionError("a release needs one part at least")
    paths = [part.path for part in parts]
    if paths != sorted(paths):
        raise InvalidOptionError("the parts are not sorted by path")
    folded: dict[str, str] = {}
    for path in paths:
        other = folded.get(path.casefold())
        if other is not None:
            raise InvalidOptionError(f"the parts {other!r} and {path!r} would be one file on some systems")
        folded[path.casefold()] = path
    for path, original in folded.items():
        segments = path.split("/")
        for length in range(1, len(segments)):
            folder = "/".join(segments[:length])
            if folder in folded:
                raise InvalidOptionError(f"{folded[folder]!r} is both a part and a folder of {original!r}")


def check_part_limits(sizes: Iterable[int], limits: Limits, *, what: str) -> None:
    """Check number, sizes and total size of parts or layers.

    Raises
    ------
    LimitExceededError
        The message names the field of `Limits`.
    """
    known = list(sizes)
    for value, bound, field_name in (
        (len(known), limits.max_parts, "max_parts"),
        (max(known, default=0), limits.max_part_bytes, "max_part_bytes"),
        (sum(known), limits.max_release_bytes, "max_release_bytes"),
    ):
        if value > bound:
            raise LimitExceededError(f"{what}: {value} is more than Limits.{field_name} ({bound}) allows")
