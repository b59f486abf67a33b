"""Content-addressed blobs and append-only references over backends of five calls; it knows no models."""

from maas_sdk.storage._blobs import BlobStore, BlobWriter, Descriptor
from maas_sdk.storage._keys import check_key
from maas_sdk.storage._local import LocalBackend
from maas_sdk.storage._memory import MemoryBackend
from maas_sdk.storage._open import open_backend
from maas_sdk.storage._references import References
from maas_sdk.storage._stage import Stage, StagingBackend

__all__ = [
    "BlobStore",
    "BlobWriter",
    "Descriptor",
    "LocalBackend",
    "MemoryBackend",
    "References",
    "Stage",
    "StagingBackend",
    "check_key",
    "open_backend",
]
