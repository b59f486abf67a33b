"""Content-addressed blobs and append-only references over backends of five calls; it knows no models."""

from maas_sdk.storage._blobs import BlobStore, Descriptor
from maas_sdk.storage._keys import check_key
from maas_sdk.storage._leases import Lease, Leases
from maas_sdk.storage._local import LocalBackend
from maas_sdk.storage._memory import MemoryBackend
from maas_sdk.storage._open import open_backend
from maas_sdk.storage._references import References
from maas_sdk.storage._stage import (
    DatedBackend,
    Leftover,
    Partial,
    ResumingBackend,
    Stage,
    StagingBackend,
    TidyBackend,
)
from maas_sdk.storage._writer import BlobWriter

__all__ = [
    "BlobStore",
    "BlobWriter",
    "DatedBackend",
    "Descriptor",
    "Lease",
    "Leases",
    "Leftover",
    "LocalBackend",
    "MemoryBackend",
    "Partial",
    "References",
    "ResumingBackend",
    "Stage",
    "StagingBackend",
    "TidyBackend",
    "check_key",
    "open_backend",
]
