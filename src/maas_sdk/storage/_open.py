"""A location, as people write it, to the backend that it means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from maas_sdk.errors import InvalidReferenceError
from maas_sdk.storage._local import LocalBackend
from maas_sdk.storage._memory import MemoryBackend

if TYPE_CHECKING:
    from maas_sdk.interfaces import StorageBackend

__all__ = ["open_backend"]

# At least two characters, so that the drive in C:\models is none.
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def open_backend(location: str | Path, *, create: bool = True) -> StorageBackend:
    """Open the built-in backend of a location.

    Parameters
    ----------
    location : str or Path
        A folder (``"models/"``), a ``file:`` URL (RFC 8089; also relative, ``"file:models"``), or
        ``"memory:"``, which gives a new, empty and private backend each time.
    create : bool
        Whether a missing folder is made.

    Raises
    ------
    InvalidReferenceError
        When the location is malformed or needs a plugin.
    NotFoundError
        When the folder is missing and may not be made.
    """
    if isinstance(location, Path):
        return LocalBackend(location, create=create)
    if not location or "\0" in location:
        raise InvalidReferenceError(f"{location!r} is no location; write a folder, or a URL such as memory:")
    match = _SCHEME.match(location)
    scheme = match[1].lower() if match else ""
    if not scheme:
        return LocalBackend(location, create=create)
    if scheme == "file":
        return LocalBackend(_path_of(location), create=create)
    if location == "memory:":
        return MemoryBackend()
    raise InvalidReferenceError(
        f"no built-in storage backend opens {location!r}: without plugins there are folders, file: and "
        f"memory:. A plugin may give the scheme {scheme!r}: allow it and use maas_sdk.open_store. "
        f"For a folder of that name write './{location}'"
    )


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not path or "\0" in path:
        raise InvalidReferenceError(
            f"{url!r} names no local folder; write file:///absolute/path or file:relative, without ? and #"
        )
    return path
