"""A room's names that load their modules when they are first asked for (PEP 562); it knows no room."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["lazy_names"]


def lazy_names(room: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Give a room its module-level ``__getattr__``.

    Whoever verifies a bundle loads what verifies, and neither what makes keys nor what draws certificates.

    Parameters
    ----------
    room : str
        The package, its ``__name__``.
    places : mapping of str to str
        By public name, the module of the room that has it.
    """

    def load(name: str) -> Any:
        place = places.get(name)
        if place is None:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{room}.{place}"), name)
        setattr(sys.modules[room], name, value)  # asked for once
        return value

    return load
