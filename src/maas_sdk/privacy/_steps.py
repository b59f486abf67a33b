"""A fitted model as a list of steps, whatever it is, and such a list as the same kind of model again."""

from __future__ import annotations

from typing import Any

from maas_sdk.errors import InvalidOptionError

__all__ = ["Steps", "paths_of", "put_steps", "steps_of"]

Steps = list[tuple[str, Any]]
"""Names and fitted estimators, as a scikit-learn pipeline has them."""

_KEPT = ("n_features_in_", "feature_names_in_", "_facts", "_registry")
"""What a pipeline of the SDK knows of its input; what else it knows is of the model that it had before."""


def steps_of(model: Any) -> Steps:
    """Give the steps of a pipeline of the SDK or of scikit-learn; another estimator is one step.

    Raises
    ------
    InvalidOptionError
        When `model` is no fitted estimator.
    """
    state = getattr(model, "__dict__", None)
    if state is None or isinstance(model, type):
        raise InvalidOptionError(f"expected a fitted pipeline or estimator, not {model!r}")
    chain = state.get("chain_", model)
    if not hasattr(chain, "steps"):
        return [("model", model)]
    steps = [(name, step) for name, step in chain.steps if step is not None and step != "passthrough"]
    if not steps:
        raise InvalidOptionError("the pipeline has no step that does anything")
    return steps


def paths_of(steps: Steps) -> list[str]:
    """Give the names that a release's recipe has for the steps."""
    return [*(f"preprocessors[{index}]" for index in range(len(steps) - 1)), "model"]


def put_steps(model: Any, steps: Steps) -> Any:
    """Give a model of the same kind with other steps; `model` stays as it is."""
    from sklearn.base import clone  # noqa: PLC0415 - heavy
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - likewise

    state = vars(model)
    if "chain_" not in state:
        if hasattr(model, "steps"):
            return Pipeline(steps, verbose=model.verbose)
        return steps[0][1] if len(steps) == 1 else Pipeline(steps)
    *preprocessors, last = [clone(step) for _, step in steps]
    made = type(model)(model=last, preprocessors=preprocessors, registry=model.registry)
    vars(made).update({name: state[name] for name in _KEPT if name in state})
    made.chain_ = Pipeline(steps)
    before = {name: type(step) for name, step in model.chain_.steps}
    components = state.get("_components", {})
    made._components = {  # noqa: SLF001 - what the pipeline's recipe is made of
        name: components[name]
        for name, step in steps
        if name in components and before.get(name) is type(step)
    }
    names = getattr(steps[0][1], "feature_names_in_", None)
    if names is not None and hasattr(made, "feature_names_in_"):
        made.feature_names_in_ = names
    return made
