"""Which types of estimators a model is made of, told without making one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maas_sdk._internal import strict_json
from maas_sdk.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from maas_sdk.limits import Limits

__all__ = ["estimator_types"]


def estimator_types(document: bytes, *, limits: Limits = DEFAULT_LIMITS) -> frozenset[str]:
    """Give the types that a ``model.json`` names: ``"sklearn.LogisticRegression"``, ``"maas.Pipeline"``.

    Nothing that it names is looked up. Of a malformed document the answer may hold more than `load_parts`
    would look at, and never less.

    Parameters
    ----------
    document : bytes
        The part ``model.json``.
    limits : Limits
        The bounds on JSON hold.

    Raises
    ------
    InvalidArtifactError
        When it is not strict JSON; `LimitExceededError` when it exceeds a limit.
    """
    found: set[str] = set()
    stack = [strict_json.loads(document, what="the model", limits=limits)]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(item.get("type"), str):
                found.add(item["type"])
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return frozenset(found)
