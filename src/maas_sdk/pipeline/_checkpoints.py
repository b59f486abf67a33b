"""Checkpoints as an application names them: by location, or as an object."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from maas_sdk.checkpoints import open_checkpoints
from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from maas_sdk.interfaces import CheckpointStore
    from maas_sdk.plugin import PluginRegistry

__all__ = ["opened_checkpoints"]


def opened_checkpoints(store: Any, registry: PluginRegistry | None) -> CheckpointStore | None:
    """Open a location; give back checkpoints that are open, and None.

    Raises
    ------
    InvalidOptionError
        For anything else.
    """
    if isinstance(store, str | os.PathLike):
        return open_checkpoints(store, registry=registry)
    if store is None or hasattr(store, "at"):
        return store  # type: ignore[no-any-return]  # looked at in the line above
    raise InvalidOptionError(
        f"store must be a location, checkpoints that were opened, or None, not {type(store).__name__}"
    )
