"""Opens a store by its path or URL; the one place where storage meets the plugins that add schemes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from maas_sdk.artifact import Store
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.storage import open_backend

if TYPE_CHECKING:
    from maas_sdk.interfaces import StorageBackend
    from maas_sdk.plugin import PluginRegistry

__all__ = ["open_location", "open_store"]

# A vendor's scheme is a component reference, "acme.s3:bucket/path"; a drive letter or a plain path is not.
_VENDOR_SCHEME = re.compile(r"([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*):(.*)", re.DOTALL)


def open_store(
    location: str | os.PathLike[str],
    *,
    create: bool = True,
    registry: PluginRegistry | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Store:
    """Open a store of releases.

    Parameters
    ----------
    location : str or path-like
        A folder (``"models/"``, ``"file:models"``), ``"memory:"`` for a new store that lives as long as the
        object, or ``"plugin.component:…"`` where a plugin adds a backend; what follows the colon is given to
        the component as its option `location`.
    create : bool
        Whether a folder that does not exist is made; otherwise that is `NotFoundError`.
    registry : PluginRegistry, optional
        Where a plugin's backend is looked up; a new one by default.
    limits : Limits
        Bounds on what is read from the store and from bundles.

    Raises
    ------
    StorageError
        When the store cannot be opened.
    UnknownComponentError
        When no plugin has that backend.

    Examples
    --------
    >>> import maas_sdk as maas
    >>> maas.open_store("memory:").names()
    []
    """
    return Store(open_location(location, create=create, registry=registry), limits=limits)


def open_location(
    location: str | os.PathLike[str], *, create: bool = True, registry: PluginRegistry | None = None
) -> StorageBackend:
    """Open the storage backend of a location, a plugin's or a built-in one; see `open_store`."""
    vendor = _VENDOR_SCHEME.fullmatch(location) if isinstance(location, str) else None
    if vendor is None:
        return open_backend(os.fspath(location), create=create)
    from maas_sdk.plugin import PluginRegistry  # noqa: PLC0415 - built-in stores need no plugin host

    host = registry if registry is not None else PluginRegistry()
    backend: StorageBackend = host.create("storage_backend", vendor[1], {"location": vendor[2]})
    return backend
