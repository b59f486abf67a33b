"""Hand a model to somebody else safely: encrypted, signed, versioned, offline.

The names below are the public face; they are loaded on first use (PEP 562), so that ``import maas_sdk`` costs
nothing: it loads no numpy, no scikit-learn, no cryptography and no plugin.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from maas_sdk._internal.version import __version__
from maas_sdk.errors import MaasError

if TYPE_CHECKING:
    from maas_sdk.artifact import Receipt, Release, Store, verify
    from maas_sdk.checkpoints import open_checkpoints
    from maas_sdk.compression import Budget
    from maas_sdk.identity import Contact, Identity
    from maas_sdk.learning import Evaluation, Halving, SearchSpace, Selection
    from maas_sdk.limits import Limits
    from maas_sdk.pipeline import Pipeline, select
    from maas_sdk.plugin import PluginRegistry
    from maas_sdk.privacy import Mask, desensitize, disclosure_scan, membership_audit
    from maas_sdk.stores import open_store
    from maas_sdk.trust import AuditLog, Policy, Trust, Verdict

__all__ = [
    "AuditLog",
    "Budget",
    "Contact",
    "Evaluation",
    "Halving",
    "Identity",
    "Limits",
    "MaasError",
    "Mask",
    "Pipeline",
    "PluginRegistry",
    "Policy",
    "Receipt",
    "Release",
    "SearchSpace",
    "Selection",
    "Store",
    "Trust",
    "Verdict",
    "__version__",
    "desensitize",
    "disclosure_scan",
    "membership_audit",
    "open_checkpoints",
    "open_store",
    "select",
    "verify",
]

_ROOM_OF = {
    "AuditLog": "trust",
    "Budget": "compression",
    "Contact": "identity",
    "Evaluation": "learning",
    "Halving": "learning",
    "Identity": "identity",
    "Limits": "limits",
    "Mask": "privacy",
    "Pipeline": "pipeline",
    "PluginRegistry": "plugin",
    "Policy": "trust",
    "Receipt": "artifact",
    "Release": "artifact",
    "SearchSpace": "learning",
    "Selection": "learning",
    "Store": "artifact",
    "Trust": "trust",
    "Verdict": "trust",
    "desensitize": "privacy",
    "disclosure_scan": "privacy",
    "membership_audit": "privacy",
    "open_checkpoints": "checkpoints",
    "open_store": "stores",
    "select": "pipeline",
    "verify": "artifact",
}


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{room}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
