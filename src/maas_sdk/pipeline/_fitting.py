"""Fits the steps of a chain one after the other, and tells observers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.pipeline import Pipeline as Chain
from sklearn.utils.validation import _num_samples, has_fit_parameter

from maas_sdk.errors import InvalidOptionError
from maas_sdk.plugin import StepEvent, component_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.compression import Budget
    from maas_sdk.pipeline._components import Step
    from maas_sdk.plugin import ComponentInfo, PluginRegistry

__all__ = ["DEFAULT_COMPRESSORS", "default_budget", "describe", "fit_steps", "run"]

DEFAULT_COMPRESSORS: tuple[Any, ...] = (
    "float16",
    ("pca", {"n_components": 0.95}),
    [("pca", {"n_components": 0.95}), "float16"],
    [("pca", {"n_components": 0.9}), "float16"],
)


def default_budget(pipeline: Any) -> Budget:
    """Give the budget that lets nothing be lost."""
    from maas_sdk.compression import Budget  # noqa: PLC0415 - a receiver needs no compression room

    return Budget(metric="r2" if is_regressor(pipeline) else "accuracy", max_drop=0.0)


def describe(X: Any, y: Any) -> dict[str, Any]:
    """Tell what a model was fitted on: rows, dtype of the input, number of outputs."""
    if hasattr(X, "dtypes"):
        kinds = {str(kind) for kind in X.dtypes}
        dtype = kinds.pop() if len(kinds) == 1 else "mixed"
    else:
        dtype = str(X.dtype if hasattr(X, "dtype") else np.asarray(X).dtype)
    targets = y if y is None or hasattr(y, "shape") else np.asarray(y)
    columns = () if targets is None else targets.shape[1:]
    return {"n_samples": _num_samples(X), "dtype": dtype, "n_outputs": columns[0] if columns else 1}


def fit_steps(
    steps: Sequence[Step], X: Any, y: Any, *, sample_weight: Any, registry: PluginRegistry
) -> Chain:
    """Fit `steps` in order and give the fitted chain."""
    *preprocessors, last = steps
    data = X
    for step in preprocessors:
        with registry.step("preprocess", component=step.reference), component_errors(step.component):
            data = _fit_transform(step.estimator, data, y, sample_weight)
    model = last.estimator
    if sample_weight is not None and not has_fit_parameter(model, "sample_weight"):
        raise InvalidOptionError(f"model {last.reference!r} takes no sample_weight")
    options = {} if sample_weight is None else {"sample_weight": sample_weight}
    with (
        registry.step("fit", component=last.reference),
        _Reporting(model, last.reference, registry),
        component_errors(last.component),
    ):
        model.fit(data, y, **options)
    return Chain([(step.name, step.estimator) for step in steps])


def run(chain: Chain, method: str, X: Any, components: Mapping[str, ComponentInfo | None]) -> Any:
    """Transform by all steps but the last, then call `method` of the last; what raises is named."""
    data = X
    for name, transformer in chain.steps[:-1]:
        with component_errors(components.get(name)):
            data = transformer.transform(data)
    name, model = chain.steps[-1]
    with component_errors(components.get(name)):
        return getattr(model, method)(data)


def _fit_transform(transformer: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    if sample_weight is not None and has_fit_parameter(transformer, "sample_weight"):
        return transformer.fit(X, y, sample_weight=sample_weight).transform(X)
    if hasattr(transformer, "fit_transform"):
        return transformer.fit_transform(X, y)
    return transformer.fit(X, y).transform(X)


class _Reporting:
    """While it is entered, a model's own reports of its epochs reach the observers."""

    def __init__(self, model: Any, reference: str, registry: PluginRegistry) -> None:
        self._model = model
        self._reference = reference
        self._registry = registry
        self._takes_callback = "callback" in model.get_params(deep=False)
        self._given = model.get_params(deep=False).get("callback")

    def __enter__(self) -> None:
        if self._takes_callback:
            self._model.set_params(callback=self._report)

    def __exit__(self, *_exc: object) -> None:
        if self._takes_callback:
            self._model.set_params(callback=self._given)

    def _report(self, progress: Mapping[str, Any]) -> None:
        if self._given is not None:
            self._given(progress)
        metrics = {k: float(v) for k, v in progress.items() if k not in ("epoch", "n_epochs")}
        self._registry.notify(
            StepEvent(
                "epoch",
                component=self._reference,
                index=int(progress["epoch"]) - 1,
                total=int(progress["n_epochs"]),
                metrics=metrics,
            )
        )
