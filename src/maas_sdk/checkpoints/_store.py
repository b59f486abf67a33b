"""Checkpoints by key at a location; each is a small world of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk.checkpoints._checkpoint import StoredCheckpoint
from maas_sdk.limits import DEFAULT_LIMITS, Limits
from maas_sdk.stores import open_location

if TYPE_CHECKING:
    import os

    from maas_sdk.interfaces import StorageBackend
    from maas_sdk.plugin import PluginRegistry

__all__ = ["Checkpoints", "open_checkpoints"]


class Checkpoints:
    """A `maas_sdk.interfaces.CheckpointStore` in a storage backend, below the folder ``checkpoints/``.

    The backend may be that of a store of releases: neither touches what the other keeps.

    Parameters
    ----------
    backend : StorageBackend
    limits : Limits
        `max_json_bytes`, `max_json_depth`, `max_json_values` and `max_array_bytes` bound what is read from a
        checkpoint, beside the size of its file.
    """

    def __init__(self, backend: StorageBackend, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._backend, self._limits = backend, limits

    def __repr__(self) -> str:
        return f"Checkpoints({self._backend!r})"

    def at(self, key: str) -> StoredCheckpoint:
        """Give the checkpoint of a key, any text; it need not exist yet."""
        return StoredCheckpoint(self._backend, key, limits=self._limits)


def open_checkpoints(
    location: str | os.PathLike[str],
    *,
    registry: PluginRegistry | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Checkpoints:
    """Open a place for checkpoints.

    Parameters
    ----------
    location : str or path-like
        As for `maas_sdk.open_store`: a folder, which is made if need be, ``"memory:"``, or
        ``"plugin.component:…"``.
    registry : PluginRegistry, optional
        Where a plugin's backend is looked up; a new one by default.
    limits : Limits
        Bounds on what is read.

    Raises
    ------
    StorageError
        When the location cannot be opened.
    UnknownComponentError
        When no plugin has that backend.

    Examples
    --------
    >>> checkpoint = open_checkpoints("memory:").at("digits, third attempt")
    >>> checkpoint.save({"epoch": 3})
    >>> checkpoint.load()
    {'epoch': 3}
    """
    return Checkpoints(open_location(location, registry=registry), limits=limits)
