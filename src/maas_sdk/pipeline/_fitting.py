"""Fits the steps of a chain one after the other, and tells observers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline as Chain
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples, has_fit_parameter

from maas_sdk.errors import InvalidOptionError
from maas_sdk.plugin import StepEvent, component_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maas_sdk.interfaces import Checkpoint
    from maas_sdk.learning import Batches
    from maas_sdk.pipeline._components import Step
    from maas_sdk.plugin import ComponentInfo, PluginRegistry

__all__ = ["describe", "describe_batches", "fit_steps", "run"]


def describe_batches(data: Batches) -> dict[str, Any]:
    """Tell what a model was fitted on; `data` were read to their end."""
    X, y, _ = data.first()
    return {**describe(X, y), "n_samples": data.n_samples}


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
    steps: Sequence[Step],
    X: Any,
    y: Any,
    *,
    sample_weight: Any,
    checkpoint: Checkpoint | None,
    in_batches: bool,
    registry: PluginRegistry,
) -> Chain:
    """Fit `steps` in order and give the fitted chain; with `in_batches`, `X` is a `Batches` with targets."""
    *preprocessors, last = steps
    data = X
    for step in preprocessors:
        with registry.step("preprocess", component=step.reference), component_errors(step.component):
            if in_batches:
                data = fit_on_batches(step, data)
            else:
                data = _fit_transform(step.estimator, data, y, sample_weight)
    model = last.estimator
    options = {"sample_weight": sample_weight, "checkpoint": checkpoint}
    options = {name: value for name, value in options.items() if value is not None}
    for name in options:
        if not has_fit_parameter(model, name):
            raise InvalidOptionError(f"model {last.reference!r} takes no {name}")
    if in_batches and not getattr(model, "takes_batches", False):
        raise InvalidOptionError(
            f"model {last.reference!r} reads no batches: give it arrays in memory, or take a model that has "
            "takes_batches = True, such as those of maas_sdk.learning"
        )
    with (
        registry.step("fit", component=last.reference),
        _Reporting(model, last.reference, registry),
        component_errors(last.component),
    ):
        model.fit(data, y, **options)
    return Chain([(step.name, step.estimator) for step in steps])


def fit_on_batches(step: Step, data: Batches) -> Batches:
    """Fit a preprocessor batch by batch, and give the data as they come out of it.

    Raises
    ------
    InvalidOptionError
        When it can be fitted on all rows at once only.
    """
    transformer = step.estimator
    if hasattr(transformer, "partial_fit"):
        for X, y, weight in data:
            options = {} if weight is None else {"sample_weight": weight}
            if not has_fit_parameter(transformer, "sample_weight"):
                options = {}
            transformer.partial_fit(X, y, **options)
    elif get_tags(transformer).requires_fit:
        raise InvalidOptionError(
            f"preprocessor {step.reference!r} has no partial_fit, and so needs all rows at once: take one "
            "that has, such as 'standard_scaler' or 'sklearn.IncrementalPCA', or fit it on a sample "
            "beforehand and give Batches.map its transform"
        )
    return data.map(transformer.transform)


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
        within = "batch" in progress
        number, total = ("batch", "n_batches") if within else ("epoch", "n_epochs")
        told = ("epoch", "loss") if within else ("loss", "validation_score")
        self._registry.notify(
            StepEvent(
                number,
                component=self._reference,
                index=int(progress[number]) - 1,
                total=progress[total],
                metrics={name: float(progress[name]) for name in told if name in progress},
                remaining=progress.get("seconds_left"),
            )
        )
