"""The category of the warnings about plugins."""

from __future__ import annotations

__all__ = ["PluginWarning"]


class PluginWarning(UserWarning):
    """A plugin is installed and allowed, but cannot be used; work goes on without it."""
