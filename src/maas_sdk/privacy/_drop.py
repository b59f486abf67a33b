"""Drops what of a fitted model no prediction uses, by writing and reading it in the inference profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maas_sdk.privacy._rows import TrainingRows
from maas_sdk.privacy._steps import Steps, paths_of
from maas_sdk.privacy._walk import attributes_of, walk
from maas_sdk.serialization import dump_parts, load_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.interfaces import EstimatorSerializer

__all__ = ["drop_state"]


def drop_state(
    steps: Steps, *, serializers: Sequence[EstimatorSerializer] = (), allow: Sequence[Any] = ()
) -> tuple[Steps, list[str]]:
    """Give the steps without what no prediction uses, and the places of what was dropped.

    Trees keep how many rows their leaves have: a scan must be able to tell.

    Raises
    ------
    UnsupportedModelError
        When something in the chain has no safe serialization.
    """
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - heavy

    parts = dump_parts(Pipeline(steps), profile="inference", serializers=serializers, allow=allow)
    lean: Steps = load_parts(parts, serializers=serializers, allow=allow).steps
    dropped = []
    for path, (_, before), (_, after) in zip(paths_of(steps), steps, lean, strict=True):
        known = {node.path: node.value for node in walk(after, TrainingRows(), path)}
        for node in walk(before, TrainingRows(), path):
            other = known.get(node.path)
            if other is None:
                dropped.append(node.path)
                continue
            _keep_trees(node.value, other)
            missing = attributes_of(node.value).keys() - attributes_of(other).keys()
            dropped += [f"{node.path}.{attribute}" for attribute in sorted(missing)]
    return lean, [
        each for each in dict.fromkeys(dropped) if not any(each.startswith(f"{more}.") for more in dropped)
    ]


def _keep_trees(before: Any, after: Any) -> None:
    for name in ("tree_", "_predictors"):
        kept = getattr(before, name, None)
        if hasattr(kept, "children_left") or (name == "_predictors" and kept is not None):
            setattr(after, name, kept)
