"""Checkpoints of long work in any storage backend: whole, checked by digest, and read without pickle."""

from maas_sdk.checkpoints._checkpoint import StoredCheckpoint
from maas_sdk.checkpoints._store import Checkpoints, open_checkpoints

__all__ = ["Checkpoints", "StoredCheckpoint", "open_checkpoints"]
