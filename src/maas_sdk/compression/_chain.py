"""What compressors need of a fitted chain: its model, what the model sees, a copy with another model."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from maas_sdk.errors import ComponentError, InvalidOptionError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["NO_CHAIN", "features_of", "free_name", "model_of", "refit", "state_of", "with_model"]

NO_CHAIN = "not a fitted pipeline"


def model_of(chain: Any) -> Any:
    """Give the last step of a pipeline; None of anything else."""
    steps = getattr(chain, "steps", None)
    return steps[-1][1] if steps else None


def state_of(model: Any) -> dict[str, Any]:
    """Give what a model holds itself: SVC's `coef_`, for one, is computed whenever it is read."""
    return vars(model) if hasattr(model, "__dict__") else {}


def features_of(chain: Pipeline, X: Any, *, what: str) -> Any:
    """Give what the model of a chain sees of some rows.

    Raises
    ------
    InvalidOptionError
        Without rows.
    ComponentError
        When a step before the model raises.
    """
    from sklearn.pipeline import Pipeline as SklearnPipeline  # noqa: PLC0415 - heavy

    if X is None:
        raise InvalidOptionError(f"{what} needs the training data: pass X and y.")
    if len(chain.steps) == 1:
        return X
    try:
        return SklearnPipeline(chain.steps[:-1]).transform(X)
    except Exception as exc:
        raise ComponentError(f"the steps before {type(model_of(chain)).__name__} failed: {exc}") from exc


def with_model(chain: Pipeline, model: Any) -> Pipeline:
    """Give a deep copy of a chain that ends in another model, which is not copied."""
    return copy.deepcopy(chain, {id(model_of(chain)): model})


def refit(model: Any, X: Any, y: Any, *, seed: int) -> Any:
    """Fit a clone of a model; each `random_state` that is None is the seed while it is fitted."""
    from sklearn.base import clone  # noqa: PLC0415 - heavy

    refitted = clone(model)
    unseeded = [
        name
        for name, value in refitted.get_params(deep=True).items()
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    ]
    refitted.set_params(**dict.fromkeys(unseeded, seed))
    refitted.fit(X, y)
    refitted.set_params(**dict.fromkeys(unseeded))
    return refitted


def free_name(steps: list[tuple[str, Any]], wanted: str) -> str:
    """Give a name that no step has yet."""
    taken = {name for name, _step in steps}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name
