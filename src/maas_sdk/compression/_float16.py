"""Rounds the weights of linear models and networks to float16; the arrays keep their dtype."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from maas_sdk.errors import InvalidOptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sklearn.pipeline import Pipeline

__all__ = ["Float16Compressor"]

_WEIGHTS = ("coef_", "coefs_")
_INTERCEPTS = ("intercept_", "intercepts_")


class Float16Compressor:
    """Rounds weights to values that float16 can represent.

    The arrays keep their dtype, so that prediction is computed as before (numpy's own float16 arithmetic is
    some hundred times slower); what is stored is narrow, because the serialization keeps floats in the
    narrowest dtype that is exact.

    It takes models whose `coef_` and `intercept_`, or `coefs_` and `intercepts_`, are plain dense arrays:
    linear models and networks, scikit-learn's and the SDK's. Rounding is to nearest, ties to even (IEEE 754);
    numbers below 6e-8 become zero.
    """

    needs_training_data = False

    def supports(self, chain: Any) -> bool:
        """Whether the chain's model has weights that float16 can hold."""
        return self.why_not(chain) is None

    def why_not(self, chain: Any) -> str | None:
        """Give the reason why `supports` says no, or `None` when it says yes."""
        steps = getattr(chain, "steps", None)
        if not steps:
            return "not a fitted pipeline"
        model = steps[-1][1]
        # `vars`, not `hasattr`: SVC's coef_ is computed from support vectors whenever it is read.
        state = vars(model) if hasattr(model, "__dict__") else {}
        if not any(name in state for name in _WEIGHTS):
            return f"{type(model).__name__} has no coef_ or coefs_ to round (is it fitted?)"
        for path, value in _weights(state):
            if (reason := _why_not_value(value)) is not None:
                return f"{path} {reason}"
        return None

    def compress(self, chain: Pipeline, X: Any = None, y: Any = None) -> Pipeline:  # noqa: ARG002 - the contract's
        """Give a deep copy of `chain` with rounded weights.

        Parameters
        ----------
        chain : sklearn.pipeline.Pipeline
            Fitted; its last step is the model.
        X, y : object
            Not used.

        Returns
        -------
        sklearn.pipeline.Pipeline
            Fitted.

        Raises
        ------
        InvalidOptionError
            When the model is not supported; the message says why.
        """
        if (reason := self.why_not(chain)) is not None:
            raise InvalidOptionError(f"float16 does not fit this model: {reason}.")
        compressed = copy.deepcopy(chain)
        state = vars(compressed.steps[-1][1])
        for name in (*_WEIGHTS, *_INTERCEPTS):
            if name in state:
                state[name] = _rounded(state[name])
        return compressed

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _weights(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in (*_WEIGHTS, *_INTERCEPTS):
        if name not in state:
            continue
        value = state[name]
        if isinstance(value, (list, tuple)):
            yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))
        else:
            yield name, value


def _why_not_value(value: Any) -> str | None:
    if not isinstance(value, (np.ndarray, np.floating, float)):
        return f"is {type(value).__name__}, not an array of floats"
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return f"has dtype {array.dtype}, not a float"
    if not np.isfinite(array).all():
        return "holds numbers that are not finite"
    largest = float(np.abs(array).max(initial=0.0))
    with np.errstate(over="ignore"):
        fits = bool(np.isfinite(np.float16(largest)))
    return None if fits else f"holds {largest:.4g}, beyond float16's range (65504)"


def _rounded(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_rounded(item) for item in value)
    if isinstance(value, np.ndarray):
        return value.astype(np.float16).astype(value.dtype)
    return type(value)(np.float16(value))
