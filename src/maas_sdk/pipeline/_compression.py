"""Compresses a fitted pipeline: components by name, stores by location, sizes as `publish` stores it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sklearn.base import is_regressor

from maas_sdk import compression
from maas_sdk.errors import InvalidOptionError
from maas_sdk.pipeline import _exchange, _recipe
from maas_sdk.pipeline._checkpoints import opened_checkpoints
from maas_sdk.pipeline._components import compressor_specs, make_compressors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maas_sdk.artifact import ComponentRecord
    from maas_sdk.plugin import PluginRegistry

__all__ = ["DEFAULT_STAGES", "compress"]

DEFAULT_STAGES: Final[Mapping[str, Sequence[Any]]] = {
    "inputs": ["feature_selection", "pca"],
    "structure": [
        ("forest_trim", {"n_trees": 0.5}),
        ("forest_trim", {"n_trees": 0.25}),
        "knn_condense",
        "low_rank",
        "prune",
        "distill",
    ],
    "state": ["forest_compact", "drop_training_state"],
    "weights": ["forest_quantize", "float16", "int8", "int4"],
}
"""What is searched when no compressors are named: of each stage at most one, in this order."""


def compress(
    pipeline: Any,
    X_valid: Any,
    y_valid: Any,
    *,
    budget: compression.Budget | None,
    compressors: Sequence[Any] | Mapping[str, Sequence[Any]] | None,
    form: Mapping[str, Any],
    store: Any,
    registry: PluginRegistry,
    **options: Any,
) -> tuple[compression.CompressionReport, tuple[ComponentRecord, ...]]:
    """Search, and record the compressors that were taken; errors as documented at `Pipeline.compress`."""
    specs = DEFAULT_STAGES if compressors is None else compressors
    known: dict[int, Any] = {}
    candidates: Any
    if isinstance(specs, Mapping):
        candidates = {stage: _candidates(offers, registry, known) for stage, offers in specs.items()}
    else:
        candidates = _candidates(specs, registry, known)
    if budget is None:
        budget = compression.Budget(metric="r2" if is_regressor(pipeline) else "accuracy")
    serializers = _exchange.known_serializers(registry)
    report = compression.compress(
        pipeline.chain_,
        X_valid,
        y_valid,
        budget=budget,
        candidates=candidates,
        measure_size=compression.StoredForm(serializers=serializers.values(), **form),
        store=opened_checkpoints(store, registry),
        **options,
    )
    # A baseline was not written by the caller, and is told as the object that it is.
    taken = [known.get(id(each), each) for each in report.compressors]
    return report, _recipe.compressed_with(taken, registry)


def _candidates(specs: Any, registry: PluginRegistry, known: dict[int, Any]) -> list[compression.Candidate]:
    """Make candidates, and remember what each compressor was made of."""
    if isinstance(specs, str) or not isinstance(specs, list | tuple):
        raise InvalidOptionError(
            f"compressors must be a list, or a dict of lists that are combined, not {specs!r}"
        )
    found = []
    for spec in specs:
        name, made = make_compressors(spec, registry)
        known.update((id(each), item) for each, item in zip(made, compressor_specs(spec), strict=True))
        found.append(compression.Candidate(name, made))
    return found
